//! What executing a statement showed, or why it was not executed: with which values, how long each took, and which of them decides.

use serde::Serialize;

use crate::audit::finding::Finding;
use crate::model::explained::Explained;
use crate::model::unit::Millis;
use crate::query::vector::Vector;

/// Whether a statement was executed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Execution {
    /// So it was, at least once to its end.
    Executed(Vec<Run>),
    /// It was not, or never to its end: why.
    Not(NotExecuted),
}

/// Why a statement was not executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotExecuted {
    /// A few words that are the same for all statements with the same reason: "it is no SELECT".
    pub kind: String,
    /// The reason in full.
    pub why: String,
}

/// One execution.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// With which values.
    pub vector: Vector,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an execution.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It ended.
    Ended {
        /// Milliseconds that it took, with what measuring adds.
        ms: f64,
        /// Rows that it returned.
        rows: f64,
        /// How its tables were read: "Seq Scan on orders".
        scans: Vec<String>,
        /// All nodes of its plan, to compare it with others.
        #[serde(skip)]
        plan: Vec<String>,
    },
    /// It was stopped after so many milliseconds.
    Stopped {
        /// The time limit.
        after_ms: f64,
    },
    /// The server refused it.
    Failed {
        /// With these words.
        why: String,
    },
}

impl Outcome {
    /// Of an executed plan.
    #[must_use]
    pub fn of(explained: &Explained) -> Self {
        let nodes = explained.nodes.iter();
        let scans = nodes.clone().filter(|n| n.relation().is_some());
        let mut scans: Vec<String> = scans.map(crate::model::explained::Node::name).collect();
        scans.dedup();
        let root = explained.root();
        Self::Ended {
            ms: explained
                .execution_time()
                .or_else(|| root.number("Actual Total Time"))
                .unwrap_or(0.0),
            rows: root.rows().unwrap_or(0.0),
            scans,
            plan: nodes.map(crate::model::explained::Node::name).collect(),
        }
    }

    /// How long it took at least, ms.
    #[must_use]
    pub fn ms(&self) -> Option<f64> {
        match self {
            Self::Ended { ms, .. } => Some(*ms),
            Self::Stopped { .. } | Self::Failed { .. } => None,
        }
    }
}

/// The position of the slowest of those that ended: its plan is the one that is judged.
#[must_use]
pub fn slowest(runs: &[Run]) -> Option<usize> {
    let ended = runs.iter().enumerate();
    let ended = ended.filter_map(|(at, run)| Some((at, run.outcome.ms()?)));
    ended.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(at, _)| at)
}

/// Whether the plans of those that ended are not the same.
#[must_use]
pub fn differ(runs: &[Run]) -> bool {
    let mut plans = runs.iter().filter_map(|run| match &run.outcome {
        Outcome::Ended { plan, .. } => Some(plan),
        _ => None,
    });
    let first = plans.next();
    plans.any(|plan| Some(plan) != first)
}

/// What other values say of the plan that is judged, a sentence each: another plan, an execution that did not end.
#[must_use]
pub fn evidence(runs: &[Run]) -> Vec<String> {
    let mut told = Vec::new();
    if differ(runs) {
        let ended = || runs.iter().filter_map(|run| Some((run, run.outcome.ms()?)));
        let slowest = ended().max_by(|a, b| a.1.total_cmp(&b.1));
        let fastest = ended().min_by(|a, b| a.1.total_cmp(&b.1));
        if let (Some((slow, most)), Some((fast, least))) = (slowest, fastest) {
            told.push(format!(
                "this is the plan with {}, {}; with {} it is another one, {}",
                slow.vector,
                Millis(most),
                fast.vector,
                Millis(least)
            ));
        }
    }
    let stopped = |run: &&Run| matches!(run.outcome, Outcome::Stopped { .. });
    if let Some(run) = runs.iter().find(stopped) {
        told.push(format!("with {} it did not end in time", run.vector));
    }
    told
}

/// Adds what the executions say to the findings of the plan.
pub fn witness(findings: &mut [Finding], runs: &[Run]) {
    let told = evidence(runs);
    for finding in findings.iter_mut().filter(|f| f.node.is_some()) {
        finding.evidence.extend(told.iter().cloned());
    }
}

/// How many of the statements that were looked at were executed, and why the others were not, most first.
#[must_use]
pub fn summary<'a>(
    all: impl Iterator<Item = &'a Execution>,
) -> (usize, usize, Vec<(usize, String)>) {
    let (mut tried, mut executed) = (0, 0);
    let mut reasons: Vec<(usize, String)> = Vec::new();
    for execution in all {
        tried += 1;
        match execution {
            Execution::Executed(_) => executed += 1,
            Execution::Not(not) => match reasons.iter_mut().find(|(_, kind)| *kind == not.kind) {
                Some((count, _)) => *count += 1,
                None => reasons.push((1, not.kind.clone())),
            },
        }
    }
    reasons.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    (tried, executed, reasons)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::vector::{Class, Given};

    fn run(value: &str, class: Class, plan: Option<&str>) -> Run {
        let given = Given {
            parameter: 1,
            compared: "status =".into(),
            value: value.into(),
        };
        Run {
            vector: Vector {
                class,
                values: vec![given],
                text: String::new(),
            },
            outcome: plan.map_or(Outcome::Stopped { after_ms: 10.0 }, |plan| {
                Outcome::of(&Explained::read(plan).unwrap())
            }),
        }
    }

    const SEQ: &str = "Seq Scan on orders  (cost=0..1 rows=9 width=4) (actual time=0.1..40.0 rows=95 loops=1)\nExecution Time: 41.0 ms";
    const INDEX: &str = "Index Scan using i on orders  (cost=0..1 rows=9 width=4) (actual time=0.1..0.2 rows=1 loops=1)\nExecution Time: 0.3 ms";

    #[test]
    fn the_slowest_decides_and_says_what_the_others_were_like() {
        let (rare, common) = (
            run("bad", Class::Rare, Some(INDEX)),
            run("done", Class::MostCommon, Some(SEQ)),
        );
        let both = [rare.clone(), common.clone()];
        assert_eq!(slowest(&both), Some(1));
        assert_eq!(
            evidence(&both),
            [
                "this is the plan with status = 'done' (most common), 41 ms; with status = 'bad' (rare) it is another one, 0.30 ms"
            ]
        );
        let same = [run("new", Class::Rare, Some(SEQ)), common.clone()];
        assert_eq!(evidence(&same), [] as [String; 0]);
        assert_eq!(evidence(&[common]), [] as [String; 0]);
        let stopped = [rare, run("done", Class::MostCommon, None)];
        assert_eq!(slowest(&stopped), Some(0));
        let told = evidence(&stopped);
        assert_eq!(
            told[0],
            "with status = 'done' (most common) it did not end in time"
        );
        assert_eq!(slowest(&stopped[1..]), None);
    }

    #[test]
    fn what_was_not_executed_is_counted_by_reason() {
        let not = |kind: &str| {
            Execution::Not(NotExecuted {
                kind: kind.into(),
                why: String::new(),
            })
        };
        let all = [
            not("a"),
            Execution::Executed(Vec::new()),
            not("b"),
            not("b"),
        ];
        let (tried, executed, reasons) = summary(all.iter());
        assert_eq!((tried, executed), (4, 1));
        assert_eq!(reasons, [(2, "b".to_owned()), (1, "a".to_owned())]);
    }
}

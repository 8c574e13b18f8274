//! The sample shop's traffic: which kinds of statements there are, and what each of them costs when all run together.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::cli::Failure;
use crate::pg::local::Session;

const WORKLOAD: &str = include_str!("../../../testdata/shop/workload.sql");

/// Statements that differ only in their values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// The index that serves it, as `table (columns)`, if it lacks one.
    pub(super) wants: Option<&'static str>,
    /// A query whose rows are the statements.
    generator: &'static str,
}

/// What the statements of one kind took, as the client saw it.
#[derive(Debug, Clone, Default)]
pub(super) struct Measured {
    pub(super) calls: u32,
    pub(super) total: Duration,
    /// One of the statements.
    pub(super) example: String,
}

impl Measured {
    pub(super) fn mean_ms(&self) -> f64 {
        self.total.as_secs_f64() * 1000.0 / f64::from(self.calls.max(1))
    }
}

/// All kinds, in the order of the file.
pub(super) fn kinds() -> Vec<Kind> {
    WORKLOAD.split("\n\\gexec").filter_map(kind).collect()
}

/// Reads the last paragraph: comment lines, the first one a name, then the generator.
fn kind(block: &'static str) -> Option<Kind> {
    let paragraph = block
        .rsplit_once("\n\n")
        .map_or(block, |(_, last)| last)
        .trim();
    let (name, rest) = paragraph.strip_prefix("-- ")?.split_once('\n')?;
    let (wants, generator) = match rest.strip_prefix("-- wants ") {
        Some(rest) => rest.split_once('\n')?,
        None => ("nothing:", rest),
    };
    let index = wants.split_once(':')?.0;
    Some(Kind {
        name,
        wants: Some(index).filter(|index| *index != "nothing"),
        generator,
    })
}

/// Runs everything once, all kinds mixed, over as many connections as there are processors, at most four.
pub(super) async fn run(kinds: &[Kind], conninfo: &str) -> Result<Vec<Measured>, Failure> {
    let statements = Arc::new(statements(kinds, conninfo).await?);
    let lanes = std::thread::available_parallelism().map_or(1, |n| n.get().min(4));
    let mut running = JoinSet::new();
    for lane in 0..lanes {
        let (statements, session) = (Arc::clone(&statements), Session::open(conninfo).await?);
        running.spawn(async move {
            let mut took = Vec::new();
            for statement in statements.iter().skip(lane).step_by(lanes) {
                let start = Instant::now();
                session.run(&statement.sql).await?;
                took.push((statement.kind, start.elapsed()));
            }
            Ok::<_, Failure>(took)
        });
    }
    let mut measured = vec![Measured::default(); kinds.len()];
    for statement in statements.iter() {
        measured[statement.kind].example.clone_from(&statement.sql);
    }
    while let Some(lane) = running.join_next().await {
        let lane = lane.map_err(|error| {
            Failure::new(
                crate::cli::Exit::Staging,
                format!("the traffic broke off: {error}"),
            )
        })?;
        for (kind, took) in lane? {
            measured[kind].calls += 1;
            measured[kind].total += took;
        }
    }
    Ok(measured)
}

struct Statement {
    kind: usize,
    sql: String,
    /// When, from 0 to 1, so that each kind is spread evenly over the whole.
    moment: f64,
}

async fn statements(kinds: &[Kind], conninfo: &str) -> Result<Vec<Statement>, Failure> {
    let session = Session::open(conninfo).await?;
    // The generators are not part of the traffic.
    session.run("set pg_stat_statements.track = 'none'").await?;
    let mut statements = Vec::new();
    for (kind, of) in kinds.iter().enumerate() {
        let written = session.column(of.generator).await?;
        let step = 1.0 / f64::from(u32::try_from(written.len()).unwrap_or(u32::MAX).max(1));
        let mut moment = step / 2.0;
        for sql in written {
            statements.push(Statement { kind, sql, moment });
            moment += step;
        }
    }
    statements.sort_by(|a, b| a.moment.total_cmp(&b.moment));
    Ok(statements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read() {
        let kinds = kinds();
        assert_eq!(kinds.len(), WORKLOAD.matches("\n\\gexec").count());
        for kind in &kinds {
            assert!(kind.generator.starts_with("select format("), "{kind:?}");
        }
    }

    #[test]
    fn planted_problems_and_traps_are_told_apart() {
        let block = "-- file\n\nset x;\n\n-- by day\n-- wants t (a, b desc): because\nselect format('…')\nfrom g";
        let read = kind(block).unwrap();
        assert_eq!(
            (read.name, read.wants, read.generator),
            (
                "by day",
                Some("t (a, b desc)"),
                "select format('…')\nfrom g"
            )
        );
        assert_eq!(
            kind("-- a\n-- wants nothing: few rows\nselect 1")
                .unwrap()
                .wants,
            None
        );
        assert_eq!(kind("-- a\nselect 1").unwrap().wants, None);
        assert_eq!(kind("\n"), None);
    }
}

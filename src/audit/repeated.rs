//! What statements do one after another, as findings: run once for each row of another, again and again, one row at a time.

use serde::Serialize;

use crate::audit::finding::{Finding, Fix, Severity};
use crate::audit::load;
use crate::audit::rules::{Check, RULES};
use crate::model::unit::{Count, Millis, Percent};
use crate::query::n_plus_one::{Certainty, NPlusOne, Origin};

/// A finding with the statements that it is about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Repeated {
    /// What was found.
    pub finding: Finding,
    /// What was seen.
    pub case: NPlusOne,
}

/// What the rules about loops find in the cases, what matters most first.
#[must_use]
pub fn repeated(cases: &[NPlusOne]) -> Vec<Repeated> {
    let mut found = Vec::new();
    for rule in RULES {
        let Check::Repeated(check) = rule.check else {
            continue;
        };
        for case in cases {
            let Some(fix) = check(case) else { continue };
            found.push(Repeated {
                finding: Finding {
                    rule: rule.id,
                    severity: severity(case),
                    title: rule.title.to_owned(),
                    object: object(case),
                    node: None,
                    evidence: evidence(case),
                    fix,
                    share: case.spared.time.max(case.spared.calls),
                },
                case: case.clone(),
            });
        }
    }
    found.sort_by(|a, b| {
        (b.finding.severity.cmp(&a.finding.severity))
            .then(b.finding.share.total_cmp(&a.finding.share))
            .then(a.case.child.text.cmp(&b.case.child.text))
    });
    found
}

/// A share of the server's time counts as everywhere else. Executions cost the program a round trip each and the server little,
/// so that many of them are needed to matter as much. What is only possible is not raised.
fn severity(case: &NPlusOne) -> Severity {
    let by_calls = match case.spared.calls {
        s if s >= 0.3 => Severity::High,
        s if s >= 0.1 => Severity::Medium,
        s if s >= 0.01 => Severity::Low,
        _ => Severity::Info,
    };
    let most = match case.certainty {
        Certainty::Likely => Severity::High,
        Certainty::Possible => Severity::Low,
    };
    load::severity(case.spared.time).max(by_calls).min(most)
}

/// The table, with the column by which its rows are found.
fn object(case: &NPlusOne) -> String {
    match &case.column {
        Some(column) => format!("{}.{column}", case.table),
        None => case.table.clone(),
    }
}

/// What it costs, how sure it is, and why.
fn evidence(case: &NPlusOne) -> Vec<String> {
    let mut told = vec![cost(case)];
    let sure = match case.certainty {
        Certainty::Likely => "likely",
        Certainty::Possible => "possible",
    };
    told.push(format!("{sure} (score {:.2})", case.score));
    told.extend(case.reasons.iter().cloned());
    told
}

fn cost(case: &NPlusOne) -> String {
    let spared = &case.spared;
    let time = if case.origins.contains(&Origin::Logs) {
        "with the pauses between them"
    } else {
        "at the server, and a round trip each"
    };
    format!(
        "{} of its {} executions could be spared: {} of all executions, {} of the server's time, up to {} {time}",
        Count(case.round_trips),
        Count(case.child.calls.max(case.round_trips)),
        Percent(spared.calls),
        Percent(spared.time),
        Millis(case.saved_ms),
    )
}

/// What to do, as rules say it: first what the library has for it, then the statement for all at once.
pub(super) fn fix(case: &NPlusOne, advice: &str) -> Fix {
    let mut words = advice.to_owned();
    if let Some(join) = &case.fix.join {
        words = format!("{words}; or join it to the parent: {join}");
    }
    if let (Some(orm), Some(hint)) = (case.fix.orm, &case.fix.hint) {
        words = format!("{words}. It is written as {} writes: {hint}", orm.name());
    }
    Fix {
        advice: words,
        rewrite: case.fix.sql.clone(),
        ..Fix::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::n_plus_one::{Kind, Side, Spared};

    fn case(kind: Kind, certainty: Certainty, time: f64, calls: f64) -> NPlusOne {
        NPlusOne {
            kind,
            table: "items".into(),
            column: Some("order_id".into()),
            child: Side {
                text: "select".into(),
                queryid: None,
                fingerprint: 1,
                calls: 100.0,
            },
            parent: None,
            score: 0.7,
            certainty,
            reasons: Vec::new(),
            per_parent: 10.0,
            round_trips: 90.0,
            saved_ms: 9.0,
            spared: Spared { calls, time },
            origins: vec![Origin::Logs],
            fix: crate::query::n_plus_one::Fix::default(),
        }
    }

    #[test]
    fn each_kind_is_of_one_rule() {
        for (kind, rule) in [
            (Kind::BelongsTo, "n-plus-one"),
            (Kind::HasMany, "n-plus-one"),
            (Kind::FirstOfMany, "n-plus-one"),
            (Kind::Aggregate, "n-plus-one"),
            (Kind::Insert, "write-loop"),
            (Kind::Update, "write-loop"),
            (Kind::Delete, "write-loop"),
            (Kind::Again, "redundant-statement"),
        ] {
            let found = repeated(&[case(kind, Certainty::Likely, 0.0, 0.0)]);
            let rules: Vec<&str> = found.iter().map(|f| f.finding.rule).collect();
            assert_eq!(rules, [rule], "{kind:?}");
        }
    }

    #[test]
    fn severity_goes_with_what_would_be_spared_and_how_sure_it_is() {
        use Certainty::{Likely, Possible};
        for (certainty, time, calls, expected) in [
            (Likely, 0.2, 0.0, Severity::High),
            (Likely, 0.0, 0.4, Severity::High),
            (Likely, 0.03, 0.05, Severity::Medium),
            (Likely, 0.0, 0.2, Severity::Medium),
            (Likely, 0.0, 0.02, Severity::Low),
            (Likely, 0.0, 0.0, Severity::Info),
            (Possible, 0.5, 0.5, Severity::Low),
            (Possible, 0.0, 0.0, Severity::Info),
        ] {
            let case = case(Kind::HasMany, certainty, time, calls);
            assert_eq!(severity(&case), expected, "{certainty:?} {time} {calls}");
        }
    }
}

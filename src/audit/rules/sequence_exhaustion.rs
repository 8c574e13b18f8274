//! `sequence-exhaustion`: a sequence near its end, or near the end of its column's type.

use crate::audit::database::{count, days};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::cluster::Sequence;
use crate::model::ident::QualifiedName;
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "sequence-exhaustion",
    title: "A sequence is near its end",
    page: "\
When a sequence reaches its last value every insert that takes one fails, from one moment to the next. An integer column ends at
2,147,483,647 even where its sequence goes on.

Told by: last_value has passed 60 % of the way from the first value to the last one, or to the last one that the column's type holds; from
75 % on it is medium, from 90 % on high. CYCLE sequences are left alone. How long it lasts is reckoned from the rows inserted a day since
the counters count, where they do; failed and rolled-back inserts take values too.

Do: make the column bigint before it happens. ALTER COLUMN TYPE bigint writes the table anew under a lock that nobody passes; without
downtime: add a bigint column, keep it in step by trigger, fill it in batches, build its unique index concurrently, and swap. Columns that refer to it
need the same first. ALTER SEQUENCE … AS bigint is quick.

All right when: the table stopped growing.",
    check: Check::Database(check),
};

/// Share of the values from which on it is told, matters, and is urgent.
const TOLD: f64 = 0.6;
const MATTERS: f64 = 0.75;
const URGENT: f64 = 0.9;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let sequences = snapshot.sequences.iter().filter(|s| !s.cycle);
    let mut hits: Vec<(f64, DatabaseHit)> = sequences
        .filter_map(|sequence| {
            let (used, left, limit) = used(sequence)?;
            (used >= TOLD).then(|| (used, hit(snapshot, sequence, used, left, limit)))
        })
        .collect();
    hits.sort_by(|a, b| b.0.total_cmp(&a.0));
    hits.into_iter().map(|(_, hit)| hit).collect()
}

/// Share of the values that are used, how many are left, and what limits them.
#[expect(clippy::cast_precision_loss, reason = "a share of a range of numbers")]
fn used(sequence: &Sequence) -> Option<(f64, f64, i64)> {
    let last = sequence.last_value?;
    let column = match sequence.column_type.as_deref() {
        Some("int2") => i64::from(i16::MAX),
        Some("int4") => i64::from(i32::MAX),
        _ => i64::MAX,
    };
    let (first, end) = if sequence.increment > 0 {
        (sequence.min_value, sequence.max_value.min(column))
    } else {
        (sequence.max_value, sequence.min_value.max(-column - 1))
    };
    let (first, end_at, last) = (first as f64, end as f64, last as f64);
    let range = (end_at - first).abs();
    let gone = (last - first).abs();
    let step = (sequence.increment as f64).abs().max(1.0);
    (range > 0.0).then(|| ((gone / range).min(1.0), (range - gone).max(0.0) / step, end))
}

fn hit(snapshot: &Snapshot, sequence: &Sequence, used: f64, left: f64, limit: i64) -> DatabaseHit {
    let table = sequence.table_oid.and_then(|oid| snapshot.table(oid));
    let name = QualifiedName::new(&sequence.schema, &sequence.name);
    let mut evidence = vec![format!(
        "{} used: {} values are left up to {limit}{}",
        Percent(used),
        Count(left),
        match (&sequence.column_type, sequence.max_value > limit) {
            (Some(column_type), true) => format!(", where its column's type ({column_type}) ends"),
            _ => String::new(),
        }
    )];
    let inserted = table
        .and_then(|t| t.stats.as_ref())
        .map_or(0.0, |s| count(s.n_tup_ins));
    let age = days(snapshot);
    if inserted > 0.0 && age >= 1.0 {
        let lasts = left / (inserted / age);
        evidence.push(format!(
            "{} rows a day are inserted: it lasts {} days",
            Count(inserted / age),
            Count(lasts)
        ));
    }
    let advice = match (table, &sequence.column) {
        (Some(table), Some(column)) => format!(
            "make {}.{column}, and the columns that refer to it, bigint before it happens (pgperf rules sequence-exhaustion says how)",
            table.qualified()
        ),
        _ => format!("ALTER SEQUENCE {name} AS bigint, once what takes its values holds them"),
    };
    DatabaseHit {
        object: name.to_string(),
        severity: match used {
            share if share >= URGENT => Severity::High,
            share if share >= MATTERS => Severity::Medium,
            _ => Severity::Low,
        },
        evidence,
        fix: Fix::from(advice),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing::in_database;

    fn told(max_value: i64, column_type: &str, last_value: Option<i64>, increment: i64) -> String {
        let ddl = "create table t (id int primary key); -- rows=10 pages=1 n_tup_ins=30000000";
        in_database("sequence-exhaustion", ddl, |s| {
            s.sequences = vec![Sequence {
                schema: "public".into(),
                name: "t_id_seq".into(),
                min_value: if increment > 0 { 1 } else { -max_value },
                max_value: if increment > 0 { max_value } else { -1 },
                increment,
                last_value,
                table_oid: Some(s.tables[0].oid),
                column: Some("id".into()),
                column_type: Some(column_type.into()),
                ..Sequence::default()
            }];
        })
    }

    const INT: i64 = i32::MAX as i64;

    #[test]
    fn it_is_told_by_what_is_left() {
        let found = told(INT, "int4", Some(2_000_000_000), 1);
        assert!(
            found.starts_with("high public.t_id_seq: 93.1 % used: 147,483,647 values are left"),
            "{found}"
        );
        assert!(
            found.contains("1,000,000 rows a day are inserted: it lasts 147 days"),
            "{found}"
        );
        assert!(told(INT, "int4", Some(1_700_000_000), 1).starts_with("medium "));
        assert!(told(INT, "int4", Some(1_300_000_000), 1).starts_with("low "));
        assert_eq!(told(INT, "int4", Some(1_000_000_000), 1), "");
    }

    #[test]
    fn a_wider_sequence_ends_where_its_column_does() {
        let found = told(i64::MAX, "int4", Some(2_000_000_000), 1);
        assert!(
            found.contains("where its column's type (int4) ends"),
            "{found}"
        );
        assert_eq!(told(i64::MAX, "int8", Some(2_000_000_000), 1), "");
    }

    #[test]
    fn one_that_counts_down_ends_below_and_an_unused_one_nowhere() {
        assert!(told(INT, "int4", Some(-2_000_000_000), -1).starts_with("high "));
        assert_eq!(told(INT, "int4", Some(-1000), -1), "");
        assert_eq!(told(INT, "int4", None, 1), "");
    }
}

//! Taking the data out of a Snapshot: literals in SQL texts and values in statistics go, names and frequencies stay.

mod literal;

use std::fmt::Write as _;

use crate::model::gap::{Gap, Part};
use crate::model::index::{Index, KeyOf};
use crate::model::snapshot::Snapshot;
use crate::model::stats::ColumnStats;

pub use literal::{Literals, without_literals};

/// Removes literals from every text and values from every statistic, and notes what the advice loses by it. An index
/// whose expression or predicate held a literal is marked as incomplete: it is no longer the same index.
pub fn redact(snapshot: &mut Snapshot) {
    let literals = Literals {
        backslashes: snapshot
            .server
            .settings
            .get("standard_conforming_strings")
            .is_some_and(|s| s.setting == "off"),
    };
    let parameters = |text: &mut String| *text = literals.to_parameters(text);

    for statement in &mut snapshot.statements {
        statement.query.iter_mut().for_each(parameters);
    }
    for table in &mut snapshot.tables {
        table.view_definition.iter_mut().for_each(parameters);
        table.partition_key.iter_mut().for_each(parameters);
        for column in &mut table.columns {
            column.stats.iter_mut().for_each(without_values);
        }
    }
    for constraint in &mut snapshot.constraints {
        constraint.definition.iter_mut().for_each(parameters);
    }
    for statistics in &mut snapshot.extended_stats {
        statistics.expressions.iter_mut().for_each(parameters);
        statistics.most_common.clear();
    }
    let definitions = &mut snapshot.definitions;
    for definition in &mut definitions.types {
        definition.checks.iter_mut().for_each(parameters);
    }
    for storage in &mut definitions.storage {
        storage.partition_bound.iter_mut().for_each(parameters);
    }
    for generated in &mut definitions.generated {
        generated.expression.iter_mut().for_each(parameters);
    }
    for expression in &mut definitions.expression_stats {
        without_values(&mut expression.stats);
    }
    for function in &mut definitions.functions {
        function.definition = None;
    }
    if let Some(cluster) = &mut snapshot.cluster {
        for session in &mut cluster.sessions {
            session.application_name = None;
        }
        for prepared in &mut cluster.prepared {
            prepared.gid.clear();
        }
    }
    let incomplete: usize = snapshot
        .indexes
        .iter_mut()
        .map(|index| usize::from(without_literal_keys(index, literals)))
        .sum();
    if !snapshot.redacted {
        snapshot.redacted = true;
        snapshot.gaps.extend(gaps(incomplete));
        snapshot.gaps.sort();
    }
}

fn gaps(incomplete: usize) -> Vec<Gap> {
    const AGAIN: &str = "pgperf snapshot -o FILE # without --redact";
    let mut gaps = vec![
        Gap::new(
            Part::ColumnStats,
            "column values were removed from this snapshot (--redact); frequencies are there",
        )
        .effect("selectivities of constants and ranges are averages, and partial indexes for a frequent or rare value cannot be proposed")
        .close(AGAIN),
    ];
    if incomplete > 0 {
        gaps.push(
            Gap::new(
                Part::Indexes,
                format!(
                    "literals in the expression or predicate of {incomplete} {} were removed from this snapshot (--redact)",
                    if incomplete == 1 { "index" } else { "indexes" }
                ),
            )
            .effect("these indexes are neither compared nor judged")
            .close(AGAIN)
            .count(incomplete),
        );
    }
    gaps
}

/// Everything that repeats values of the column; shares and counts stay.
fn without_values(stats: &mut ColumnStats) {
    stats.most_common_vals = None;
    stats.histogram_bounds = None;
    stats.most_common_elems = None;
    stats.range_length_histogram = None;
    stats.range_bounds_histogram = None;
}

/// Puts a string that occurs nowhere else in the place of each literal, so that no two redacted indexes look equal, and
/// tells whether there was one.
fn without_literal_keys(index: &mut Index, literals: Literals) -> bool {
    let mut found = 0;
    let oid = index.oid;
    let mut marked = |text: &mut String| {
        *text = literals.replaced(text, |out| {
            found += 1;
            // Writing to a string cannot fail.
            let _ = write!(out, "'redacted {oid}.{found}'");
        });
    };
    for key in &mut index.definition.keys {
        if let KeyOf::Expression(text) = &mut key.of {
            marked(text);
        }
    }
    index.definition.predicate.iter_mut().for_each(marked);
    index.incomplete |= found > 0;
    found > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::{Column, Constraint, ConstraintKind, Table, TableKind};
    use crate::model::definition::{
        Definitions, ExpressionStats, Function, Generated, Storage, TypeDefinition,
    };
    use crate::model::ident::QualifiedName;
    use crate::model::index::{IndexDefinition, IndexKey};
    use crate::model::statement::Statement;
    use crate::model::stats::{Combination, ExtendedStats};

    fn index(oid: u32, predicate: &str) -> Index {
        let json = serde_json::json!({
            "oid": oid, "schema": "s", "name": format!("i{oid}"), "valid": true, "ready": true,
            "relpages": 1.0, "reltuples": 1.0, "table_oid": 1, "table": {"schema": "s", "name": "t"},
            "method": "btree", "keys": [],
        });
        let mut index: Index = serde_json::from_value(json).unwrap();
        index.definition = IndexDefinition {
            table_oid: 1,
            table: QualifiedName::new("s", "t"),
            method: "btree".into(),
            keys: vec![IndexKey::column("a")],
            include: vec![],
            predicate: Some(predicate.into()),
            unique: false,
        };
        index
    }

    /// Everything that can hold data, with `secret` in it.
    fn snapshot() -> Snapshot {
        let secrets = || Some(vec!["secret".to_owned()]);
        let stats = ColumnStats {
            most_common_vals: secrets(),
            most_common_freqs: Some(vec![0.5]),
            histogram_bounds: secrets(),
            most_common_elems: secrets(),
            range_length_histogram: Some("secret".into()),
            range_bounds_histogram: Some("secret".into()),
            ..ColumnStats::default()
        };
        let table = Table {
            oid: 1,
            schema: "s".into(),
            name: "t".into(),
            kind: TableKind::MaterializedView,
            persistence: "p".into(),
            reltuples: 1.0,
            relpages: 1.0,
            relallvisible: 0.0,
            fillfactor: 100.0,
            parent_oid: None,
            partition_key: Some("RANGE (left(a, 777), 'secret')".into()),
            partition_columns: vec![],
            extension: None,
            view_definition: Some("SELECT 'secret'".into()),
            row_security: false,
            xid_age: None,
            mxid_age: None,
            toast_pages: 0.0,
            replica_identity: String::new(),
            columns: vec![Column {
                stats: Some(stats.clone()),
                ..Column::default()
            }],
            stats: None,
        };
        let constraint = Constraint {
            name: "c".into(),
            table_oid: 1,
            kind: ConstraintKind::Check,
            columns: vec![],
            foreign_table_oid: None,
            foreign_columns: vec![],
            index_oid: None,
            on_delete: None,
            validated: true,
            enforced: true,
            deferrable: false,
            definition: Some("CHECK (a <> 'secret')".into()),
        };
        let mut expression = index(12, "(a > 0)");
        expression.definition.keys[0].of = KeyOf::Expression("a || 'secret'".into());
        Snapshot {
            tables: vec![table],
            indexes: vec![
                index(10, "(a = 'secret'::text)"),
                index(11, "(a = 'secret'::text)"),
                expression,
                index(13, "(a IS NULL)"),
            ],
            constraints: vec![constraint],
            extended_stats: vec![ExtendedStats {
                expressions: vec!["a || 'secret'".into()],
                most_common: vec![Combination {
                    values: vec![Some("secret".into())],
                    ..Combination::default()
                }],
                ..ExtendedStats::default()
            }],
            definitions: Definitions {
                types: vec![TypeDefinition {
                    checks: vec!["CHECK ((VALUE <> 'secret'))".into()],
                    ..TypeDefinition::default()
                }],
                storage: vec![Storage {
                    partition_bound: Some("FOR VALUES IN ('secret', 777)".into()),
                    ..Storage::default()
                }],
                generated: vec![Generated {
                    expression: Some("(a || 'secret')".into()),
                    ..Generated::default()
                }],
                expression_stats: vec![ExpressionStats {
                    stats,
                    ..ExpressionStats::default()
                }],
                functions: vec![Function {
                    definition: Some("CREATE FUNCTION f() … 'secret'".into()),
                    ..Function::default()
                }],
                operators: vec![],
                collations: vec![],
                lengths: vec![],
            },
            statements: vec![Statement {
                query: Some("select 'secret' from t where b = 777".into()),
                ..Statement::default()
            }],
            ..Snapshot::default()
        }
    }

    #[test]
    fn nothing_secret_is_left_and_frequencies_are() {
        let mut redacted = snapshot();
        redact(&mut redacted);
        let json = serde_json::to_string(&redacted).unwrap();
        assert!(!json.contains("secret") && !json.contains("777"), "{json}");
        assert!(redacted.redacted);
        let stats = redacted.tables[0].columns[0].stats.as_ref().unwrap();
        assert_eq!(stats.most_common_freqs, Some(vec![0.5]));
        assert_eq!(
            redacted.statements[0].query.as_deref(),
            Some("select $1 from t where b = $2")
        );
    }

    #[test]
    fn redacted_indexes_are_incomplete_and_never_equal() {
        let mut redacted = snapshot();
        assert_eq!(
            redacted.indexes[0].definition.predicate,
            redacted.indexes[1].definition.predicate
        );
        redact(&mut redacted);
        let [a, b, c, d] = &redacted.indexes[..] else {
            panic!("four indexes")
        };
        assert_ne!(a.definition.predicate, b.definition.predicate);
        assert_eq!(
            a.definition.predicate.as_deref(),
            Some("(a = 'redacted 10.1'::text)")
        );
        assert!(a.incomplete && b.incomplete && c.incomplete);
        assert!(!d.incomplete);
        assert_eq!(d.definition.predicate.as_deref(), Some("(a IS NULL)"));
        let gap = redacted.gaps.iter().find(|g| g.part == Part::Indexes);
        assert_eq!(gap.and_then(|g| g.count), Some(3));
    }

    #[test]
    fn redacting_again_changes_nothing_that_matters() {
        let mut once = snapshot();
        redact(&mut once);
        let mut twice = once.clone();
        redact(&mut twice);
        assert_eq!(once.gaps, twice.gaps);
        assert_eq!(once.statements, twice.statements);
        assert_eq!(once.indexes, twice.indexes);
    }
}

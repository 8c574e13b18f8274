//! `foreign-key-types`: the two sides of a foreign key have different types.

use crate::audit::database::tables;
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::catalog::{Column, Constraint, ConstraintKind, Table};
use crate::model::snapshot::Snapshot;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "foreign-key-types",
    title: "The two sides of a foreign key have different types",
    page: "\
A key of another type than what it refers to compares with a conversion. integer beside bigint works, until the referenced keys outgrow the
narrower type and inserts fail; numeric beside integer converts the integer side, whose index is of no use then.

Told by: a foreign key one of whose columns has another base type than the column that it refers to.

Do: give the referencing column the type of the referenced one (ALTER COLUMN TYPE writes the table anew under a lock; a new column, filled in
batches, does not).

All right when: the wider side is the referencing one and both are integers.",
    check: Check::Database(check),
};

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let mut hits = Vec::new();
    for table in tables(snapshot).filter(|t| t.parent_oid.is_none()) {
        let keys = snapshot.constraints_of(table.oid);
        for key in keys.filter(|c| c.kind == ConstraintKind::ForeignKey) {
            hits.extend(
                differing(snapshot, table, key).map(|(own, theirs)| hit(table, key, own, theirs)),
            );
        }
    }
    hits
}

fn differing<'a>(
    snapshot: &'a Snapshot,
    table: &'a Table,
    key: &'a Constraint,
) -> impl Iterator<Item = (&'a Column, &'a Column)> {
    let parent = key.foreign_table_oid.and_then(|oid| snapshot.table(oid));
    let pairs = key.columns.iter().zip(&key.foreign_columns);
    pairs.filter_map(move |(own, theirs)| {
        let (own, theirs) = (table.column(own)?, parent?.column(theirs)?);
        let wider =
            width(&own.base_type) >= width(&theirs.base_type) && width(&theirs.base_type) > 0;
        (family(&own.base_type) != family(&theirs.base_type) && !wider).then_some((own, theirs))
    })
}

/// Bytes of an integer type; 0 for any other.
fn width(base_type: &str) -> u8 {
    match base_type {
        "int2" => 2,
        "int4" => 4,
        "int8" => 8,
        _ => 0,
    }
}

/// Types that compare without conversion count as one.
fn family(base_type: &str) -> &str {
    match base_type {
        "varchar" => "text",
        other => other,
    }
}

fn hit(table: &Table, key: &Constraint, own: &Column, theirs: &Column) -> DatabaseHit {
    let integers = width(&own.base_type) > 0 && width(&theirs.base_type) > 0;
    let consequence = if integers {
        "inserts fail once the referenced keys outgrow it"
    } else {
        "comparisons convert one side, whose index is of no use then"
    };
    DatabaseHit {
        object: format!("{} of {}", key.name, table.qualified()),
        severity: if integers {
            Severity::Low
        } else {
            Severity::Medium
        },
        evidence: vec![
            format!(
                "{} is {}, what it refers to is {}",
                own.name, own.type_name, theirs.type_name
            ),
            consequence.into(),
        ],
        fix: Fix::from(format!("make {} {}", own.name, theirs.type_name)),
    }
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::in_database;

    fn told(referenced: &str, referencing: &str) -> String {
        let ddl = format!(
            "create table a (id {referenced} primary key);\ncreate table b (id int primary key, a_id {referencing} references a);"
        );
        in_database("foreign-key-types", &ddl, |_| {})
    }

    #[test]
    fn what_is_narrower_or_converts_is_told() {
        assert!(told("bigint", "integer").starts_with("low "));
        assert!(told("bigint", "numeric").starts_with("medium "));
    }

    #[test]
    fn what_compares_as_it_is_is_not() {
        for (referenced, referencing) in [
            ("bigint", "bigint"),
            ("integer", "bigint"),
            ("text", "varchar(40)"),
        ] {
            assert_eq!(
                told(referenced, referencing),
                "",
                "{referenced} {referencing}"
            );
        }
    }
}

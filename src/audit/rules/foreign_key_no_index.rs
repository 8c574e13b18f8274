//! `foreign-key-no-index`: deletes in the referenced table read the whole referencing one.

use crate::audit::database::{count, days, tables};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::catalog::{Constraint, ConstraintKind, Table, TableKind};
use crate::model::change::Change;
use crate::model::index::{Index, IndexDefinition, IndexKey};
use crate::model::snapshot::Snapshot;
use crate::model::unit::Count;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "foreign-key-no-index",
    title: "A foreign key has no index on its referencing columns",
    page: "\
Each DELETE of a referenced row, and each UPDATE of its key, looks for rows that refer to it. PostgreSQL indexes the referenced columns by itself,
but not the referencing ones: without an index each such look-up reads the whole referencing table, under a lock, row after row of the DELETE.

Told by: no valid index, on all rows, begins with the columns of the foreign key, in any order; the table has 1,000 rows or more. It
matters by what is read: deletes a day, times the pages of the table. Where nothing was deleted so far it is worth knowing only.

Do: the index below, built concurrently.

All right when: referenced rows are never deleted and their keys never change, and no query joins from there.",
    check: Check::Database(check),
};

/// Smaller tables are read as fast as an index is.
const ROWS: f64 = 1000.0;
/// Pages that deletes read in a day from which on it is noticed, and is much: 80 MB, 80 GB.
const NOTICED: f64 = 1e4;
const MUCH: f64 = 1e7;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let keys = tables(snapshot)
        .filter(|t| t.parent_oid.is_none())
        .flat_map(|table| {
            let constraints = snapshot.constraints_of(table.oid);
            let keys = constraints.filter(|c| c.kind == ConstraintKind::ForeignKey && c.enforced);
            keys.map(move |key| (table, key))
        });
    let bare = keys.filter(|(table, key)| {
        table.rows() >= ROWS
            && !snapshot
                .indexes_of(table.oid)
                .any(|index| serves(index, key))
    });
    bare.map(|(table, key)| hit(snapshot, table, key)).collect()
}

/// Whether an index finds the rows of a key: its first columns are the key's, in any order. One that leaves out NULLs does too.
fn serves(index: &Index, key: &Constraint) -> bool {
    let definition = &index.definition;
    let first: Vec<Option<&str>> = (definition.keys.iter().take(key.columns.len()))
        .map(IndexKey::column_name)
        .collect();
    let partial = definition.predicate.as_deref().is_some_and(|predicate| {
        let only_nulls_out =
            |c: &String| predicate.trim_matches(['(', ')']) == format!("{c} IS NOT NULL");
        !key.columns.iter().any(only_nulls_out)
    });
    index.valid
        && !partial
        && matches!(definition.method.as_str(), "btree" | "hash")
        && first.len() == key.columns.len()
        && key
            .columns
            .iter()
            .all(|c| first.contains(&Some(c.as_str())))
}

fn hit(snapshot: &Snapshot, table: &Table, key: &Constraint) -> DatabaseHit {
    let parent = key.foreign_table_oid.and_then(|oid| snapshot.table(oid));
    let deletes = parent
        .and_then(|p| p.stats.as_ref())
        .map_or(0.0, |s| count(s.n_tup_del));
    let read = deletes / days(snapshot).max(1.0) * table.relpages;
    let severity = match read {
        _ if deletes < 1.0 => Severity::Info,
        pages if pages >= MUCH => Severity::High,
        pages if pages >= NOTICED => Severity::Medium,
        _ => Severity::Low,
    };
    let of = parent.map_or_else(
        || "the referenced table".to_owned(),
        |p| p.qualified().to_string(),
    );
    let definition = IndexDefinition {
        table_oid: table.oid,
        table: table.qualified(),
        method: "btree".into(),
        keys: key.columns.iter().map(IndexKey::column).collect(),
        include: Vec::new(),
        predicate: None,
        unique: false,
    };
    let plain = table.kind == TableKind::Table;
    let advice = if deletes < 1.0 {
        "index the referencing columns before referenced rows are deleted"
    } else if plain {
        "index the referencing columns"
    } else {
        "index the referencing columns; on a partitioned table partition by partition, as pgperf advise writes it"
    };
    let change = Change::CreateIndex {
        name: definition.default_name(),
        definition,
        concurrently: true,
        only: false,
    };
    DatabaseHit {
        object: format!("{} of {}", key.name, table.qualified()),
        severity,
        evidence: vec![
            format!(
                "({}) refers to {of}; no index begins with it",
                key.columns.join(", ")
            ),
            format!(
                "{} rows are read for each deleted row, {} were deleted so far",
                Count(table.rows()),
                Count(deletes)
            ),
        ],
        fix: Fix {
            changes: if plain && deletes >= 1.0 {
                vec![change]
            } else {
                Vec::new()
            },
            ..Fix::from(advice)
        },
    }
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::in_database;

    const PARENT: &str = "create table customers (id int primary key); -- rows=1000 pages=10";
    const CHILD: &str = "create table orders (id int primary key, customer int references customers, note text); -- rows=1000000 pages=10000";

    fn told(deletes: i64, index: &str) -> String {
        in_database(
            "foreign-key-no-index",
            &format!("{PARENT} n_tup_del={deletes}\n{CHILD}\n{index}"),
            |_| {},
        )
    }

    #[test]
    fn it_is_told_by_what_deletes_read() {
        let found = told(3000, "");
        assert!(found.starts_with("medium "), "{found}");
        assert!(
            found.contains(
                "CREATE INDEX CONCURRENTLY orders_customer_idx ON public.orders (customer);"
            ),
            "{found}"
        );
        assert!(told(300_000, "").starts_with("high "));
        assert!(told(3, "").starts_with("low "));
        assert!(told(0, "").starts_with("info "));
    }

    #[test]
    fn an_index_that_begins_with_it_is_enough() {
        assert_eq!(told(3000, "create index i on orders (customer, note);"), "");
        assert_eq!(
            told(
                3000,
                "create index i on orders (customer) where customer is not null;"
            ),
            ""
        );
        assert_ne!(told(3000, "create index i on orders (note, customer);"), "");
        assert_ne!(
            told(
                3000,
                "create index i on orders (customer) where note = 'x';"
            ),
            ""
        );
        assert_ne!(
            told(3000, "create index i on orders (customer); -- invalid"),
            ""
        );
    }

    #[test]
    fn a_small_table_needs_none() {
        let ddl = format!(
            "{PARENT} n_tup_del=3000\n{}",
            CHILD.replace("1000000", "500")
        );
        assert_eq!(in_database("foreign-key-no-index", &ddl, |_| {}), "");
    }
}

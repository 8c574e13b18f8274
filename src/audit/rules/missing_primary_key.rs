//! `missing-primary-key`: rows that nothing tells apart.

use crate::audit::database::{count, tables};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::catalog::{ConstraintKind, Table, TableKind};
use crate::model::ident::quote_ident;
use crate::model::index::Index;
use crate::model::snapshot::Snapshot;
use crate::model::unit::Count;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "missing-primary-key",
    title: "The table has no primary key",
    page: "\
Without a primary key nothing keeps a row from being there twice, one of two equal rows cannot be changed alone, foreign keys cannot point at the
table, and logical replication refuses its UPDATE and DELETE unless a replica identity is set.

Told by: a table (not a partition, temporary or of an extension) without PRIMARY KEY constraint. It matters more where rows are updated or
deleted and wal_level is logical.

Do: ALTER TABLE … ADD PRIMARY KEY over the columns that identify a row. Build the unique index with CREATE UNIQUE INDEX CONCURRENTLY first and
attach it with ADD PRIMARY KEY USING INDEX, which takes a moment; where no column identifies a row, add an identity column (which writes the
whole table anew under a lock).

All right when: the table is a log that is only appended to and read in bulk, or a staging table.",
    check: Check::Database(check),
};

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let without = tables(snapshot).filter(|t| {
        t.kind != TableKind::MaterializedView
            && t.parent_oid.is_none()
            && !(snapshot.constraints_of(t.oid)).any(|c| c.kind == ConstraintKind::PrimaryKey)
    });
    without.map(|table| hit(snapshot, table)).collect()
}

fn hit(snapshot: &Snapshot, table: &Table) -> DatabaseHit {
    let changed = table
        .stats
        .as_ref()
        .map_or(0.0, |s| count(s.n_tup_upd + s.n_tup_del));
    let settings = &snapshot.server.settings;
    let logical = settings
        .get("wal_level")
        .is_some_and(|s| s.setting == "logical");
    let refused = logical && matches!(table.replica_identity.as_str(), "" | "d" | "n");
    let key = unique_key(snapshot, table);
    let severity = match (&key, table.rows()) {
        _ if refused && changed > 0.0 => Severity::Medium,
        (Some(_), _) => Severity::Info,
        (None, rows) if rows < 1.0 && changed < 1.0 => Severity::Info,
        _ => Severity::Low,
    };
    let mut evidence = vec![format!("{} rows", Count(table.rows()))];
    if changed > 0.0 {
        evidence.push(format!("{} updates and deletes so far", Count(changed)));
    }
    if refused {
        evidence.push("wal_level is logical, and the table has no replica identity".into());
    }
    let advice = match key {
        Some((index, columns)) => {
            evidence.push(format!("{index} makes {columns} unique, none of them NULL"));
            format!("ALTER TABLE {} ADD PRIMARY KEY USING INDEX {index}: a moment, nothing is built", table.qualified())
        }
        None => "add a primary key over the columns that identify a row: CREATE UNIQUE INDEX CONCURRENTLY, then ADD PRIMARY KEY USING INDEX".into(),
    };
    DatabaseHit {
        object: table.qualified().to_string(),
        severity,
        evidence,
        fix: Fix::from(advice),
    }
}

/// An index that could back the primary key: its name, and its columns.
fn unique_key(snapshot: &Snapshot, table: &Table) -> Option<(String, String)> {
    let fits = |index: &&Index| {
        let definition = &index.definition;
        let not_null = |name: &str| table.column(name).is_some_and(|c| c.not_null);
        definition.unique
            && index.valid
            && definition.predicate.is_none()
            && definition.method == "btree"
            && definition.key_columns().count() == definition.keys.len()
            && definition.key_columns().all(not_null)
    };
    let index = snapshot.indexes_of(table.oid).find(fits)?;
    let columns: Vec<&str> = index.definition.key_columns().collect();
    Some((quote_ident(&index.name).to_string(), columns.join(", ")))
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::{in_database, set};

    fn told(ddl: &str, logical: bool) -> String {
        in_database("missing-primary-key", ddl, |s| {
            if logical {
                set(s, "wal_level", "logical", None);
            }
        })
    }

    #[test]
    fn a_table_without_one_is_found_and_with_one_is_not() {
        let found = told(
            "create table visits (a int, b int); -- rows=5000 pages=50",
            false,
        );
        assert!(
            found.starts_with("low public.visits: 5,000 rows =>"),
            "{found}"
        );
        assert_eq!(
            told(
                "create table t (a int primary key); -- rows=5000 pages=50",
                false
            ),
            ""
        );
    }

    #[test]
    fn a_unique_index_without_nulls_can_become_it() {
        let ddl = "create table t (a int not null, b int); -- rows=5000 pages=50\ncreate unique index t_a on t (a);";
        let found = told(ddl, false);
        assert!(
            found.starts_with("info ") && found.contains("ADD PRIMARY KEY USING INDEX t_a"),
            "{found}"
        );
        let nullable = ddl.replace(" not null", "");
        assert!(told(&nullable, false).starts_with("low "));
    }

    #[test]
    fn logical_replication_refuses_its_updates() {
        let ddl = "create table t (a int); -- rows=5000 pages=50 n_tup_upd=7";
        assert!(told(ddl, true).starts_with("medium "));
        assert!(told(ddl, false).starts_with("low "));
    }

    #[test]
    fn a_partition_has_that_of_its_parent() {
        let ddl = "create table t (a int primary key) partition by range (a);\ncreate table t1 partition of t for values from (0) to (9);";
        assert_eq!(told(ddl, false), "");
    }
}

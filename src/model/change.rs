//! A fix as a value: audit, advisor and `--apply` share it. Its `Display` is the DDL.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::ident::{QualifiedName, quote_ident};
use crate::model::index::IndexDefinition;

/// One statement that changes something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// `CREATE INDEX`.
    CreateIndex {
        /// Name without schema: an index always lives in its table's schema.
        name: String,
        /// What to build.
        definition: IndexDefinition,
        /// Without blocking writes. `PostgreSQL` refuses it on a partitioned table.
        concurrently: bool,
        /// `ON ONLY`: on a partitioned table, the (still invalid) parent of indexes that are built one by one.
        #[serde(default)]
        only: bool,
    },
    /// `ALTER INDEX … ATTACH PARTITION`: once every partition's index is attached the parent index becomes valid.
    AttachIndex {
        /// Index of the partitioned table.
        parent: QualifiedName,
        /// Index of the partition.
        child: QualifiedName,
    },
    /// `DROP INDEX`.
    DropIndex {
        /// The index.
        name: QualifiedName,
        /// Without blocking queries. Refused on a partitioned index.
        concurrently: bool,
    },
    /// `REINDEX INDEX`.
    Reindex {
        /// The index.
        name: QualifiedName,
    },
    /// `ANALYZE`.
    Analyze {
        /// The table.
        table: QualifiedName,
    },
    /// `VACUUM`.
    Vacuum {
        /// The table.
        table: QualifiedName,
        /// `FREEZE`: all rows become visible for ever, and the table young.
        freeze: bool,
    },
    /// `ALTER TABLE … SET (…)`: a storage option.
    SetOption {
        /// The table.
        table: QualifiedName,
        /// The option: `autovacuum_enabled`.
        name: String,
        /// Its value.
        value: String,
    },
    /// `ALTER TABLE … VALIDATE CONSTRAINT`.
    Validate {
        /// The table.
        table: QualifiedName,
        /// The constraint.
        constraint: String,
    },
    /// `CREATE STATISTICS`. They are empty until the next ANALYZE.
    CreateStatistics {
        /// The statistics object.
        name: QualifiedName,
        /// `dependencies`, `ndistinct`, `mcv`; all of them when empty.
        kinds: Vec<String>,
        /// At least two columns of the table.
        columns: Vec<String>,
        /// The table.
        table: QualifiedName,
    },
    /// `ALTER SYSTEM SET`: for all databases, from the next [`Change::Reload`] on.
    Set {
        /// The setting.
        name: String,
        /// Its value, with a unit where it has one.
        value: String,
    },
    /// `SELECT pg_reload_conf()`.
    Reload,
    /// `DROP STATISTICS`.
    DropStatistics {
        /// The statistics object.
        name: QualifiedName,
    },
}

impl Change {
    /// Whether it waits for other transactions instead of blocking them.
    #[must_use]
    pub fn is_concurrent(&self) -> bool {
        match self {
            Self::CreateIndex { concurrently, .. } | Self::DropIndex { concurrently, .. } => {
                *concurrently
            }
            Self::Reindex { .. } => true,
            Self::AttachIndex { .. }
            | Self::Analyze { .. }
            | Self::Vacuum { .. }
            | Self::SetOption { .. }
            | Self::Validate { .. }
            | Self::CreateStatistics { .. }
            | Self::DropStatistics { .. }
            | Self::Set { .. }
            | Self::Reload => false,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateIndex {
                name,
                definition,
                concurrently,
                only,
            } => write!(
                f,
                "CREATE {}INDEX {}{} ON {}{} {definition};",
                if definition.unique { "UNIQUE " } else { "" },
                if *concurrently { "CONCURRENTLY " } else { "" },
                quote_ident(name),
                if *only { "ONLY " } else { "" },
                definition.table,
            ),
            Self::AttachIndex { parent, child } => {
                write!(f, "ALTER INDEX {parent} ATTACH PARTITION {child};")
            }
            Self::DropIndex { name, concurrently } => {
                write!(
                    f,
                    "DROP INDEX {}{name};",
                    if *concurrently { "CONCURRENTLY " } else { "" }
                )
            }
            Self::Reindex { name } => write!(f, "REINDEX INDEX CONCURRENTLY {name};"),
            Self::Analyze { table } => write!(f, "ANALYZE {table};"),
            Self::Vacuum { table, freeze } => {
                let freeze = if *freeze { " (FREEZE)" } else { "" };
                write!(f, "VACUUM{freeze} {table};")
            }
            Self::SetOption { table, name, value } => {
                write!(f, "ALTER TABLE {table} SET ({name} = {value});")
            }
            Self::Validate { table, constraint } => {
                let constraint = quote_ident(constraint);
                write!(f, "ALTER TABLE {table} VALIDATE CONSTRAINT {constraint};")
            }
            Self::CreateStatistics {
                name,
                kinds,
                columns,
                table,
            } => {
                let kinds = match kinds.as_slice() {
                    [] => String::new(),
                    kinds => format!(" ({})", kinds.join(", ")),
                };
                let columns: Vec<_> = columns.iter().map(|c| quote_ident(c)).collect();
                let columns = columns.join(", ");
                write!(
                    f,
                    "CREATE STATISTICS {name}{kinds} ON {columns} FROM {table};"
                )
            }
            Self::Set { name, value } if value.parse::<f64>().is_ok() => {
                write!(f, "ALTER SYSTEM SET {} = {value};", quote_ident(name))
            }
            Self::Set { name, value } => {
                let value = value.replace('\'', "''");
                write!(f, "ALTER SYSTEM SET {} = '{value}';", quote_ident(name))
            }
            Self::Reload => f.write_str("SELECT pg_reload_conf();"),
            Self::DropStatistics { name } => write!(f, "DROP STATISTICS {name};"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::index::IndexKey;

    #[test]
    fn ddl_quotes_every_name() {
        let change = Change::CreateIndex {
            name: "we\"ird; drop table x_Größe_idx".into(),
            definition: IndexDefinition {
                table_oid: 1,
                table: QualifiedName::new("My Schema", "we\"ird; drop table x"),
                method: "btree".into(),
                keys: vec![IndexKey::column("Größe")],
                include: vec![],
                predicate: None,
                unique: false,
            },
            concurrently: true,
            only: false,
        };
        assert_eq!(
            change.to_string(),
            r#"CREATE INDEX CONCURRENTLY "we""ird; drop table x_Größe_idx" ON "My Schema"."we""ird; drop table x" ("Größe");"#
        );
        let name = QualifiedName::new("My Schema", "a; b");
        let change = Change::CreateStatistics {
            name: name.clone(),
            kinds: vec!["dependencies".into(), "mcv".into()],
            columns: vec!["Größe".into(), "b".into()],
            table: QualifiedName::new("My Schema", "we\"ird"),
        };
        assert_eq!(
            change.to_string(),
            r#"CREATE STATISTICS "My Schema"."a; b" (dependencies, mcv) ON "Größe", b FROM "My Schema"."we""ird";"#
        );
        assert_eq!(
            Change::DropStatistics { name }.to_string(),
            r#"DROP STATISTICS "My Schema"."a; b";"#
        );
    }
}

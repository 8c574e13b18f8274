//! Tables, columns and constraints as the system catalogs describe them.

use serde::{Deserialize, Serialize};

use crate::model::ident::QualifiedName;
use crate::model::stats::{ColumnStats, TableStats};

/// What a relation is (`pg_class.relkind`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TableKind {
    /// `r`: ordinary table (a partition is one too).
    #[serde(rename = "r")]
    Table,
    /// `p`: partitioned table.
    #[serde(rename = "p")]
    Partitioned,
    /// `m`: materialized view.
    #[serde(rename = "m")]
    MaterializedView,
    /// `v`: view.
    #[serde(rename = "v")]
    View,
    /// `f`: foreign table.
    #[serde(rename = "f")]
    Foreign,
    /// Anything a later version may add.
    #[serde(untagged)]
    Other(String),
}

/// A relation that statements can read: table, partitioned table, materialized view, view or foreign table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// `pg_class.oid`.
    pub oid: u32,
    /// Schema, unquoted.
    pub schema: String,
    /// Name, unquoted.
    pub name: String,
    /// What it is.
    pub kind: TableKind,
    /// `relpersistence`: `p` permanent, `u` unlogged, `t` temporary.
    pub persistence: String,
    /// Rows as of the last VACUUM/ANALYZE; -1 = never (14+), 0 = never or empty before. For a partitioned table the sum
    /// over its leaf partitions.
    pub reltuples: f64,
    /// 8 kB pages as of then; for a partitioned table the sum over its leaf partitions.
    pub relpages: f64,
    /// Pages all visible as of then.
    pub relallvisible: f64,
    /// `fillfactor` of the table, percent.
    #[serde(default = "hundred")]
    pub fillfactor: f64,
    /// Oid of the partitioned parent, if this is a partition.
    #[serde(default)]
    pub parent_oid: Option<u32>,
    /// Partition key: `pg_get_partkeydef`-like text of a partitioned table.
    #[serde(default)]
    pub partition_key: Option<String>,
    /// Plain columns of the partition key, in order.
    #[serde(default)]
    pub partition_columns: Vec<String>,
    /// Extension that owns it, if any: such tables get no advice.
    #[serde(default)]
    pub extension: Option<String>,
    /// Text of a view or materialized view (`pg_get_viewdef`), if it could be read.
    #[serde(default)]
    pub view_definition: Option<String>,
    /// Whether row-level security is on: plans then depend on the role.
    #[serde(default)]
    pub row_security: bool,
    /// `age(relfrozenxid)` of the table or of its TOAST table, whichever is older, transactions.
    #[serde(default)]
    pub xid_age: Option<f64>,
    /// `mxid_age(relminmxid)` likewise, multixacts.
    #[serde(default)]
    pub mxid_age: Option<f64>,
    /// 8 kB pages of the TOAST table as of the last VACUUM.
    #[serde(default)]
    pub toast_pages: f64,
    /// `relreplident`: `d` the primary key, `n` nothing, `f` all columns, `i` an index.
    #[serde(default)]
    pub replica_identity: String,
    /// Columns in attribute order, dropped ones left out.
    #[serde(default)]
    pub columns: Vec<Column>,
    /// Activity counters; `None` = not seen.
    #[serde(default)]
    pub stats: Option<TableStats>,
}

fn hundred() -> f64 {
    100.0
}

fn always() -> bool {
    true
}

impl Table {
    /// Schema and name.
    #[must_use]
    pub fn qualified(&self) -> QualifiedName {
        QualifiedName::new(&self.schema, &self.name)
    }

    /// The column of that (unquoted) name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// Whether it is a kind on which indexes can be created.
    #[must_use]
    pub fn can_have_indexes(&self) -> bool {
        matches!(
            self.kind,
            TableKind::Table | TableKind::Partitioned | TableKind::MaterializedView
        )
    }

    /// Rows, never negative: `reltuples`, else the live rows that the statistics counted.
    #[must_use]
    pub fn rows(&self) -> f64 {
        if self.reltuples > 0.0 {
            return self.reltuples;
        }
        #[allow(
            clippy::cast_precision_loss,
            reason = "a row count beyond 2^52 is no estimate any more"
        )]
        self.stats.as_ref().map_or(0.0, |s| s.n_live_tup as f64)
    }
}

/// A column and its statistics.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of the catalogs by itself"
)]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Column {
    /// `attnum`.
    pub attnum: i16,
    /// Name, unquoted.
    pub name: String,
    /// `format_type(atttypid, atttypmod)`: `character varying(40)`.
    pub type_name: String,
    /// Name of the base type without modifiers (domains resolved), `pg_type.typname`: `varchar`, `int4`, `jsonb`.
    pub base_type: String,
    /// `pg_type.typcategory` of the base type: N numeric, S string, D date/time, B boolean, A array, …
    pub category: String,
    /// Fixed length, or -1 (varlena), -2 (C string).
    pub typlen: i16,
    /// `c`, `s`, `i` or `d`: 1, 2, 4, 8 bytes.
    pub typalign: String,
    /// Explicit NOT NULL.
    pub not_null: bool,
    /// Collation if the column is collatable: `pg_catalog."default"` is given as `default`.
    pub collation: Option<String>,
    /// Whether that collation sorts by byte value (C, POSIX), so that a plain btree serves `LIKE 'x%'`.
    pub collation_is_c: bool,
    /// False for a nondeterministic collation (no LIKE, no deduplication).
    pub collation_deterministic: bool,
    /// Whether the type has a default btree operator class, i.e. can be a plain key.
    pub btree: bool,
    /// Whether that class allows btree deduplication: it has support function 4 (`numeric`, `float8`, `jsonb`, arrays and
    /// ranges have none), and the collation is deterministic.
    pub dedup: bool,
    /// `s` stored generated, `v` virtual, empty: not generated.
    pub generated: String,
    /// `pg_stats` row for the table itself (for a partitioned table the inherited one); `None` = no ANALYZE or no privilege.
    pub stats: Option<ColumnStats>,
}

/// What a constraint is (`pg_constraint.contype`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConstraintKind {
    /// `p`
    #[serde(rename = "p")]
    PrimaryKey,
    /// `u`
    #[serde(rename = "u")]
    Unique,
    /// `f`
    #[serde(rename = "f")]
    ForeignKey,
    /// `c`
    #[serde(rename = "c")]
    Check,
    /// `x`
    #[serde(rename = "x")]
    Exclusion,
    /// `n` (18) and what may come.
    #[serde(untagged)]
    Other(String),
}

/// A table constraint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Constraint {
    /// Name.
    pub name: String,
    /// Oid of its table.
    pub table_oid: u32,
    /// What it is.
    pub kind: ConstraintKind,
    /// Its columns, in constraint order.
    pub columns: Vec<String>,
    /// Referenced table of a foreign key.
    #[serde(default)]
    pub foreign_table_oid: Option<u32>,
    /// Referenced columns, in the same order as `columns`.
    #[serde(default)]
    pub foreign_columns: Vec<String>,
    /// Index that backs it (for a foreign key: the referenced one).
    #[serde(default)]
    pub index_oid: Option<u32>,
    /// `ON DELETE` action: `a` no action, `r` restrict, `c` cascade, `n` set null, `d` set default.
    #[serde(default)]
    pub on_delete: Option<String>,
    /// Whether it has been validated.
    #[serde(default)]
    pub validated: bool,
    /// Whether it is checked at all (`NOT ENFORCED`, 18+).
    #[serde(default = "always")]
    pub enforced: bool,
    /// Whether it may be checked at the end of the transaction: then its index proves nothing to the planner.
    #[serde(default)]
    pub deferrable: bool,
    /// `pg_get_constraintdef`-like text, if it could be read without waiting for a lock.
    #[serde(default)]
    pub definition: Option<String>,
}

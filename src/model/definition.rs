//! What it takes to rebuild a schema besides its tables, indexes and constraints: for a clone that holds statistics only.

use serde::{Deserialize, Serialize};

use crate::model::stats::ColumnStats;

/// The rest of the schema. Policies, operator classes and text search configurations are not among it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Definitions {
    /// Types that somebody made, by oid: an order in which each can be made mostly, as types are made before they are used.
    pub types: Vec<TypeDefinition>,
    /// Relations with storage options, a partition bound or parents, by oid.
    pub storage: Vec<Storage>,
    /// Generated columns, by (table oid, attnum).
    pub generated: Vec<Generated>,
    /// Statistics of index expressions, by (index oid, attnum); only the owner of the index and superusers see them.
    pub expression_stats: Vec<ExpressionStats>,
    /// Functions that somebody made, by oid. Plain aggregates are among them; triggers, procedures
    /// and those of extensions are left out.
    pub functions: Vec<Function>,
    /// Operators that somebody made, by oid.
    pub operators: Vec<Object>,
    /// Collations that somebody made, by oid.
    pub collations: Vec<Object>,
    /// Lengths of tables and indexes, by oid: the planner goes by them, not by `relpages`.
    pub lengths: Vec<Length>,
}

impl Definitions {
    /// 8 kB pages of a table or an index now, if they could be read.
    #[must_use]
    pub fn pages(&self, oid: u32) -> Option<f64> {
        let at = self.lengths.binary_search_by_key(&oid, |l| l.oid).ok()?;
        self.lengths[at].pages
    }

    /// How a table or an index is stored, if not as most are.
    #[must_use]
    pub fn storage(&self, oid: u32) -> Option<&Storage> {
        let at = self.storage.binary_search_by_key(&oid, |s| s.oid).ok()?;
        Some(&self.storage[at])
    }

    /// Expression of a generated column, if it could be read.
    #[must_use]
    pub fn generated(&self, table_oid: u32, attnum: i16) -> Option<&str> {
        let key = |g: &Generated| (g.table_oid, g.attnum);
        let at = (self.generated).binary_search_by_key(&(table_oid, attnum), key);
        self.generated[at.ok()?].expression.as_deref()
    }
}

/// A type: enum, domain, range or composite.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TypeDefinition {
    /// `pg_type.oid`.
    pub oid: u32,
    /// Schema, unquoted.
    pub schema: String,
    /// Name, unquoted.
    pub name: String,
    /// `pg_type.typtype`: `e` enum, `d` domain, `r` range, `c` composite.
    pub kind: String,
    /// Labels of an enum, in order.
    pub labels: Vec<String>,
    /// What a domain is made from, what a range is a range of; SQL text.
    pub base_type: Option<String>,
    /// Whether a domain is NOT NULL.
    pub not_null: bool,
    /// CHECK constraints of a domain, SQL text.
    pub checks: Vec<String>,
    /// Attributes of a composite type, in order.
    pub attributes: Vec<Attribute>,
    /// Extension that owns it, if any.
    pub extension: Option<String>,
}

/// An attribute of a composite type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attribute {
    /// Name, unquoted.
    pub name: String,
    /// `format_type(atttypid, atttypmod)`.
    pub type_name: String,
}

/// How a table or an index is stored and where it hangs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Storage {
    /// Oid of the table or index.
    pub oid: u32,
    /// `pg_class.reloptions`: `fillfactor=80`, `parallel_workers=4`.
    pub options: Vec<String>,
    /// `FOR VALUES FROM … TO …`, `DEFAULT`; none if it is no partition or could not be read.
    pub partition_bound: Option<String>,
    /// Parents by plain inheritance, in order.
    pub inherits: Vec<u32>,
}

/// A generated column's expression.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Generated {
    /// Oid of the table.
    pub table_oid: u32,
    /// Column.
    pub attnum: i16,
    /// SQL text, if it could be read.
    pub expression: Option<String>,
}

/// Statistics of one expression of an index.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExpressionStats {
    /// Oid of the index.
    pub index_oid: u32,
    /// Position of the key in it, from 1.
    pub attnum: i16,
    /// As `pg_stats` has them.
    pub stats: ColumnStats,
}

/// A function.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Function {
    /// `pg_proc.oid`.
    pub oid: u32,
    /// Schema, unquoted.
    pub schema: String,
    /// Name, unquoted.
    pub name: String,
    /// `sql`, `plpgsql`, `c` …
    pub language: String,
    /// `CREATE OR REPLACE FUNCTION …` (`pg_get_functiondef`); none for a body of standard SQL, and after redaction.
    pub definition: Option<String>,
}

/// Anything else that is made by one statement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Object {
    /// Schema, unquoted.
    pub schema: String,
    /// Name, unquoted.
    pub name: String,
    /// `CREATE …`.
    pub definition: String,
}

/// How long a relation is now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Length {
    /// Oid of the table or index.
    pub oid: u32,
    /// Pages of its main fork; none if somebody had it locked.
    pub pages: Option<f64>,
}

//! The Snapshot: everything seen of one database at one instant. Every analysis starts from one, live or from a file.

use serde::{Deserialize, Serialize};

use crate::model::catalog::{Constraint, Table};
use crate::model::cluster::{Cluster, Sequence};
use crate::model::definition::Definitions;
use crate::model::gap::Gap;
use crate::model::ident::QualifiedName;
use crate::model::index::Index;
use crate::model::server::Server;
use crate::model::statement::Statement;
use crate::model::stats::ExtendedStats;

/// Version of the file format. A reader takes files of its own version and below, and refuses newer ones.
pub const FORMAT: u32 = 1;

/// Everything collected. All lists are in a fixed order, so that equal databases give equal files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// `FORMAT` of the writer.
    pub format: u32,
    /// pgperf version of the writer.
    pub pgperf: String,
    /// When it was taken by the server's clock, Unix seconds.
    pub taken_at: f64,
    /// Whether literals and column values were removed.
    #[serde(default)]
    pub redacted: bool,
    /// The server.
    pub server: Server,
    /// Relations that statements can read, by oid. System schemas are left out.
    pub tables: Vec<Table>,
    /// Their indexes, by (table oid, index oid).
    pub indexes: Vec<Index>,
    /// Their constraints, by (table oid, name).
    pub constraints: Vec<Constraint>,
    /// Extended statistics, by (schema, name).
    #[serde(default)]
    pub extended_stats: Vec<ExtendedStats>,
    /// The rest of the schema.
    #[serde(default)]
    pub definitions: Definitions,
    /// Sequences, by oid.
    #[serde(default)]
    pub sequences: Vec<Sequence>,
    /// The server as a whole; `None` = not seen.
    #[serde(default)]
    pub cluster: Option<Cluster>,
    /// Statements, most expensive first.
    pub statements: Vec<Statement>,
    /// What was not seen.
    pub gaps: Vec<Gap>,
}

impl Snapshot {
    /// Sorts the lists that are searched by oid, for a snapshot that did not come from the collector.
    pub fn restore_order(&mut self) {
        self.tables.sort_by_key(|t| t.oid);
        self.indexes
            .sort_by_key(|i| (i.definition.table_oid, i.oid));
        self.constraints
            .sort_by(|a, b| (a.table_oid, &a.name).cmp(&(b.table_oid, &b.name)));
    }

    /// The table of that oid.
    #[must_use]
    pub fn table(&self, oid: u32) -> Option<&Table> {
        self.tables
            .binary_search_by_key(&oid, |t| t.oid)
            .ok()
            .map(|i| &self.tables[i])
    }

    /// The table of that name.
    #[must_use]
    pub fn table_named(&self, name: &QualifiedName) -> Option<&Table> {
        self.tables
            .iter()
            .find(|t| t.schema == name.schema && t.name == name.name)
    }

    /// The indexes of a table.
    pub fn indexes_of(&self, table_oid: u32) -> impl Iterator<Item = &Index> {
        let start = self
            .indexes
            .partition_point(|i| i.definition.table_oid < table_oid);
        self.indexes[start..]
            .iter()
            .take_while(move |i| i.definition.table_oid == table_oid)
    }

    /// The constraints of a table.
    pub fn constraints_of(&self, table_oid: u32) -> impl Iterator<Item = &Constraint> {
        let start = self
            .constraints
            .partition_point(|c| c.table_oid < table_oid);
        self.constraints[start..]
            .iter()
            .take_while(move |c| c.table_oid == table_oid)
    }

    /// The topmost partitioned table that a table belongs to; the table itself if it is no partition.
    #[must_use]
    pub fn root_of<'a>(&'a self, table: &'a Table) -> &'a Table {
        let mut root = table;
        // The server has no cycles; a file made by hand may.
        for _ in 0..self.tables.len() {
            match root.parent_oid.and_then(|oid| self.table(oid)) {
                Some(parent) => root = parent,
                None => break,
            }
        }
        root
    }

    /// Seconds over which the table and index counters were gathered, if known.
    #[must_use]
    pub fn stats_age(&self) -> Option<f64> {
        let since = self.server.stats_reset.or(self.server.started_at)?;
        Some((self.taken_at - since).max(0.0))
    }
}

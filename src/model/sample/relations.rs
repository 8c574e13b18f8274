//! Counters of tables and indexes at one instant.

use serde::{Deserialize, Serialize};

use crate::model::counters::counters;

/// A table's identity.
pub type TableKey = u32;
/// An index's identity.
pub type IndexKey = u32;

counters! {
    /// What `pg_stat_user_tables` counts of a table.
    pub struct TableCounters {
        /// Sequential scans.
        seq_scan,
        /// Rows that they read.
        seq_tup_read,
        /// Index scans.
        idx_scan,
        /// Rows that they fetched.
        idx_tup_fetch,
        /// Rows inserted.
        n_tup_ins,
        /// Rows updated.
        n_tup_upd,
        /// Rows deleted.
        n_tup_del,
        /// Rows updated without touching an index.
        n_tup_hot_upd,
    }
}

/// A table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TableSample {
    /// Its oid.
    pub oid: TableKey,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What was counted.
    #[serde(flatten)]
    pub counters: TableCounters,
    /// Rows, as far as known.
    pub n_live_tup: f64,
    /// Dead rows, as far as known.
    pub n_dead_tup: f64,
    /// Rows changed since the last ANALYZE.
    pub n_mod_since_analyze: f64,
    /// When it was vacuumed last, by hand or by itself, Unix seconds.
    pub last_vacuum: Option<f64>,
    /// When it was analyzed last.
    pub last_analyze: Option<f64>,
    /// Bytes, as of the last VACUUM or ANALYZE (`relpages`).
    pub size_bytes: f64,
}

counters! {
    /// What `pg_stat_user_indexes` counts of an index.
    pub struct IndexCounters {
        /// Scans.
        idx_scan,
        /// Entries that they read.
        idx_tup_read,
        /// Rows that they fetched by them.
        idx_tup_fetch,
    }
}

/// An index.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IndexSample {
    /// Its oid.
    pub oid: IndexKey,
    /// The table's oid.
    pub table_oid: TableKey,
    /// Its schema.
    pub schema: String,
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// What was counted.
    #[serde(flatten)]
    pub counters: IndexCounters,
    /// Bytes, as of the last VACUUM or ANALYZE.
    pub size_bytes: f64,
    /// Whether it is a primary key.
    pub primary: bool,
    /// Whether it is unique.
    pub unique: bool,
    /// Whether it can be used.
    pub valid: bool,
    /// When it was used last (16+), Unix seconds.
    pub last_scan: Option<f64>,
}

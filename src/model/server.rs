//! The observed server: version, role, extensions, settings, and since when its counters count.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The server and the session through which it was seen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Server {
    /// `server_version_num`, e.g. 150018.
    pub version_num: u32,
    /// `server_version`, e.g. `15.18 (Debian 15.18-0+deb12u1)`.
    pub version: String,
    /// Connected database.
    pub database: String,
    /// `pg_database.oid` of it: statements of other databases are left out.
    pub database_oid: u32,
    /// Size of the database as known without touching locks (sum of `relpages`), bytes.
    pub database_size_bytes: f64,
    /// `current_user`.
    pub user: String,
    /// Whether that role is superuser.
    pub is_superuser: bool,
    /// Predefined roles (`pg_monitor`, `pg_read_all_stats`, …) whose privileges it has.
    pub predefined_roles: Vec<String>,
    /// `pg_is_in_recovery()`.
    pub in_recovery: bool,
    /// `pg_database.datcollate`.
    pub collate: String,
    /// Server encoding.
    pub encoding: String,
    /// The effective `current_schemas(true)`.
    pub search_path: Vec<String>,
    /// `search_path` of roles and of the database (`pg_db_role_setting`), by role oid (0 = every role). A role's own name
    /// stands for `$user`, which is kept only under oid 0.
    #[serde(default)]
    pub role_search_paths: BTreeMap<u32, Vec<String>>,
    /// Names of the roles that ran a statement of the snapshot or have a search path of their own, by oid.
    #[serde(default)]
    pub roles: BTreeMap<u32, String>,
    /// Installed extensions of this database, by name.
    pub extensions: BTreeMap<String, Extension>,
    /// Extensions that `CREATE EXTENSION` could install (`pg_available_extensions`): only those pgperf uses.
    pub available_extensions: Vec<String>,
    /// `pg_postmaster_start_time()`, Unix seconds.
    pub started_at: Option<f64>,
    /// `pg_stat_database.stats_reset` of this database, Unix seconds; none = never reset.
    pub stats_reset: Option<f64>,
    /// `pg_stat_statements_info.stats_reset` (extension 1.9+), Unix seconds.
    pub statements_reset: Option<f64>,
    /// `pg_stat_statements_info.dealloc` (extension 1.9+): evictions, i.e. statements lost.
    pub statements_dealloc: Option<i64>,
    /// Settings that planner and analysis need, by name, `pg_settings.setting` with its unit.
    #[serde(default)]
    pub settings: BTreeMap<String, Setting>,
    /// Memory of the server's machine, bytes, where it could be found out.
    #[serde(default)]
    pub memory_bytes: Option<f64>,
}

/// An installed extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// `extversion`.
    pub version: String,
    /// Schema of its objects.
    pub schema: String,
}

/// One row of `pg_settings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Value in `unit`.
    pub setting: String,
    /// Base unit (`8kB`, `ms`), if any.
    #[serde(default)]
    pub unit: Option<String>,
    /// Built-in default, to see what was changed.
    #[serde(default)]
    pub boot_val: Option<String>,
    /// Whether it was changed and waits for a restart.
    #[serde(default)]
    pub pending_restart: bool,
}

impl Server {
    /// Major version: 15 for 150018.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.version_num / 10_000
    }

    /// A numeric setting in its base unit, or the given default when it was not seen.
    #[must_use]
    pub fn number(&self, name: &str, default: f64) -> f64 {
        self.settings
            .get(name)
            .and_then(|s| s.setting.parse().ok())
            .unwrap_or(default)
    }

    /// Whether the role may read other sessions' statistics (`pg_read_all_stats`, directly or through `pg_monitor`).
    #[must_use]
    pub fn reads_all_stats(&self) -> bool {
        self.is_superuser
            || self
                .predefined_roles
                .iter()
                .any(|r| r == "pg_read_all_stats" || r == "pg_monitor")
    }
}

//! The server, its settings, and the roles that statements ran as.

use serde::Deserialize;
use tokio_postgres::types::Type;

use crate::model::gap::Part;
use crate::model::server::{Server, Setting};
use crate::model::statement::Statement;
use crate::pg::collect::transaction::Transaction;
use crate::pg::collect::variant::{Collector, collector};
use crate::pg::error::{Error, Kind};

const SERVER: Collector = collector!("server", [(13, 0) => "13"]);
const SETTINGS: Collector = collector!("settings", [(13, 0) => "13"]);
const ROLES: Collector = collector!("roles", [(13, 0) => "13"]);

/// Settings wanted besides the planner's ("Query Tuning", all of them).
const NAMES: &[&str] = &[
    "allow_in_place_tablespaces",
    "autovacuum",
    "autovacuum_analyze_scale_factor",
    "autovacuum_analyze_threshold",
    "autovacuum_freeze_max_age",
    "autovacuum_max_workers",
    "autovacuum_multixact_freeze_max_age",
    "autovacuum_naptime",
    "autovacuum_vacuum_cost_delay",
    "autovacuum_vacuum_cost_limit",
    "autovacuum_vacuum_insert_scale_factor",
    "autovacuum_vacuum_insert_threshold",
    "autovacuum_vacuum_scale_factor",
    "autovacuum_vacuum_threshold",
    "block_size",
    "checkpoint_completion_target",
    "checkpoint_timeout",
    "compute_query_id",
    "data_checksums",
    "default_toast_compression",
    "effective_io_concurrency",
    "fsync",
    "full_page_writes",
    "hash_mem_multiplier",
    "huge_pages",
    "idle_in_transaction_session_timeout",
    "jit",
    "lc_collate",
    "lc_ctype",
    "lock_timeout",
    "log_line_prefix",
    "log_lock_waits",
    "log_min_duration_statement",
    "log_parameter_max_length",
    "log_temp_files",
    "maintenance_work_mem",
    "max_connections",
    "max_parallel_maintenance_workers",
    "max_parallel_workers",
    "max_parallel_workers_per_gather",
    "max_prepared_transactions",
    "max_replication_slots",
    "max_slot_wal_keep_size",
    "max_wal_size",
    "max_worker_processes",
    "min_wal_size",
    "parallel_leader_participation",
    "pg_stat_statements.max",
    "pg_stat_statements.save",
    "pg_stat_statements.track",
    "pg_stat_statements.track_planning",
    "pg_stat_statements.track_utility",
    "random_page_cost",
    "reserved_connections",
    "server_encoding",
    "session_preload_libraries",
    "shared_buffers",
    "shared_preload_libraries",
    "standard_conforming_strings",
    "statement_timeout",
    "superuser_reserved_connections",
    "synchronous_commit",
    "temp_buffers",
    "temp_file_limit",
    "track_activities",
    "track_activity_query_size",
    "track_counts",
    "track_io_timing",
    "vacuum_cost_limit",
    "wal_buffers",
    "wal_compression",
    "wal_level",
    "work_mem",
];

#[derive(Deserialize)]
struct ServerRow {
    #[serde(flatten)]
    server: Server,
    taken_at: f64,
}

#[derive(Deserialize)]
struct SettingRow {
    name: String,
    #[serde(flatten)]
    setting: Setting,
}

#[derive(Deserialize)]
struct RoleRow {
    oid: u32,
    name: Option<String>,
    search_path: Option<String>,
}

/// The server and when the transaction began, by its clock, Unix seconds. Runs before the session's settings are changed.
pub(super) async fn server(transaction: &Transaction<'_>) -> Result<(Server, f64), Error> {
    let sql = |collector: &Collector| collector.variants[0].sql;
    let (server, settings) = tokio::join!(
        transaction.first::<ServerRow>(sql(&SERVER), &[]),
        transaction.first::<SettingRow>(sql(&SETTINGS), &[(&NAMES, Type::TEXT_ARRAY)]),
    );
    let row = server?.into_iter().next().ok_or_else(|| {
        Error::new(
            Kind::Query,
            "the catalogs of the server have no row for the current role and database",
        )
    })?;
    let mut server = row.server;
    server.settings = settings?
        .into_iter()
        .map(|row| (row.name, row.setting))
        .collect();
    Ok((server, row.taken_at))
}

/// Names of the roles that ran statements, and every `search_path` set for a role or the database.
pub(super) async fn roles(
    transaction: &mut Transaction<'_>,
    server: &mut Server,
    statements: &[Statement],
) -> Result<(), Error> {
    let mut oids: Vec<u32> = statements.iter().map(|s| s.userid).collect();
    oids.sort_unstable();
    oids.dedup();
    let rows: Vec<RoleRow> = transaction
        .collect(Part::Server, &ROLES, &[(&oids, Type::OID_ARRAY)])
        .await?;
    for row in rows {
        if let Some(text) = &row.search_path {
            server
                .role_search_paths
                .insert(row.oid, search_path(text, row.name.as_deref()));
        }
        if let Some(name) = row.name {
            server.roles.insert(row.oid, name);
        }
    }
    Ok(())
}

/// `"$user", public` as a list (the server's `SplitIdentifierString`: bare names are folded to lower case). `$user`
/// becomes the role's name if there is one.
fn search_path(text: &str, role: Option<&str>) -> Vec<String> {
    let mut names = Vec::new();
    let mut chars = text.chars().peekable();
    while chars.peek().is_some() {
        let mut name = String::new();
        let mut quoted = false;
        while let Some(c) = chars.next() {
            match c {
                ',' if !quoted => break,
                '"' if quoted && chars.next_if_eq(&'"').is_some() => name.push('"'),
                '"' => quoted = !quoted,
                c if quoted => name.push(c),
                c if c.is_whitespace() => {}
                c => name.extend(c.to_lowercase()),
            }
        }
        match role {
            Some(role) if name == "$user" => names.push(role.to_owned()),
            _ if name.is_empty() => {}
            _ => names.push(name),
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_paths_are_split_as_the_server_does() {
        let check = |text, role, expected: &[&str]| assert_eq!(search_path(text, role), expected);
        check("\"$user\", public", Some("app"), &["app", "public"]);
        check("\"$user\", public", None, &["$user", "public"]);
        check(
            "App, \"My Schema\",\"a\"\"b,c\"",
            None,
            &["app", "My Schema", "a\"b,c"],
        );
        check("", None, &[]);
        check("\"\"", None, &[]);
    }
}

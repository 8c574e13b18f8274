//! `pgperf doctor`: what was found, and the commands that close each gap.
//!
//! Exit code 0 also with gaps (they are what was asked for); 3 when there is no connection.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::cli::output::to_stdout;
use crate::cli::{ConnectArgs, Exit, Failure};
use crate::model::gap::{Gap, Part};
use crate::model::server::{Server, Setting};
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Bytes, Count, Millis};
use crate::pg::collect::{CollectOptions, collect};
use crate::pg::connect::Connection;

/// Options of `pgperf doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    connect: ConnectArgs,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Settings worth a look, in this order.
const SETTINGS: &[&str] = &[
    "shared_buffers",
    "effective_cache_size",
    "work_mem",
    "random_page_cost",
    "seq_page_cost",
    "default_statistics_target",
    "max_parallel_workers_per_gather",
    "jit",
    "autovacuum",
    "track_io_timing",
    "track_activity_query_size",
    "compute_query_id",
    "pg_stat_statements.max",
    "pg_stat_statements.track",
    "pg_stat_statements.track_planning",
    "shared_preload_libraries",
];

/// Runs it.
pub(crate) async fn run(args: &DoctorArgs) -> Result<Exit, Failure> {
    let connection = args.connect.open().await?;
    let snapshot = collect(&connection, &CollectOptions::default()).await?;
    let examination = Examination::of(&snapshot, Session::of(&connection));
    to_stdout(&match args.format {
        Format::Text => text(&examination),
        Format::Json => serde_json::to_string_pretty(&examination)
            .map(|json| json + "\n")
            .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?,
    })?;
    Ok(Exit::Clean)
}

/// How the server was reached.
#[derive(Debug, Serialize)]
struct Session {
    endpoint: String,
    encrypted: bool,
    pooled: bool,
}

impl Session {
    fn of(connection: &Connection) -> Self {
        Self {
            endpoint: connection.endpoint().to_owned(),
            encrypted: connection.is_encrypted(),
            pooled: connection.is_pooled(),
        }
    }
}

/// Everything that is printed.
#[derive(Debug, Serialize)]
struct Examination<'a> {
    schema_version: u32,
    pgperf: &'a str,
    session: Session,
    taken_at: f64,
    server: &'a Server,
    statements: usize,
    statements_with_text: usize,
    tables: usize,
    indexes: usize,
    commands: Vec<Ability>,
    gaps: Vec<Gap>,
}

/// What a command will be able to do.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Ability {
    command: &'static str,
    works: &'static str,
    how: String,
}

impl<'a> Examination<'a> {
    fn of(snapshot: &'a Snapshot, session: Session) -> Self {
        let mut gaps = snapshot.gaps.clone();
        gaps.extend(planner_gap(&snapshot.server));
        gaps.sort();
        Self {
            schema_version: 1,
            pgperf: &snapshot.pgperf,
            session,
            taken_at: snapshot.taken_at,
            server: &snapshot.server,
            statements: snapshot.statements.len(),
            statements_with_text: snapshot
                .statements
                .iter()
                .filter(|s| s.query.is_some())
                .count(),
            tables: snapshot.tables.len(),
            indexes: snapshot.indexes.len(),
            commands: abilities(snapshot),
            gaps,
        }
    }
}

/// Without `HypoPG` the advice still comes, with less certain costs.
fn planner_gap(server: &Server) -> Option<Gap> {
    if server.extensions.contains_key("hypopg") {
        return None;
    }
    let gap = Gap::new(
        Part::Planner,
        "hypopg is not installed: the server cannot be asked what an index would cost",
    )
    .effect("costs with new indexes come from a local server of the same major version, or are estimated");
    Some(
        if server.available_extensions.iter().any(|e| e == "hypopg") {
            gap.close("CREATE EXTENSION hypopg;")
        } else {
            gap.close(format!(
                "-- install the package (Debian: postgresql-{0}-hypopg, RPM: hypopg_{0})",
                server.major()
            ))
            .close("CREATE EXTENSION hypopg;")
        },
    )
}

fn abilities(snapshot: &Snapshot) -> Vec<Ability> {
    let server = &snapshot.server;
    let has = |part: Part| snapshot.gaps.iter().any(|gap| gap.part == part);
    let statements = server.extensions.contains_key("pg_stat_statements")
        && snapshot
            .statements
            .iter()
            .any(|s| s.source == crate::model::statement::Source::PgStatStatements);
    let workload = if statements {
        "the statements of pg_stat_statements"
    } else {
        "--queries FILE, stdin or the statements running now; there are no figures from the server"
    };
    let planner = if server.extensions.contains_key("hypopg") {
        "what-if costs by hypopg"
    } else {
        "what-if costs by arithmetic over the statistics"
    };
    vec![
        Ability {
            command: "advise",
            works: if statements && !has(Part::ColumnStats) {
                "yes"
            } else {
                "partly"
            },
            how: format!("from {workload}; {planner}"),
        },
        Ability {
            command: "snapshot",
            works: "yes",
            how: "everything that is no gap below".into(),
        },
    ]
}

fn text(examination: &Examination<'_>) -> String {
    let mut out = String::new();
    let server = examination.server;
    for (label, value) in facts(examination) {
        let _ = writeln!(out, "{label:<12}  {value}");
    }
    out.push_str("\nsettings\n");
    let width = SETTINGS.iter().map(|name| name.len()).max().unwrap_or(0);
    for name in SETTINGS {
        if let Some(setting) = server.settings.get(*name) {
            let _ = writeln!(out, "  {name:<width$}  {}", amount(setting));
        }
    }
    out.push_str("\nwhat the commands can do here\n");
    for ability in &examination.commands {
        let _ = writeln!(
            out,
            "  {:<9} {:<7} {}",
            ability.command, ability.works, ability.how
        );
    }
    if examination.gaps.is_empty() {
        out.push_str("\nno gaps: everything was seen\n");
        return out;
    }
    let _ = writeln!(
        out,
        "\n{} {}",
        examination.gaps.len(),
        if examination.gaps.len() == 1 {
            "gap"
        } else {
            "gaps"
        }
    );
    for (i, gap) in examination.gaps.iter().enumerate() {
        let _ = writeln!(out, "{:>3}. {}", i + 1, gap.what);
        if let Some(effect) = &gap.effect {
            let _ = writeln!(out, "     so: {effect}");
        }
        for command in &gap.close {
            let _ = writeln!(out, "     do: {command}");
        }
    }
    out
}

#[expect(clippy::cast_precision_loss, reason = "counts for people")]
fn facts(examination: &Examination<'_>) -> Vec<(&'static str, String)> {
    let server = examination.server;
    let session = &examination.session;
    let ago = |at: f64| {
        format!(
            "{} ago",
            Millis((examination.taken_at - at).max(0.0) * 1000.0)
        )
    };
    let mut facts = vec![
        (
            "server",
            format!(
                "PostgreSQL {}, {}",
                server.version,
                if server.in_recovery {
                    "standby"
                } else {
                    "primary"
                }
            ),
        ),
        (
            "reached",
            format!(
                "{}, {}{}",
                session.endpoint,
                if session.encrypted {
                    "encrypted"
                } else {
                    "not encrypted"
                },
                if session.pooled {
                    ", through a pooler"
                } else {
                    ""
                }
            ),
        ),
        ("role", role(server)),
        (
            "database",
            format!(
                "{}: {}, {} tables and views, {} indexes; {}, collation {}",
                server.database,
                Bytes(server.database_size_bytes),
                Count(examination.tables as f64),
                Count(examination.indexes as f64),
                server.encoding,
                server.collate
            ),
        ),
    ];
    if let Some(started) = server.started_at {
        facts.push(("started", ago(started)));
    }
    facts.push((
        "counters",
        server
            .stats_reset
            .map_or("never reset".to_owned(), |at| format!("since {}", ago(at))),
    ));
    let extensions: Vec<String> = server
        .extensions
        .iter()
        .map(|(name, e)| format!("{name} {}", e.version))
        .collect();
    facts.push(("extensions", extensions.join(", ")));
    let mut statements = format!(
        "{} of this database, {} with their text",
        Count(examination.statements as f64),
        Count(examination.statements_with_text as f64)
    );
    if let Some(at) = server.statements_reset {
        let _ = write!(statements, ", counted since {}", ago(at));
    }
    facts.push(("statements", statements));
    facts
}

fn role(server: &Server) -> String {
    if server.is_superuser {
        return format!("{}, superuser", server.user);
    }
    if server.predefined_roles.is_empty() {
        return format!("{}, member of no predefined role", server.user);
    }
    format!(
        "{}, has {}",
        server.user,
        server.predefined_roles.join(", ")
    )
}

/// A setting in readable units: `16384` of `8kB` is 128 MB.
fn amount(setting: &Setting) -> String {
    let number: Option<f64> = setting.setting.parse().ok();
    let unit = setting.unit.as_deref().unwrap_or_default();
    let bytes = match unit {
        "B" => Some(1.0),
        "kB" => Some(1024.0),
        "8kB" => Some(8192.0),
        "MB" => Some(1_048_576.0),
        _ => None,
    };
    match (number, bytes) {
        (Some(number), Some(bytes)) if number >= 0.0 => Bytes(number * bytes).to_string(),
        _ if unit.is_empty() => match setting.setting.as_str() {
            "" => "(none)".to_owned(),
            value => value.to_owned(),
        },
        _ => format!("{} {unit}", setting.setting),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::server::Extension;

    fn setting(setting: &str, unit: Option<&str>) -> Setting {
        Setting {
            setting: setting.to_owned(),
            unit: unit.map(str::to_owned),
            boot_val: None,
            pending_restart: false,
        }
    }

    #[test]
    fn settings_read_well() {
        assert_eq!(amount(&setting("16384", Some("8kB"))), "128 MB");
        assert_eq!(amount(&setting("4096", Some("kB"))), "4.0 MB");
        assert_eq!(amount(&setting("250", Some("ms"))), "250 ms");
        assert_eq!(amount(&setting("-1", Some("kB"))), "-1 kB");
        assert_eq!(amount(&setting("1.1", None)), "1.1");
        assert_eq!(amount(&setting("", None)), "(none)");
    }

    #[test]
    fn what_is_missing_limits_what_commands_do() {
        let works = |snapshot: &Snapshot| -> Vec<(&str, &str)> {
            let abilities = abilities(snapshot);
            abilities.iter().map(|a| (a.command, a.works)).collect()
        };
        let mut snapshot = Snapshot::default();
        snapshot.server.is_superuser = true;
        let extension = Extension {
            version: "1.10".into(),
            schema: "public".into(),
        };
        let extensions = &mut snapshot.server.extensions;
        extensions.insert("pg_stat_statements".into(), extension.clone());
        extensions.insert("hypopg".into(), extension);
        snapshot
            .statements
            .push(crate::model::statement::Statement::default());
        assert!(works(&snapshot).iter().all(|(_, works)| *works == "yes"));
        assert_eq!(planner_gap(&snapshot.server), None);

        let bare = Snapshot {
            gaps: vec![Gap::new(Part::ColumnStats, "hidden").close("GRANT pg_read_all_data TO x;")],
            ..Snapshot::default()
        };
        let partly = works(&bare);
        assert_eq!(partly, [("advise", "partly"), ("snapshot", "yes")]);
        assert!(planner_gap(&bare.server).is_some());
    }
}

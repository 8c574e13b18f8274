//! The command line. Each command's own options live in its file.

use clap::{ArgAction, Args, Parser, Subcommand};

use crate::cli::Failure;
use crate::pg::connect::{ConnectOptions, Connection};

/// PostgreSQL query profiler and index advisor: what is slow, why, and the DDL that fixes it, with proof.
#[derive(Debug, Parser)]
#[command(
    name = "pgperf",
    version,
    disable_help_flag = true,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Print help (-h is the host, as in psql).
    #[arg(short = '?', long, action = ArgAction::Help, global = true)]
    help: Option<bool>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Index advice for the workload: DDL with evidence.
    Advise(super::advise::AdviseArgs),
    /// What is wrong with the statements that cost most, and what to do: every rule over their plans and texts, and index advice.
    Audit(super::audit::AuditArgs),
    /// Rebuild schema and statistics in a local server without any rows, to EXPLAIN there as on the observed one.
    Clone(super::clone::CloneArgs),
    /// Start a throwaway PostgreSQL with a sample shop, advise on it, show before and after, remove everything.
    Demo(super::demo::DemoArgs),
    /// Check connection, version, extensions, settings and privileges; print what closes each gap.
    Doctor(super::doctor::DoctorArgs),
    /// One statement or one recorded plan: the tree with what each node took, and what is wrong with it.
    Explain(super::explain::ExplainArgs),
    /// What pgperf looks for in plans and texts, or the page of one rule.
    Rules(super::rules::RulesArgs),
    /// Save everything collected as one file.
    Snapshot(super::snapshot::SnapshotArgs),
    /// The dashboard: statements, sessions, locks, tables, down to a plan and the DDL. Without a terminal it prints samples.
    Top(super::top::TopArgs),
}

/// Where to connect: the same words as psql.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ConnectArgs {
    /// Connection URI, conninfo string, or database name.
    #[arg(value_name = "TARGET", value_parser = target)]
    target: Option<String>,
    /// Database name, URI or conninfo string (instead of TARGET).
    #[arg(
        short = 'd',
        long = "dbname",
        value_name = "NAME",
        conflicts_with = "target"
    )]
    dbname: Option<String>,
    /// Server host name or socket directory.
    #[arg(short = 'h', long, value_name = "HOST")]
    host: Option<String>,
    /// Server port.
    #[arg(short = 'p', long, value_name = "PORT")]
    port: Option<String>,
    /// Role.
    #[arg(short = 'U', long = "username", value_name = "NAME")]
    user: Option<String>,
}

impl ConnectArgs {
    /// Resolves and connects; warnings go to stderr.
    pub(crate) async fn open(&self) -> Result<Connection, Failure> {
        super::load::connect(&self.options()).await
    }

    /// As the database edge wants them.
    pub(crate) fn options(&self) -> ConnectOptions {
        ConnectOptions {
            dbname: self.target.clone().or_else(|| self.dbname.clone()),
            host: self.host.clone(),
            port: self.port.clone(),
            user: self.user.clone(),
        }
    }
}

/// A target, unless it is a statement: no database is called that, and the server would only say that it does not exist.
fn target(text: &str) -> Result<String, String> {
    const BEGINNINGS: [&str; 8] = [
        "select", "with", "insert", "update", "delete", "merge", "values", "table",
    ];
    let mut words = text.split_whitespace();
    let first = words.next().unwrap_or_default().to_ascii_lowercase();
    if BEGINNINGS.contains(&first.as_str()) && words.next().is_some() {
        return Err("a statement, not a database; explain takes statements behind -c".to_owned());
    }
    Ok(text.to_owned())
}

/// A size as people write it: `16GB`, `512 MB`, `8192` (bytes); powers of 1024 as in PostgreSQL's settings.
pub(crate) fn size(text: &str) -> Option<f64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let unit = match text[digits.len()..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" | "k" => 1024.0,
        "mb" | "m" => 1024.0 * 1024.0,
        "gb" | "g" => 1024.0 * 1024.0 * 1024.0,
        "tb" | "t" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let number: f64 = digits.parse().ok()?;
    (number >= 0.0 && number.is_finite()).then_some(number * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_no_target() {
        for text in [
            "select * from t",
            "WITH a AS (SELECT 1)\nSELECT",
            " Update t",
        ] {
            assert!(target(text).unwrap_err().contains("-c"), "{text}");
        }
        for text in [
            "shop",
            "select",
            "postgresql://db/select",
            "host=db dbname=select",
            "selected items",
            "",
        ] {
            assert_eq!(target(text).unwrap(), text);
        }
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, expected) in [
            ("16GB", Some(16.0 * 1024.0 * 1024.0 * 1024.0)),
            ("512 MB", Some(512.0 * 1024.0 * 1024.0)),
            ("       24573904 kB", Some(24_573_904.0 * 1024.0)),
            ("8192", Some(8192.0)),
            ("1.5g", Some(1.5 * 1024.0 * 1024.0 * 1024.0)),
            ("max", None),
            ("-1GB", None),
            ("16 PB", None),
            ("", None),
        ] {
            assert_eq!(size(text), expected, "{text}");
        }
    }
}

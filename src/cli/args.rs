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
}

/// Where to connect: the same words as psql.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ConnectArgs {
    /// Connection URI, conninfo string, or database name.
    #[arg(value_name = "TARGET")]
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

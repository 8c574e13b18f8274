//! `--watch` and `--log`: where statements are seen one after another, and what is found there.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::logs::{LogOptions, LogsRead, Unreadable, loops_of_logs, name};
use super::watch::{duration, watch};
use super::{ConnectArgs, Exit, Failure, load};
use crate::audit::repeated::repeated;
use crate::model::gap::{Gap, Part};
use crate::model::snapshot::Snapshot;
use crate::pg::connect::Connection;
use crate::query::n_plus_one::{Loops, Sample, both, from_loops, from_samples, watched};
use crate::query::parse::Explainable;
use crate::query::sent::{Sent, SentStatements};
use crate::report::audit::{LogFile, Traffic};

/// Server logs to read.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct LogArgs {
    /// Read a server log, oldest first (repeatable): csvlog, jsonlog or stderr, plain or packed by gzip or zstd; `-` for stdin.
    /// Statements are planned with the values that it shows most often.
    #[arg(long = "log", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How the lines of a stderr log begin; by default as the server says, or as it looks.
    #[arg(long, value_name = "PREFIX", requires = "files")]
    log_line_prefix: Option<String>,
}

/// Where to see statements one after another.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct TrafficArgs {
    /// Watch `pg_stat_statements` for so long (60s, 10m, 2h) for statements that are run once for each row of others.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    watch: Option<Duration>,
    #[command(flatten)]
    logs: LogArgs,
}

impl LogArgs {
    /// Whether there are any.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Reads them.
    pub(crate) fn read(&self, snapshot: &Snapshot) -> Result<(Loops, LogsRead), Failure> {
        let setting = snapshot.server.settings.get("log_line_prefix");
        let options = LogOptions {
            given: self.log_line_prefix.clone(),
            of_server: setting.map(|s| s.setting.clone()),
            database: snapshot.server.database.clone(),
        };
        loops_of_logs(&self.files, &options).map_err(|error: Unreadable| {
            Failure::new(Exit::Usage, error.to_string())
                .hint("a server log: csvlog, jsonlog or stderr, plain, .gz or .zst, or - for stdin")
        })
    }
}

impl LogArgs {
    /// Logs for the values in them, if there are any, and what they do not show.
    pub(crate) fn values(
        &self,
        snapshot: &Snapshot,
    ) -> Result<(Option<Arc<Loops>>, Vec<Gap>), Failure> {
        if self.is_empty() {
            return Ok((None, Vec::new()));
        }
        let (loops, read) = self.read(snapshot)?;
        let gaps = read.files.iter().filter(|file| file.counts.entries == 0);
        let gaps = gaps.map(|file| {
            let why = file.problem.as_deref();
            let why = why.unwrap_or("there is no statement in it");
            Gap::new(Part::Logs, format!("{}: {why}", name(&file.path)))
                .effect("values of parameters are assumed instead")
        });
        Ok((Some(Arc::new(loops)), gaps.collect()))
    }

    /// The values that the logs show a statement to be sent with most often; that there are none is told on stderr.
    pub(crate) fn sent(
        &self,
        snapshot: &Snapshot,
        statement: &Explainable,
        queryid: Option<i64>,
    ) -> Result<Option<Sent>, Failure> {
        if self.is_empty() || statement.parameters == 0 {
            return Ok(None);
        }
        let (loops, read) = self.read(snapshot)?;
        let sent = SentStatements::new(&loops).of_text(&statement.text, queryid);
        if sent.is_none() {
            eprintln!("pgperf: warning: the logs show no values of this statement");
            for gap in read.gaps() {
                eprintln!("pgperf: warning: {}", gap.what);
            }
        }
        Ok(sent)
    }
}

impl TrafficArgs {
    /// Connects and collects, after watching if that is wanted; with the samples before.
    pub(crate) async fn collect(
        &self,
        connect: &ConnectArgs,
    ) -> Result<(Connection, Snapshot, Vec<Snapshot>), Failure> {
        self.check()?;
        if let Some(time) = self.watch {
            return watch(connect, time).await;
        }
        let (connection, snapshot) = load::live(&connect.options(), true, false).await?;
        Ok((connection, snapshot, Vec::new()))
    }

    /// A file that is not there is told before anything is waited for.
    fn check(&self) -> Result<(), Failure> {
        let named = self
            .logs
            .files
            .iter()
            .filter(|path| path.as_os_str() != "-");
        for path in named {
            std::fs::metadata(path).map_err(|error| {
                Failure::new(
                    Exit::Usage,
                    format!("cannot read {}: {error}", path.display()),
                )
                .hint("a server log: csvlog, jsonlog or stderr, plain, .gz or .zst, or - for stdin")
            })?;
        }
        Ok(())
    }

    /// What is found, and what could not be told; `None` where it was not looked for.
    pub(crate) fn judge(
        &self,
        snapshot: &Snapshot,
        before: &[Snapshot],
        logs: Option<&(Arc<Loops>, LogsRead)>,
    ) -> (Option<Traffic>, Vec<Gap>) {
        if self.watch.is_none() && logs.is_none() {
            return (None, Vec::new());
        }
        let samples: Vec<Sample<'_>> = before.iter().chain([snapshot]).map(Sample::from).collect();
        let (mut traffic, mut gaps) = (Traffic::default(), Vec::new());
        let mut by_counters = Vec::new();
        // Without the extension there are no counters, which the snapshot's gap says.
        if samples.len() > 1
            && snapshot
                .server
                .extensions
                .contains_key("pg_stat_statements")
        {
            let seen = watched(snapshot, &samples);
            gaps.extend(seen.gaps());
            traffic.watched = Some(seen);
            by_counters = from_samples(snapshot, &samples);
        }
        let mut by_logs = Vec::new();
        if let Some((loops, read)) = logs {
            gaps.extend(read.gaps());
            traffic.logs = files(read);
            by_logs = from_loops(loops, Some(snapshot));
        }
        traffic.found = repeated(&both(by_logs, by_counters));
        (Some(traffic), gaps)
    }

    /// The logs, read.
    pub(crate) fn read_logs(
        &self,
        snapshot: &Snapshot,
    ) -> Result<Option<(Arc<Loops>, LogsRead)>, Failure> {
        if self.logs.is_empty() {
            return Ok(None);
        }
        let (loops, read) = self.logs.read(snapshot)?;
        Ok(Some((Arc::new(loops), read)))
    }
}

fn files(read: &LogsRead) -> Vec<LogFile> {
    let file = |file: &super::logs::FileRead| LogFile {
        name: name(&file.path),
        format: file.format,
        bytes: file.counts.bytes,
        entries: file.counts.entries - file.elsewhere,
        elsewhere: file.elsewhere,
        unreadable: file.counts.malformed + file.counts.too_long,
    };
    read.files.iter().map(file).collect()
}

//! One tick of `pgperf top`: what a [`Sample`] wants, read with as little as possible.
//!
//! Texts of statements are not in it: to show one, the server reads all of them. Of thousands of statements few count anything from
//! one tick to the next: the server is told what is known, and tells what has changed, so that its time and the wire's are spent on
//! that alone. Each part fails by itself. What cannot work here (a
//! missing privilege or view) is tried once; what ran into a timeout is left alone for longer and longer, up to [`LONGEST_PAUSE`].

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use crate::model::sample::{
    CheckpointCounters, Panel, Replication, Sample, StatementKey, StatementSample, Statements,
    WalCounters, Wants,
};
use crate::model::server::Extension;
use crate::pg::collect::cluster::{CHECKPOINTS, WAL};
use crate::pg::collect::rows;
use crate::pg::collect::statements::{InfoRow, STATEMENTS_INFO, in_schema};
use crate::pg::collect::transaction::MARKER;
use crate::pg::collect::variant::{Collector, collector};
use crate::pg::connect::Connection;
use crate::pg::error::{Error, Kind};

const PULSE: Collector = collector!("pulse", [(13, 0) => "13"]);
const DATABASES: Collector = collector!("databases", [(13, 0) => "13"]);
const COUNTERS: Collector = collector!("statement_counters", [
    (1, 11) => "1.11",
    (1, 10) => "1.10",
    (1, 9) => "1.9",
    (1, 8) => "1.8",
    (1, 4) => "1.4",
]);
const TEXTS: Collector = collector!("top_texts", [(1, 4) => "1.4"]);
const PROCESSES: Collector = collector!("processes", [(14, 0) => "14", (13, 0) => "13"]);
const LOCK_WAITS: Collector = collector!("lock_waits", [(14, 0) => "14", (13, 0) => "13"]);
const TABLES: Collector = collector!("table_counters", [(13, 0) => "13"]);
const INDEXES: Collector = collector!("index_counters", [(16, 0) => "16", (13, 0) => "13"]);
const IO: Collector = collector!("io", [(18, 0) => "18", (16, 0) => "16"]);
const PROGRESS: Collector = collector!("progress", [(14, 0) => "14", (13, 0) => "13"]);
const REPLICATION: Collector = collector!("replication", [(13, 0) => "13"]);

/// So much of a session's statement is shown.
const QUERY_LENGTH: i32 = 2000;

/// So much of a statement's text is kept.
const TEXT_LENGTH: i32 = 20_000;

/// After so many ticks all statements are read, for those that are gone show by nothing else where they were reset one by one.
const WHOLE_EVERY: u32 = 150;

/// After so many ticks it is looked again for an extension that is missing.
const LOOK_AGAIN: u32 = 5;

/// After so many ticks what is wanted now and then is read.
const NOW_AND_THEN: u32 = 5;

/// Most ticks that a part is left out after timeouts.
const LONGEST_PAUSE: u32 = 30;

/// Reads samples over one connection.
pub struct Ticker<'c> {
    connection: &'c Connection,
    extension: Option<Extension>,
    /// What is known of the statements, with a number that is another one when they have counted.
    known: HashMap<StatementKey, (i64, StatementSample)>,
    /// Evictions and the reset, when it was read.
    as_of: (Option<i64>, Option<f64>),
    /// For how many ticks it was not read whole.
    ticks: u32,
    /// What is wanted now and then, and the ticks until it is.
    seldom: (Wants, u32),
    resting: HashMap<&'static str, Rest>,
}

/// A part that is not read for now.
#[derive(Debug, Clone)]
struct Rest {
    why: String,
    /// Ticks to wait; none: for good.
    left: Option<u32>,
    /// Ticks to wait the next time.
    next: u32,
}

#[derive(Deserialize)]
struct ExtensionRow {
    version: String,
    schema: String,
}

#[derive(Deserialize)]
struct RoleRow {
    oid: u32,
    name: String,
}

#[derive(Deserialize)]
struct SignalRow {
    sent: bool,
}

#[derive(Deserialize)]
struct TextRow {
    queryid: i64,
    query: Option<String>,
}

const EXTENSION: &str = "select /* pgperf */ e.extversion as version, n.nspname as schema \
    from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace \
    where e.extname = 'pg_stat_statements'";

const ROLES: &str = "select /* pgperf */ r.oid::pg_catalog.int8 as oid, r.rolname as name from pg_catalog.pg_roles r";

/// Cancels a session's statement, or terminates it, if it is still the session that began then: a pid is soon another's. Nothing if
/// it is gone; false if the server did not.
///
/// # Errors
/// As the server says: the role may not.
pub async fn signal(
    connection: &Connection,
    pid: i32,
    backend_start: &str,
    terminate: bool,
) -> Result<Option<bool>, Error> {
    let function = if terminate {
        "pg_terminate_backend"
    } else {
        "pg_cancel_backend"
    };
    let sql = format!(
        "select /* pgperf */ pg_catalog.{function}(a.pid) as sent from pg_catalog.pg_stat_activity a \
        where a.pid = $1 and a.backend_start::pg_catalog.text = $2"
    );
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&pid, Type::INT4), (&backend_start, Type::TEXT)];
    let rows: Vec<SignalRow> = connection.rows(&sql, &params).await?;
    Ok(rows.first().map(|row| row.sent))
}

impl<'c> Ticker<'c> {
    /// Looks what there is to read. What is wanted seldom comes with the first tick, and every few ticks from then on.
    ///
    /// # Errors
    /// As the server says.
    pub async fn new(connection: &'c Connection, seldom: Wants) -> Result<Self, Error> {
        let extension = extension(connection).await?;
        Ok(Self {
            connection,
            extension,
            known: HashMap::new(),
            as_of: (None, None),
            ticks: 0,
            seldom: (seldom, 0),
            resting: HashMap::new(),
        })
    }

    /// Reads a sample.
    ///
    /// # Errors
    /// When the connection is lost, or not even the server's clock can be read.
    pub async fn tick(&mut self, parts: Wants) -> Result<Sample, Error> {
        let parts = self.due(parts);
        let mut pulse = self.rows(&PULSE, &[]).await?;
        let pulse = pulse
            .pop()
            .ok_or_else(|| Error::new(Kind::Query, "the server told no time"))?;
        let mut sample = Sample {
            pulse,
            databases: self.rows(&DATABASES, &[]).await?,
            ..Sample::default()
        };
        sample.activity = self
            .panel(true, &PROCESSES, &[(&QUERY_LENGTH, Type::INT4)])
            .await?;
        let is_waited = sample.activity.read().is_none_or(|sessions| {
            let mut waits = sessions.iter().map(|s| s.wait_event_type.as_deref());
            waits.any(|wait| wait == Some("Lock"))
        });
        sample.locks = match self.panel(is_waited, &LOCK_WAITS, &[]).await? {
            Panel::Unread => Panel::Read(Vec::new()),
            read => read,
        };
        if parts.statements {
            sample.statements = self.statements(&sample).await?;
        }
        sample.tables = self
            .binary_panel(parts.tables, &TABLES, rows::table)
            .await?;
        sample.indexes = self
            .binary_panel(parts.indexes, &INDEXES, rows::index)
            .await?;
        sample.io = self.panel(parts.io, &IO, &[]).await?;
        sample.wal = one(self.panel::<WalCounters>(parts.io, &WAL, &[]).await?);
        sample.checkpoints = one(self
            .panel::<CheckpointCounters>(parts.io, &CHECKPOINTS, &[])
            .await?);
        sample.progress = self.panel(parts.progress, &PROGRESS, &[]).await?;
        sample.replication = one(self
            .panel::<Replication>(parts.replication, &REPLICATION, &[])
            .await?);
        Ok(sample)
    }

    /// What is read this time.
    fn due(&mut self, parts: Wants) -> Wants {
        let (seldom, left) = &mut self.seldom;
        if let Some(less) = left.checked_sub(1) {
            *left = less;
            return parts;
        }
        *left = NOW_AND_THEN - 1;
        parts.and(*seldom)
    }

    /// The texts of these statements, by query id. The server reads all texts for it, however few are wanted.
    ///
    /// # Errors
    /// As the server says.
    pub async fn texts(&self, ids: &[i64]) -> Result<HashMap<i64, String>, Error> {
        let Some(sql) = self.extension.as_ref().and_then(|e| in_schema(&TEXTS, e)) else {
            return Ok(HashMap::new());
        };
        let params: [(&(dyn ToSql + Sync), Type); 2] =
            [(&ids, Type::INT8_ARRAY), (&TEXT_LENGTH, Type::INT4)];
        let rows: Vec<TextRow> = self
            .connection
            .rows(&format!("{MARKER} {sql}"), &params)
            .await?;
        let texts = rows
            .into_iter()
            .filter_map(|row| Some((row.queryid, row.query?)));
        Ok(texts.collect())
    }

    /// Names of roles, by oid.
    ///
    /// # Errors
    /// As the server says.
    pub async fn roles(&self) -> Result<BTreeMap<u32, String>, Error> {
        let rows: Vec<RoleRow> = self.connection.rows(ROLES, &[]).await?;
        Ok(rows.into_iter().map(|row| (row.oid, row.name)).collect())
    }

    /// The collector's statement for this server.
    fn sql(&self, collector: &Collector) -> Result<String, Error> {
        let major = self.connection.server_version_num() / 10_000;
        let sql = collector.fitting((major, 0)).ok_or_else(|| {
            let why = format!("PostgreSQL {major} does not have it");
            Error::new(Kind::Config, why)
        })?;
        Ok(format!("{MARKER} {sql}"))
    }

    async fn rows<T: DeserializeOwned>(
        &self,
        collector: &Collector,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<T>, Error> {
        self.connection.rows(&self.sql(collector)?, params).await
    }

    /// A part of the sample with thousands of rows.
    async fn binary_panel<T>(
        &mut self,
        is_wanted: bool,
        collector: &Collector,
        decode: fn(&Row) -> Result<T, tokio_postgres::Error>,
    ) -> Result<Panel<Vec<T>>, Error> {
        if !is_wanted {
            return Ok(Panel::Unread);
        }
        if let Some(why) = self.rests(collector.name) {
            return Ok(Panel::Failed(why));
        }
        let rows = match self.sql(collector) {
            Ok(sql) => self.connection.binary_rows(&sql, &[], decode).await,
            Err(error) => Err(error),
        };
        self.panel_of(collector.name, rows)
    }

    /// A part of the sample.
    async fn panel<T: DeserializeOwned>(
        &mut self,
        is_wanted: bool,
        collector: &Collector,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Panel<Vec<T>>, Error> {
        if !is_wanted {
            return Ok(Panel::Unread);
        }
        if let Some(why) = self.rests(collector.name) {
            return Ok(Panel::Failed(why));
        }
        let rows = self.rows(collector, params).await;
        self.panel_of(collector.name, rows)
    }

    /// Why a part is left out this time.
    fn rests(&mut self, name: &'static str) -> Option<String> {
        let rest = self.resting.get_mut(name)?;
        match &mut rest.left {
            None => Some(rest.why.clone()),
            Some(0) => None,
            Some(left) => {
                *left -= 1;
                Some(rest.why.clone())
            }
        }
    }

    fn panel_of<T>(
        &mut self,
        name: &'static str,
        rows: Result<T, Error>,
    ) -> Result<Panel<T>, Error> {
        let error = match rows {
            Ok(rows) => {
                self.resting.remove(name);
                return Ok(Panel::Read(rows));
            }
            Err(error) if error.kind == Kind::Lost => return Err(error),
            Err(error) => error,
        };
        let before = self.resting.get(name).map_or(1, |rest| rest.next);
        let left = (!is_for_good(&error)).then_some(before);
        let rest = Rest {
            why: error.message.clone(),
            left,
            next: (before * 2).min(LONGEST_PAUSE),
        };
        self.resting.insert(name, rest);
        Ok(Panel::Failed(error.message))
    }

    async fn statements(&mut self, sample: &Sample) -> Result<Panel<Statements>, Error> {
        if let Some(why) = self.rests(COUNTERS.name) {
            return Ok(Panel::Failed(why));
        }
        if self.extension.is_none() {
            // Whoever reads that it is missing may make it.
            self.ticks += 1;
            if self.ticks.is_multiple_of(LOOK_AGAIN) {
                self.extension = extension(self.connection).await?;
            }
        }
        let Some(extension) = self.extension.clone() else {
            let why = format!(
                "pg_stat_statements is not installed in database {}: CREATE EXTENSION pg_stat_statements",
                sample.pulse.database
            );
            return Ok(Panel::Failed(why));
        };
        let info = match in_schema(&STATEMENTS_INFO, &extension) {
            Some(sql) => {
                let sql = format!("{MARKER} {sql}");
                self.connection.rows::<InfoRow>(&sql, &[]).await
            }
            None => Ok(Vec::new()),
        };
        let info = match info {
            Ok(mut info) => info.pop(),
            Err(error) if error.kind == Kind::Lost => return Err(error),
            // The counters say what is wrong.
            Err(_) => None,
        };
        let (dealloc, reset) = info.map_or((None, None), |i| (Some(i.dealloc), i.stats_reset));
        self.ticks += 1;
        if self.as_of != (dealloc, reset) || self.ticks >= WHOLE_EVERY {
            // Some are gone, and it does not show which.
            self.known.clear();
            self.ticks = 0;
        }
        self.as_of = (dealloc, reset);
        let read = self.counters(&extension).await;
        let read = read.map(|entries| Statements {
            max: sample.pulse.statements_max,
            dealloc,
            reset,
            ..summed(entries)
        });
        self.panel_of(COUNTERS.name, read)
    }

    /// All entries: what has changed is read, the others are known.
    async fn counters(&mut self, extension: &Extension) -> Result<Vec<StatementSample>, Error> {
        let sql = in_schema(&COUNTERS, extension).ok_or_else(|| {
            let why = format!(
                "version {} of pg_stat_statements is too old",
                extension.version
            );
            Error::new(Kind::Config, why)
        })?;
        let states: Vec<i64> = self.known.values().map(|(state, _)| *state).collect();
        let params: [(&(dyn ToSql + Sync), Type); 1] = [(&states, Type::INT8_ARRAY)];
        let counted = self.connection.binary_rows(&sql, &params, |row| {
            Ok((row.try_get::<_, Option<i64>>(0)?, rows::statement(row)?))
        });
        let mut entries = Vec::new();
        for (state, entry) in counted.await? {
            match state {
                Some(state) => {
                    self.known.insert(entry.key, (state, entry));
                }
                None => entries.push(entry),
            }
        }
        entries.extend(self.known.values().map(|(_, entry)| *entry));
        Ok(entries)
    }
}

/// The extension in this database.
async fn extension(connection: &Connection) -> Result<Option<Extension>, Error> {
    let found: Vec<ExtensionRow> = connection.rows(EXTENSION, &[]).await?;
    Ok(found.into_iter().next().map(|row| Extension {
        version: row.version,
        schema: row.schema,
    }))
}

/// Whether it will fail the next time too: a missing privilege, view, function or library.
fn is_for_good(error: &Error) -> bool {
    let state = error.sqlstate.as_deref().unwrap_or_default();
    matches!(error.kind, Kind::Privilege | Kind::Config)
        || state.starts_with("42")
        || state.starts_with("0A")
        || state == "55000"
}

fn one<T>(rows: Panel<Vec<T>>) -> Panel<T> {
    match rows {
        Panel::Read(mut rows) => match rows.pop() {
            Some(row) => Panel::Read(row),
            None => Panel::Failed("the server told nothing".to_owned()),
        },
        Panel::Failed(why) => Panel::Failed(why),
        Panel::Unread | Panel::Kept(..) => Panel::Unread,
    }
}

/// Entries whose query ids are hidden cannot be told apart: they are one, by role and database.
fn summed(entries: Vec<StatementSample>) -> Statements {
    use crate::model::counters::Counters as _;
    let mut hidden: Vec<StatementSample> = Vec::new();
    let mut statements = Statements::default();
    for entry in entries {
        if entry.key.queryid.is_some() {
            statements.entries.push(entry);
            continue;
        }
        statements.hidden += 1;
        let key = StatementKey {
            toplevel: true,
            ..entry.key
        };
        match hidden.iter_mut().find(|sum| sum.key == key) {
            Some(sum) => {
                sum.counters = sum.counters.plus(&entry.counters);
                sum.max_exec_time = sum.max_exec_time.max(entry.max_exec_time);
            }
            None => hidden.push(StatementSample {
                key,
                since: None,
                stddev_exec_time: 0.0,
                ..entry
            }),
        }
    }
    statements.entries.extend(hidden);
    statements
}

//! The one session that may write, and a second one that looks at it: DDL is run with somebody watching.
//!
//! A statement that is not CONCURRENTLY waits for its locks no longer than `lock_timeout`, for others queue behind it. That
//! setting is of no use to the concurrent ones: nobody queues behind their lock, and it would also strike while they wait for
//! the transactions that are older than they are, after the table has been read, and leave an INVALID index. So they run
//! without, and are cancelled by hand when it is the table's lock that they do not get. For older transactions they wait as
//! long as it takes, and tell for whom.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::model::build::Activity;
use crate::model::change::Change;
use crate::model::ident::QualifiedName;
use crate::model::standing::{Rights, Standing};
use crate::pg::collect;
use crate::pg::connect::{Canceller, Connection, Target};
use crate::pg::error::{Error, Kind};

/// Key of the advisory lock that one applying session a database holds: the letters of `pgperf`.
const KEY: i64 = 0x7067_7065_7266;

/// Between two looks at a running statement.
const LOOK: Duration = Duration::from_millis(250);

/// How long a cancelled statement may take to end.
const END: Duration = Duration::from_secs(10);

/// Becomes true when the user wants an end.
pub type Stop = watch::Receiver<bool>;

/// How a statement ended.
#[derive(Debug)]
pub enum Ran {
    /// As it should.
    Done,
    /// It did not get its lock in time, or was the victim of a deadlock; the last look at it says who had it.
    Blocked(Activity),
    /// The user wanted an end.
    Stopped,
    /// The server said no, or is gone.
    Failed(Error),
}

/// Who holds the advisory lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its process; none if it is gone by now.
    pub pid: Option<i32>,
}

/// The writing session.
pub struct Writer {
    session: Connection,
    /// Sees what `session` does; opened again when it is lost.
    observer: Option<Connection>,
    target: Target,
    /// Process of `session`.
    pid: i32,
    search_path: Vec<String>,
    lock_timeout: Duration,
}

impl Writer {
    /// Refuses a pooler, whose server processes may change between two statements.
    ///
    /// # Errors
    /// `Refused` if one is there.
    pub fn check(session: &Connection) -> Result<(), Error> {
        if session.is_pooled() {
            let what = format!(
                "a connection pooler stands before {}: building indexes needs a session of its own",
                session.endpoint()
            );
            let hint = "--apply with the server itself as the target, past the pooler";
            return Err(Error::new(Kind::Refused, what).hint(hint));
        }
        Ok(())
    }

    /// Opens both sessions. `started_at` is the start of the server that the advice is for.
    ///
    /// # Errors
    /// As [`Connection::open`]; `Refused` behind a pooler, on a standby, and when not all sessions reach one server.
    pub async fn open(
        target: &Target,
        lock_timeout: Duration,
        started_at: Option<f64>,
    ) -> Result<Self, Error> {
        let session = Connection::open(target).await?;
        Self::check(&session)?;
        let observer = Connection::open(target).await?;
        same_server(&session, &observer, started_at).await?;
        for settings in settings(session.server_version_num()) {
            // What a server does not know or cannot do is for comfort only; that it can write shows at the first statement.
            let _ = session.simple(settings).await;
        }
        session
            .simple("set /* pgperf */ default_transaction_read_only = off")
            .await?;
        let facts = session
            .simple("select /* pgperf */ pg_catalog.pg_backend_pid(); select /* pgperf */ pg_catalog.unnest(pg_catalog.current_schemas(true))")
            .await?;
        let mut columns = facts.into_iter().map(|set| set.rows.into_iter().flatten());
        let pid = columns.next().and_then(|mut rows| rows.next().flatten());
        let pid = pid.and_then(|pid| pid.parse().ok());
        let pid = pid.ok_or_else(|| Error::new(Kind::Lost, "the session has no process"))?;
        Ok(Self {
            session,
            observer: Some(observer),
            target: target.clone(),
            pid,
            search_path: columns.flatten().flatten().collect(),
            lock_timeout,
        })
    }

    /// Makes sure that no other pgperf applies anything in this database as long as this session lives. Says who does, if one
    /// does.
    ///
    /// # Errors
    /// As the server says.
    pub async fn claim(&self) -> Result<Option<Holder>, Error> {
        let asked = format!("select /* pgperf */ pg_catalog.pg_try_advisory_lock({KEY})");
        let sets = self.session.simple(&asked).await?;
        if first(&sets).as_deref() == Some("t") {
            return Ok(None);
        }
        // One key of 64 bits shows as its two halves, and objsubid 1.
        let holder = format!(
            "select /* pgperf */ l.pid from pg_catalog.pg_locks l where l.locktype = 'advisory' and l.granted \
             and l.classid = {} and l.objid = {} and l.objsubid = 1 and l.database = \
             (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())",
            KEY >> 32,
            KEY & 0xffff_ffff
        );
        let sets = self.session.simple(&holder).await?;
        let pid = first(&sets).and_then(|pid| pid.parse().ok());
        Ok(Some(Holder { pid }))
    }

    /// The server, as messages name it.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.session.endpoint()
    }

    /// What a name stands for now.
    ///
    /// # Errors
    /// As the server says.
    pub async fn standing(&mut self, name: &QualifiedName) -> Result<Standing, Error> {
        let pid = self.pid;
        let path = self.search_path.clone();
        let observer = self.observer().await?;
        collect::standing(observer, name, pid, &path).await
    }

    /// What the role may do with a table; none when there is no such table.
    ///
    /// # Errors
    /// As the server says.
    pub async fn rights(&mut self, table: &QualifiedName) -> Result<Option<Rights>, Error> {
        collect::rights(self.observer().await?, table).await
    }

    /// Makes a change, and tells what the server is doing meanwhile. A change that is given up has been cancelled on the
    /// server; what it left there is still there.
    pub async fn run(
        &mut self,
        change: &Change,
        stop: &mut Stop,
        tell: &mut dyn FnMut(&Activity),
    ) -> Ran {
        let limit = if change.is_concurrent() {
            "0".to_owned()
        } else {
            format!("'{}ms'", self.lock_timeout.as_millis().max(1))
        };
        let limit = format!("set /* pgperf */ lock_timeout = {limit}");
        if let Err(error) = self.session.simple(&limit).await {
            return Ran::Failed(error);
        }
        let sql = marked(change);
        let mut watched = Watched {
            canceller: self.session.canceller(),
            lock_timeout: self.lock_timeout,
            concurrent: change.is_concurrent(),
            blocked: None,
            last: Activity::default(),
            cancelled: None,
        };
        let statement = self.session.simple(&sql);
        tokio::pin!(statement);
        let mut observer = self.observer.take();
        let result = loop {
            tokio::select! {
                result = &mut statement => break result.map(|_| ()),
                () = stopped(stop), if watched.cancelled.is_none() => watched.cancel(Why::Stopped).await,
                () = tokio::time::sleep(LOOK) => {
                    if watched.overdue() {
                        break Err(Error::new(Kind::Lost, "the server did not answer a request to cancel"));
                    }
                    watched.look(&mut observer, &self.target, self.pid, tell).await;
                }
            }
        };
        self.observer = observer;
        watched.end(result)
    }

    /// Says goodbye.
    pub async fn close(self) {
        self.session.close().await;
        if let Some(observer) = self.observer {
            observer.close().await;
        }
    }

    /// The second session, opened again if it broke.
    async fn observer(&mut self) -> Result<&Connection, Error> {
        if let Some(observer) = self.observer.take()
            && observer.simple("select /* pgperf */ 1").await.is_ok()
        {
            return Ok(self.observer.insert(observer));
        }
        let observer = Connection::open(&self.target).await?;
        Ok(self.observer.insert(observer))
    }
}

/// Why a statement was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Stopped,
    Blocked,
}

/// A statement under way.
struct Watched {
    canceller: Canceller,
    lock_timeout: Duration,
    concurrent: bool,
    /// Since when it waits for the lock of a relation.
    blocked: Option<Instant>,
    last: Activity,
    cancelled: Option<(Why, Instant)>,
}

impl Watched {
    async fn cancel(&mut self, why: Why) {
        self.cancelled = Some((why, Instant::now()));
        self.canceller.cancel().await;
    }

    /// Whether it was cancelled and does not end.
    fn overdue(&self) -> bool {
        self.cancelled.is_some_and(|(_, at)| at.elapsed() > END)
    }

    /// Looks at it, and cancels it when it has waited too long for a lock.
    async fn look(
        &mut self,
        observer: &mut Option<Connection>,
        target: &Target,
        pid: i32,
        tell: &mut dyn FnMut(&Activity),
    ) {
        if observer.is_none() {
            *observer = Connection::open(target).await.ok();
        }
        let Some(connection) = observer.as_ref() else {
            return;
        };
        match collect::activity(connection, pid).await {
            Ok(Some(activity)) => self.last = activity,
            Ok(None) => return,
            Err(_) => {
                *observer = None;
                return;
            }
        }
        tell(&self.last);
        if !self.last.waits_for_relation() {
            self.blocked = None;
            return;
        }
        let since = *self.blocked.get_or_insert_with(Instant::now);
        if self.concurrent && self.cancelled.is_none() && since.elapsed() >= self.lock_timeout {
            self.cancel(Why::Blocked).await;
        }
    }

    fn end(self, result: Result<(), Error>) -> Ran {
        let Err(error) = result else {
            return Ran::Done;
        };
        let is = |state: &str| error.sqlstate.as_deref() == Some(state);
        match self.cancelled {
            Some((Why::Stopped, _)) => Ran::Stopped,
            Some((Why::Blocked, _)) if is("57014") => Ran::Blocked(self.last),
            // lock_not_available, deadlock_detected
            _ if is("55P03") || is("40P01") => Ran::Blocked(self.last),
            _ => Ran::Failed(error),
        }
    }
}

/// Returns when the user wants an end.
pub async fn stopped(stop: &mut Stop) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        // Nobody is left who could want it.
        std::future::pending::<()>().await;
    }
}

/// With several hosts each session may reach another one.
async fn same_server(
    session: &Connection,
    observer: &Connection,
    started_at: Option<f64>,
) -> Result<(), Error> {
    const STARTED: &str = "select /* pgperf */ extract(epoch from pg_catalog.pg_postmaster_start_time())::pg_catalog.float8";
    let mut starts: Vec<f64> = started_at.into_iter().collect();
    for connection in [session, observer] {
        let start = first(&connection.simple(STARTED).await?);
        starts.extend(start.and_then(|start| start.parse::<f64>().ok()));
    }
    if starts
        .windows(2)
        .any(|pair| (pair[0] - pair[1]).abs() > 0.001)
    {
        let what = format!(
            "not all sessions reached the same server, or it was started anew (now {})",
            session.endpoint()
        );
        return Err(Error::new(Kind::Refused, what).hint("name one host, that of the primary"));
    }
    Ok(())
}

/// Takes off the limits of an observing session. A server that finds its client gone ends the build: nobody would know of it.
fn settings(version: u32) -> Vec<&'static str> {
    let mut settings = vec![
        "set /* pgperf */ statement_timeout = 0",
        "set /* pgperf */ idle_in_transaction_session_timeout = 0",
    ];
    if version >= 140_000 {
        settings.push("set /* pgperf */ idle_session_timeout = 0");
        settings.push("set /* pgperf */ client_connection_check_interval = '2s'");
    }
    if version >= 170_000 {
        settings.push("set /* pgperf */ transaction_timeout = 0");
    }
    settings
}

/// The DDL with the marker behind its first word, where `pg_stat_statements` of every version keeps it.
fn marked(change: &Change) -> String {
    change.to_string().replacen(' ', " /* pgperf */ ", 1)
}

/// The first value of the first row.
fn first(sets: &[crate::pg::connect::ResultSet]) -> Option<String> {
    sets.first()?.rows.first()?.first()?.clone()
}

//! The one transaction of a collection: read-only, one snapshot, short locks, and a savepoint under every collector.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio_postgres::types::{ToSql, Type};

use crate::model::gap::{Gap, Part};
use crate::model::ident::QualifiedName;
use crate::pg::collect::failed;
use crate::pg::collect::variant::{Collector, collector};
use crate::pg::connect::Connection;
use crate::pg::error::{Error, Kind};

const LOCKS: Collector = collector!("locks", [(13, 0) => "13"]);

/// Fixes everything that the text form of a value or an expression depends on, so that equal databases give equal files.
/// Names are thus qualified unless they are in `pg_catalog`. Compiling these queries would take longer than they run, and nobody
/// who queues behind us notices a tenth of a second.
const PREPARE: &str = "\
    set local /* pgperf */ lock_timeout = '100ms'; \
    set local /* pgperf */ search_path = pg_catalog; \
    set local /* pgperf */ datestyle = 'ISO, YMD'; \
    set local /* pgperf */ intervalstyle = 'postgres'; \
    set local /* pgperf */ timezone = 'UTC'; \
    set local /* pgperf */ bytea_output = 'hex'; \
    set local /* pgperf */ extra_float_digits = 1; \
    set local /* pgperf */ quote_all_identifiers = off; \
    set local /* pgperf */ jit = off; \
    savepoint /* pgperf */ collector";

/// Also gives back every lock that the last collector took, and a failed one is forgotten.
const AGAIN: &str = "rollback /* pgperf */ to savepoint collector";

/// What every statement carries, so that it is known as pgperf's own.
pub(super) const MARKER: &str = "/* pgperf */";

/// A typed parameter.
pub(super) type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// A relation on which another session holds or awaits ACCESS EXCLUSIVE.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Locked {
    pub(super) oid: u32,
    schema: Option<String>,
    name: Option<String>,
}

impl Locked {
    /// Its name; the oid if it is gone.
    pub(super) fn label(&self) -> String {
        match (&self.schema, &self.name) {
            (Some(schema), Some(name)) => QualifiedName::new(schema, name).to_string(),
            _ => format!("relation {}", self.oid),
        }
    }
}

/// The transaction, and what went wrong in it so far.
pub(super) struct Transaction<'a> {
    connection: &'a Connection,
    major: u32,
    /// Relations not to open.
    pub(super) locked: Vec<Locked>,
    /// Collectors that failed.
    pub(super) gaps: Vec<Gap>,
}

impl<'a> Transaction<'a> {
    /// Opens it, with timeouts set.
    pub(super) async fn begin(connection: &'a Connection) -> Result<Self, Error> {
        connection.begin().await?;
        Ok(Self {
            connection,
            major: 0,
            locked: Vec::new(),
            gaps: Vec::new(),
        })
    }

    /// After the session's own settings were read: sets ours, and looks which relations are locked.
    pub(super) async fn prepare(&mut self, major: u32) -> Result<(), Error> {
        self.major = major;
        self.connection.simple(PREPARE).await?;
        self.look_for_locks().await
    }

    /// The server's version, as collectors are chosen by it.
    pub(super) fn version(&self) -> (u32, u32) {
        (self.major, 0)
    }

    /// Ends it; nothing was written.
    pub(super) async fn end(self) -> Result<(), Error> {
        self.connection.end().await
    }

    /// Rows of a collector before `prepare`: no savepoint, every error is final.
    pub(super) async fn first<T: DeserializeOwned>(
        &self,
        sql: &str,
        params: &[Param<'_>],
    ) -> Result<Vec<T>, Error> {
        self.connection
            .rows(&format!("{MARKER} {sql}"), params)
            .await
    }

    /// Rows of a statement under the savepoint.
    pub(super) async fn rows<T: DeserializeOwned>(
        &self,
        sql: &str,
        params: &[Param<'_>],
    ) -> Result<Vec<T>, Error> {
        // The mark at the very beginning is not kept by pg_stat_statements of PostgreSQL 18.
        let sql = format!("{MARKER} {sql}");
        // Both are sent at once, in this order.
        let (again, rows) = tokio::join!(
            self.connection.simple(AGAIN),
            self.connection.rows(&sql, params)
        );
        again?;
        rows
    }

    /// Rows of a collector chosen by the server's major version; a failure is noted as a Gap of that part.
    pub(super) async fn collect<T: DeserializeOwned>(
        &mut self,
        part: Part,
        collector: &Collector,
        params: &[Param<'_>],
    ) -> Result<Vec<T>, Error> {
        let Some(sql) = collector.fitting(self.version()) else {
            return Ok(Vec::new());
        };
        let rows = self.rows(sql, params).await;
        self.or_gap(part, collector.name, rows)
    }

    /// The same for collectors that open relations and take the oids not to open as their first parameter. If a lock
    /// appeared since it was looked for, looks again, and in the end opens nothing at all.
    pub(super) async fn collect_unlocked<T: DeserializeOwned>(
        &mut self,
        part: Part,
        collector: &Collector,
        more: &[Param<'_>],
    ) -> Result<Vec<T>, Error> {
        let Some(sql) = collector.fitting(self.version()) else {
            return Ok(Vec::new());
        };
        for attempt in 0.. {
            // A null list makes every test "may be opened" null, hence not true.
            let skipped = (attempt < 2).then(|| self.locked_oids());
            let mut params: Vec<Param<'_>> = vec![(&skipped, Type::OID_ARRAY)];
            params.extend(more.iter().map(|(value, kind)| (*value, kind.clone())));
            let rows = self.rows(sql, &params).await;
            match rows {
                Err(error) if attempt < 2 && is_lock_timeout(&error) => {
                    self.look_for_locks().await?;
                }
                rows => return self.or_gap(part, collector.name, rows),
            }
        }
        Ok(Vec::new())
    }

    /// Oids of the relations not to open.
    pub(super) fn locked_oids(&self) -> Vec<u32> {
        self.locked.iter().map(|locked| locked.oid).collect()
    }

    /// Adds the relations that are locked now.
    pub(super) async fn look_for_locks(&mut self) -> Result<(), Error> {
        let locked: Vec<Locked> = self.collect(Part::Catalog, &LOCKS, &[]).await?;
        self.locked.extend(locked);
        self.locked.sort_by_key(|locked| locked.oid);
        self.locked.dedup_by_key(|locked| locked.oid);
        Ok(())
    }

    /// An error that leaves the connection usable costs only this collector.
    pub(super) fn or_gap<T>(
        &mut self,
        part: Part,
        collector: &str,
        rows: Result<Vec<T>, Error>,
    ) -> Result<Vec<T>, Error> {
        match rows {
            Err(error) if error.kind != Kind::Lost => {
                self.gaps.push(failed(part, collector, &error));
                Ok(Vec::new())
            }
            rows => rows,
        }
    }
}

/// `lock_timeout` struck.
pub(super) fn is_lock_timeout(error: &Error) -> bool {
    error.sqlstate.as_deref() == Some("55P03")
}

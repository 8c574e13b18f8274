//! A session that cannot harm: read-only, with timeouts, marked, cancelled when nobody waits any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::de::DeserializeOwned;
use tokio::task::JoinHandle;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{CancelToken, Client, NoTls, SimpleQueryMessage};

use crate::pg::Error;
use crate::pg::connect::Target;
use crate::pg::connect::dial::{self, Facts};
use crate::pg::connect::failure;
use crate::pg::connect::limits::{self, BEGIN, BEGIN_WRITING, LIMITS, LIMITS_COUNT, MARKER};
use crate::pg::connect::pool::Checkout;
use crate::pg::connect::tls::TlsConnector;
use crate::pg::error::Kind;

/// One session, set up so that it cannot harm: read-only by default, `statement_timeout` 30 s, `lock_timeout` 200 ms,
/// `idle_in_transaction_session_timeout` 60 s, `application_name` beginning with `pgperf`.
///
/// One task uses it at a time. When a statement's future is dropped before its end, the server is asked to cancel the
/// statement, and the connection is not usable any more.
pub struct Connection {
    client: Held,
    facts: Facts,
    /// Between the statements that open and end one.
    in_transaction: AtomicBool,
    /// A statement was given up.
    abandoned: Arc<AtomicBool>,
    /// Set when a pool lent it.
    pub(super) checkout: Option<Checkout>,
}

/// Whose session it is.
enum Held {
    Own(Client, JoinHandle<()>),
    Lent(Option<deadpool_postgres::Object>),
}

impl std::ops::Deref for Held {
    type Target = Client;

    fn deref(&self) -> &Client {
        match self {
            Self::Own(client, _) => client,
            Self::Lent(Some(lent)) => lent,
            Self::Lent(None) => unreachable!("taken out only when dropped"),
        }
    }
}

/// The rows of one statement of a simple-protocol batch, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResultSet {
    /// Column names.
    pub columns: Vec<String>,
    /// Values; `None` = NULL.
    pub rows: Vec<Vec<Option<String>>>,
}

impl Connection {
    /// Connects to the first host that accepts and fits `target_session_attrs`.
    ///
    /// # Errors
    /// `Unreachable`, `Refused`, with every host tried; `Config` when a certificate file cannot be used.
    pub async fn open(target: &Target) -> Result<Self, Error> {
        let session = match dial::dial(target).await {
            Ok(session) => session,
            Err(error) if failure::is_missing_database(&error) => {
                return Err(with_databases(error, target).await);
            }
            Err(error) => return Err(error),
        };
        Ok(Self::new(
            Held::Own(session.client, session.task),
            session.facts,
        ))
    }

    /// A session lent by a pool.
    pub(super) fn pooled(session: deadpool_postgres::Object, facts: Facts) -> Self {
        Self::new(Held::Lent(Some(session)), facts)
    }

    fn new(client: Held, facts: Facts) -> Self {
        Self {
            client,
            facts,
            in_transaction: AtomicBool::new(false),
            abandoned: Arc::default(),
            checkout: None,
        }
    }

    /// The server's version as a number, e.g. 150018.
    #[must_use]
    pub fn server_version_num(&self) -> u32 {
        self.facts.version_num
    }

    /// The server's version as it says it, e.g. `15.18 (Debian 15.18-0+deb12u1)`.
    #[must_use]
    pub fn server_version(&self) -> &str {
        &self.facts.version
    }

    /// The host that was reached, as messages name it.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.facts.endpoint
    }

    /// Whether the session is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.facts.tls.is_some()
    }

    /// Whether a pooler stands between, so that what a session keeps (settings, prepared statements, `HypoPG`'s indexes)
    /// lasts until the end of the transaction only.
    #[must_use]
    pub fn is_pooled(&self) -> bool {
        self.facts.pooled
    }

    /// Opens the read-only transaction that [`BEGIN`] describes.
    ///
    /// # Errors
    /// As the server says.
    pub async fn begin(&self) -> Result<(), Error> {
        self.batch(BEGIN).await.map(|_| ())
    }

    /// Opens a transaction that may write, for a statement that the user wants to be tried. [`Connection::end`] rolls it back.
    ///
    /// # Errors
    /// As the server says, a standby that it cannot write.
    pub async fn begin_writing(&self) -> Result<(), Error> {
        self.batch(BEGIN_WRITING).await.map(|_| ())
    }

    /// Ends it: it is rolled back, whatever was done in it.
    ///
    /// # Errors
    /// As the server says.
    pub async fn end(&self) -> Result<(), Error> {
        self.batch("rollback").await.map(|_| ())
    }

    /// Runs one or more statements over the simple protocol, one result set a statement; a statement without rows gives
    /// an empty one. Behind a pooler and outside of a transaction they run as one transaction, with the limits. A transaction
    /// may be opened by the first statement of a batch and ended by the last one.
    ///
    /// # Errors
    /// As the server says.
    pub async fn simple(&self, sql: &str) -> Result<Vec<ResultSet>, Error> {
        if self.facts.pooled && !self.is_in_transaction() && !limits::ends(sql) {
            let mut results = self.batch(&format!("{LIMITS}{sql}")).await?;
            results.drain(..LIMITS_COUNT.min(results.len()));
            return Ok(results);
        }
        self.batch(sql).await
    }

    /// Runs one SELECT (unnamed statement, typed parameters) wrapped in `row_to_json` and decodes each row by column names.
    ///
    /// # Errors
    /// As the server says, or which column of which row did not decode.
    pub async fn rows<T: DeserializeOwned>(
        &self,
        sql: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<T>, Error> {
        if self.facts.pooled && !self.is_in_transaction() {
            self.begin().await?;
            let rows = self.select(sql, params).await;
            let ended = self.end().await;
            return rows.and_then(|rows| ended.map(|()| rows));
        }
        self.select(sql, params).await
    }

    /// Runs one SELECT as it is and decodes its rows from the binary form: what is read thousands of rows at a time, every other second.
    pub(in crate::pg) async fn binary_rows<T>(
        &self,
        sql: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
        decode: impl Fn(&tokio_postgres::Row) -> Result<T, tokio_postgres::Error>,
    ) -> Result<Vec<T>, Error> {
        let is_alone = self.facts.pooled && !self.is_in_transaction();
        if is_alone {
            self.begin().await?;
        }
        let watch = self.watch()?;
        let rows = self
            .client
            .query_typed(&format!("{MARKER}{sql}"), params)
            .await;
        watch.done();
        if is_alone {
            self.end().await?;
        }
        Ok(rows?.iter().map(decode).collect::<Result<_, _>>()?)
    }

    async fn select<T: DeserializeOwned>(
        &self,
        sql: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<T>, Error> {
        let sql = sql.trim_end().trim_end_matches(';');
        // The line break ends a trailing comment of the statement's.
        let wrapped =
            format!("{MARKER}select /* pgperf */ pg_catalog.row_to_json(r)::text from ({sql}\n) r");
        let watch = self.watch()?;
        let rows = self.client.query_typed(&wrapped, params).await;
        watch.done();
        let rows = rows?;
        let decode = |(number, row): (usize, &tokio_postgres::Row)| {
            let text: &str = row.try_get(0)?;
            serde_json::from_str(text).map_err(|error| undecodable(sql, number, text, &error))
        };
        rows.iter().enumerate().map(decode).collect()
    }

    /// A handle that cancels what this connection runs, from anywhere.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        Canceller {
            token: self.client.cancel_token(),
            tls: self.facts.tls.clone(),
        }
    }

    /// Says goodbye to the server and waits until it is said; a pool gets its session back instead. (Dropping the connection
    /// says it too, if the runtime lives on.)
    pub async fn close(mut self) {
        if let Held::Own(..) = self.client
            && let Held::Own(client, task) = std::mem::replace(&mut self.client, Held::Lent(None))
        {
            drop(client);
            let _ended = task.await;
        }
    }

    async fn batch(&self, sql: &str) -> Result<Vec<ResultSet>, Error> {
        let watch = self.watch()?;
        // Statements may be sent while others are under way, so this must be known when they are sent, not when they are done.
        if limits::opens(sql.strip_prefix(LIMITS).unwrap_or(sql)) {
            self.in_transaction.store(true, Ordering::Relaxed);
        }
        let messages = self.client.simple_query(&format!("{MARKER}{sql}")).await;
        watch.done();
        // A failed COMMIT at the end of a failed batch was not executed.
        if messages.is_ok() && limits::ends(sql) {
            self.in_transaction.store(false, Ordering::Relaxed);
        }
        Ok(result_sets(&messages?))
    }

    fn is_in_transaction(&self) -> bool {
        self.in_transaction.load(Ordering::Relaxed)
    }

    /// Begins to watch over a statement.
    fn watch(&self) -> Result<Watch, Error> {
        if self.abandoned.load(Ordering::Relaxed) {
            return Err(Error::new(
                Kind::Lost,
                "an earlier statement of this session was interrupted",
            ));
        }
        Ok(Watch {
            canceller: Some(self.canceller()),
            abandoned: Arc::clone(&self.abandoned),
        })
    }
}

impl Drop for Connection {
    /// A session in an unknown state does not go back to its pool.
    fn drop(&mut self) {
        if let Held::Lent(lent) = &mut self.client
            && self.abandoned.load(Ordering::Relaxed)
            && let Some(lent) = lent.take()
        {
            drop(deadpool_postgres::Object::take(lent));
        }
    }
}

/// Notices when a statement's future is dropped before the server has answered.
struct Watch {
    canceller: Option<Canceller>,
    abandoned: Arc<AtomicBool>,
}

impl Watch {
    fn done(mut self) {
        self.canceller = None;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(canceller) = self.canceller.take() {
            self.abandoned.store(true, Ordering::Relaxed);
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(async move { canceller.cancel().await });
            }
        }
    }
}

/// Cancels the statement that a connection runs at the moment. Cheap to clone.
#[derive(Clone)]
pub struct Canceller {
    token: CancelToken,
    tls: Option<TlsConnector>,
}

impl Canceller {
    /// Asks the server to cancel. It gives no answer, so neither does this; a server that cannot be reached any more needs
    /// no cancelling, its `statement_timeout` does it.
    pub async fn cancel(&self) {
        let _asked = match &self.tls {
            Some(tls) => self.token.cancel_query(tls.clone()).await,
            None => self.token.cancel_query(NoTls).await,
        };
    }
}

fn result_sets(messages: &[SimpleQueryMessage]) -> Vec<ResultSet> {
    let mut results = Vec::new();
    let mut current = ResultSet::default();
    for message in messages {
        match message {
            SimpleQueryMessage::RowDescription(columns) => {
                current.columns = columns.iter().map(|c| c.name().to_owned()).collect();
            }
            SimpleQueryMessage::Row(row) => {
                let values = (0..row.len()).map(|i| row.get(i).map(str::to_owned));
                current.rows.push(values.collect());
            }
            SimpleQueryMessage::CommandComplete(_) => results.push(std::mem::take(&mut current)),
            _ => {}
        }
    }
    results
}

/// Adds which databases there are to an error about one that does not exist, if the server lets itself be asked.
async fn with_databases(error: Error, target: &Target) -> Error {
    const SHOWN: usize = 10;
    let asked = target.with_dbname("postgres");
    let Ok(session) = dial::dial(&asked).await else {
        return error;
    };
    let sql = format!(
        "{MARKER}select /* pgperf */ datname from pg_catalog.pg_database where datallowconn and not datistemplate order by 1"
    );
    let Ok(messages) = session.client.simple_query(&sql).await else {
        return error;
    };
    let rows = result_sets(&messages)
        .into_iter()
        .flat_map(|result| result.rows);
    let names: Vec<String> = rows.flatten().flatten().collect();
    let more = match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!(" and {more} more"),
        _ => String::new(),
    };
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    error.hint(format!("databases there: {}{more}", shown.join(", ")))
}

/// A row that is not what the code expects: which, of what, and why. The values are not shown.
fn undecodable(sql: &str, number: usize, row: &str, error: &serde_json::Error) -> Error {
    let code = sql.lines().map(str::trim);
    let start = code
        .filter(|line| !line.starts_with("--"))
        .find(|line| !line.is_empty());
    let start: String = start.unwrap_or("").chars().take(60).collect();
    let column = match column_at(row, error.column()) {
        Some(name) => format!(", column {name},"),
        None => String::new(),
    };
    let message = format!(
        "row {}{column} of \"{start}\" cannot be read: {error}",
        number + 1
    );
    Error::new(Kind::Query, message)
        .hint("this is a fault of pgperf: please report it with the server's version")
}

/// The key of the outermost object to which byte `end` of `json` belongs.
fn column_at(json: &str, end: usize) -> Option<&str> {
    let (mut depth, mut text_start, mut last_text, mut key) = (0, None, None, None);
    let mut bytes = json.bytes().enumerate().take(end);
    while let Some((i, byte)) = bytes.next() {
        match (text_start, byte) {
            (Some(_), b'\\') => {
                bytes.next();
            }
            (Some(start), b'"') => {
                last_text = json.get(start..i);
                text_start = None;
            }
            (None, b'"') => text_start = Some(i + 1),
            (None, b'{' | b'[') => depth += 1,
            (None, b'}' | b']') => depth -= 1,
            (None, b':') if depth == 1 => key = last_text,
            _ => {}
        }
    }
    // Past the last column the whole row is at fault: a column that is missing.
    key.filter(|_| depth > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undecodable_rows_name_their_column() {
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code, reason = "only decoded")]
        struct Row {
            a: i64,
            b: Vec<String>,
        }
        for (json, expected) in [
            (
                r#"{"a":"x\"y:","b":[]}"#,
                "row 1, column a, of \"select a, b\" cannot be read: invalid type: string \"x\\\"y:\", expected i64 at line 1 column 12",
            ),
            (
                r#"{"a":1,"b":["x",{"c":1}]}"#,
                "row 1, column b, of \"select a, b\" cannot be read: invalid type: map, expected a string at line 1 column 16",
            ),
            (
                r#"{"a":1}"#,
                "row 1 of \"select a, b\" cannot be read: missing field `b` at line 1 column 7",
            ),
        ] {
            let error = serde_json::from_str::<Row>(json).expect_err("must not decode");
            let error = undecodable("-- comment\n\nselect a, b\nfrom t", 0, json, &error);
            assert_eq!(error.message, expected);
        }
    }
}

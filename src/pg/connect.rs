//! Target → Connection: everything psql accepts, TLS by rustls, no named prepared statements.

use serde::de::DeserializeOwned;
use tokio_postgres::types::{ToSql, Type};

use crate::pg::Error;

/// What the user gave, before the environment is consulted. Each field is psql's option of that name.
#[derive(Debug, Clone, Default)]
pub struct ConnectOptions {
    /// Positional URI, conninfo string or database name, or `-d`.
    pub dbname: Option<String>,
    /// `-h`.
    pub host: Option<String>,
    /// `-p`.
    pub port: Option<String>,
    /// `-U`.
    pub user: Option<String>,
}

/// A resolved target: hosts, role, database, TLS mode. `Display` is a URI without password; `Debug` hides it too.
#[derive(Clone)]
pub struct Target {}

/// One session, set up so that it cannot harm: read-only by default, `statement_timeout`, `lock_timeout`, `application_name`.
pub struct Connection {}

/// The rows of one statement of a simple-protocol batch, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResultSet {
    /// Column names.
    pub columns: Vec<String>,
    /// Values; `None` = NULL.
    pub rows: Vec<Vec<Option<String>>>,
}

impl Target {
    /// Resolves options, then `PGPERF_DSN`, `DATABASE_URL`, service file, `PG*` variables and passfile, in psql's order.
    /// The second value are warnings for stderr (passfile with wrong mode …).
    ///
    /// # Errors
    /// `Kind::Config`, naming the option.
    pub fn resolve(
        _options: &ConnectOptions,
        _env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(Self, Vec<String>), Error> {
        todo!()
    }
}

impl Connection {
    /// Connects to the first host that accepts and fits `target_session_attrs`.
    ///
    /// # Errors
    /// `Unreachable`, `Refused`, with every host tried.
    pub async fn open(_target: &Target) -> Result<Self, Error> {
        todo!()
    }

    /// Runs one or more statements over the simple protocol, one result set a statement.
    ///
    /// # Errors
    /// As the server says.
    pub async fn simple(&self, _sql: &str) -> Result<Vec<ResultSet>, Error> {
        todo!()
    }

    /// Runs one SELECT (unnamed statement, typed parameters) wrapped in `row_to_json` and decodes each row by column names.
    ///
    /// # Errors
    /// As the server says, or which row did not decode.
    pub async fn rows<T: DeserializeOwned>(
        &self,
        _sql: &str,
        _params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<T>, Error> {
        todo!()
    }
}

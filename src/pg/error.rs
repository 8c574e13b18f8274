//! What can go wrong at the database edge: what happened, where, and what to try.

use std::fmt;

/// Classes of failure, as far as callers and exit codes tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Bad connection parameters: unknown option, unreadable service file.
    Config,
    /// No server reached.
    Unreachable,
    /// Refused: wrong password, no such database, no such role, TLS failure.
    Refused,
    /// The role lacks a privilege (SQLSTATE 42501).
    Privilege,
    /// Gave up waiting for a lock (55P03) or ran into a timeout (57014).
    Timeout,
    /// The connection broke in the middle.
    Lost,
    /// The server rejected a statement.
    Query,
    /// A local server could not be found, started or stopped.
    Local,
}

/// A failure. `Display` is one line without trailing period; `hint` says what to try.
#[derive(Debug)]
pub struct Error {
    /// Class.
    pub kind: Kind,
    /// What happened and where. Never holds a password.
    pub message: String,
    /// What to try.
    pub hint: Option<String>,
    /// SQLSTATE, when the server said one.
    pub sqlstate: Option<String>,
    /// Cause.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with only its message.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            sqlstate: None,
            source: None,
        }
    }

    /// Adds what to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|e| &**e as _)
    }
}

impl From<tokio_postgres::Error> for Error {
    /// An error of a session. (Those of connecting are told in `connect`.)
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else {
            return without_answer(error);
        };
        let kind = match db.code().code() {
            "42501" => Kind::Privilege,
            "55P03" | "57014" => Kind::Timeout,
            "57P01" | "57P02" | "57P03" | "25P03" | "57P05" => Kind::Lost,
            _ => Kind::Query,
        };
        let mut converted = Self::new(kind, db.message());
        converted.hint = db.hint().map(str::to_owned);
        converted.sqlstate = Some(db.code().code().to_owned());
        converted.source(error)
    }
}

/// An error that the server did not send. tokio-postgres names only the class and leaves the reason to the cause.
fn without_answer(error: tokio_postgres::Error) -> Error {
    let cause = std::error::Error::source(&error);
    let reason = cause.map(ToString::to_string);
    let broken = cause.is_some_and(<dyn std::error::Error>::is::<std::io::Error>);
    let (kind, what) = if error.is_closed() || broken {
        (Kind::Lost, "connection to the server was lost".to_owned())
    } else {
        (Kind::Query, error.to_string())
    };
    let message = match reason {
        Some(reason) => format!("{what}: {reason}"),
        None => what,
    };
    Error::new(kind, message).source(error)
}

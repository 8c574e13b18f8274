//! Target → Connection: everything psql accepts, TLS by rustls, no named prepared statements.
//!
//! `target` resolves what the user gave, with `endpoint`, `settings`, `conninfo`, `keyword`, `service` and `passfile`; `dial` reaches a
//! server, with `tls`, `certificate` and `x509`; `failure` says why not; `session` runs statements under `limits`, `pool` lends sessions.

mod certificate;
mod conninfo;
mod dial;
mod endpoint;
mod failure;
mod keyword;
mod limits;
mod passfile;
mod pool;
mod service;
mod session;
mod settings;
mod target;
#[cfg(test)]
mod tests;
mod tls;
mod x509;

pub use limits::BEGIN;
pub use pool::{Pool, pool};
pub use session::{Canceller, Connection, ResultSet};
pub use target::Target;

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

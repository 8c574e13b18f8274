//! Target → Connection: everything psql accepts, TLS by rustls, no named prepared statements.
//!
//! `target` resolves what the user gave, with `settings`, `conninfo`, `keyword`, `service` and `passfile`; `dial` reaches a
//! server, with `tls` and `certificate`; `failure` says why not; `session` runs statements.

mod certificate;
mod conninfo;
mod dial;
mod failure;
mod keyword;
mod passfile;
mod service;
mod session;
mod settings;
mod target;
mod tls;

pub use session::{BEGIN, Canceller, Connection, ResultSet};
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

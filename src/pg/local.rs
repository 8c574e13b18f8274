//! Throwaway local servers: found, started, stopped and removed, also after a kill.

use std::path::PathBuf;

use crate::pg::Error;

/// A server installation on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// `server_version_num`-like: 150018.
    pub version_num: u32,
    /// Directory with `postgres`, `initdb`.
    pub bin_dir: PathBuf,
}

/// How to start one.
#[derive(Debug, Clone, Default)]
pub struct LocalOptions {
    /// Settings added to the command line, `name=value`.
    pub settings: Vec<(String, String)>,
}

/// A running throwaway server; dropping it stops and removes it.
pub struct LocalServer {}

/// Finds installations: `PGPERF_PG_BIN`, `pg_config --bindir`, PATH and the usual places; newest first.
#[must_use]
pub fn installations() -> Vec<Installation> {
    todo!()
}

impl LocalServer {
    /// Starts a fresh cluster.
    ///
    /// # Errors
    /// `Kind::Local`, with the end of the server's log.
    pub async fn start(
        _installation: &Installation,
        _options: &LocalOptions,
    ) -> Result<Self, Error> {
        todo!()
    }

    /// Conninfo of database `name` on it, as superuser `postgres`, over the Unix socket.
    #[must_use]
    pub fn conninfo(&self, _name: &str) -> String {
        todo!()
    }
}

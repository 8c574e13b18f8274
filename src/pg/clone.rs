//! A statistics clone: a throwaway local server with the schema and the statistics of a Snapshot, and none of its rows.
//!
//! The real planner answers what-if questions there, with no load on the observed server, no extension, and offline. It sees
//! what it would see on the source: the same tables, indexes and constraints, rows of `pg_statistic` made from `pg_stats`,
//! the figures of `pg_class`, files as long as the real ones (sparse), and btrees as high. Candidate indexes are real ones of
//! any access method, built while the heap's file is empty, and shown to the planner for the questions that ask for them.
//!
//! A snapshot file may come from anybody, and planning runs functions that call themselves immutable: everything that comes
//! from the Snapshot, questions included, is therefore run by a role without privileges; the superuser only stores figures.

mod btree;
mod build;
mod cache;
mod candidates;
mod combinations;
mod expression;
mod extended;
mod files;
mod lengths;
mod rebuild;
mod schema;
mod statistics;
mod whatif;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use crate::model::gap::Gap;
use crate::model::index::IndexDefinition;
use crate::model::snapshot::Snapshot;
use crate::pg::error::{Error, Kind};
use crate::pg::local::{Installation, LocalOptions, LocalServer, Session};
use cache::{Cache, Kept};
use candidates::Candidate;
use lengths::{Heap, heaps, relations, stretch};
use rebuild::{create_database, rebuild, search_path};

/// The database, and the role that everything of the Snapshot's belongs to.
const DATABASE: &str = "clone";
const ROLE: &str = "pgperf_clone";

/// A running clone. Dropping it removes it.
pub struct StatisticsClone {
    server: LocalServer,
    /// For figures.
    superuser: Session,
    /// For questions: the role without privileges.
    session: Session,
    version_num: u32,
    /// In which unqualified names of definitions are found; SQL text.
    search_path: String,
    gaps: Vec<Gap>,
    /// Where the tables are that an index can be built on, by (schema, name).
    heaps: HashMap<(String, String), Heap>,
    candidates: HashMap<IndexDefinition, Candidate>,
    /// Candidates by the names of their indexes, partitions' ones included.
    names: HashMap<String, IndexDefinition>,
    /// Indexes of the Snapshot, with those of their partitions, by (schema, name).
    existing: HashMap<(String, String), Vec<u32>>,
    /// Candidates that the planner sees at the moment, and indexes of the Snapshot that it does not see.
    toggled: BTreeSet<u32>,
}

impl StatisticsClone {
    /// Starts a server and rebuilds the Snapshot in it. `heights` are the levels above the leaves of its btree indexes, by oid;
    /// `cache` is a directory for clones of snapshot files, which are asked again.
    ///
    /// # Errors
    /// `Kind::Local` when the server does not start or has no room; what cannot be rebuilt is a Gap instead.
    pub async fn hydrate(
        snapshot: &Snapshot,
        heights: &BTreeMap<u32, f64>,
        installation: &Installation,
        cache: Option<&Path>,
    ) -> Result<Self, Error> {
        let cache = cache.and_then(|directory| Cache::new(directory, snapshot, installation));
        if let Some(cache) = &cache
            && let Some((cluster, kept)) = cache.find()
        {
            match Self::kept(snapshot, heights, installation, &cluster, kept).await {
                Ok(clone) => return Ok(clone),
                Err(_) => cache.forget(),
            }
        }
        Self::hydrated(snapshot, heights, installation, cache.as_ref())
            .await
            .map_err(ours)
    }

    /// From a kept cluster.
    async fn kept(
        snapshot: &Snapshot,
        heights: &BTreeMap<u32, f64>,
        installation: &Installation,
        cluster: &Path,
        kept: Kept,
    ) -> Result<Self, Error> {
        let relations = &kept.relations;
        let server = LocalServer::start_copy(installation, &options(), cluster, |data| {
            stretch(data, relations, snapshot, heights)
        })
        .await?;
        Self::ready(snapshot, server, kept).await
    }

    async fn hydrated(
        snapshot: &Snapshot,
        heights: &BTreeMap<u32, f64>,
        installation: &Installation,
        cache: Option<&Cache>,
    ) -> Result<Self, Error> {
        let mut server = LocalServer::start(installation, &options()).await?;
        let mut gaps = create_database(&server, snapshot).await?;
        rebuild(&server, snapshot, &mut gaps).await?;
        // Nothing of the old files is in memory afterwards.
        let relations = relations(&server).await?;
        let kept = Kept { gaps, relations };
        let data = server.socket_dir();
        server
            .restart(&options(), || {
                if let Some(cache) = cache {
                    cache.keep(&data, &kept);
                }
                stretch(&data, &kept.relations, snapshot, heights)
            })
            .await?;
        Self::ready(snapshot, server, kept).await
    }

    async fn ready(snapshot: &Snapshot, server: LocalServer, kept: Kept) -> Result<Self, Error> {
        let superuser = Session::open(&server.conninfo(DATABASE)).await?;
        let existing = existing(&superuser).await?;
        let session = Session::open(&server.conninfo_as(ROLE, DATABASE)).await?;
        session.run("SET statement_timeout = '30s'").await?;
        Ok(Self {
            version_num: server.installation().version_num,
            search_path: search_path(snapshot),
            heaps: heaps(&server.socket_dir(), kept.relations, snapshot),
            server,
            superuser,
            session,
            gaps: kept.gaps,
            candidates: HashMap::new(),
            names: HashMap::new(),
            existing,
            toggled: BTreeSet::new(),
        })
    }

    /// What could not be rebuilt.
    #[must_use]
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Conninfo for looking into it, as the role that owns everything in it.
    #[must_use]
    pub fn conninfo(&self) -> String {
        self.server.conninfo_as(ROLE, DATABASE)
    }

    /// The same as environment variables of libpq.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, String); 4] {
        [
            (
                "PGHOST",
                self.server.socket_dir().to_string_lossy().into_owned(),
            ),
            ("PGPORT", self.server.port().to_string()),
            ("PGUSER", ROLE.to_owned()),
            ("PGDATABASE", DATABASE.to_owned()),
        ]
    }

    /// The server's version, `150018`.
    #[must_use]
    pub fn version_num(&self) -> u32 {
        self.version_num
    }

    /// Bytes that it really takes on disk.
    #[must_use]
    pub fn disk_usage(&self) -> u64 {
        files::disk_usage(&self.server.socket_dir())
    }

    /// Stops and removes it without blocking.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

fn options() -> LocalOptions {
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    LocalOptions {
        settings: vec![
            setting("max_connections", "20"),
            setting("max_locks_per_transaction", "4096"),
            setting("shared_buffers", "64MB"),
            // Else a commit would read each new file into memory to log it, and what is written into the file afterwards
            // would not be seen.
            setting("wal_skip_threshold", "0"),
            setting("log_min_messages", "panic"),
        ],
        in_memory: true,
        ..LocalOptions::default()
    }
}

/// The indexes that can be hidden, each with those of its partitions.
async fn existing(superuser: &Session) -> Result<HashMap<(String, String), Vec<u32>>, Error> {
    let rows = superuser.column("SELECT pgperf_clone.existing()").await?;
    let rows: Vec<(String, String, u32, Option<u32>)> = (rows.iter())
        .filter_map(|row| serde_json::from_str(row).ok())
        .collect();
    let parents: HashMap<u32, u32> = (rows.iter())
        .filter_map(|&(_, _, oid, parent)| Some((oid, parent?)))
        .collect();
    let mut families: HashMap<u32, Vec<u32>> = HashMap::new();
    for &(_, _, oid, _) in &rows {
        let ancestors = std::iter::successors(Some(oid), |oid| parents.get(oid).copied());
        for ancestor in ancestors {
            families.entry(ancestor).or_default().push(oid);
        }
    }
    let mut named = HashMap::new();
    for (schema, name, oid, _) in rows {
        named.insert((schema, name), families.remove(&oid).unwrap_or_default());
    }
    Ok(named)
}

/// An error of the clone's server is this machine's, not the observed server's.
fn ours(error: Error) -> Error {
    if error.kind == Kind::Local {
        return error;
    }
    Error::new(
        Kind::Local,
        format!("the clone's own server: {}", error.message),
    )
    .hint("set PGPERF_TMPDIR to a directory with room for it, or choose another --planner")
    .source(error)
}

//! How long each file of a clone has to be.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::catalog::{Table, TableKind};
use crate::model::snapshot::Snapshot;
use crate::pg::clone::{DATABASE, files, statistics};
use crate::pg::error::{Error, Kind};
use crate::pg::local::{LocalServer, Session};

/// Largest relation that PostgreSQL can have, pages.
const MOST_PAGES: f64 = 4_294_967_294.0;

/// The heap of a table.
#[derive(Debug, Clone)]
pub(super) struct Heap {
    pub(super) path: PathBuf,
    pub(super) pages: u64,
    pub(super) figures: Value,
}

/// A relation with a file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stored {
    schema: String,
    name: String,
    is_index: bool,
    is_btree: bool,
    /// From the data directory on.
    path: PathBuf,
}

pub(super) async fn relations(server: &LocalServer) -> Result<Vec<Stored>, Error> {
    let superuser = Session::open(&server.conninfo(DATABASE)).await?;
    let sql = "SELECT json_build_array(n.nspname, c.relname, c.relkind = 'i', m.amname IS NOT DISTINCT FROM 'btree', pg_relation_filepath(c.oid)) \
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_am m ON m.oid = c.relam \
        WHERE c.relkind IN ('r', 'i', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";
    let rows = superuser.column(sql).await?;
    let read = |row: &String| {
        let (schema, name, is_index, is_btree, path) = serde_json::from_str(row).ok()?;
        Some(Stored {
            schema,
            name,
            is_index,
            is_btree,
            path,
        })
    };
    Ok(rows.iter().filter_map(read).collect())
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bounded"
)]
pub(super) fn whole(pages: f64) -> u64 {
    if pages.is_finite() {
        pages.clamp(0.0, MOST_PAGES).round() as u64
    } else {
        0
    }
}

/// Gives each file in the data directory its length. The server must not run.
pub(super) fn stretch(
    data: &Path,
    relations: &[Stored],
    snapshot: &Snapshot,
    heights: &BTreeMap<u32, f64>,
) -> Result<(), Error> {
    let tables: HashMap<(&str, &str), (u32, f64)> = (snapshot.tables.iter())
        .map(|t| ((t.schema.as_str(), t.name.as_str()), (t.oid, t.relpages)))
        .collect();
    let indexes: HashMap<(&str, &str), (u32, f64)> = (snapshot.indexes.iter())
        .map(|i| ((i.schema.as_str(), i.name.as_str()), (i.oid, i.relpages)))
        .collect();
    for relation in relations {
        let key = (relation.schema.as_str(), relation.name.as_str());
        let all = if relation.is_index { &indexes } else { &tables };
        let Some(&(oid, relpages)) = all.get(&key) else {
            continue;
        };
        let pages = whole(snapshot.definitions.pages(oid).unwrap_or(relpages));
        let path = data.join(&relation.path);
        let grown = match heights.get(&oid) {
            Some(height) if relation.is_btree => {
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a tree is a few levels high"
                )]
                let height = height.clamp(0.0, 16.0) as u32;
                files::grow_btree(&path, height, pages)
            }
            _ if relation.is_index => files::extend(&path, pages.max(1)),
            _ => files::extend(&path, pages),
        };
        grown.map_err(|error| unwritten(&path.display().to_string(), &error))?;
    }
    Ok(())
}

pub(super) fn unwritten(path: &str, error: &io::Error) -> Error {
    Error::new(
        Kind::Local,
        format!("cannot write {path} of the clone: {error}"),
    )
    .hint("set PGPERF_TMPDIR to a directory with room for it")
}

pub(super) fn heaps(
    data: &Path,
    relations: Vec<Stored>,
    snapshot: &Snapshot,
) -> HashMap<(String, String), Heap> {
    let figures: HashMap<(String, String), Value> = statistics::figures(snapshot)
        .into_iter()
        .filter_map(|f| {
            Some((
                (
                    f["schema"].as_str()?.to_owned(),
                    f["relation"].as_str()?.to_owned(),
                ),
                f,
            ))
        })
        .collect();
    let stored = |t: &Table| t.kind == TableKind::Table || t.kind == TableKind::MaterializedView;
    let pages: HashMap<(&str, &str), f64> = (snapshot.tables.iter().filter(|t| stored(t)))
        .map(|t| {
            (
                (t.schema.as_str(), t.name.as_str()),
                snapshot.definitions.pages(t.oid).unwrap_or(t.relpages),
            )
        })
        .collect();
    let heap = |r: Stored| {
        let pages = whole(*pages.get(&(r.schema.as_str(), r.name.as_str()))?);
        let key = (r.schema, r.name);
        let figures = figures.get(&key)?.clone();
        Some((
            key,
            Heap {
                path: data.join(r.path),
                pages,
                figures,
            },
        ))
    };
    relations
        .into_iter()
        .filter(|r| !r.is_index)
        .filter_map(heap)
        .collect()
}

//! A database as rules look at it, whatever statements run: the snapshot, and the arithmetic that several rules share.

use crate::model::catalog::{Table, TableKind};
use crate::model::change::Change;
use crate::model::cluster::{Cluster, DatabaseCounters};
use crate::model::gap::{Gap, Part};
use crate::model::ident::quote_ident;
use crate::model::snapshot::Snapshot;
use crate::model::unit::Millis;

/// Bytes of a page.
pub const PAGE: f64 = 8192.0;
/// Seconds of a day.
pub const DAY: f64 = 86_400.0;
/// Counters that count for less time say little about what is rare: jobs of the week, reports of the month.
pub const ENOUGH_DAYS: f64 = 7.0;

/// Tables, partitioned tables and materialized views that stay and are nobody else's: no temporary ones, none of an extension.
/// Partitions are among them.
pub fn tables(snapshot: &Snapshot) -> impl Iterator<Item = &Table> {
    snapshot
        .tables
        .iter()
        .filter(|t| t.can_have_indexes() && t.persistence != "t" && t.extension.is_none())
}

/// Those that hold rows themselves.
pub fn stored(snapshot: &Snapshot) -> impl Iterator<Item = &Table> {
    tables(snapshot).filter(|t| t.kind != TableKind::Partitioned)
}

/// Days over which the counters of tables and indexes were gathered; 0 where that is not known.
#[must_use]
pub fn days(snapshot: &Snapshot) -> f64 {
    snapshot.stats_age().unwrap_or(0.0) / DAY
}

/// A counter as a float.
#[expect(
    clippy::cast_precision_loss,
    reason = "a counter beyond 2^52 is no estimate any more"
)]
#[must_use]
pub fn count(counter: i64) -> f64 {
    counter as f64
}

/// Bytes of a table or an index: by its length now, else as of the last VACUUM.
#[must_use]
pub fn bytes(snapshot: &Snapshot, oid: u32, relpages: f64) -> f64 {
    snapshot.definitions.pages(oid).unwrap_or(relpages).max(0.0) * PAGE
}

/// A storage parameter of a table, if it has one of its own.
#[must_use]
pub fn option<'a>(snapshot: &'a Snapshot, table: &Table, name: &str) -> Option<&'a str> {
    let storage = snapshot.definitions.storage(table.oid)?;
    storage.options.iter().find_map(|o| {
        let (option, value) = o.split_once('=')?;
        (option == name).then_some(value)
    })
}

/// The setting as it applies to a table.
#[must_use]
pub fn setting_of(snapshot: &Snapshot, table: &Table, name: &str, default: f64) -> f64 {
    let own = option(snapshot, table, name).and_then(|value| value.parse().ok());
    own.unwrap_or_else(|| snapshot.server.number(name, default))
}

/// Whether a boolean setting is known to be off.
#[must_use]
pub fn is_off(snapshot: &Snapshot, name: &str) -> bool {
    let setting = snapshot.server.settings.get(name);
    setting.is_some_and(|s| s.setting == "off")
}

/// A setting that is a size, bytes; `None` where it was not seen.
#[must_use]
pub fn setting_bytes(snapshot: &Snapshot, name: &str) -> Option<f64> {
    let setting = snapshot.server.settings.get(name)?;
    let value: f64 = setting.setting.parse().ok()?;
    let unit = match setting.unit.as_deref()? {
        "B" => 1.0,
        "kB" => 1024.0,
        "8kB" => PAGE,
        "MB" => 1024.0 * 1024.0,
        _ => return None,
    };
    Some(value * unit)
}

/// A size as settings take it, in the largest unit that divides it well: `512MB`, `16GB`.
#[must_use]
pub fn as_setting(bytes: f64) -> String {
    const MB: f64 = 1024.0 * 1024.0;
    let megabytes = (bytes / MB).round().max(1.0);
    if megabytes >= 8192.0 || megabytes >= 1024.0 && megabytes % 1024.0 == 0.0 {
        format!("{:.0}GB", (megabytes / 1024.0).round())
    } else {
        format!("{megabytes:.0}MB")
    }
}

/// The statements that set a setting for the whole server.
#[must_use]
pub fn set(name: &str, value: &str) -> Vec<Change> {
    let (name, value) = (name.to_owned(), value.to_owned());
    vec![Change::Set { name, value }, Change::Reload]
}

/// The counters of the database, and for how many seconds they count.
#[must_use]
pub fn counters(snapshot: &Snapshot) -> Option<(&DatabaseCounters, f64)> {
    let counters = snapshot.cluster.as_ref()?.counters.as_ref()?;
    let since = counters.stats_reset.or(snapshot.server.started_at)?;
    Some((counters, (snapshot.taken_at - since).max(0.0)))
}

/// How long ago that was.
#[must_use]
pub fn ago(snapshot: &Snapshot, since: f64) -> Millis {
    Millis((snapshot.taken_at - since).max(0.0) * 1000.0)
}

/// What keeps VACUUM from removing dead rows now, the oldest first: how old (transactions), and what.
#[must_use]
pub fn holders(cluster: &Cluster) -> Vec<(f64, String)> {
    let sessions = cluster.sessions.iter().filter_map(|s| {
        let state = s.state.as_deref().unwrap_or("in an unknown state");
        let kind = s.backend_type.as_deref().unwrap_or("session");
        Some((s.xmin_age?, format!("{kind} {} ({state})", s.pid)))
    });
    let slots = cluster.slots.iter();
    let slots = slots.filter_map(|s| Some((s.xmin_age?, format!("replication slot {}", s.name))));
    let prepared = cluster.prepared.iter();
    let prepared = prepared.map(|p| (p.xid_age, format!("prepared transaction {}", p.gid)));
    let mut all: Vec<(f64, String)> = sessions.chain(slots).chain(prepared).collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    all
}

/// What rules about the database could not look at.
#[must_use]
pub fn unseen(snapshot: &Snapshot) -> Vec<Gap> {
    let mut gaps = Vec::new();
    if snapshot.cluster.is_none() {
        let what = "sessions, counters, ages and replication of the server are not in the snapshot";
        gaps.push(
            Gap::new(Part::Server, what)
                .effect("no rule has looked at wraparound, checkpoints, sessions, slots, cache and temporary files"),
        );
    }
    if snapshot.server.memory_bytes.is_none() {
        gaps.push(
            Gap::new(
                Part::Server,
                "the memory of the server's machine is not known",
            )
            .effect("shared_buffers, effective_cache_size and work_mem were not judged by it")
            .close("pgperf audit --memory 16GB # what the machine has"),
        );
    }
    let days = days(snapshot);
    if snapshot.server.in_recovery {
        gaps.push(
            Gap::new(
                Part::TableStats,
                "this server is a standby, which counts its own scans only",
            )
            .effect("no index was called unused: the primary may use what the standby does not")
            .close("pgperf audit -h PRIMARY # the server that it follows"),
        );
    } else if days < ENOUGH_DAYS {
        let since = Millis(days * DAY * 1000.0);
        gaps.push(
            Gap::new(
                Part::TableStats,
                format!("counters of tables and indexes count for {since} only"),
            )
            .effect("no index was called unused: what runs once a week was perhaps not seen yet"),
        );
    }
    let hidden = |c: &Cluster| {
        let clients = c.sessions.iter().filter(|s| s.database.is_some());
        clients
            .filter(|s| s.state.is_none() && s.backend_type.is_none())
            .count()
    };
    let hidden = snapshot.cluster.as_ref().map_or(0, hidden);
    if hidden > 0 {
        let what = "what sessions of other roles do may not be seen by this role";
        let grant = format!(
            "GRANT pg_read_all_stats TO {};",
            quote_ident(&snapshot.server.user)
        );
        gaps.push(
            Gap::new(Part::Activity, what)
                .effect("no rule has looked whether they are idle in a transaction")
                .close(grant)
                .count(hidden),
        );
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standby_says_why_no_index_is_called_unused() {
        let told = |in_recovery: bool| {
            let mut snapshot = Snapshot::default();
            snapshot.server.in_recovery = in_recovery;
            let gaps = unseen(&snapshot).into_iter();
            gaps.filter(|gap| gap.part == Part::TableStats)
                .map(|gap| gap.what)
                .collect::<Vec<_>>()
                .join("; ")
        };
        assert!(told(true).contains("a standby"), "{}", told(true));
        assert!(!told(false).contains("standby"), "{}", told(false));
    }
}

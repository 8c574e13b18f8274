//! `shared-buffers`: the cache is too small for what is read.

use crate::audit::database::{DAY, as_setting, counters, setting_bytes};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::change::Change;
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Bytes, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "shared-buffers",
    title: "The shared buffers are small for what is read",
    page: "\
What is not in shared buffers is fetched from the operating system's cache or from disk. The default of 128 MB is for a machine of 1 GB; a quarter of the
memory is where most servers do well.

Told by: the database is larger than shared_buffers, less than 95 % of the blocks that were read were found there, and shared_buffers is below a fifth of
the machine's memory (below 1 GB where that is not known). Reads of the operating system's cache count as misses here, so the share says nothing about
disks.

Do: set shared_buffers to a quarter of the memory. It takes a restart. Look at what reads so much first: a missing index reads more than any cache holds.

All right when: the machine is shared with others that need the memory.",
    check: Check::Database(check),
};

/// Share of blocks that are found below which it is told, and is bad.
const FOUND: f64 = 0.95;
const BAD: f64 = 0.8;
/// Blocks a day that are not found, from which on it is noticed.
const BLOCKS: f64 = 100_000.0;
/// Shares of the memory: below which it is small, and what is advised.
const SMALL: f64 = 0.2;
const QUARTER: f64 = 0.25;
/// Small where the memory is not known.
const GB: f64 = 1024.0 * 1024.0 * 1024.0;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    hit(snapshot).into_iter().collect()
}

fn hit(snapshot: &Snapshot) -> Option<DatabaseHit> {
    let (counters, seconds) = counters(snapshot)?;
    let buffers = setting_bytes(snapshot, "shared_buffers")?;
    let size = snapshot.server.database_size_bytes;
    let memory = snapshot.server.memory_bytes;
    let read = counters.blks_hit + counters.blks_read;
    let found = counters.blks_hit / read.max(1.0);
    let a_day = counters.blks_read / (seconds.max(DAY) / DAY);
    let small = buffers < memory.map_or(GB, |memory| SMALL * memory);
    if !small || size <= buffers || found >= FOUND || a_day < BLOCKS {
        return None;
    }
    let mut evidence = vec![
        format!(
            "{} of the blocks that were read were found in shared buffers",
            Percent(found)
        ),
        format!(
            "shared_buffers is {}, the database {}",
            Bytes(buffers),
            Bytes(size)
        ),
    ];
    let advice = "raise it and restart; see first whether a missing index reads that much";
    let mut changes = Vec::new();
    if let Some(memory) = memory {
        evidence.push(format!("the machine has {}", Bytes(memory)));
        let wanted = (QUARTER * memory).min((1.5 * size).max(buffers * 2.0));
        changes.push(Change::Set {
            name: "shared_buffers".into(),
            value: as_setting(wanted),
        });
    }
    Some(DatabaseHit {
        object: "shared_buffers".into(),
        severity: if found < BAD {
            Severity::Medium
        } else {
            Severity::Low
        },
        evidence,
        fix: Fix {
            changes,
            ..Fix::from(advice)
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing::{in_database, set};
    use crate::model::cluster::DatabaseCounters;

    fn told(hit: f64, read: f64, memory: Option<f64>, size: f64) -> String {
        in_database("shared-buffers", "", |s| {
            set(s, "shared_buffers", "16384", Some("8kB"));
            s.server.memory_bytes = memory;
            s.server.database_size_bytes = size;
            let counters = DatabaseCounters {
                blks_hit: hit,
                blks_read: read,
                stats_reset: Some(s.taken_at - 10.0 * DAY),
                ..DatabaseCounters::default()
            };
            s.cluster.as_mut().unwrap().counters = Some(counters);
        })
    }

    #[test]
    fn it_is_told_by_what_is_not_found() {
        let found = told(6e8, 4e8, Some(16.0 * GB), 40.0 * GB);
        assert!(
            found.starts_with("medium shared_buffers: 60.0 %"),
            "{found}"
        );
        assert!(
            found.contains("ALTER SYSTEM SET shared_buffers = '4GB';"),
            "{found}"
        );
        assert!(told(9e8, 1e8, None, 40.0 * GB).starts_with("low "));
    }

    #[test]
    fn a_cache_that_holds_it_or_is_a_good_part_of_the_memory_is_not() {
        assert_eq!(told(99e7, 1e7, Some(16.0 * GB), 40.0 * GB), "", "found");
        assert_eq!(
            told(6e8, 4e8, Some(0.5 * GB), 40.0 * GB),
            "",
            "a quarter of the memory already"
        );
        assert_eq!(
            told(6e8, 4e8, Some(16.0 * GB), 0.1 * GB),
            "",
            "all of it fits"
        );
        assert_eq!(
            told(6e2, 4e2, Some(16.0 * GB), 40.0 * GB),
            "",
            "hardly read"
        );
    }
}

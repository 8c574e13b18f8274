//! `effective-cache-size`: the planner is told of less cache than there is.

use crate::audit::database::{as_setting, set, setting_bytes};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::snapshot::Snapshot;
use crate::model::unit::Bytes;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "effective-cache-size",
    title: "The planner is told of less cache than there is",
    page: "\
effective_cache_size takes no memory: it tells the planner how much of a table and its indexes will be cached, by PostgreSQL and the operating system together, when
the same pages are read again. Too small a value makes index scans inside of joins look dearer than they are.

Told by: it is below shared_buffers, or below 40 % of the machine's memory.

Do: set it to three quarters of the memory.

All right when: the machine is shared with others that need the memory.",
    check: Check::Database(check),
};

/// Shares of the memory: below which it is told, and what is advised.
const LEAST: f64 = 0.4;
const USUAL: f64 = 0.75;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    hit(snapshot).into_iter().collect()
}

fn hit(snapshot: &Snapshot) -> Option<DatabaseHit> {
    let size = setting_bytes(snapshot, "effective_cache_size")?;
    let buffers = setting_bytes(snapshot, "shared_buffers")?;
    let memory = snapshot.server.memory_bytes;
    let small = memory.is_some_and(|memory| size < LEAST * memory);
    if !small && size >= buffers {
        return None;
    }
    let (evidence, wanted) = match memory {
        Some(memory) => (
            format!("it is {}, the machine has {}", Bytes(size), Bytes(memory)),
            USUAL * memory,
        ),
        None => (
            format!(
                "it is {}, and shared_buffers alone is {}",
                Bytes(size),
                Bytes(buffers)
            ),
            3.0 * buffers,
        ),
    };
    Some(DatabaseHit {
        object: "effective_cache_size".into(),
        severity: Severity::Low,
        evidence: vec![evidence],
        fix: Fix {
            changes: set("effective_cache_size", &as_setting(wanted)),
            ..Fix::from("tell the planner of the cache that there is")
        },
    })
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::{in_database, set};

    fn told(size_mb: u32, memory_gb: Option<f64>) -> String {
        in_database("effective-cache-size", "", |s| {
            set(
                s,
                "effective_cache_size",
                &(size_mb * 128).to_string(),
                Some("8kB"),
            );
            set(s, "shared_buffers", "131072", Some("8kB"));
            s.server.memory_bytes = memory_gb.map(|gb| gb * 1024.0 * 1024.0 * 1024.0);
        })
    }

    #[test]
    fn it_is_told_by_the_memory_or_by_the_buffers() {
        assert!(
            told(4096, Some(64.0)).contains("ALTER SYSTEM SET effective_cache_size = '48GB';"),
            "{}",
            told(4096, Some(64.0))
        );
        assert!(told(512, None).contains("'3GB'"), "{}", told(512, None));
        assert_eq!(told(4096, None), "");
        assert_eq!(told(4096, Some(8.0)), "");
    }
}

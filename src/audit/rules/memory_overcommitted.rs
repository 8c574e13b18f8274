//! `memory-overcommitted`: sessions may ask for more memory than there is.

use crate::audit::database::{as_setting, setting_bytes};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Bytes, Count};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "memory-overcommitted",
    title: "Sessions may ask for more memory than the machine has",
    page: "\
Each sort and each hash of each session may take work_mem (a hash hash_mem_multiplier times that). On a day when every connection does, the kernel kills a
process of the server, and all sessions end.

Told by: shared_buffers, and work_mem for each of max_connections, are more than the machine's memory.

Do: fewer connections (a pooler lets a few dozen serve thousands of clients), or a smaller work_mem for the server with more for the roles that need it.

All right when: most connections are idle by design, and the peak is known.",
    check: Check::Database(check),
};

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    hit(snapshot).into_iter().collect()
}

fn hit(snapshot: &Snapshot) -> Option<DatabaseHit> {
    let memory = snapshot.server.memory_bytes?;
    let buffers = setting_bytes(snapshot, "shared_buffers")?;
    let work_mem = setting_bytes(snapshot, "work_mem")?;
    let connections = snapshot.server.number("max_connections", 0.0);
    let all = buffers + connections * work_mem;
    (all > memory).then(|| {
        let bearable = (memory - buffers).max(0.0) * 0.75 / work_mem.max(1.0);
        DatabaseHit {
            object: "max_connections, work_mem".into(),
            severity: if all > 2.0 * memory { Severity::Medium } else { Severity::Low },
            evidence: vec![format!(
                "shared_buffers {} and {} connections with work_mem {} are {}, the machine has {}",
                Bytes(buffers),
                Count(connections),
                Bytes(work_mem),
                Bytes(all),
                Bytes(memory)
            )],
            fix: Fix::from(format!(
                "at this work_mem {} connections can be borne; or a work_mem of {} for as many as now, and a pooler before the server",
                Count(bearable.floor()),
                as_setting(((memory - buffers).max(0.0) * 0.75 / connections.max(1.0)).max(1024.0 * 1024.0))
            )),
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::{in_database, set};

    fn told(connections: u32, memory: Option<f64>) -> String {
        in_database("memory-overcommitted", "", |s| {
            set(s, "shared_buffers", "131072", Some("8kB"));
            set(s, "work_mem", "65536", Some("kB"));
            set(s, "max_connections", &connections.to_string(), None);
            s.server.memory_bytes = memory;
        })
    }

    #[test]
    fn it_is_told_by_the_sum() {
        const GB: f64 = 1024.0 * 1024.0 * 1024.0;
        let found = told(500, Some(8.0 * GB));
        assert!(
            found.starts_with("medium ") && found.contains("are 32 GB, the machine has 8.0 GB"),
            "{found}"
        );
        assert_eq!(told(50, Some(8.0 * GB)), "");
        assert_eq!(told(500, None), "");
    }
}

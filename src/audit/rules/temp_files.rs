//! `temp-files`: sorts and hashes go to disk.

use crate::audit::database::{DAY, PAGE, as_setting, count, counters, set, setting_bytes};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::snapshot::Snapshot;
use crate::model::statement::Statement;
use crate::model::unit::{Bytes, Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "temp-files",
    title: "Sorts and hashes go to disk",
    page: "\
A sort, hash or materialization that does not fit into work_mem writes temporary files and reads them again.

Told by: 1 GB of temporary files a day or more. pg_stat_statements names the statements that write most of it, and how much one execution does.

Do: a larger work_mem: first for those statements or their role (SET LOCAL, ALTER ROLE … SET), for every session may take it several times over. The value below
holds what the named statements need (in memory sorts take up to three times of what they write); the whole server's is raised only where its memory is known to bear it: half of it,
over all connections. An index that gives the order, or a LIMIT, does away with the sort.

All right when: they come from index builds and nightly reports.",
    check: Check::Database(check),
};

/// Bytes a day that are told, and that are much.
const TOLD: f64 = 1024.0 * 1024.0 * 1024.0;
const MUCH: f64 = 100.0 * TOLD;
/// What memory takes for what a file took.
const IN_MEMORY: f64 = 3.0;
/// No statement is worth more.
const MOST: f64 = 2.0 * TOLD;
/// Statements that are named.
const NAMED: usize = 3;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    hit(snapshot).into_iter().collect()
}

fn hit(snapshot: &Snapshot) -> Option<DatabaseHit> {
    let (counters, seconds) = counters(snapshot)?;
    let a_day = counters.temp_bytes / (seconds.max(DAY) / DAY);
    if a_day < TOLD {
        return None;
    }
    let work_mem = setting_bytes(snapshot, "work_mem")?;
    let mut evidence = vec![format!(
        "{} a day in {} files of {} each; work_mem is {}",
        Bytes(a_day),
        Count(counters.temp_files),
        Bytes(counters.temp_bytes / counters.temp_files.max(1.0)),
        Bytes(work_mem)
    )];
    let writers = writers(snapshot);
    let all: f64 = writers.iter().map(|(written, _)| written).sum();
    for (written, statement) in writers.iter().take(NAMED) {
        let text = statement
            .query
            .as_deref()
            .unwrap_or("a statement whose text is hidden");
        let text: String = text
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .chars()
            .take(70)
            .collect();
        evidence.push(format!(
            "{} of it by “{text}”, {} an execution",
            Percent(written / all.max(1.0)),
            Bytes(each(statement))
        ));
    }
    let needed = writers
        .iter()
        .take(NAMED)
        .map(|(_, s)| each(s) * IN_MEMORY)
        .fold(0.0, f64::max);
    let wanted = needed.max(2.0 * work_mem).min(MOST);
    let connections = snapshot.server.number("max_connections", 100.0);
    let borne = snapshot
        .server
        .memory_bytes
        .map(|memory| 0.5 * memory / connections);
    let changes = match borne {
        Some(borne) if wanted <= borne => set("work_mem", &as_setting(wanted)),
        _ => Vec::new(),
    };
    let advice = if changes.is_empty() {
        format!(
            "SET LOCAL work_mem = '{}' for these statements, or ALTER ROLE … SET for their role: for all sessions it may be more than the machine has",
            as_setting(wanted)
        )
    } else {
        "raise work_mem; the machine bears it even if every connection takes it".into()
    };
    Some(DatabaseHit {
        object: "work_mem".into(),
        severity: if a_day >= MUCH {
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

/// Statements that write temporary blocks with the bytes written, most first.
fn writers(snapshot: &Snapshot) -> Vec<(f64, &Statement)> {
    let writers = snapshot
        .statements
        .iter()
        .filter(|s| s.temp_blks_written > 0 && s.calls > 0);
    let mut writers: Vec<(f64, &Statement)> = writers
        .map(|s| (count(s.temp_blks_written) * PAGE, s))
        .collect();
    writers.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.queryid.cmp(&b.1.queryid)));
    writers
}

/// Bytes that one execution writes.
fn each(statement: &Statement) -> f64 {
    count(statement.temp_blks_written) * PAGE / count(statement.calls.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing::{in_database, set};
    use crate::model::cluster::DatabaseCounters;

    fn told(a_day: f64, memory: Option<f64>) -> String {
        in_database("temp-files", "", |s| {
            set(s, "work_mem", "4096", Some("kB"));
            set(s, "max_connections", "100", None);
            s.server.memory_bytes = memory;
            s.statements = vec![Statement {
                query: Some("select *\n from t order by a".into()),
                calls: 10,
                temp_blks_written: 12_800,
                ..Statement::default()
            }];
            let counters = DatabaseCounters {
                temp_files: 100.0,
                temp_bytes: 10.0 * a_day,
                stats_reset: Some(s.taken_at - 10.0 * DAY),
                ..DatabaseCounters::default()
            };
            s.cluster.as_mut().unwrap().counters = Some(counters);
        })
    }

    #[test]
    fn it_is_told_by_the_day_with_who_writes_it() {
        let found = told(5.0 * TOLD, None);
        assert!(
            found.contains("“select * from t order by a”, 10 MB an execution"),
            "{found}"
        );
        assert!(
            found.contains("SET LOCAL work_mem = '30MB'") && !found.contains("ALTER SYSTEM"),
            "{found}"
        );
        assert!(told(200.0 * TOLD, None).starts_with("medium "));
        assert_eq!(told(0.5 * TOLD, None), "");
    }

    #[test]
    fn the_whole_server_gets_it_only_if_it_bears_it() {
        assert!(
            told(5.0 * TOLD, Some(64.0 * TOLD)).contains("ALTER SYSTEM SET work_mem = '30MB';"),
            "{}",
            told(5.0 * TOLD, Some(64.0 * TOLD))
        );
        assert!(!told(5.0 * TOLD, Some(2.0 * TOLD)).contains("ALTER SYSTEM"));
    }
}

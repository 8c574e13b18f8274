//! `end-of-life`: a version without further fixes.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Count, Utc};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "end-of-life",
    title: "The server's version gets no more fixes",
    page: "\
Each major version is mended for five years: crashes, wrong results, security. After that nothing is.

Told by: the date of the snapshot against the dates that the project has announced (https://www.postgresql.org/support/versioning/); from half a year ahead it is
worth knowing.

Do: upgrade: pg_upgrade takes minutes with --link; logical replication takes seconds of downtime.

All right when: a vendor still maintains that version.",
    check: Check::Database(check),
};

/// Major version, and the Unix time of its last release as announced: 2025-11-13, 2026-11-12, 2027-11-11, 2028-11-09, 2029-11-08, 2030-11-14.
const LAST: &[(u32, f64)] = &[
    (13, 1_762_992_000.0),
    (14, 1_794_441_600.0),
    (15, 1_825_891_200.0),
    (16, 1_857_340_800.0),
    (17, 1_888_790_400.0),
    (18, 1_920_844_800.0),
];
/// How long ahead it is told, s.
const AHEAD: f64 = 182.0 * 86_400.0;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let major = snapshot.server.major();
    let last = LAST
        .iter()
        .find(|(version, _)| *version == major)
        .map(|(_, last)| *last);
    let near = last.filter(|last| snapshot.taken_at >= last - AHEAD);
    let hit = near.map(|last| {
        let date = Utc(last).to_string();
        let date = date.split(' ').next().unwrap_or_default();
        let past = snapshot.taken_at >= last;
        let days = Count(((snapshot.taken_at - last).abs() / 86_400.0).round());
        DatabaseHit {
            object: format!("PostgreSQL {major}"),
            severity: if past {
                Severity::Medium
            } else {
                Severity::Info
            },
            evidence: vec![if past {
                format!("its last release was announced for {date}, {days} days ago")
            } else {
                format!("its last release is announced for {date}, in {days} days")
            }],
            fix: Fix::from("upgrade to a newer major version"),
        }
    });
    hit.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing::in_database;

    #[test]
    fn the_date_decides() {
        let told = |version_num: u32, taken_at: f64| {
            in_database("end-of-life", "", |s| {
                (s.server.version_num, s.taken_at) = (version_num, taken_at);
            })
        };
        let day = 86_400.0;
        let found = told(140_005, LAST[1].1 + 10.0 * day);
        assert!(
            found.starts_with(
                "medium PostgreSQL 14: its last release was announced for 2026-11-12, 10 days ago"
            ),
            "{found}"
        );
        assert!(told(140_005, LAST[1].1 - 10.0 * day).starts_with("info "));
        assert_eq!(told(140_005, LAST[1].1 - 300.0 * day), "");
        assert_eq!(told(180_000, LAST[1].1), "");
        assert_eq!(told(990_000, LAST[1].1), "", "a version that is not known");
    }

    #[test]
    fn the_dates_are_those_announced() {
        let dates: Vec<String> = LAST
            .iter()
            .map(|(_, last)| Utc(*last).to_string())
            .collect();
        let expected = [
            "2025-11-13",
            "2026-11-12",
            "2027-11-11",
            "2028-11-09",
            "2029-11-08",
            "2030-11-14",
        ];
        for (date, expected) in dates.iter().zip(expected) {
            assert!(date.starts_with(expected), "{date} {expected}");
        }
    }
}

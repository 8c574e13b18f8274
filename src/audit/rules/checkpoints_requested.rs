//! `checkpoints-requested`: WAL forces checkpoints before their time.

use crate::audit::database::{DAY, as_setting, set, setting_bytes};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Bytes, Count, Millis, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "checkpoints-requested",
    title: "Checkpoints come before their time",
    page: "\
A checkpoint is due every checkpoint_timeout, and sooner when the WAL since the last one nears max_wal_size. After each, the first change of a page writes the
whole page to the WAL: checkpoints that come often make more WAL, which makes checkpoints come oftener.

Told by: of 20 checkpoints or more, over a day or more, 30 % or more were requested (by WAL, or by somebody: CHECKPOINT, a backup), not timed.

Do: a larger max_wal_size: what is written in twice the time between checkpoints, where the rate is known (14 and newer), else twice what it is. It takes as much
disk; recovery after a crash takes longer.

All right when: they come from nightly loads or backups only.",
    check: Check::Database(check),
};

/// Checkpoints that say something, the share of requested ones that is told, and that is much.
const LEAST: f64 = 20.0;
const TOLD: f64 = 0.3;
const MUCH: f64 = 0.7;
/// Never advise more than this.
const MOST: f64 = 256.0 * 1024.0 * 1024.0 * 1024.0;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    hit(snapshot).into_iter().collect()
}

fn hit(snapshot: &Snapshot) -> Option<DatabaseHit> {
    let cluster = snapshot.cluster.as_ref()?;
    let checkpoints = cluster.checkpoints.as_ref()?;
    let all = checkpoints.timed + checkpoints.requested;
    let share = checkpoints.requested / all.max(1.0);
    let age = snapshot.taken_at - checkpoints.stats_reset.or(snapshot.server.started_at)?;
    if all < LEAST || share < TOLD || age < DAY || snapshot.server.in_recovery {
        return None;
    }
    let size = setting_bytes(snapshot, "max_wal_size")?;
    let timeout = snapshot.server.number("checkpoint_timeout", 300.0);
    let mut evidence = vec![format!(
        "{} of {} checkpoints were requested, {}; one every {}, where checkpoint_timeout is {}",
        Count(checkpoints.requested),
        Count(all),
        Percent(share),
        Millis(age / all * 1000.0),
        Millis(timeout * 1000.0)
    )];
    let rate = cluster.wal.as_ref().and_then(|wal| {
        let age = snapshot.taken_at - wal.stats_reset?;
        (age >= DAY).then(|| wal.bytes / age)
    });
    let mut wanted = 2.0 * size;
    if let Some(rate) = rate {
        let between = rate * timeout;
        evidence.push(format!(
            "{} of WAL in that time on average, max_wal_size is {}",
            Bytes(between),
            Bytes(size)
        ));
        // Twice, for checkpoints are spread, and three times, for the average is not the peak.
        wanted = wanted.max(6.0 * between);
    } else {
        evidence.push(format!("max_wal_size is {}", Bytes(size)));
    }
    Some(DatabaseHit {
        object: "max_wal_size".into(),
        severity: if share >= MUCH {
            Severity::Medium
        } else {
            Severity::Low
        },
        evidence,
        fix: Fix {
            changes: set("max_wal_size", &as_setting(wanted.min(MOST))),
            ..Fix::from("raise max_wal_size, if the disk has room for it")
        },
    })
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::{in_database, set};
    use crate::model::cluster::{Checkpoints, Wal};

    fn told(timed: f64, requested: f64, wal: Option<f64>) -> String {
        in_database("checkpoints-requested", "", |s| {
            let since = Some(s.taken_at - 10.0 * 86_400.0);
            set(s, "max_wal_size", "1024", Some("MB"));
            set(s, "checkpoint_timeout", "300", Some("s"));
            let cluster = s.cluster.as_mut().unwrap();
            cluster.checkpoints = Some(Checkpoints {
                timed,
                requested,
                stats_reset: since,
            });
            cluster.wal = wal.map(|bytes| Wal {
                bytes,
                stats_reset: since,
                ..Wal::default()
            });
        })
    }

    #[test]
    fn it_is_told_by_the_share_with_a_size_for_the_rate() {
        let found = told(500.0, 2500.0, Some(864e9));
        assert!(
            found.starts_with(
                "medium max_wal_size: 2,500 of 3,000 checkpoints were requested, 83.3 %"
            ),
            "{found}"
        );
        // 1 MB/s over 300 s is 286 MB (of 1024²); six times that is below 2 GB.
        assert!(
            found.contains("ALTER SYSTEM SET max_wal_size = '2GB';"),
            "{found}"
        );
        assert!(
            told(500.0, 2500.0, Some(8640e9)).contains("'17GB'"),
            "{}",
            told(500.0, 2500.0, Some(8640e9))
        );
        assert!(told(500.0, 300.0, None).starts_with("low "));
    }

    #[test]
    fn timed_and_few_ones_are_not() {
        assert_eq!(told(2800.0, 100.0, None), "");
        assert_eq!(told(0.0, 10.0, None), "");
    }
}

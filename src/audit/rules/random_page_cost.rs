//! `random-page-cost`: index scans are priced for spinning disks.

use crate::audit::database::{DAY, counters};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "random-page-cost",
    title: "Index scans are priced for spinning disks",
    page: "\
random_page_cost says what a page read out of order costs against one read in order. The default of 4 supposes disks that must move a head, with most of the
reads cached. On an SSD, or where nearly all is cached, it is near 1, and plans that use indexes look dearer than they are.

Told by: it is 4 or more, and 99 % or more of the blocks that were read (a million or more) were found in shared buffers.

Do: try 1.1 to 2: for a session first (SET random_page_cost), with the statements that matter under pgperf explain --compare, then for the
server. pgperf advise weighs index scans by measured times whatever the setting is.

All right when: the data lies on spinning disks and will outgrow the memory.",
    check: Check::Database(check),
};

const DISKS: f64 = 4.0;
const CACHED: f64 = 0.99;
const BLOCKS: f64 = 1e6;

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    hit(snapshot).into_iter().collect()
}

fn hit(snapshot: &Snapshot) -> Option<DatabaseHit> {
    let (counters, seconds) = counters(snapshot)?;
    let price = snapshot.server.number("random_page_cost", 0.0);
    let read = counters.blks_hit + counters.blks_read;
    let found = counters.blks_hit / read.max(1.0);
    let fits = price >= DISKS && found >= CACHED && read >= BLOCKS && seconds >= DAY;
    fits.then(|| DatabaseHit {
        object: "random_page_cost".into(),
        severity: Severity::Info,
        evidence: vec![
            format!("it is {price}"),
            format!(
                "{} of {} blocks that were read were in shared buffers",
                Percent(found),
                Count(read)
            ),
        ],
        fix: Fix::from(
            "try 1.1 in a session with the statements that matter, then set it for the server",
        ),
    })
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::{in_database, set};
    use crate::model::cluster::DatabaseCounters;

    fn told(price: &str, hit: f64) -> String {
        in_database("random-page-cost", "", |s| {
            set(s, "random_page_cost", price, None);
            let counters = DatabaseCounters {
                blks_hit: hit,
                blks_read: 1e6,
                stats_reset: Some(s.taken_at - 1e6),
                ..DatabaseCounters::default()
            };
            s.cluster.as_mut().unwrap().counters = Some(counters);
        })
    }

    #[test]
    fn four_is_told_where_nearly_all_is_cached() {
        assert!(
            told("4", 1e9).starts_with("info random_page_cost: it is 4 | > 99.9 %"),
            "{}",
            told("4", 1e9)
        );
        assert_eq!(told("1.1", 1e9), "");
        assert_eq!(told("4", 1e7), "");
    }
}

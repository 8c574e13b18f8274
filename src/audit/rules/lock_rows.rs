//! `lock-rows`: much time goes into row locks.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::unit::{Count, Millis, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "lock-rows",
    title: "Locking rows takes much of the statement's time",
    page: "\
FOR UPDATE and FOR SHARE write into each row that they lock, and wait where another transaction holds it.

Told by: LockRows took 20 % of the statement by itself. A millisecond a row or more means waiting; less, that many rows were locked.

Do: where it waits, FOR UPDATE SKIP LOCKED for a queue, NOWAIT or lock_timeout elsewhere, and shorter transactions; where it locks many
rows, a narrower condition or LIMIT: only those that are then written need the lock.

All right when: the rows are all written next.",
    check: Check::Plan(check),
};

/// Least share of the statement.
const SHARE: f64 = 0.2;
/// So long a row, ms, is a wait.
const WAIT_MS: f64 = 1.0;

fn check(view: &View<'_>) -> Vec<Hit> {
    let locks = view
        .nodes(&["LockRows"])
        .filter(|_| view.explained.is_timed());
    let hits = locks.filter_map(|(at, node)| {
        let share = view.share(at);
        if share < SHARE || !view.matters(at) {
            return None;
        }
        let (rows, ms) = (node.rows()?, view.exclusive.time.own[at]);
        let each = ms / rows.max(1.0);
        let fix = if each >= WAIT_MS {
            "it waited for other transactions: SKIP LOCKED if any row will do, NOWAIT or lock_timeout if not, and shorter transactions"
        } else {
            "lock only the rows that are written next: a narrower condition, or LIMIT"
        };
        Some(Hit {
            node: at,
            share,
            least: Severity::Info,
            evidence: vec![format!(
                "{} rows locked in {}, {} each, {} of the statement",
                Count(rows),
                Millis(ms),
                Millis(each),
                Percent(share)
            )],
            fix: fix.into(),
        })
    });
    hits.collect()
}

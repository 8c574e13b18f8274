//! `matview-candidate`: a large aggregate that could be kept.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::cache_candidate::{TIMES, evidence};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;
use crate::audit::text::unchanged::unchanged;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "matview-candidate",
    title: "A large aggregate is computed again and again",
    page: "\
An aggregate over many rows that is asked for more often than they change can be computed once and read many times: by a materialized view that is refreshed now and then, or a
table of sums that is kept by triggers.

Told by: a SELECT with aggregates or GROUP BY that takes 100 ms or more on average, and is executed 20 times or more, and ten times a day or more, for each time that its result can
have changed (as cache-candidate reckons it).

Do: CREATE MATERIALIZED VIEW over it, with a unique index, and REFRESH MATERIALIZED VIEW CONCURRENTLY as often as the figures must be new. Where
parameters choose, group by their columns as well.

All right when: the result must be exact at every moment.",
    check: Check::Sql(check),
};

/// Milliseconds from which on a view of its own is worth it.
const LARGE_MS: f64 = 100.0;
/// Calls a day.
const CALLS: f64 = 10.0;

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let hit = || {
        let ms = text.cost.mean_ms.filter(|_| is_large_aggregate(text))?;
        let asked = unchanged(text).filter(|u| u.calls >= CALLS && u.times >= TIMES)?;
        Some(TextHit {
            object: "aggregate".into(),
            confirmed: true,
            least: Severity::Info,
            evidence: evidence(&asked, ms),
            fix: Fix::from(
                "keep it in a materialized view with a unique index, refreshed concurrently as often as it must be new",
            ),
        })
    };
    hit().into_iter().collect()
}

/// Whether it aggregates, and takes long.
pub(super) fn is_large_aggregate(text: &Text<'_>) -> bool {
    let aggregates = text.top().is_some_and(|top| top.aggregates || top.grouped);
    aggregates && text.cost.mean_ms.is_some_and(|ms| ms >= LARGE_MS)
}

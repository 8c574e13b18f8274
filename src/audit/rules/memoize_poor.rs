//! `memoize-poor`: a cache of look-ups that seldom finds what it has seen.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::explained::Node;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "memoize-poor",
    title: "A cache of look-ups is hardly ever hit",
    page: "\
Memoize (14 and later) keeps what the inner side of a nested loop found for a value, in the hope that the value comes again. If hardly any does,
or the cache is too small to keep it until then, the cache is only a cost, and the nested loop was planned as if it were cheap.

Told by: at least 1,000 misses, and less than 30 % of the look-ups found something; or so many evictions that at least half of what
was kept had to go, with less than 90 % found. (Workers count by themselves; their figures are added.)

Do: with evictions, more work_mem (times hash_mem_multiplier); without, ANALYZE, or a better n_distinct of the column: the planner took the values for
fewer than they are.

All right when: the join is quick all the same.",
    check: Check::Plan(check),
};

/// Least misses.
const MANY: f64 = 1000.0;
/// Share found that is useless, and that is good enough although the cache is too small.
const USELESS: f64 = 0.3;
const GOOD: f64 = 0.9;
/// Share of what was kept that had to go.
const EVICTED: f64 = 0.5;

fn check(view: &View<'_>) -> Vec<Hit> {
    let caches = view.nodes(&["Memoize"]);
    let hits = caches.filter_map(|(at, node)| {
        let [hits, misses, evictions, overflows] =
            ["Cache Hits", "Cache Misses", "Cache Evictions", "Cache Overflows"].map(|name| total(node, name));
        let found = hits / (hits + misses).max(1.0);
        let small = evictions + overflows >= EVICTED * misses;
        let useless = found < USELESS || small && found < GOOD;
        if misses < MANY || !useless || !view.subtree_matters(at) {
            return None;
        }
        let key = node.text("Cache Key").unwrap_or("its key");
        let mut evidence = vec![format!(
            "{} of {} look-ups by {key} were found",
            Percent(found),
            Count(hits + misses)
        )];
        if small {
            evidence.push(format!(
                "{} of what was kept had to go, {} did not fit at all",
                Count(evictions),
                Count(overflows)
            ));
        }
        let advice = if small {
            "more work_mem or hash_mem_multiplier for this statement, so that the cache holds the values until they come again"
        } else {
            "ANALYZE the outer table, or set n_distinct of the column: the planner took its values for fewer than they are; SET enable_memoize = off \
             shows what the plan without it would be"
        };
        Some(Hit {
            node: at,
            // The look-ups themselves are needed, by whatever join.
            share: view.share(at),
            least: Severity::Info,
            evidence,
            fix: advice.into(),
        })
    });
    hits.collect()
}

/// A figure of the leader and of each worker.
fn total(node: &Node, name: &str) -> f64 {
    node.count(name) + node.each("Workers").map(|w| w.count(name)).sum::<f64>()
}

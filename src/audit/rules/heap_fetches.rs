//! `heap-fetches`: an index-only scan that goes to the table all the same.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "heap-fetches",
    title: "An index-only scan visits the table because the visibility map is stale",
    page: "\
An index does not know whether a row is visible. For pages on which all rows are, the visibility map says so, and the table need not
be visited; VACUUM keeps that map. After many writes without VACUUM an index-only scan is an index scan with a nicer name.

Told by: Heap Fetches is at least 1,000 and at least 10 % of the rows that the scan read. (It is a total over all loops.)

Do: VACUUM the table; let autovacuum come more often: autovacuum_vacuum_scale_factor, and autovacuum_vacuum_insert_scale_factor for
tables that are only inserted into.

All right when: the rows were written just now, and are read once.",
    check: Check::Plan(check),
};

/// Least visits.
const MANY: f64 = 1000.0;
/// Least share of the rows read.
const SHARE: f64 = 0.1;

fn check(view: &View<'_>) -> Vec<Hit> {
    let scans = view.nodes(&["Index Only Scan"]).filter_map(|(at, node)| {
        let fetches = node.number("Heap Fetches")?;
        let read = node.rows()? + node.removed("Rows Removed by Filter");
        let share = fetches / read.max(1.0);
        if fetches < MANY || share < SHARE || !view.matters(at) {
            return None;
        }
        let table = node.relation().unwrap_or("the table");
        let mut evidence = vec![format!(
            "{} visits to the table for {} rows",
            Count(fetches),
            Count(read)
        )];
        if let Some(known) = view.table(at) {
            let visible = known.relallvisible / known.relpages.max(1.0);
            let visible = Percent(visible.clamp(0.0, 1.0));
            evidence.push(format!("{visible} of its pages are known to be all visible"));
        }
        Some(Hit {
            node: at,
            share: view.share(at) * share.min(1.0),
            least: Severity::Info,
            evidence,
            fix: format!(
                "VACUUM {table}; then let autovacuum come more often: autovacuum_vacuum_insert_scale_factor where rows are only \
                 inserted, else autovacuum_vacuum_scale_factor"
            )
            .into(),
        })
    });
    scans.collect()
}

//! `writes-in-select`: a query that only reads makes pages dirty, or has to write some.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::unit::{Bytes, Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "writes-in-select",
    title: "A query that only reads writes pages",
    page: "\
Who first reads a row after its transaction ended notes in it how that ended (hint bits), and may clear away dead versions: the page becomes dirty and
has to be written again, with WAL where checksums are on. And who needs a buffer while all are dirty has to write one out first.

Told by: a statement without writes and row locks dirtied or wrote at least 1,000 pages.

Do: VACUUM after loading or changing many rows, so that it notes this once for all. Where pages are written by queries all the time, the
background writer is too slow: bgwriter_lru_maxpages, larger shared_buffers.

All right when: it is the first query after a load.",
    check: Check::Plan(check),
};

/// Least pages.
const MANY: f64 = 1000.0;
const PAGE: f64 = 8192.0;

fn check(view: &View<'_>) -> Vec<Hit> {
    let writes = |n: usize| {
        matches!(
            view.explained.nodes[n].node_type(),
            "ModifyTable" | "LockRows"
        )
    };
    let root = view.explained.root();
    let (dirtied, written) = (
        root.count("Shared Dirtied Blocks"),
        root.count("Shared Written Blocks"),
    );
    let any = (0..view.explained.nodes.len()).any(writes);
    if any || dirtied.max(written) < MANY {
        return Vec::new();
    }
    let read = root.shared_blocks().max(1.0);
    let mut evidence = Vec::new();
    if dirtied >= MANY {
        evidence.push(format!(
            "{} pages made dirty ({}), {} of those it looked at",
            Count(dirtied),
            Bytes(dirtied * PAGE),
            Percent((dirtied / read).min(1.0))
        ));
    }
    if written >= MANY {
        evidence.push(format!(
            "{} dirty pages written ({}) to get room",
            Count(written),
            Bytes(written * PAGE)
        ));
    }
    vec![Hit {
        node: 0,
        share: 0.0,
        least: Severity::Info,
        evidence,
        fix: "VACUUM the tables after many rows were loaded or changed, so that queries need not do it; where it goes on, look at the background writer".into(),
    }]
}

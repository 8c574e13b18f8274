//! `read-efficiency-idx`: an index leads to many pages on which nothing is found.

use crate::audit::condition::{comparisons, names};
use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::catalog::Table;
use crate::model::explained::Node;
use crate::model::index::Index;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "read-efficiency-idx",
    title: "An index leads to many pages on which no row is found",
    page: "\
An index keeps entries of deleted rows and of old versions of updated rows until VACUUM removes them. A scan follows them to the table
to find that nothing is there. It hurts most where rows are deleted at the end that is read first, as in a queue.

Told by: an Index Scan, made once, reads at least 1,000 pages, and at least three for each row that it comes to (the filter's included);
its condition is about the first column of the index, so that every entry that it reads is one that was asked for.

Do: VACUUM the table, and see what keeps VACUUM from removing rows (old transactions, prepared transactions, replication slots). For a
queue: autovacuum_vacuum_scale_factor = 0.01 or less for this table. If it does not get better, REINDEX INDEX CONCURRENTLY.

All right when: many rows were deleted just now.",
    check: Check::Plan(check),
};

/// Least pages read, and for each row.
const MANY: f64 = 1000.0;
const FOR_EACH: f64 = 3.0;
/// Wider values may be stored outside of their row, on pages that the filter reads, bytes.
const WIDE: f64 = 64.0;

fn check(view: &View<'_>) -> Vec<Hit> {
    let scans = view
        .nodes(&["Index Scan"])
        .filter(|(at, _)| view.matters(*at));
    scans.filter_map(|(at, node)| hit(view, at, node)).collect()
}

fn hit(view: &View<'_>, at: usize, node: &Node) -> Option<Hit> {
    let pages = view.exclusive.blocks.own[at];
    let rows = node.rows()?
        + node.count("Rows Removed by Filter")
        + node.count("Rows Removed by Index Recheck");
    // From 18 on more than one search is told: each comes down from the root.
    let searches = node.number("Index Searches").unwrap_or(1.0);
    if node.loops() > 1.0 || searches > 1.0 || pages < MANY || pages < FOR_EACH * rows {
        return None;
    }
    let (name, table) = (node.text("Index Name")?, view.table(at)?);
    let index = view.index(at, name)?;
    if !reads_what_it_asks_for(node, index) || !is_narrow(node, table) {
        return None;
    }
    let mut evidence = vec![format!(
        "{} pages read for {} rows, {} of the statement",
        Count(pages),
        Count(rows),
        Percent(view.share(at))
    )];
    if let Some(stats) = &table.stats {
        #[allow(clippy::cast_precision_loss, reason = "a count of rows")]
        let dead = stats.n_dead_tup as f64;
        evidence.push(format!(
            "{} dead rows were counted in the table",
            Count(dead)
        ));
    }
    Some(Hit {
        node: at,
        share: view.share(at) * (1.0 - (rows + 1.0) / pages),
        least: Severity::Info,
        evidence,
        fix: format!(
            "VACUUM {}, and let autovacuum come sooner (autovacuum_vacuum_scale_factor of this table); see whether old transactions \
             keep it from removing rows; if that does not help, REINDEX INDEX CONCURRENTLY {name}",
            table.qualified()
        )
        .into(),
    })
}

/// Whether each entry that is read meets the condition: it is about the first column alone, each time another way to say where to
/// begin or to end. Of later columns, entries are read that do not meet it, and not counted.
fn reads_what_it_asks_for(node: &Node, index: &Index) -> bool {
    let definition = &index.definition;
    let first = definition.keys.first().and_then(|key| key.column_name());
    let alias = node.text("Alias").or(node.relation()).unwrap_or("");
    let is_first = |condition: &str| {
        let all = comparisons(condition, alias).unwrap_or_default();
        !all.is_empty()
            && all.iter().all(|c| Some(c.column) == first)
            && !condition.contains(" ANY ")
    };
    definition.method == "btree"
        && node.text("Order By").is_none()
        && node.text("Index Cond").is_none_or(is_first)
}

/// Whether the filter needs nothing but the row itself.
fn is_narrow(node: &Node, table: &Table) -> bool {
    let Some(filter) = node.text("Filter") else {
        return true;
    };
    let is_narrow = |name: &str| {
        let name = name.rsplit_once('.').map_or(name, |(_, column)| column);
        let stats = table.column(name).and_then(|column| column.stats.as_ref());
        stats.is_some_and(|stats| stats.avg_width < WIDE)
    };
    !filter.contains("SubPlan") && names(filter).into_iter().all(is_narrow)
}

//! `read-efficiency-seq`: a table is read from end to end, and its pages are mostly empty.

use crate::audit::finding::Severity;
use crate::audit::rows::rows_at_most;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::catalog::Table;
use crate::model::explained::Node;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "read-efficiency-seq",
    title: "A table is read from end to end, and most of what is read holds no rows",
    page: "\
Rows that were deleted or updated leave room behind. VACUUM makes it free for new rows, but gives it back to the system only at the
end of the table: a table that was large once stays large, and every sequential scan reads all of it.

Told by: a sequential scan reads at least 1,000 pages, and at least four times as many as its rows would fill; how wide rows are is known
from the statistics of all columns.

Do: if there are many dead rows, VACUUM, and see what keeps autovacuum from it (old transactions, replication slots, its settings). If
the room is free already: pg_repack, or VACUUM FULL, which locks the table meanwhile.

All right when: the table fills up again soon, as a queue does.",
    check: Check::Plan(check),
};

/// Least pages read, and how many times those needed.
const MANY: f64 = 1000.0;
const TIMES: f64 = 4.0;
/// A page without its header.
const PAGE: f64 = 8168.0;
/// What each row takes beside its values: its pointer, its header, and what alignment leaves open.
const BESIDE: f64 = 4.0 + 24.0 + 8.0;
/// Dead rows that are many beside live ones.
const DEAD: f64 = 0.5;

fn check(view: &View<'_>) -> Vec<Hit> {
    let scans = view
        .nodes(&["Seq Scan"])
        .filter(|(at, _)| view.matters(*at));
    scans.filter_map(|(at, node)| hit(view, at, node)).collect()
}

fn hit(view: &View<'_>, at: usize, node: &Node) -> Option<Hit> {
    let table = view.table(at)?;
    // What a filter fetches of values that are stored outside is no page of the table.
    let times = if node.is("Parallel Aware") {
        1.0
    } else {
        node.loops()
    };
    let pages = view.exclusive.blocks.own[at].min(table.relpages * times);
    let removed = node.count("Rows Removed by Filter");
    let rows = rows_at_most(node)?
        + if removed > 0.0 {
            (removed + 0.5) * node.loops()
        } else {
            0.0
        };
    let per_page = PAGE * table.fillfactor / 100.0 / (BESIDE + width(table)?);
    let needed = (rows / per_page.max(1.0)).ceil().max(1.0);
    if pages < MANY || pages < TIMES * needed {
        return None;
    }
    let mut evidence = vec![format!(
        "{} pages read for {} rows that fill about {}; {} of the statement",
        Count(pages),
        Count(rows),
        Count(needed),
        Percent(view.share(at))
    )];
    let dead = dead(table);
    if let Some(dead) = dead {
        evidence.push(format!(
            "{} dead rows were counted beside them",
            Count(dead)
        ));
    }
    let name = table.qualified();
    let fix = if dead.is_some_and(|dead| dead > DEAD * table.rows()) {
        format!(
            "VACUUM {name}, and see what keeps autovacuum from it; then pg_repack or VACUUM FULL (which locks it)"
        )
    } else {
        format!(
            "pg_repack, or VACUUM FULL {name} while nobody needs it, unless it fills up again soon"
        )
    };
    Some(Hit {
        node: at,
        share: view.share(at) * (1.0 - needed / pages),
        least: Severity::Info,
        evidence,
        fix: fix.into(),
    })
}

/// Bytes of the values of a row; `None` if the statistics of a column are not known.
fn width(table: &Table) -> Option<f64> {
    let of_columns = table
        .columns
        .iter()
        .filter(|column| column.generated != "v");
    let widths = of_columns.map(|column| {
        let stats = column.stats.as_ref()?;
        Some(stats.avg_width * (1.0 - stats.null_frac))
    });
    widths.sum()
}

#[allow(clippy::cast_precision_loss, reason = "a count of rows")]
fn dead(table: &Table) -> Option<f64> {
    table.stats.as_ref().map(|stats| stats.n_dead_tup as f64)
}

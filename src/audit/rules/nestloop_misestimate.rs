//! `nestloop-misestimate`: a nested loop that was planned for few rows and got many.

use crate::audit::estimate::{Off, off, rows, sides};
use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::unit::{Count, Millis, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "nestloop-misestimate",
    title: "A nested loop runs far more often than the planner expected",
    page: "\
A nested loop runs its inner side once for each row of its outer side. That is the best join for few rows; the planner took it because
it expected few. For many rows it would have taken a hash or merge join, or another order.

Told by: the outer side gave at least 1,000 rows and ten times what was expected, and the inner side took 30 % of the statement.

Do: mend the estimate of the outer side: ANALYZE, CREATE STATISTICS, a condition that the planner can reckon with (see
row-misestimate). An index that makes each inner look-up cheap helps in any case.

All right when: the inner side is a look-up by key, and the other table is far larger than the rows looked up.",
    check: Check::Plan(check),
};

/// Least rows of the outer side.
const MANY: f64 = 1000.0;
/// Least share of the statement that the inner side takes.
const SHARE: f64 = 0.3;

fn check(view: &View<'_>) -> Vec<Hit> {
    let loops = view.nodes(&["Nested Loop"]);
    let hits = loops.filter_map(|(at, _)| {
        let (outer, inner) = sides(view.explained, at)?;
        let off = outer_off(view, outer)?;
        let came = view.explained.nodes[outer].rows()?;
        let share = view.subtree_share(inner);
        if came < MANY || share < SHARE || !view.subtree_matters(inner) {
            return None;
        }
        let took = if view.explained.is_timed() {
            format!(" ({})", Millis(view.exclusive.time.inclusive[inner]))
        } else {
            String::new()
        };
        let evidence = vec![
            format!(
                "{} expected of the outer side ({}), {} came",
                rows(off.planned),
                view.name(outer),
                Count(off.actual)
            ),
            format!(
                "{} ran {} times, {} of the statement{took}",
                view.name(inner),
                Count(view.explained.nodes[inner].loops()),
                Percent(share)
            ),
        ];
        Some(Hit {
            node: at,
            share,
            least: Severity::Info,
            evidence,
            fix: "mend the estimate of the outer side, so that the planner chooses knowingly: ANALYZE its tables, CREATE STATISTICS where \
                  several of its columns are compared; an index for the inner side makes each turn cheaper"
                .into(),
        })
    });
    hits.collect()
}

/// Rows expected and rows that came of the outer side, per loop, if far more came: of the node or of the first below that counts its own.
fn outer_off(view: &View<'_>, outer: usize) -> Option<Off> {
    let mut at = outer;
    loop {
        if let Some(off) = off(view.explained, at).filter(|off| off.is_under()) {
            return Some(off);
        }
        let node = &view.explained.nodes[at];
        let passing = [
            "Sort",
            "Incremental Sort",
            "Gather",
            "Gather Merge",
            "Materialize",
            "Memoize",
        ];
        if !passing.contains(&node.node_type()) {
            return None;
        }
        at = *node.children.first()?;
    }
}

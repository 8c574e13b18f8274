//! Two plans beside each other: which nodes went, which came, what those that stayed take now.

use crate::audit::view::View;
use crate::model::explained::{Explained, Node};
use crate::model::unit::{CostUnits, Millis};
use crate::report::Style;
use crate::report::page::{BOLD, GREEN, Page, YELLOW};
use crate::report::phrase::ratio;
use crate::report::plain::one_line;

/// Two nodes that are the same in both plans, or one that only one of them has.
type Pair = (Option<usize>, Option<usize>);

/// Pairs of nodes up to which the two are laid beside each other; larger ones come one after the other.
const MOST: usize = 16_000_000;

/// Writes the difference for people.
#[must_use]
pub fn compare(old: &View<'_>, new: &View<'_>, style: Style) -> String {
    let mut page = Page::new(style);
    let timed = old.explained.is_timed() && new.explained.is_timed();
    let total = |view: &View<'_>| {
        let cost = view.explained.root().count("Total Cost");
        if timed {
            view.total_ms().unwrap_or(0.0)
        } else {
            cost
        }
    };
    let told = |figure: f64| {
        if timed {
            Millis(figure).to_string()
        } else {
            CostUnits(figure).to_string()
        }
    };
    let (before, after) = (total(old), total(new));
    let what = if timed { "time" } else { "cost" };
    let change = match (before, after) {
        (b, a) if a <= b => format!("{} less", ratio(b, a)),
        (b, a) => format!("{} more", ratio(a, b)),
    };
    page.facts(
        0,
        &[(
            what,
            format!("{} → {}, {change}", told(before), told(after)),
        )],
    );
    page.blank();
    page.coloured(BOLD, &format!("  {:>10} {:>10}  node", "old", "new"));
    let own = |view: &View<'_>, at: Option<usize>| {
        let figure = |at| {
            if timed {
                view.exclusive.time.own[at]
            } else {
                view.cost(at)
            }
        };
        at.map_or_else(String::new, |at| told(figure(at)))
    };
    for (a, b) in aligned(old.explained, new.explained) {
        let (sign, colour) = match (a, b) {
            (Some(_), None) => ("-", YELLOW),
            (None, Some(_)) => ("+", GREEN),
            _ => (" ", ""),
        };
        let (plan, at) = match (a, b) {
            (_, Some(at)) => (new.explained, at),
            (Some(at), None) => (old.explained, at),
            (None, None) => continue,
        };
        let line = format!(
            "{sign} {:>10} {:>10}  {}{}",
            own(old, a),
            own(new, b),
            "  ".repeat(plan.depth(at)),
            one_line(&plan.nodes[at].name())
        );
        page.coloured(colour, &line);
    }
    page.finish()
}

/// The longest common sequence of the two trees, read from above: a node is the same if its name is.
fn aligned(old: &Explained, new: &Explained) -> Vec<Pair> {
    let names = |plan: &Explained| -> Vec<String> { plan.nodes.iter().map(Node::name).collect() };
    let (a, b) = (names(old), names(new));
    if a.len().saturating_mul(b.len()) > MOST {
        let gone = (0..a.len()).map(|at| (Some(at), None));
        return gone
            .chain((0..b.len()).map(|at| (None, Some(at))))
            .collect();
    }
    // How long the common sequence of the two ends is.
    let mut common = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i][j] = if a[i] == b[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            pairs.push((Some(i), Some(j)));
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || i < a.len() && common[i + 1][j] >= common[i][j + 1] {
            pairs.push((Some(i), None));
            i += 1;
        } else {
            pairs.push((None, Some(j)));
            j += 1;
        }
    }
    pairs
}

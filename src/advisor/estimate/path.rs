//! Paths: ways to get the rows of a relation or join, and the rule by which one makes another superfluous.

use crate::advisor::estimate::index::Source;

/// One sort key of a path: a class of equal columns, and its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SortKey {
    pub(crate) class: usize,
    pub(crate) descending: bool,
    pub(crate) nulls_first: bool,
}

/// A way to get rows. `order` and `node` are positions in the [`Arena`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Path {
    pub(crate) startup: f64,
    pub(crate) total: f64,
    pub(crate) rows: f64,
    pub(crate) order: usize,
    pub(crate) node: usize,
}

/// What a plan node does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step<'a> {
    /// Reads a table (relation number) in a way of that name, perhaps by an index.
    Scan {
        name: &'static str,
        relation: usize,
        index: Option<Source<'a>>,
    },
    /// Anything else: `Sort`, `Limit`, `Aggregate`.
    Other(&'static str),
    /// Joins its two children: node type and join type.
    Join(&'static str, &'static str),
}

/// A node of the plan sketch, with up to two children.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node<'a> {
    pub(crate) step: Step<'a>,
    pub(crate) startup: f64,
    pub(crate) total: f64,
    pub(crate) rows: f64,
    pub(crate) children: [Option<usize>; 2],
}

/// All nodes and sort orders of one question.
#[derive(Debug, Default)]
pub(crate) struct Arena<'a> {
    pub(crate) nodes: Vec<Node<'a>>,
    pub(crate) orders: Vec<Vec<SortKey>>,
    /// Which fraction of its rows a unit will be asked for, at least: below 1 a cheap start is worth keeping.
    pub(crate) fraction: f64,
}

/// Costs of a path that is not yet kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offer {
    pub(crate) startup: f64,
    pub(crate) total: f64,
    pub(crate) rows: f64,
    pub(crate) order: usize,
}

/// The order of a path that has none.
pub(crate) const UNORDERED: usize = 0;

impl<'a> Arena<'a> {
    /// The keys of an order.
    pub(crate) fn order(&self, at: usize) -> &[SortKey] {
        // Position 0 is the empty order, which is not stored.
        at.checked_sub(1)
            .and_then(|i| self.orders.get(i))
            .map_or(&[], Vec::as_slice)
    }

    /// The position of an order, new or known.
    pub(crate) fn intern(&mut self, keys: &[SortKey]) -> usize {
        if keys.is_empty() {
            return UNORDERED;
        }
        if let Some(at) = self.orders.iter().position(|o| o == keys) {
            return at + 1;
        }
        self.orders.push(keys.to_vec());
        self.orders.len()
    }

    /// Adds a node that stands outside of any choice.
    pub(crate) fn push(
        &mut self,
        step: Step<'a>,
        offer: Offer,
        children: [Option<usize>; 2],
    ) -> Path {
        self.nodes.push(Node {
            step,
            startup: offer.startup,
            total: offer.total,
            rows: offer.rows,
            children,
        });
        Path {
            startup: offer.startup,
            total: offer.total,
            rows: offer.rows,
            order: offer.order,
            node: self.nodes.len() - 1,
        }
    }

    /// Keeps a path unless another is at least as good in all respects; drops those that it makes superfluous
    /// (`add_path` of `pathnode.c`, but without its fuzz, so that a further index never makes a plan dearer).
    pub(crate) fn offer(
        &mut self,
        paths: &mut Vec<Path>,
        step: Step<'a>,
        offer: Offer,
        children: [Option<usize>; 2],
    ) {
        if !offer.total.is_finite() || paths.iter().any(|p| self.beats(*p, offer)) {
            return;
        }
        let new = self.push(step, offer, children);
        paths.retain(|p| !self.beats(new, Offer::of(*p)));
        paths.push(new);
    }

    /// Leaves of each order only the paths on its [`hull`].
    pub(crate) fn trim(&self, paths: &mut Vec<Path>) {
        if self.fraction >= 1.0 || paths.len() < 3 {
            return;
        }
        let serves = |a: &Path, b: &Path| self.order(a.order).starts_with(self.order(b.order));
        let mut kept: Vec<Path> = Vec::with_capacity(paths.len());
        for path in paths.iter() {
            let rivals: Vec<Path> = paths.iter().filter(|p| serves(p, path)).copied().collect();
            if hull(&rivals, self.fraction)
                .iter()
                .any(|p| p.node == path.node)
            {
                kept.push(*path);
            }
        }
        *paths = kept;
    }

    /// Whether a kept path makes another superfluous.
    pub(crate) fn beats(&self, path: Path, other: Offer) -> bool {
        path.total <= other.total
            && (self.fraction >= 1.0 || path.startup <= other.startup)
            && (other.order == UNORDERED
                || path.order == other.order
                || self.order(path.order).starts_with(self.order(other.order)))
    }
}

impl Offer {
    pub(crate) fn of(path: Path) -> Self {
        Self {
            startup: path.startup,
            total: path.total,
            rows: path.rows,
            order: path.order,
        }
    }
}

/// The paths that are best for some weighing of start and run cost: all of the start, and from `least` to all of the run.
/// Everything that is built upon a path adds to either with such factors, so no other path can be part of a best plan.
pub(crate) fn hull(paths: &[Path], least: f64) -> Vec<Path> {
    if least >= 1.0 {
        return cheapest(paths).into_iter().collect();
    }
    let weigh = |p: &Path| p.startup + least * (p.total - p.startup);
    let lightest = paths
        .iter()
        .reduce(|best, p| if weigh(p) < weigh(best) { p } else { best });
    let earliest = lightest.map_or(0.0, |p| p.startup);
    let worthy = paths.iter().filter(|p| p.startup >= earliest);
    let mut sorted: Vec<Path> = worthy.copied().collect();
    sorted.sort_by(|a, b| {
        let startup = a.startup.total_cmp(&b.startup);
        startup.then(a.total.total_cmp(&b.total))
    });
    let mut hull: Vec<Path> = Vec::new();
    for path in sorted {
        if hull.last().is_some_and(|last| last.total <= path.total) {
            continue;
        }
        while let [.., a, b] = hull.as_slice() {
            // Whether b lies on or above the line from a to the new path.
            let along = (b.startup - a.startup) * (path.total - a.total);
            let across = (path.startup - a.startup) * (b.total - a.total);
            if along > across {
                break;
            }
            hull.pop();
        }
        hull.push(path);
    }
    hull
}

/// The cheapest by total cost, the first of equals.
pub(crate) fn cheapest(paths: &[Path]) -> Option<Path> {
    paths
        .iter()
        .copied()
        .reduce(|best, p| if p.total < best.total { p } else { best })
}

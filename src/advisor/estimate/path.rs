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
    /// Whether a cheap start is worth keeping (there is a LIMIT).
    pub(crate) keep_startup: bool,
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

    fn beats(&self, path: Path, other: Offer) -> bool {
        path.total <= other.total
            && (!self.keep_startup || path.startup <= other.startup)
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

/// The cheapest by total cost, the first of equals.
pub(crate) fn cheapest(paths: &[Path]) -> Option<Path> {
    paths
        .iter()
        .copied()
        .reduce(|best, p| if p.total < best.total { p } else { best })
}

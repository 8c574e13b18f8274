//! Joins the leaves of a unit: every order and method for up to eight leaves (`joinrels.c`), the smallest results first
//! beyond that. Sizes never depend on the indexes, so that a further index can only make a plan cheaper.

use crate::advisor::estimate::base::Base;
use crate::advisor::estimate::index::Ix;
use crate::advisor::estimate::join_method::Joining;
use crate::advisor::estimate::path::{Arena, Path, hull};
use crate::advisor::estimate::scan::Frame;
use crate::advisor::estimate::unit::Unit;
use crate::query::shape::JoinKind;

/// Leaves up to which every join order is tried.
const EXHAUSTIVE: usize = 8;

/// A set of leaves, joined.
#[derive(Debug, Clone)]
pub(crate) struct Joined {
    pub(crate) mask: u64,
    pub(crate) rows: f64,
    pub(crate) width: f64,
    pub(crate) paths: Vec<Path>,
    /// Those of them that are best in some respect other than their order.
    pub(crate) lean: Vec<Path>,
}

impl Joined {
    pub(crate) fn new(
        arena: &Arena<'_>,
        mask: u64,
        rows: f64,
        width: f64,
        paths: Vec<Path>,
    ) -> Self {
        let mut new = Self {
            mask,
            rows,
            width,
            paths,
            lean: Vec::new(),
        };
        new.complete(arena);
        new
    }

    /// To be called when all paths are there.
    fn complete(&mut self, arena: &Arena<'_>) {
        arena.trim(&mut self.paths);
        self.lean = hull(&self.paths, arena.fraction);
    }
}

/// A path that takes values from other leaves, and which.
pub(crate) type Given = (Path, u64);

/// How two sets can be joined.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) kind: JoinKind,
    /// The second set is the left side of the outer or semi join.
    pub(crate) reversed: bool,
    /// Clauses between them, by number.
    pub(crate) clauses: u64,
}

/// What joining needs to know.
pub(crate) struct Joiner<'q, 'a> {
    pub(crate) frame: Frame<'q>,
    pub(crate) unit: &'q Unit,
    pub(crate) bases: &'q [Base<'a>],
    pub(crate) indexes: &'q [Vec<Ix<'a>>],
    pub(crate) leaf_rows: Vec<f64>,
    /// Inner paths with values from outside, by (leaf, outer leaves at hand).
    pub(crate) inner: Vec<(usize, u64, Vec<Given>)>,
    /// Paths of a set in the order of a class, by (leaves, class).
    pub(crate) sorted: Vec<(u64, usize, Vec<Path>)>,
}

impl<'a> Joiner<'_, 'a> {
    /// Joins all leaves.
    pub(crate) fn join(&mut self, arena: &mut Arena<'a>, leaves: Vec<Joined>) -> Option<Joined> {
        let mut parts: Vec<Joined> = Vec::new();
        for component in self.components(leaves) {
            let joined = if component.len() <= EXHAUSTIVE {
                self.exhaustive(arena, &component)
            } else {
                None
            };
            let joined = match joined {
                Some(joined) => joined,
                None => self.greedy(arena, component)?,
            };
            parts.push(joined);
        }
        // What nothing connects is joined each with each, the small ones first.
        parts.sort_by(|a, b| a.rows.total_cmp(&b.rows).then(a.mask.cmp(&b.mask)));
        let link = Link {
            kind: JoinKind::Inner,
            reversed: false,
            clauses: 0,
        };
        parts.into_iter().reduce(|a, b| {
            let mut both = self.empty(&a, &b, &link);
            self.offer_joins(arena, &mut both, &a, &b, &link);
            self.offer_joins(arena, &mut both, &b, &a, &link);
            both.complete(arena);
            both
        })
    }

    /// Groups of leaves that clauses connect.
    fn components(&self, leaves: Vec<Joined>) -> Vec<Vec<Joined>> {
        let mut components: Vec<(u64, Vec<Joined>)> = Vec::new();
        for leaf in leaves {
            let mut reach = leaf.mask;
            for clause in &self.unit.clauses {
                let both = 1 << clause.left.leaf | 1 << clause.right.leaf;
                if both & leaf.mask != 0 {
                    reach |= both;
                }
            }
            let mut members = vec![leaf];
            let mut at = 0;
            while at < components.len() {
                if components[at].0 & reach == 0 {
                    at += 1;
                    continue;
                }
                let (other, mut others) = components.remove(at);
                reach |= other;
                others.append(&mut members);
                members = others;
                at = 0;
            }
            components.push((reach, members));
        }
        components.into_iter().map(|(_, members)| members).collect()
    }

    /// Dynamic programming over all subsets.
    fn exhaustive(&mut self, arena: &mut Arena<'a>, leaves: &[Joined]) -> Option<Joined> {
        let all = (1_usize << leaves.len()) - 1;
        let mut table: Vec<Option<Joined>> = vec![None; all + 1];
        for (at, leaf) in leaves.iter().enumerate() {
            table[1 << at] = Some(leaf.clone());
        }
        for set in 3..=all {
            if set.is_power_of_two() {
                continue;
            }
            let mut joined: Option<Joined> = None;
            let mut part = (set - 1) & set;
            while part > 0 {
                if let (Some(a), Some(b)) = (&table[part], &table[set & !part])
                    && let Some(link) = self.link(a.mask, b.mask)
                {
                    let target = joined.get_or_insert_with(|| self.empty(a, b, &link));
                    self.offer_joins(arena, target, a, b, &link);
                }
                part = (part - 1) & set;
            }
            if let Some(mut joined) = joined.filter(|j| !j.paths.is_empty()) {
                joined.complete(arena);
                table[set] = Some(joined);
            }
        }
        table.pop().flatten()
    }

    /// Joins the pair with the smallest result until one is left. Used for many leaves, and, then without regard to the
    /// kind of join, where outer joins leave no legal order.
    fn greedy(&mut self, arena: &mut Arena<'a>, mut parts: Vec<Joined>) -> Option<Joined> {
        while parts.len() > 1 {
            let mut best: Option<(f64, usize, usize, Link)> = None;
            for legal in [true, false] {
                for i in 0..parts.len() {
                    for j in 0..parts.len() {
                        let (a, b) = (parts[i].mask, parts[j].mask);
                        if i == j || (!legal && best.is_some()) {
                            continue;
                        }
                        let link = if legal {
                            self.link(a, b)
                        } else {
                            Some(self.free_link(a, b))
                        };
                        let Some(link) = link.filter(|l| !legal || !l.reversed) else {
                            continue;
                        };
                        let rows = self.empty(&parts[i], &parts[j], &link).rows;
                        if best.as_ref().is_none_or(|(least, ..)| rows < *least) {
                            best = Some((rows, i, j, link));
                        }
                    }
                }
            }
            let (_, i, j, link) = best?;
            let mut both = self.empty(&parts[i], &parts[j], &link);
            self.offer_joins(arena, &mut both, &parts[i], &parts[j], &link);
            if let Some(back) = self.link(parts[j].mask, parts[i].mask) {
                self.offer_joins(arena, &mut both, &parts[j], &parts[i], &back);
            }
            both.complete(arena);
            let (first, second) = (i.max(j), i.min(j));
            parts.remove(first);
            parts.remove(second);
            parts.push(both);
        }
        parts.pop()
    }

    fn between(&self, a: u64, b: u64) -> u64 {
        let mut set = 0;
        for (at, clause) in self.unit.clauses.iter().enumerate() {
            let (left, right) = (1 << clause.left.leaf, 1 << clause.right.leaf);
            if (a & left != 0 && b & right != 0) || (a & right != 0 && b & left != 0) {
                set |= 1 << at;
            }
        }
        set
    }

    fn free_link(&self, a: u64, b: u64) -> Link {
        Link {
            kind: JoinKind::Inner,
            reversed: false,
            clauses: self.between(a, b),
        }
    }

    /// Whether and how `a` (outer) can be joined to `b` (`join_is_legal`).
    fn link(&self, a: u64, b: u64) -> Option<Link> {
        let mut link = self.free_link(a, b);
        if link.clauses == 0 {
            return None;
        }
        let all = a | b;
        for special in &self.unit.specials {
            let (left, right) = (special.left, special.right);
            if right & all == 0 || all & !right == 0 {
                continue;
            }
            let tests = matches!(special.kind, JoinKind::Semi | JoinKind::Anti);
            let forth = right & !b == 0 && left & a != 0;
            let back = right & !a == 0 && left & b != 0;
            if forth || back {
                let (outer, inner) = if forth { (a, b) } else { (b, a) };
                if left & !outer != 0 || (tests && inner != right) {
                    return None;
                }
                link.kind = special.kind;
                link.reversed = back;
            } else if tests && (left & all != left || right & all != right) {
                // The subquery must be whole, and so must what it tests, before they meet.
                return None;
            }
        }
        Some(link)
    }

    fn offer_joins(
        &mut self,
        arena: &mut Arena<'a>,
        target: &mut Joined,
        a: &Joined,
        b: &Joined,
        link: &Link,
    ) {
        Joining::new(self, link, a, b, target.rows).offer(arena, &mut target.paths);
    }
}

//! Merge joins: of inputs that come in order, or are sorted for it.

use crate::advisor::estimate::join::Joined;
use crate::advisor::estimate::join_cost;
use crate::advisor::estimate::join_method::Joining;
use crate::advisor::estimate::path::{Arena, Offer, Path, SortKey, Step, cheapest};
use crate::advisor::estimate::sort;

impl<'a> Joining<'_, '_, 'a> {
    pub(crate) fn merges(&mut self, arena: &mut Arena<'a>, paths: &mut Vec<Path>) {
        let mut keys: Vec<(usize, usize, bool)> = Vec::new();
        for clause in self.joiner.members(self.link.clauses) {
            let (mut outer, mut inner) = (clause.left, clause.right);
            if self.inner.mask >> outer.leaf & 1 == 1 {
                std::mem::swap(&mut outer, &mut inner);
            }
            if let (Some(o), Some(i), true) = (
                outer.class,
                inner.class,
                clause.equality && !clause.redundant,
            ) {
                keys.push((o, i, self.factors.is_some()));
            }
        }
        let joined =
            (self.outer.rows * self.inner.rows * self.joiner.inner_share(self.link.clauses))
                .max(1.0);
        let quals = self.clause_count() - 1.0;
        for (outer_class, inner_class, unique) in keys {
            for outer in self.sorted_inputs(arena, self.outer, outer_class) {
                let order = self.useful_order(arena, outer.order);
                if self.hopeless(arena, paths, outer, order) {
                    continue;
                }
                for inner in self.sorted_inputs(arena, self.inner, inner_class) {
                    let left = Self::input(outer, self.outer.width);
                    let right = Self::input(inner, self.inner.width);
                    let quals = quals.max(0.0);
                    let costs = join_cost::merge(self.settings, left, right, joined, unique, quals);
                    let step = Step::Join("Merge Join", self.name);
                    let children = [Some(outer.node), Some(inner.node)];
                    arena.offer(paths, step, self.offered(costs, order), children);
                }
            }
        }
    }

    /// Whether a join with this outer path is beaten before its costs are worked out.
    pub(crate) fn hopeless(
        &self,
        arena: &Arena<'a>,
        paths: &[Path],
        outer: Path,
        order: usize,
    ) -> bool {
        let least = |cost: fn(&Path) -> f64| {
            let inner = self.inner.lean.iter().map(cost);
            inner.fold(f64::INFINITY, f64::min)
        };
        let bound = Offer {
            startup: outer.startup + least(|p| p.startup),
            total: outer.total + least(|p| p.total),
            rows: self.rows,
            order,
        };
        paths.iter().any(|p| arena.beats(*p, bound))
    }

    /// Paths that come in the order of the class, and the cheapest one sorted.
    fn sorted_inputs(&mut self, arena: &mut Arena<'a>, set: &Joined, class: usize) -> Vec<Path> {
        let known = &self.joiner.sorted;
        if let Some((.., inputs)) = known.iter().find(|(m, c, _)| *m == set.mask && *c == class) {
            return inputs.clone();
        }
        let leads = |p: &&Path| {
            let first = arena.order(p.order).first();
            first.is_some_and(|k| k.class == class && !k.descending)
        };
        let mut inputs: Vec<Path> = set.paths.iter().filter(leads).copied().collect();
        if let Some(best) = cheapest(&set.lean) {
            let costs = sort::sort(self.settings, best.rows, set.width, None);
            let key = SortKey {
                class,
                descending: false,
                nulls_first: false,
            };
            let offer = Offer {
                startup: best.total + costs.startup,
                total: best.total + costs.total,
                rows: best.rows,
                order: arena.intern(&[key]),
            };
            inputs.push(arena.push(Step::Other("Sort"), offer, [Some(best.node), None]));
        }
        self.joiner.sorted.push((set.mask, class, inputs.clone()));
        inputs
    }
}

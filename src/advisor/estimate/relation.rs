//! The paths of one base relation: every way to read it, alone or with values from other relations of a join.

use crate::advisor::estimate::base::{Base, Clauses};
use crate::advisor::estimate::bitmap::{add_ors, bitmap, offer_bitmaps};
use crate::advisor::estimate::condition::Use;
use crate::advisor::estimate::index::{Ix, Kind, Match, Param};
use crate::advisor::estimate::path::{Arena, Offer, Path, SortKey, Step, UNORDERED};
use crate::advisor::estimate::scan::{Costs, Frame};
use crate::advisor::estimate::settings::clamp_rows;
use crate::advisor::estimate::unit::Unit;

/// Paths of a relation without values from outside.
pub(crate) fn paths<'a>(
    arena: &mut Arena<'a>,
    frame: &Frame<'_>,
    unit: &Unit,
    leaf: usize,
    relation: usize,
    base: &Base<'a>,
    indexes: &[Ix<'a>],
) -> Vec<Path> {
    let mut paths = Vec::new();
    let scan = |name, index| Step::Scan {
        name,
        relation,
        index,
    };
    let append = if base.partitions > 1.0 {
        0.5 * frame.settings.cpu_tuple * base.rows
    } else {
        0.0
    };
    let offer = |costs: Costs, order| Offer {
        startup: costs.startup,
        total: costs.total + append,
        rows: base.rows,
        order,
    };
    arena.offer(
        &mut paths,
        scan("Seq Scan", None),
        offer(frame.sequential(base), UNORDERED),
        [None; 2],
    );
    let mut bitmaps = Vec::new();
    for ix in indexes {
        let found = ix.matched(base, base.and, &[]);
        if found.quals != 0 || ix.ensured != 0 {
            bitmaps.push(bitmap(arena, frame, relation, base, ix, &found));
        }
        // Only a btree takes a list as it is; others look for one element after the other, into a bitmap.
        if found.any && ix.kind != Kind::Btree {
            continue;
        }
        offer_index(
            arena, &mut paths, frame, unit, leaf, relation, base, ix, &found, &offer,
        );
        // Before 17 a list beyond the first key spoils the order: without it as a condition, the order holds.
        if found.late_any && frame.settings.major < 17 {
            let without = base.and & !late_lists(base, ix);
            let found = ix.matched(base, without, &[]);
            offer_index(
                arena, &mut paths, frame, unit, leaf, relation, base, ix, &found, &offer,
            );
        }
    }
    add_ors(arena, frame, relation, base, indexes, &mut bitmaps);
    offer_bitmaps(arena, &mut paths, frame, relation, base, &bitmaps, &offer);
    paths
}

/// Lists that are not on the first key.
fn late_lists(base: &Base<'_>, ix: &Ix<'_>) -> Clauses {
    let first = ix.keys.first().map(|k| k.column);
    let late = base
        .clauses
        .iter()
        .enumerate()
        .filter(|(_, c)| c.usage == Use::Any && Some(c.column) != first);
    late.fold(0, |set, (at, _)| set | 1 << at)
}

#[allow(
    clippy::too_many_arguments,
    reason = "one step of `paths`, cut out for its length"
)]
fn offer_index<'a>(
    arena: &mut Arena<'a>,
    paths: &mut Vec<Path>,
    frame: &Frame<'_>,
    unit: &Unit,
    leaf: usize,
    relation: usize,
    base: &Base<'a>,
    ix: &Ix<'a>,
    found: &Match,
    offer: &impl Fn(Costs, usize) -> Offer,
) {
    let spoilt = found.late_any && frame.settings.major < 17;
    let ordered = ix.kind == Kind::Btree && !spoilt;
    let keys = if ordered {
        order_of(unit, relation, base, ix)
    } else {
        Vec::new()
    };
    let backward: Vec<SortKey> = keys.iter().map(|k| reversed(*k)).collect();
    let (forward, backward) = (
        &keys[..unit.useful(&keys, 1 << leaf)],
        &backward[..unit.useful(&backward, 1 << leaf)],
    );
    // `build_index_paths`: an index needs a condition, an order, or all columns to be worth a look.
    if found.quals == 0
        && ix.ensured == 0
        && forward.is_empty()
        && backward.is_empty()
        && !ix.covers
    {
        return;
    }
    let mut costs = frame.index(base, ix, found, 1.0, ix.covers);
    let name = if ix.covers {
        "Index Only Scan"
    } else {
        "Index Scan"
    };
    let backward_name = if ix.covers {
        "Index Only Scan Backward"
    } else {
        "Index Scan Backward"
    };
    let mut give = |arena: &mut Arena<'a>, name, order: &[SortKey]| {
        let order = arena.intern(order);
        if order != UNORDERED && base.partitions > 1.0 {
            // `cost_merge_append`: a heap over the partitions.
            costs.total += 2.0 * frame.settings.cpu_operator * base.partitions.log2() * base.rows;
        }
        let step = Step::Scan {
            name,
            relation,
            index: Some(ix.source),
        };
        arena.offer(paths, step, offer(costs, order), [None; 2]);
    };
    give(arena, name, forward);
    if !backward.is_empty() {
        give(arena, backward_name, backward);
    }
}

/// The order in which an index gives the rows, as far as the statement has a word for it (`build_index_pathkeys`).
fn order_of(unit: &Unit, relation: usize, base: &Base<'_>, ix: &Ix<'_>) -> Vec<SortKey> {
    let mut keys: Vec<SortKey> = Vec::new();
    for key in &ix.keys {
        // A column with one value is sorted whatever comes.
        if base.is_fixed(key.column) {
            continue;
        }
        let Some(class) = unit.class(relation, key.column).filter(|_| key.sorts()) else {
            break;
        };
        if unit.is_constant(class) || keys.iter().any(|k| k.class == class) {
            continue;
        }
        let nulls_first = if unit.never_null(class) {
            key.descending
        } else {
            key.nulls_first
        };
        keys.push(SortKey {
            class,
            descending: key.descending,
            nulls_first,
        });
    }
    keys
}

fn reversed(key: SortKey) -> SortKey {
    SortKey {
        class: key.class,
        descending: !key.descending,
        nulls_first: !key.nulls_first,
    }
}

/// Paths of a relation that get values from outer relations, for `loops` repetitions: cost and rows of one.
pub(crate) fn inner_paths<'a>(
    arena: &mut Arena<'a>,
    frame: &Frame<'_>,
    relation: usize,
    base: &Base<'a>,
    indexes: &[Ix<'a>],
    params: &[Param],
    leaf_rows: &[f64],
) -> Vec<(Path, u64)> {
    let mut best: Vec<(Path, u64)> = Vec::new();
    for ix in indexes {
        let found = ix.matched(base, base.and, params);
        if found.param_count == 0.0 {
            continue;
        }
        // `get_loop_count`: the smallest of the outer relations.
        let outer = params.iter().filter(|p| found.outer >> p.outer & 1 == 1);
        let loops = outer
            .filter_map(|p| leaf_rows.get(p.outer))
            .fold(f64::INFINITY, |a, &b| a.min(b));
        let loops = if loops.is_finite() {
            loops.max(1.0)
        } else {
            1.0
        };
        // All conditions on those relations hold, whether or not the index serves them (`get_parameterized_baserel_size`).
        let given = params.iter().filter(|p| found.outer >> p.outer & 1 == 1);
        let given: f64 = given.map(|p| p.share).product();
        let rows = clamp_rows(base.tuples * base.share * given).min(base.rows);
        let access = frame.bitmap_access(base, ix, &found, loops);
        let bitmap = frame.bitmap(base, access.total, access.share, ix.pages, loops);
        let direct = frame.index(base, ix, &found, loops, ix.covers);
        let direct_name = if ix.covers {
            "Index Only Scan"
        } else {
            "Index Scan"
        };
        for (name, costs) in [(direct_name, direct), ("Bitmap Heap Scan", bitmap)] {
            let beaten = best.iter().any(|(p, outer)| {
                *outer == found.outer && p.total <= costs.total && p.startup <= costs.startup
            });
            if beaten {
                continue;
            }
            let offer = Offer {
                startup: costs.startup,
                total: costs.total,
                rows,
                order: UNORDERED,
            };
            let step = Step::Scan {
                name,
                relation,
                index: Some(ix.source),
            };
            best.push((arena.push(step, offer, [None; 2]), found.outer));
        }
    }
    best
}

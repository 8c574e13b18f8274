//! The paths of one base relation: every way to read it, alone or with values from other relations of a join.

use crate::advisor::estimate::base::{Base, Clauses, Use};
use crate::advisor::estimate::index::{Ix, Match, Param};
use crate::advisor::estimate::path::{Arena, Offer, Path, SortKey, Step, UNORDERED};
use crate::advisor::estimate::scan::{Costs, Frame};
use crate::advisor::estimate::settings::clamp_rows;
use crate::advisor::estimate::unit::Unit;

/// A bitmap that one index, or a combination, can make.
struct Bitmap {
    access: f64,
    share: f64,
    pages: f64,
    quals: Clauses,
    node: usize,
}

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
    let ordered = !ix.hash && !(found.late_any && frame.settings.major < 17);
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

fn bitmap<'a>(
    arena: &mut Arena<'a>,
    frame: &Frame<'_>,
    relation: usize,
    base: &Base<'a>,
    ix: &Ix<'a>,
    found: &Match,
) -> Bitmap {
    let access = frame.bitmap_access(base, ix, found, 1.0);
    let step = Step::Scan {
        name: "Bitmap Index Scan",
        relation,
        index: Some(ix.source),
    };
    let offer = Offer {
        startup: 0.0,
        total: access.total,
        rows: clamp_rows(access.share * base.tuples),
        order: UNORDERED,
    };
    Bitmap {
        access: access.total,
        share: access.share,
        pages: ix.pages,
        quals: found.quals | ix.ensured,
        node: arena.push(step, offer, [None; 2]).node,
    }
}

/// A bitmap of two others.
fn combined(
    arena: &mut Arena<'_>,
    frame: &Frame<'_>,
    base: &Base<'_>,
    name: &'static str,
    a: &Bitmap,
    b: &Bitmap,
) -> Bitmap {
    let and = name == "BitmapAnd";
    let share = if and {
        a.share * b.share
    } else {
        (a.share + b.share).min(1.0)
    };
    // Index scans under an OR are combined as they run, which costs nothing (`cost_bitmap_or_node`).
    let access = a.access + b.access + if and { frame.bitmap_combine() } else { 0.0 };
    let offer = Offer {
        startup: 0.0,
        total: access,
        rows: clamp_rows(share * base.tuples),
        order: UNORDERED,
    };
    Bitmap {
        access,
        share,
        pages: a.pages + b.pages,
        quals: a.quals | b.quals,
        node: arena
            .push(Step::Other(name), offer, [Some(a.node), Some(b.node)])
            .node,
    }
}

/// ORs of which every arm has an index (`generate_bitmap_or_paths`).
fn add_ors<'a>(
    arena: &mut Arena<'a>,
    frame: &Frame<'_>,
    relation: usize,
    base: &Base<'a>,
    indexes: &[Ix<'a>],
    bitmaps: &mut Vec<Bitmap>,
) {
    for or in &base.ors {
        let mut whole: Option<Vec<Bitmap>> = None;
        for &arm in or {
            let mut ways = arm_bitmaps(arena, frame, relation, base, indexes, arm);
            if let Some(so_far) = whole {
                let pairs = so_far.iter().flat_map(|a| ways.iter().map(move |b| (a, b)));
                ways = pairs
                    .map(|(a, b)| combined(arena, frame, base, "BitmapOr", a, b))
                    .collect();
            }
            whole = Some(best_bitmaps(ways));
        }
        // An OR is one condition of its own, to be combined with others but not with itself.
        let quals = or.iter().fold(0, |all, arm| all | arm);
        let made = whole.into_iter().flatten();
        bitmaps.extend(made.map(|or| Bitmap { quals, ..or }));
    }
}

/// Ways to find the rows of one arm: an index that serves a condition of it, or two of them.
fn arm_bitmaps<'a>(
    arena: &mut Arena<'a>,
    frame: &Frame<'_>,
    relation: usize,
    base: &Base<'a>,
    indexes: &[Ix<'a>],
    arm: Clauses,
) -> Vec<Bitmap> {
    let mut ways = Vec::new();
    for ix in indexes {
        let found = ix.matched(base, base.and | arm, &[]);
        if found.quals & arm != 0 {
            ways.push(bitmap(arena, frame, relation, base, ix, &found));
        }
    }
    let mut pairs = Vec::new();
    for (at, a) in ways.iter().enumerate() {
        let others = ways[at + 1..].iter().filter(|b| a.quals & b.quals == 0);
        pairs.extend(others.map(|b| combined(arena, frame, base, "BitmapAnd", a, b)));
    }
    ways.extend(pairs);
    best_bitmaps(ways)
}

/// Leaves out bitmaps than which another is both cheaper and more selective.
fn best_bitmaps(ways: Vec<Bitmap>) -> Vec<Bitmap> {
    let mut best: Vec<Bitmap> = Vec::new();
    for way in ways {
        if !best
            .iter()
            .any(|b| b.access <= way.access && b.share <= way.share)
        {
            best.retain(|b| b.access < way.access || b.share < way.share);
            best.push(way);
        }
    }
    best
}

/// Each bitmap alone, and each pair that restricts different conditions (`choose_bitmap_and`).
fn offer_bitmaps<'a>(
    arena: &mut Arena<'a>,
    paths: &mut Vec<Path>,
    frame: &Frame<'_>,
    relation: usize,
    base: &Base<'a>,
    bitmaps: &[Bitmap],
    offer: &impl Fn(Costs, usize) -> Offer,
) {
    let mut give = |arena: &mut Arena<'a>, bitmap: &Bitmap| {
        let costs = frame.bitmap(base, bitmap.access, bitmap.share, bitmap.pages, 1.0);
        let step = Step::Scan {
            name: "Bitmap Heap Scan",
            relation,
            index: None,
        };
        arena.offer(
            paths,
            step,
            offer(costs, UNORDERED),
            [Some(bitmap.node), None],
        );
    };
    for bitmap in bitmaps {
        give(arena, bitmap);
    }
    for (at, a) in bitmaps.iter().enumerate() {
        for b in &bitmaps[at + 1..] {
            // Two bitmaps for the same condition say the same.
            if a.quals & b.quals == 0 {
                let both = combined(arena, frame, base, "BitmapAnd", a, b);
                give(arena, &both);
            }
        }
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

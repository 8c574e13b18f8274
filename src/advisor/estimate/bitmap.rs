//! Bitmaps of one relation: of one index, of several by AND, of the arms of an OR.

use crate::advisor::estimate::base::{Base, Clauses};
use crate::advisor::estimate::index::{Ix, Match};
use crate::advisor::estimate::path::{Arena, Offer, Path, Step, UNORDERED};
use crate::advisor::estimate::scan::{Costs, Frame};
use crate::advisor::estimate::settings::clamp_rows;

/// A bitmap that one index, or a combination, can make.
pub(crate) struct Bitmap {
    access: f64,
    share: f64,
    pages: f64,
    quals: Clauses,
    node: usize,
}

/// The bitmap of one index.
pub(crate) fn bitmap<'a>(
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
pub(crate) fn add_ors<'a>(
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
pub(crate) fn offer_bitmaps<'a>(
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

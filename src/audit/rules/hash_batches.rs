//! `hash-batches`: a hash table that did not fit into memory, so that a join went through temporary files.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::explained::Node;
use crate::model::unit::{Bytes, Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "hash-batches",
    title: "A hash join spills to disk",
    page: "\
One side of a hash join is made a hash table. Where that is larger than work_mem (times hash_mem_multiplier, 2 by default from version 15 on), both
sides are split into batches: all but the first are written to temporary files and read again.

Told by: Hash Batches is more than 1, and the whole hash table is at least 1 MB.

Do: fewer rows or columns on the hashed side; else more work_mem for this statement (SET LOCAL work_mem). The whole table takes about
the memory of one batch times the number of batches. Where more batches were made than planned, the planner expected fewer rows:
ANALYZE the tables first.

All right when: it is a report that runs at night, or the hashed side is larger than memory anyway.",
    check: Check::Plan(check),
};

/// What is saved of the time of the join and its hash table if nothing is written: the join remains.
const SAVED: f64 = 0.5;
/// More memory than this for one statement is no advice, kB.
const TOO_MUCH: f64 = 1024.0 * 1024.0;
/// Less than this is written in no time, kB.
const LITTLE: f64 = 1024.0;

fn check(view: &View<'_>) -> Vec<Hit> {
    let hashes = view.nodes(&["Hash"]);
    hashes
        .filter_map(|(at, node)| hit(view, at, node))
        .collect()
}

fn hit(view: &View<'_>, at: usize, node: &Node) -> Option<Hit> {
    let batches = node
        .number("Hash Batches")
        .filter(|batches| *batches > 1.0)?;
    let join = node.parent?;
    let kb = node.count("Peak Memory Usage") * batches;
    if kb < LITTLE || !view.matters(at) && !view.matters(join) {
        return None;
    }
    let share = view.share(at) + view.share(join);
    let planned = node.number("Original Hash Batches").unwrap_or(batches);
    let mut evidence = vec![format!(
        "{} batches of {}; the join and its hash table take {} of the statement",
        Count(batches),
        Bytes(node.count("Peak Memory Usage") * 1024.0),
        Percent(share)
    )];
    let temp = (view.exclusive.temp.own[at] + view.exclusive.temp.own[join]) * 8192.0;
    if temp > 0.0 {
        evidence.push(format!(
            "{} of temporary files written and read",
            Bytes(temp)
        ));
    }
    if planned < batches {
        evidence.push(format!(
            "{} planned: {} rows were expected, {} came",
            Count(planned),
            Count(node.plan_rows()),
            Count(node.count("Actual Rows"))
        ));
    }
    Some(Hit {
        node: at,
        share: share * SAVED,
        least: Severity::Info,
        evidence,
        fix: advice(node, kb, planned < batches).into(),
    })
}

fn advice(node: &Node, kb: f64, is_surprise: bool) -> String {
    let first = if is_surprise {
        "ANALYZE the tables of the hashed side, then fewer rows or columns there"
    } else {
        "fewer rows or columns on the hashed side"
    };
    // All processes fill one table together, each with its own allowance.
    if kb > TOO_MUCH || node.is("Parallel Aware") {
        return format!(
            "{first}; the hash table takes about {} in memory",
            Bytes(kb * 1024.0)
        );
    }
    format!(
        "{first}; else SET LOCAL work_mem = '{}MB' for this statement: the hash table takes about that much (less work_mem is enough \
         where hash_mem_multiplier is above 1)",
        (kb / 1024.0).ceil().max(4.0)
    )
}

//! What is asked again with the same values, in one transaction or in one go, although nothing was written since.

use crate::query::analyse::analyse;
use crate::query::catalog::Catalog;
use crate::query::facts::{Read, Source};
use crate::query::n_plus_one::from_logs::{FEWEST_RUNS, LONG, search_path, side};
use crate::query::n_plus_one::runs::Loops;
use crate::query::n_plus_one::unit::Seen;
use crate::query::n_plus_one::{Fix, Kind, NPlusOne, Origin, Orm, Spared, certainty};

/// Fewest needless executions in one unit of work: to ask a second time happens to everybody.
const FEWEST: u32 = 2;

/// Functions whose result another call may change, or for whose effect they are called.
const VOLATILE: &[&str] = &[
    "nextval",
    "setval",
    "currval",
    "lastval",
    "random",
    "clock_timestamp",
    "gen_random_uuid",
    "uuid_generate",
    "pg_",
    "set_config",
    "dblink",
    "lo_",
    "txid_",
];

/// A statement that was asked again.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Again {
    /// Units of work in which it was run, and those in which it was run again and again.
    units: u32,
    runs: u32,
    /// Of the latter: its executions, the needless ones among them, and those of these in one transaction.
    executions: f64,
    needless: f64,
    inside: f64,
    /// Time that its executions took, ms, and the pauses before those right after another.
    ms: f64,
    pauses: f64,
    next: f64,
}

impl Again {
    /// Adds what a unit has of it.
    pub(super) fn add(&mut self, seen: &Seen) {
        self.units += 1;
        if seen.again < FEWEST {
            return;
        }
        self.runs += 1;
        self.executions += f64::from(seen.count);
        self.needless += f64::from(seen.again);
        self.inside += f64::from(seen.again_inside);
        self.ms += seen.ms;
        self.pauses += seen.pauses;
        self.next += f64::from(seen.next);
    }
}

/// The statements that are asked again needlessly.
pub(super) fn repeated(loops: &Loops, catalog: Option<&Catalog<'_>>) -> Vec<NPlusOne> {
    let judged = |(statement, again): (&usize, &Again)| judged(loops, *statement, again, catalog);
    loops.again.iter().filter_map(judged).collect()
}

fn judged(
    loops: &Loops,
    statement: usize,
    again: &Again,
    catalog: Option<&Catalog<'_>>,
) -> Option<NPlusOne> {
    let is_often = again.runs >= FEWEST_RUNS || again.runs > 0 && again.needless >= LONG;
    let known = &loops.known[statement];
    let table = is_often.then(|| table(&known.text, catalog)).flatten()?;
    let (score, reasons) = judge(again);
    let mean_ms = again.ms / again.executions.max(1.0);
    let pause = again.pauses / again.next.max(1.0);
    let orm = Orm::of(&known.text, &table);
    Some(NPlusOne {
        kind: Kind::Again,
        table,
        column: None,
        child: side(known),
        parent: None,
        score,
        certainty: certainty(score)?,
        reasons,
        per_parent: again.executions / f64::from(again.runs),
        round_trips: again.needless,
        saved_ms: again.needless * (mean_ms + pause),
        spared: Spared::new(
            again.needless,
            loops.executions,
            again.needless * mean_ms,
            loops.ms,
        ),
        origins: vec![Origin::Logs],
        fix: Fix {
            orm,
            hint: orm.map(|orm| orm.hint(Kind::Again).to_owned()),
            ..Fix::default()
        },
    })
}

/// The table that it reads first, if it only reads and gives the same when asked again.
fn table(text: &str, catalog: Option<&Catalog<'_>>) -> Option<String> {
    let read = Read::new(text).ok()?;
    let lower = text.to_ascii_lowercase();
    let volatile = VOLATILE.iter().any(|name| {
        let mut places = lower.match_indices(name);
        places.any(|(at, _)| {
            let before = lower[..at].chars().next_back();
            let rest = lower[at..].trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
            before.is_none_or(|c| !c.is_alphanumeric() && c != '_') && rest.starts_with('(')
        })
    });
    let shares = ["for share", "for key share"];
    let locks = read.facts.lock.is_some() || shares.iter().any(|words| lower.contains(words));
    if volatile || locks {
        return None;
    }
    let first = read.facts.relations.iter().find_map(|r| match &r.source {
        Source::Table(parts) => parts.last().cloned(),
        _ => None,
    })?;
    match catalog {
        None => Some(first).filter(|name| !name.starts_with("pg_")),
        Some(catalog) => {
            let path = search_path(catalog.snapshot);
            let analysed = analyse(text, catalog, &path).ok()?;
            let relation = analysed.shape.relations.first()?;
            Some(catalog.snapshot.table(relation.table_oid)?.name.clone())
        }
    }
}

/// How sure it is, and why.
fn judge(again: &Again) -> (f64, Vec<String>) {
    let mut score = 0.5;
    let each = again.needless / f64::from(again.runs);
    let mut reasons = vec![format!(
        "in {} of the {} units of work that run it, it is run again with values that it was run with before, {each:.1} times on average",
        again.runs, again.units
    )];
    reasons.push("nothing is written in between by the same session".to_owned());
    let inside = again.inside / again.needless;
    if inside >= 0.8 {
        score += 0.2;
        reasons.push("that is within one transaction".to_owned());
    } else {
        score += 0.05;
        reasons.push("that is in one go, one right after another".to_owned());
    }
    if 10 * again.runs >= 7 * again.units {
        score += 0.1;
    }
    if again.runs >= 10 {
        score += 0.05;
    }
    if each >= 5.0 {
        score += 0.05;
    }
    (score, reasons)
}

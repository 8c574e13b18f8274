//! Columns that have to do with each other: extended statistics first, before an index is judged by an estimate that is off
//! by a thousand.
//!
//! The planner multiplies what each condition leaves, as if a zip code could lie in any city. How many rows statements really
//! returned tells where that is wrong: for a statement over one table whose every condition is an equality, without LIMIT or
//! aggregation, `rows / calls` is what its conditions let through. Which values were asked for is not known, so the product is
//! taken of the most common value of each column: more rows than that there cannot be, were the columns independent.

use std::collections::{BTreeMap, BTreeSet};

use crate::advisor::analyze_advice::lack;
use crate::advisor::priority::Priority;
use crate::advisor::recommendation::{Action, Confidence, Misjudged, Recommendation};
use crate::advisor::usual::rows_counted;
use crate::model::catalog::{Table, TableKind};
use crate::model::change::Change;
use crate::model::gap::Part;
use crate::model::ident::QualifiedName;
use crate::model::index::IndexKey;
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Count, Percent};
use crate::query::shape::{Operator, Relation};
use crate::query::workload::{Query, Workload};

/// So many times more rows than independent columns could have: plans are wrong by then, and chance is not that strong.
const OFF: f64 = 5.0;
/// Fewer rows are found by any index, whatever the planner expects.
const FEWEST_COUNTED: f64 = 10.0;
/// Fewer executions may all have asked for the one odd value.
const FEWEST_CALLS: f64 = 20.0;
/// Rows of a table from which it matters.
const FEWEST_ROWS: f64 = 1000.0;
/// Combinations of values at most so many times as many as values of one column: that column decides the others.
const DECIDED: f64 = 1.5;
/// Columns that one statistics object can have (`STATS_MAX_DIMENSIONS`).
const MOST_COLUMNS: usize = 8;
/// Statements with so much of the load make it a P2.
const MUCH_LOAD: f64 = 0.1;

/// CREATE STATISTICS for each set of columns that counted rows prove to be correlated. Where it was not seen which there are, or
/// the table lacks an ANALYZE, nothing is said.
#[must_use]
pub fn statistics_advice(snapshot: &Snapshot, workload: &Workload) -> Vec<Recommendation> {
    if snapshot.gaps.iter().any(|g| g.part == Part::ExtendedStats) {
        return Vec::new();
    }
    let mut found: BTreeMap<Columns<'_>, Vec<(&Query, Proof)>> = BTreeMap::new();
    for query in &workload.queries {
        let Some((table, columns)) = equalities(query, snapshot) else {
            continue;
        };
        if let Some(proof) = proof(query, table, &columns, snapshot) {
            let key = (columns.len(), table.oid, columns);
            found.entry(key).or_default().push((query, proof));
        }
    }
    let mut advised: Vec<(u32, BTreeSet<&str>)> = Vec::new();
    let mut advice = Vec::new();
    for ((_, oid, columns), proofs) in &found {
        let set: BTreeSet<&str> = columns.iter().copied().collect();
        // The fewest columns that prove it come first: what is added to them explains nothing more.
        if advised.iter().any(|(o, s)| o == oid && s.is_subset(&set)) {
            continue;
        }
        if let Some(table) = snapshot.table(*oid) {
            advice.push(create(table, columns, proofs, workload, snapshot));
            advised.push((*oid, set));
        }
    }
    advice
}

/// Columns of a table: how many, of which table, their names. The fewest come first.
type Columns<'a> = (usize, u32, Vec<&'a str>);

/// What rows counted and expected say.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Proof {
    /// Rows an execution returned.
    counted: f64,
    /// Rows that the planner expects of it.
    expected: f64,
    /// Rows that it could have at most, were the columns independent.
    most: f64,
    /// Whether one column decides the others.
    decided: bool,
    /// Whether so few combinations exist that each can be kept with its frequency.
    few: bool,
}

/// The table of a query over one table whose conditions are all equalities, and their columns in the table's order.
fn equalities<'s>(query: &'s Query, snapshot: &'s Snapshot) -> Option<(&'s Table, Vec<&'s str>)> {
    let [relation] = query.shape.relations.as_slice() else {
        return None;
    };
    let table = snapshot.table(relation.table_oid)?;
    let plain = matches!(table.kind, TableKind::Table | TableKind::MaterializedView);
    let known = plain && table.extension.is_none() && table.rows() >= FEWEST_ROWS;
    if !known || lack(table, snapshot).is_some() {
        return None;
    }
    let mut named: Vec<&str> = Vec::new();
    for predicate in &relation.predicates {
        let column = table.column(&predicate.column)?;
        let equal = matches!(predicate.operator, Operator::Eq | Operator::In(Some(_)));
        let told = column.stats.is_some() && column.btree && predicate.expression.is_none();
        if !equal || !told || named.contains(&predicate.column.as_str()) {
            return None;
        }
        named.push(&predicate.column);
    }
    let columns = table.columns.iter().map(|c| c.name.as_str());
    let columns: Vec<&str> = columns.filter(|c| named.contains(c)).collect();
    let there = |column: &&&str| -> bool { named.contains(column) };
    let known = snapshot.extended_stats.iter().any(|s| {
        let common = s.columns.iter().map(String::as_str);
        s.table_oid == table.oid && common.collect::<Vec<_>>().iter().filter(there).count() >= 2
    });
    ((2..=MOST_COLUMNS).contains(&columns.len()) && !known).then_some((table, columns))
}

/// The proof that these columns are correlated, if it is one.
fn proof(query: &Query, table: &Table, columns: &[&str], snapshot: &Snapshot) -> Option<Proof> {
    let counted = rows_counted(query, snapshot)?;
    let rows = table.rows();
    let relation = query.shape.relations.first()?;
    let shares: Option<Vec<[f64; 2]>> = (columns.iter())
        .map(|c| shares(relation, c, table))
        .collect();
    let shares = shares?;
    let product = |at: usize| rows * shares.iter().map(|s| s[at]).product::<f64>();
    let (expected, most) = (product(0).max(1.0), product(1).max(1.0));
    let enough = query.calls >= FEWEST_CALLS && counted >= FEWEST_COUNTED;
    if !enough || counted < OFF * most {
        return None;
    }
    // As many combinations as there are rows for each; the least share is that of the column with the most values.
    let values = columns.iter().filter_map(|c| {
        let stats = table.column(c)?.stats.as_ref()?;
        Some(stats.distinct(rows))
    });
    let combinations = rows / counted;
    let decided = combinations <= DECIDED * values.fold(1.0, f64::max);
    let few = combinations <= snapshot.server.number("default_statistics_target", 100.0);
    // Neither kind of statistics would know most combinations: nothing would be gained.
    (decided || few).then_some(Proof {
        counted,
        expected,
        most,
        decided,
        few,
    })
}

/// Share of the rows that the equality on a column leaves: on average, and with the most common value.
fn shares(relation: &Relation, column: &str, table: &Table) -> Option<[f64; 2]> {
    let stats = table.column(column)?.stats.as_ref()?;
    let average = (1.0 - stats.null_frac) / stats.distinct(table.rows());
    let frequencies = stats.most_common_freqs.iter().flatten().copied();
    let most = frequencies.fold(average, f64::max);
    let predicate = relation.predicates.iter().find(|p| p.column == column)?;
    #[expect(clippy::cast_precision_loss, reason = "the length of a list")]
    let values = match predicate.operator {
        Operator::In(Some(values)) => values as f64,
        _ => 1.0,
    };
    Some([average, most].map(|share| (values * share).min(1.0)))
}

fn create(
    table: &Table,
    columns: &[&str],
    proofs: &[(&Query, Proof)],
    workload: &Workload,
    snapshot: &Snapshot,
) -> Recommendation {
    let name = free_name(table, columns, snapshot);
    let any = |kind: fn(&Proof) -> bool| proofs.iter().any(|(_, p)| kind(p));
    let kinds = [
        ("dependencies", any(|p| p.decided)),
        ("mcv", any(|p| p.few)),
    ];
    let kinds = kinds.iter().filter(|(_, wanted)| *wanted);
    let off = proofs.iter().map(|(_, p)| p.counted / p.expected);
    let most = proofs.iter().map(|(_, p)| p.counted / p.most);
    let load = load_share(proofs, workload);
    let mut advice = Recommendation::on_table(Action::Statistics, table);
    advice.index = name.clone();
    advice.definition.keys = columns.iter().copied().map(IndexKey::column).collect();
    advice.changes = vec![
        Change::CreateStatistics {
            name: name.clone(),
            kinds: kinds.map(|(kind, _)| (*kind).to_owned()).collect(),
            columns: columns.iter().map(ToString::to_string).collect(),
            table: table.qualified(),
        },
        Change::Analyze {
            table: table.qualified(),
        },
    ];
    advice.undo = vec![Change::DropStatistics { name }];
    advice.confidence = Confidence::Medium;
    advice.confidence_reason = format!(
        "the server counted the rows; even if only the most common values were asked for, independent columns had {} times fewer",
        Count(most.fold(0.0, f64::max))
    );
    advice.priority = if load >= MUCH_LOAD {
        Priority::P2
    } else {
        Priority::P3
    };
    advice.priority_reason = format!(
        "the misjudged statements are {} of the analysed load",
        Percent(load)
    );
    advice.effort = "two statements, block neither reads nor writes".into();
    advice.risk =
        "plans of statements on it may change, as they should; each ANALYZE takes a little longer"
            .into();
    advice.reason = format!(
        "{} of {} have to do with each other, which the planner does not know: rows are up to {} times as many as it expects",
        columns.join(", "),
        table.qualified(),
        Count(off.fold(0.0, f64::max))
    );
    advice.misjudged = (proofs.iter())
        .map(|(query, proof)| Misjudged {
            queryids: query.queryids(snapshot),
            fingerprint: format!("{:016x}", query.fingerprint),
            query: query.text.clone(),
            calls: query.calls,
            rows_counted: proof.counted,
            rows_expected: proof.expected,
        })
        .collect();
    advice
}

/// Share of the analysed load that the misjudged statements are.
fn load_share(proofs: &[(&Query, Proof)], workload: &Workload) -> f64 {
    let coverage = &workload.coverage;
    let loads = proofs.iter().map(|(query, _)| query.load(coverage.timed));
    let load: f64 = loads.sum();
    if coverage.analysed_total > 0.0 {
        load / coverage.analysed_total
    } else {
        0.0
    }
}

/// A name as PostgreSQL would choose it, at most 63 bytes, that no statistics object of the schema has.
fn free_name(table: &Table, columns: &[&str], snapshot: &Snapshot) -> QualifiedName {
    let base = format!("{}_{}", table.name, columns.join("_"));
    let taken = |name: &str| {
        let mut all = snapshot.extended_stats.iter();
        all.any(|s| s.schema == table.schema && s.name == name)
    };
    let numbers = std::iter::once(String::new()).chain((1..).map(|n: u32| n.to_string()));
    let names = numbers.map(|number| {
        let tail = format!("_stat{number}");
        let mut end = base.len().min(63 - tail.len());
        while !base.is_char_boundary(end) {
            end -= 1;
        }
        format!("{}{tail}", &base[..end])
    });
    let mut free = names.filter(|name| !taken(name));
    let name = free.next().unwrap_or_default();
    QualifiedName::new(&table.schema, name)
}

#[cfg(test)]
mod tests;

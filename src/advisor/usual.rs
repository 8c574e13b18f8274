//! What the parameters of a statement usually are, told from how many rows it returns.
//!
//! `pg_stat_statements` keeps no values, and a plan without them guesses: `x < $1` for a third of the table, `status = $1`
//! for the mean of all values. But it counts rows, and for a statement over one table, without LIMIT or aggregation,
//! `rows / calls` is exactly what its conditions let through. So
//!
//! - range conditions get bounds from the column's histogram that leave as many rows, given what the other conditions
//!   leave (shared equally, in the logarithm, when several columns are compared);
//! - without one, an equality on a skewed column gets the common value (or one of the rest) that comes closest, if the mean
//!   is off by more than [`FAR`]; where no single value explains the rows, several do (`value_classes`).
//!
//! - where a document has to contain something and few rows were returned, it is something that few contain.
//!
//! Behind `LIMIT $n` the rows tell nothing, unless the blocks read show that it cut nothing off.
//!
//! Where anything else is unknown (no statistics, a condition that only a default selectivity stands for), rows that are
//! missing could be missing for that reason as well: then nothing is assumed. Both planners get the same values, as constants
//! in the text and in the Shape.

use std::collections::{BTreeMap, BTreeSet};

use crate::advisor::estimate::base::{Base, column_at};
use crate::advisor::estimate::bound::Bound;
use crate::advisor::estimate::condition::Clause;
use crate::advisor::estimate::selectivity::{Field, MATCHING, Side};
use crate::advisor::estimate::value::Scale;
use crate::advisor::value_classes::value_classes;
use crate::model::snapshot::Snapshot;
use crate::model::statement::Source;
use crate::query::shape::{Limit, Operand, Operator, Predicate, Relation, Shape};
use crate::query::usual::{single_parameters, usual_text};
use crate::query::workload::{Assumed, Query, QueryKind, Usual, ValueClass, Workload};

/// A mean selectivity that is off by a larger factor is not this statement's.
const FAR: f64 = 3.0;

/// One value explains the rows when it is off by no more than this: statistics are a sample.
const NEAR: f64 = 1.25;

/// What the planner takes a document for of which it finds none among the statistics (`generic_restriction_selectivity`).
const LEAST_MATCHING: f64 = 0.0001;

/// A value for plans alone: no document has it.
const IN_NO_DOCUMENT: &str = r#"{"": null}"#;

/// Who reads this share of a table has not found a page.
const HALF: f64 = 0.5;

/// In a table of fewer pages a few lookups read as many blocks.
const FEWEST_PAGES: f64 = 64.0;

/// Fewest rows that are told apart: a statement that finds nothing costs what one costs that finds one row.
const FEWEST_ROWS: f64 = 0.5;

/// Puts values in the place of parameters wherever they can be told.
pub fn assume_values(workload: &mut Workload, snapshot: &Snapshot) {
    for query in &mut workload.queries {
        if let Some(rows) = uncut(query, snapshot) {
            query.page = rows;
            (query.usual.text, query.usual.parameters) =
                usual_text(&query.text, rows, &BTreeMap::new());
        }
        let classes = value_classes(query, snapshot);
        let was_sent = !query.variants.is_empty() && !classes.is_empty();
        let found = if was_sent {
            Vec::new()
        } else {
            told(query, &classes, snapshot)
        };
        if found.is_empty() {
            query.classes = classes;
            continue;
        }
        let values: BTreeMap<usize, String> = (found.iter())
            .flat_map(|t| t.parts.iter().flat_map(|p| p.values.clone()))
            .collect();
        let (text, parameters) = usual_text(&query.text, query.page, &values);
        for part in found.iter().flat_map(|t| &t.parts) {
            query.shape.relations[0].predicates[part.predicate].operand = part.operand.clone();
        }
        query.usual = Usual {
            text,
            parameters,
            assumed: found.into_iter().map(|t| t.assumed).collect(),
        };
    }
}

/// More rows than `LIMIT $n` could have cut off, where the blocks read tell that it cut nothing: whoever reads half of a table
/// for a page that comes in no order did not find enough rows for it.
#[allow(clippy::cast_precision_loss, reason = "counts of blocks")]
fn uncut(query: &Query, snapshot: &Snapshot) -> Option<f64> {
    let Shape {
        relations, blocks, ..
    } = &query.shape;
    let ([relation], [block]) = (relations.as_slice(), blocks.as_slice()) else {
        return None;
    };
    let table = snapshot.table(relation.table_oid)?;
    let in_no_order = block.order.is_empty() && block.order_complete && block.nearest.is_none();
    let is_page = block.limit == Some(Limit::Parameter) && in_no_order && !block.aggregates;
    let members = query.members.iter().map(|&m| &snapshot.statements[m]);
    let blocks: i64 = members
        .map(|s| s.shared_blks_hit + s.shared_blks_read)
        .sum();
    let read = blocks as f64 / query.calls.max(1.0);
    let is_read = table.relpages >= FEWEST_PAGES && read >= HALF * table.relpages;
    (is_page && is_read && query.rows_per_call < HALF * table.rows()).then(|| table.rows())
}

/// The values of the parameters that the rows returned tell, by number, which the table may have.
pub(super) fn told_values(query: &Query, snapshot: &Snapshot) -> BTreeMap<usize, String> {
    let classes = value_classes(query, snapshot);
    let told = told(query, &classes, snapshot);
    let parts = told.into_iter().flat_map(|t| t.parts);
    let parts = parts.filter(|part| part.operand != Operand::Literal(IN_NO_DOCUMENT.into()));
    parts.flat_map(|part| part.values).collect()
}

/// What was told of one column.
struct Told {
    assumed: Assumed,
    parts: Vec<Part>,
}

/// One predicate of it.
struct Part {
    /// Position in the relation's predicates.
    predicate: usize,
    /// Constants for its parameters.
    values: Vec<(usize, String)>,
    /// What the column is then compared with.
    operand: Operand,
}

impl Part {
    /// The predicate with these constants in the place of what is unknown; `now` in seconds since 1970.
    fn new(at: usize, predicate: &Predicate, constants: Vec<String>, now: f64) -> Option<Self> {
        let values = match (&predicate.operand, constants.as_slice()) {
            (Operand::Parameters(numbers), _) => {
                numbers.iter().copied().zip(constants.clone()).collect()
            }
            (Operand::Ago(number), [moment]) => {
                let ago = now - Scale::Moment.number(moment)?;
                vec![(*number, format!("{ago:.3} seconds"))]
            }
            _ => return None,
        };
        let operand = match <[String; 1]>::try_from(constants) {
            Ok([one]) => Operand::Literal(one),
            Err(several) => Operand::Literals(several),
        };
        Some(Self {
            predicate: at,
            values,
            operand,
        })
    }
}

fn told(query: &Query, classes: &[ValueClass], snapshot: &Snapshot) -> Vec<Told> {
    let (Some(relation), Some(counted)) = (only_relation(query), rows_counted(query, snapshot))
    else {
        return Vec::new();
    };
    let free = single_parameters(&query.text);
    let ranges = ranges(relation, &free);
    let of_ranges: BTreeSet<usize> = ranges.values().flatten().copied().collect();
    let others = without(relation, &of_ranges);
    let base = Base::without_indexes(&others, &[], &[], false, snapshot);
    let rows = base.tuples * base.share;
    if let Some(told) = document(relation, &free, counted, snapshot) {
        return vec![told];
    }
    if rows <= 0.0 || !is_certain(&base) {
        return Vec::new();
    }
    let wanted = counted.max(FEWEST_ROWS) / rows;
    if ranges.is_empty() {
        let told = equality(relation, &base, &free, wanted);
        // Where several values explain the rows together, one that is not really near explains nothing.
        return (told.into_iter())
            .filter(|(off, _)| classes.is_empty() || *off <= NEAR.ln())
            .map(|(_, told)| told)
            .collect();
    }
    if wanted >= 1.0 {
        // The others let through less than was returned: they are what is misjudged.
        return Vec::new();
    }
    #[allow(clippy::cast_precision_loss, reason = "a handful of columns")]
    let each = wanted.powf(1.0 / ranges.len() as f64);
    let told: Option<Vec<Told>> = (ranges.into_iter())
        .map(|(column, predicates)| {
            let field = base.field(column_at(base.table, column));
            range(relation, field, &predicates, each, snapshot.taken_at)
        })
        .collect();
    told.unwrap_or_default()
}

/// Rows that the conditions of a statement really leave, where the server counted them.
pub(super) fn rows_counted(query: &Query, snapshot: &Snapshot) -> Option<f64> {
    let counted = |&member: &usize| snapshot.statements[member].source == Source::PgStatStatements;
    let known = query.calls > 0.0 && query.members.iter().all(counted);
    only_relation(query)
        .filter(|_| known)
        .map(|_| query.rows_per_call)
}

/// The columns that a statement searches by, if the rows that it returned are about as many as its conditions are taken to keep:
/// then the columns are as independent as the planner takes them for.
pub(super) fn borne_out(query: &Query, snapshot: &Snapshot) -> BTreeSet<String> {
    let (Some(relation), Some(counted)) = (only_relation(query), rows_counted(query, snapshot))
    else {
        return BTreeSet::new();
    };
    let base = Base::without_indexes(relation, &[], &[], false, snapshot);
    let expected = (base.tuples * base.share).max(FEWEST_ROWS);
    let off = (counted.max(FEWEST_ROWS) / expected).ln().abs();
    if !is_certain(&base) || off > FAR.ln() {
        return BTreeSet::new();
    }
    let columns = relation.predicates.iter().map(|p| p.column.clone());
    columns.collect()
}

/// The one table of a statement whose rows are those that pass its conditions.
fn only_relation(query: &Query) -> Option<&Relation> {
    let Shape {
        relations, blocks, ..
    } = &query.shape;
    let ([relation], [block]) = (relations.as_slice(), blocks.as_slice()) else {
        return None;
    };
    let reads = matches!(
        query.kind,
        QueryKind::Select | QueryKind::Update | QueryKind::Delete
    );
    let all_rows = (block.limit.is_none() || query.page > query.rows_per_call)
        && !block.aggregates
        && !block.inexact
        && block.group.is_empty()
        && block.distinct.is_empty()
        && block.min_max.is_empty();
    (reads && all_rows && relation.disjunctions.is_empty()).then_some(relation)
}

/// Range conditions on plain columns whose every bound is a parameter used nowhere else: column → predicates, at most one
/// lower and one upper bound.
fn ranges<'a>(relation: &'a Relation, free: &BTreeSet<usize>) -> BTreeMap<&'a str, Vec<usize>> {
    let mut ranges: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, predicate) in relation.predicates.iter().enumerate() {
        if !sides(predicate).is_empty() && parameters(predicate, free).is_some() {
            ranges.entry(&predicate.column).or_default().push(at);
        }
    }
    ranges.retain(|column, predicates| {
        let known = |p: &Predicate| p.column == *column && !sides(p).is_empty();
        let all = relation.predicates.iter().filter(|p| known(p)).count();
        let bounds: Vec<Side> = (predicates.iter())
            .flat_map(|&at| sides(&relation.predicates[at]))
            .map(|(side, _)| side)
            .collect();
        let of = |side| bounds.iter().filter(|&&s| s == side).count();
        all == predicates.len() && of(Side::Low) <= 1 && of(Side::High) <= 1
    });
    ranges
}

/// Which ends a condition bounds, and whether the value itself belongs to it.
pub(super) fn sides(predicate: &Predicate) -> Vec<(Side, bool)> {
    match predicate.operator {
        Operator::Lt => vec![(Side::High, false)],
        Operator::Le => vec![(Side::High, true)],
        Operator::Gt => vec![(Side::Low, false)],
        Operator::Ge => vec![(Side::Low, true)],
        Operator::Between => vec![(Side::Low, true), (Side::High, true)],
        _ => Vec::new(),
    }
}

/// The parameters that a plain column is compared with, if they stand nowhere else.
pub(super) fn parameters<'a>(
    predicate: &'a Predicate,
    free: &BTreeSet<usize>,
) -> Option<&'a [usize]> {
    let numbers = match &predicate.operand {
        Operand::Parameters(numbers) => numbers.as_slice(),
        Operand::Ago(number) => std::slice::from_ref(number),
        _ => return None,
    };
    let all_free = numbers.iter().all(|n| free.contains(n));
    (all_free && predicate.expression.is_none()).then_some(numbers)
}

/// The relation without some of its predicates.
pub(super) fn without(relation: &Relation, left_out: &BTreeSet<usize>) -> Relation {
    let mut rest = relation.clone();
    let predicates = std::mem::take(&mut rest.predicates).into_iter().enumerate();
    rest.predicates = predicates
        .filter(|(at, _)| !left_out.contains(at))
        .map(|(_, predicate)| predicate)
        .collect();
    rest
}

/// Whether every selectivity comes from statistics.
pub(super) fn is_certain(base: &Base<'_>) -> bool {
    let told = |clause: &Clause| {
        let field = base.field(clause.column);
        // Statistics of a column say nothing of an expression over it.
        let told = field.unique || field.stats().is_some();
        !clause.share.default && clause.predicate.expression.is_none() && told
    };
    base.table.is_some() && base.clauses.iter().all(told)
}

/// What few rows contain, if few were returned, for the only condition that a document has to contain something: the planner takes a
/// hundredth of the rows for an unknown one. Nothing where another condition could be the reason.
fn document(
    relation: &Relation,
    free: &BTreeSet<usize>,
    counted: f64,
    snapshot: &Snapshot,
) -> Option<Told> {
    let table = snapshot.table(relation.table_oid)?;
    let at = relation.predicates.iter().position(|predicate| {
        let column = table.column(&predicate.column);
        predicate.operator == Operator::Other("@>".into())
            && column.is_some_and(|c| c.base_type == "jsonb")
    })?;
    let predicate = &relation.predicates[at];
    let numbers = parameters(predicate, free)?;
    let rest = without(relation, &BTreeSet::from([at]));
    let base = Base::without_indexes(&rest, &[], &[], false, snapshot);
    let share = counted.max(FEWEST_ROWS) / (base.tuples * base.share);
    let is_rare = share < (MATCHING * LEAST_MATCHING).sqrt();
    if !is_rare || !is_certain(&base) {
        return None;
    }
    let assumed = Assumed {
        column: predicate.column.clone(),
        share: LEAST_MATCHING,
        generic: MATCHING,
        calls: None,
        counted: true,
    };
    let constants = vec![IN_NO_DOCUMENT.to_owned(); numbers.len()];
    let part = Part::new(at, predicate, constants, snapshot.taken_at)?;
    Some(Told {
        assumed,
        parts: vec![part],
    })
}

/// Bounds for the range conditions on one column that keep `share` of the rows.
fn range(
    relation: &Relation,
    field: Field<'_>,
    predicates: &[usize],
    share: f64,
    now: f64,
) -> Option<Told> {
    let ends: Vec<(usize, Side, bool)> = (predicates.iter())
        .flat_map(|&at| {
            let sides = sides(&relation.predicates[at]).into_iter();
            sides.map(move |(side, inclusive)| (at, side, inclusive))
        })
        .collect();
    let (bounds, kept): (Vec<Bound>, f64) = match ends.as_slice() {
        [(_, side, inclusive)] => {
            let bound = field.bound(*side, *inclusive, share)?;
            let kept = bound.share;
            (vec![bound], kept)
        }
        [first, second] => {
            let inclusive = |side| if first.1 == side { first.2 } else { second.2 };
            let [low, high] = field.window([inclusive(Side::Low), inclusive(Side::High)], share)?;
            let kept = low.share + high.share - 1.0 + field.null_frac();
            if first.1 == Side::Low {
                (vec![low, high], kept)
            } else {
                (vec![high, low], kept)
            }
        }
        _ => return None,
    };
    // A column of few values may have none that comes near, and the planner takes no condition for less than a hundredth of a
    // bin: a bound off by ten still beats a guess off by ten thousand.
    let generic = generic_range(&ends);
    let off = |kept: f64| (kept.max(1e-9) / share).ln().abs();
    let near = off(kept) <= FAR.ln().max(off(generic) / 2.0) || kept * field.tuples < 10.0;
    let mut constants: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (&(predicate, _, _), bound) in ends.iter().zip(bounds) {
        constants.entry(predicate).or_default().push(bound.value);
    }
    let parts: Option<Vec<Part>> = (constants.into_iter())
        .map(|(at, constants)| Part::new(at, &relation.predicates[at], constants, now))
        .collect();
    let assumed = Assumed {
        column: field.column?.name.clone(),
        share: kept,
        generic,
        calls: None,
        counted: true,
    };
    Some(Told {
        assumed,
        parts: parts.filter(|_| near)?,
    })
}

/// `DEFAULT_INEQ_SEL` and `DEFAULT_RANGE_INEQ_SEL` of `selfuncs.h`.
fn generic_range(ends: &[(usize, Side, bool)]) -> f64 {
    if ends.len() > 1 { 0.005 } else { 1.0 / 3.0 }
}

/// The equality whose column is skewed so that one of its values explains how many rows were returned: `wanted` times as
/// many as the means say. With it, by what (logarithmic) distance it misses them.
fn equality(
    relation: &Relation,
    base: &Base<'_>,
    free: &BTreeSet<usize>,
    wanted: f64,
) -> Option<(f64, Told)> {
    let distance = |factor: f64| (factor.max(1e-9) / wanted).ln().abs();
    if distance(1.0) <= FAR.ln() {
        return None;
    }
    let mut best: Option<(f64, Told)> = None;
    for (at, predicate) in relation.predicates.iter().enumerate() {
        let Operand::Parameters(_) = predicate.operand else {
            continue;
        };
        let Some([number]) = parameters(predicate, free) else {
            continue;
        };
        let field = base.field(column_at(base.table, &predicate.column));
        if predicate.operator != Operator::Eq || field.unique {
            continue;
        }
        let mean = field.equals_unknown();
        for value in classes(field) {
            let share = field.equals(value);
            let off = distance(share / mean.max(1e-12));
            if best.as_ref().is_none_or(|(least, _)| off < *least) {
                let assumed = Assumed {
                    column: predicate.column.clone(),
                    share,
                    generic: mean,
                    calls: None,
                    counted: true,
                };
                let part = Part {
                    predicate: at,
                    values: vec![(*number, value.to_owned())],
                    operand: Operand::Literal(value.to_owned()),
                };
                let parts = vec![part];
                best = Some((off, Told { assumed, parts }));
            }
        }
    }
    best.filter(|(off, _)| *off < distance(1.0) / 2.0)
}

/// One value of each frequency that statistics know: the common ones, and one of the rest.
fn classes(field: Field<'_>) -> impl Iterator<Item = &str> {
    let stats = field.stats();
    let common = stats.and_then(|s| s.most_common_vals.as_ref());
    let bounds = stats.and_then(|s| s.histogram_bounds.as_ref());
    let rest = bounds.and_then(|b| b.get(b.len() / 2));
    (common.into_iter().flatten())
        .chain(rest.filter(|_| common.is_some()))
        .map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::testing::{catalog, with_statements};
    use crate::query::workload::{WorkloadOptions, workload};

    const SHOP: &str = "
create table sessions ( -- rows=100000 pages=1000
  id int primary key,
  customer_id int not null, -- n_distinct=10000
  status text not null, -- n_distinct=4 mcv={done:0.95,open:0.04,new:0.009,bad:0.001}
  kind text not null, -- n_distinct=1000 mcv={a:0.5,b:0.3} histogram={c,d,e,f,g,h}
  expires_at timestamptz not null, -- n_distinct=-1 histogram={2024-01-01,2024-02-01,2024-03-01,2024-04-01,2024-05-01}
  amount numeric not null, -- n_distinct=-1 histogram={0,100,200,300,400}
  score int, -- n_distinct=-1 null_frac=0.5 histogram={0,100,200,300,400}
  note text
);
create table customers (id int primary key, email text);
create table documents ( -- rows=100000 pages=5000
  id int primary key,
  kind text not null, -- n_distinct=10
  doc jsonb not null, -- n_distinct=-1
  note text
);";

    /// The text that is planned, with so many rows returned per call.
    fn usual(sql: &str, rows_per_call: i64) -> Query {
        let mut snapshot = with_statements(catalog(SHOP), &[(sql, 100, 10.0)]);
        snapshot.statements[0].rows = 100 * rows_per_call;
        let mut workload = workload(&snapshot, &WorkloadOptions::default());
        assert_eq!(workload.queries.len(), 1, "{:?}", workload.skipped);
        assume_values(&mut workload, &snapshot);
        workload.queries.remove(0)
    }

    fn check(sql: &str, rows_per_call: i64, expected: &str) {
        let query = usual(sql, rows_per_call);
        assert_eq!(
            query.usual.text, expected,
            "{sql} with {rows_per_call} rows"
        );
        assert_eq!(
            query.usual.text == sql,
            query.usual.assumed.is_empty(),
            "{:?}",
            query.usual.assumed
        );
    }

    #[test]
    fn a_range_is_as_wide_as_the_rows_say() {
        let query = usual("delete from sessions where expires_at < $1", 25_000);
        let text = "delete from sessions where expires_at < '2024-02-01 00:0";
        assert!(query.usual.text.starts_with(text), "{}", query.usual.text);
        let query = usual("select * from sessions where $1 > amount", 1_000);
        let text = "select * from sessions where '4.00";
        assert!(query.usual.text.starts_with(text), "{}", query.usual.text);
        // What the equality leaves is 10 rows, of which one was returned.
        let query = usual(
            "select * from sessions where customer_id = $1 and amount >= $2",
            1,
        );
        assert!((query.usual.assumed[0].share - 0.1).abs() < 1e-6);
        assert_eq!(query.usual.parameters, 1);
        assert!(query.usual.text.contains("customer_id = $1"));
        assert!(query.usual.text.contains("amount >= '360"));
        // A hundredth of a bin is the least that the planner takes a condition for: 250 rows here, which is nearer than a third.
        let query = usual("delete from sessions where expires_at < $1", 20);
        let text = "delete from sessions where expires_at < '2024-01-01 00:0";
        assert!(query.usual.text.starts_with(text), "{}", query.usual.text);
        assert!((query.usual.assumed[0].share - 0.0025).abs() < 1e-4);
    }

    #[test]
    fn a_window_lies_in_the_middle() {
        for sql in [
            "select * from sessions where amount >= $1 and amount < $2",
            "select * from sessions where amount between $1 and $2",
        ] {
            let query = usual(sql, 10_000);
            let values: Vec<f64> = (query.usual.text.split('\''))
                .filter_map(|part| part.parse().ok())
                .collect();
            assert!((values[0] - 180.0).abs() < 0.1, "{}", query.usual.text);
            assert!((values[1] - 220.0).abs() < 0.1, "{}", query.usual.text);
            assert_eq!(query.usual.parameters, 0);
        }
        let query = usual(
            "select * from sessions where score > $1 and score <= $2",
            5_000,
        );
        assert!(
            (query.usual.assumed[0].share - 0.05).abs() < 3e-3,
            "{query:?}"
        );
    }

    #[test]
    fn a_time_ago_is_as_long_as_the_rows_say() {
        // The fixture is of 2023-11-14, before all of the table's values.
        for now in ["now()", "CURRENT_TIMESTAMP"] {
            let sql = format!("select * from sessions where expires_at >= {now} - interval $1");
            let query = usual(&sql, 25_000);
            let operand = &query.shape.relations[0].predicates[0].operand;
            let Operand::Literal(moment) = operand else {
                panic!("{operand:?}");
            };
            assert!(moment.starts_with("2024-04-01 00:0"), "{moment}");
            let ago = 1_700_000_000.0 - Scale::Moment.number(moment).unwrap();
            let text = format!("{now} - '{ago:.3} seconds'::interval");
            assert!(query.usual.text.ends_with(&text), "{}", query.usual.text);
        }
    }

    #[test]
    fn an_equality_on_a_skewed_column_has_the_value_that_explains_the_rows() {
        let sql = "select * from sessions where status = $1";
        check(sql, 95_000, "select * from sessions where status = 'done'");
        check(sql, 900, "select * from sessions where status = 'new'");
        check(sql, 30, "select * from sessions where status = 'bad'");
        check(
            "select * from sessions where kind = $1",
            18,
            "select * from sessions where kind = 'f'",
        );
        // No single value has as many rows, nor may one be believed in where the mean is near enough.
        for rows in [20_000, 25_000, 60_000, 2_000] {
            check(sql, rows, sql);
        }
    }

    #[test]
    fn nothing_is_assumed_where_other_things_could_be_the_reason() {
        // Without them something is.
        let plain = usual("select * from sessions where expires_at < $1", 10_000);
        assert_eq!(plain.usual.assumed.len(), 1);
        for (sql, rows) in [
            // Not all rows are returned, or not only they.
            (
                "select * from sessions where expires_at < $1 limit 100",
                10_000,
            ),
            (
                "select count(*) from sessions where expires_at < $1",
                10_000,
            ),
            (
                "select distinct status from sessions where expires_at < $1",
                10_000,
            ),
            (
                "select * from sessions s join customers c on c.id = s.customer_id where expires_at < $1",
                10_000,
            ),
            (
                "select * from sessions, generate_series(1, 3) where expires_at < $1",
                10_000,
            ),
            // What else filters is not known (it is taken to leave 500 rows).
            (
                "select * from sessions where expires_at < $1 and note = $2",
                100,
            ),
            (
                "select * from sessions where expires_at < $1 and lower(kind) = $2",
                100,
            ),
            (
                "select * from sessions where expires_at < $1 and kind like $2",
                100,
            ),
            (
                "select * from sessions where expires_at < $1 and f(note)",
                10_000,
            ),
            (
                "select * from sessions where expires_at < $1 and (status = $2 or kind = $3)",
                10_000,
            ),
            // The value stands elsewhere too, or is computed.
            ("select *, $1 from sessions where expires_at < $1", 10_000),
            (
                "select * from sessions where expires_at < current_date - $1",
                10_000,
            ),
            // More rows than a range could let through: the customer is not a mean one.
            (
                "select * from sessions where customer_id = $1 and expires_at < $2",
                50_000,
            ),
        ] {
            let query = usual(sql, rows);
            assert_eq!(query.usual.assumed, [], "{sql}");
        }
    }

    #[test]
    fn a_document_is_as_rare_as_the_rows_say() {
        let sql = "select * from documents where doc @>";
        let rare = r#"'{"": null}'"#;
        for (rest, expected) in [
            ("$1", rare.to_owned()),
            ("$1::jsonb", format!("{rare}::jsonb")),
            ("$1 and kind = $2", format!("{rare} and kind = $1")),
        ] {
            let query = usual(&format!("{sql} {rest}"), 3);
            assert_eq!(query.usual.text, format!("{sql} {expected}"));
            assert!(query.assumed().all(|a| a.counted && a.share < 0.001));
            // Nothing to execute it with.
            let snapshot = with_statements(catalog(SHOP), &[(&query.text, 1, 1.0)]);
            let workload = workload(&snapshot, &WorkloadOptions::default());
            let told = told_values(&workload.queries[0], &snapshot);
            assert!(told.is_empty(), "{told:?}");
        }
        for (rest, rows) in [
            // What the planner takes it for anyway, or the other condition may be the reason.
            ("$1", 200),
            ("$1 and note = $2", 1),
            ("$1 limit $2", 1),
            ("$1 || $2", 1),
        ] {
            let planned = format!("{sql} {rest}").replace("limit $2", "limit 1");
            assert_eq!(usual(&format!("{sql} {rest}"), rows).usual.text, planned);
        }
    }

    #[test]
    fn rows_bear_out_that_columns_are_independent() {
        let both = "select * from sessions where customer_id = $1 and kind = 'a'";
        for (sql, rows, expected) in [
            // Ten rows a customer, half of them of that kind.
            (both, 5, true),
            (both, 14, true),
            (both, 1, false),
            (both, 20, false),
            ("select * from sessions where id = $1", 1, true),
            ("select * from sessions where note = $1", 500, false),
            (
                "select * from sessions where customer_id = $1 limit $2",
                10,
                false,
            ),
        ] {
            let mut snapshot = with_statements(catalog(SHOP), &[(sql, 100, 10.0)]);
            snapshot.statements[0].rows = 100 * rows;
            let workload = workload(&snapshot, &WorkloadOptions::default());
            let told = !borne_out(&workload.queries[0], &snapshot).is_empty();
            assert_eq!(told, expected, "{sql} with {rows} rows");
        }
    }

    /// With so many blocks read by its 100 calls, which returned 100 rows each.
    fn read(sql: &str, blocks: i64) -> Query {
        let mut snapshot = with_statements(catalog(SHOP), &[(sql, 100, 10.0)]);
        snapshot.statements[0].rows = 100 * 100;
        snapshot.statements[0].shared_blks_hit = blocks / 2;
        snapshot.statements[0].shared_blks_read = blocks - blocks / 2;
        let mut workload = workload(&snapshot, &WorkloadOptions::default());
        assume_values(&mut workload, &snapshot);
        workload.queries.remove(0)
    }

    #[test]
    fn a_limit_that_cut_nothing_off_is_none() {
        let note = "select * from sessions where note like $1";
        let query = read(&format!("{note} limit $2"), 60_000);
        assert_eq!(query.usual.text, format!("{note} limit 100000"));
        assert!((query.page - 100_000.0).abs() < 1e-9);
        // Its rows tell what its conditions keep, then.
        let range = read(
            "select * from sessions where expires_at < $1 limit $2",
            60_000,
        );
        assert!((range.usual.assumed[0].share - 0.0025).abs() < 1e-4);
        for (rest, blocks) in [
            // It could have been full before half of the table was read.
            ("limit $2", 40_000),
            // Whoever sorts reads all of it.
            ("order by id limit $2", 100_000),
            ("order by lower(kind) limit $2", 100_000),
            ("group by id limit $2", 100_000),
            ("limit 50", 100_000),
            ("", 100_000),
        ] {
            let query = read(&format!("{note} {rest}"), blocks);
            assert!((query.page - 100.0).abs() < 1e-9, "{rest}");
            assert!(query.usual.assumed.is_empty());
        }
    }

    #[test]
    fn rows_that_were_not_counted_tell_nothing() {
        let sql = "select * from sessions where expires_at < $1";
        let mut snapshot = with_statements(catalog(SHOP), &[(sql, 100, 10.0)]);
        snapshot.statements[0].source = Source::File;
        let mut workload = workload(&snapshot, &WorkloadOptions::default());
        assume_values(&mut workload, &snapshot);
        assert_eq!(workload.queries[0].usual.text, sql);
    }
}

//! Values for the parameters of a statement that is to be executed, from statistics: `pg_stat_statements` keeps none.
//!
//! - What the rows returned tell (`usual`) is taken.
//! - The most skewed column that is compared by equality gets up to three of the values that it is asked for (`value_classes`): the
//!   most common, a typical and a rare one, each an execution of its own. Values that are next to never asked for are left out: what
//!   a statement would take with them is no evidence.
//! - Other columns get an ordinary value, ranges [`TENTH`] of the rows.
//! - What stands in outputs alone is 1: it chooses no rows. A statement that does not take it is told by the server's own words.
//! - What UPDATE sets a column to is an ordinary value of that column.
//!
//! Where statistics say nothing (a pattern, an expression but `lower` and `upper`, a column without statistics) the statement is not
//! executed: a value made up would measure another statement.

use std::collections::{BTreeMap, BTreeSet};

use crate::advisor::estimate::base::{Base, column_at};
use crate::advisor::estimate::selectivity::{Field, Side};
use crate::advisor::estimate::value::Scale;
use crate::advisor::usual::{sides, told_values};
use crate::advisor::value_classes::{asked_values, ordinary};
use crate::model::ident::quote_ident;
use crate::model::snapshot::Snapshot;
use crate::query::outputs::{assigned_parameters, output_parameters};
use crate::query::shape::{Operand, Operator, Predicate, Relation};
use crate::query::usual::usual_text;
use crate::query::vector::{Class, Given, Vector, parameter_numbers};
use crate::query::workload::Query;

/// The share of the rows that a range of unknown width is taken to keep.
const TENTH: f64 = 0.1;

/// The value of what chooses no rows: a number, or a text.
const ANY: &str = "1";

/// The values for the executions of a statement, cheapest first; the statement is as it was read, before anything was assumed.
///
/// # Errors
/// Says which parameter has no value.
pub fn vectors(query: &Query, snapshot: &Snapshot) -> Result<Vec<Vector>, String> {
    let mut values = ordinary_values(query, snapshot);
    for (number, value) in assigned_values(query, snapshot) {
        values.entry(number).or_insert(value);
    }
    let outputs = output_parameters(&query.text);
    values.extend(outputs.iter().map(|n| (*n, ANY.to_owned())));
    let told = told_values(query, snapshot);
    let asked = asked_values(query, snapshot);
    let asked = asked.filter(|(_, classes)| told.is_empty() && !classes.is_empty());
    values.extend(told);
    let classes = match asked {
        Some((number, asked)) => {
            let classes = three(&asked);
            let with = classes.into_iter().map(|(class, value)| {
                let mut values = values.clone();
                values.insert(number, value);
                (class, values)
            });
            with.collect()
        }
        None => vec![(Class::Typical, values)],
    };
    classes
        .into_iter()
        .rev()
        .map(|(class, values)| vector(query, class, values, &outputs))
        .collect()
}

/// At most three of the values, most common first.
fn three(asked: &[(f64, String)]) -> Vec<(Class, String)> {
    let own = |(_, value): &(f64, String)| value.clone();
    match asked {
        [] => Vec::new(),
        [only] => vec![(Class::Typical, own(only))],
        [first, last] => vec![(Class::MostCommon, own(first)), (Class::Rare, own(last))],
        [first, between @ .., last] => {
            let most = between.iter().max_by(|a, b| a.0.total_cmp(&b.0));
            let mut all = vec![(Class::MostCommon, own(first))];
            all.extend(most.map(|value| (Class::Typical, own(value))));
            all.push((Class::Rare, own(last)));
            all
        }
    }
}

fn vector(
    query: &Query,
    class: Class,
    values: BTreeMap<usize, String>,
    outputs: &BTreeSet<usize>,
) -> Result<Vector, String> {
    let (text, left) = usual_text(&query.text, query.rows_per_call, &values);
    if left > 0 {
        let numbers = parameter_numbers(&query.text);
        let unknown = numbers
            .iter()
            .filter(|n| !values.contains_key(n) && !is_page(query, **n));
        let unknown: Vec<String> = unknown.map(|n| format!("${n}")).collect();
        return Err(format!(
            "statistics give no value for {}",
            unknown.join(", ")
        ));
    }
    let told = values.into_iter().filter(|(n, _)| !outputs.contains(n));
    let given = told.map(|(parameter, value)| Given {
        parameter,
        compared: compared(query, parameter),
        value,
    });
    Ok(Vector {
        class,
        values: given.collect(),
        text,
    })
}

/// Whether a parameter is a LIMIT or an OFFSET, which has its number from the rows returned.
fn is_page(query: &Query, number: usize) -> bool {
    let others = parameter_numbers(&query.text)
        .into_iter()
        .filter(|n| *n != number);
    let others = others.map(|n| (n, String::new())).collect();
    usual_text(&query.text, query.rows_per_call, &others).1 == 0
}

/// A value for each parameter that a column is compared with.
fn ordinary_values(query: &Query, snapshot: &Snapshot) -> BTreeMap<usize, String> {
    let mut values = BTreeMap::new();
    for relation in &query.shape.relations {
        let base = Base::without_indexes(relation, &[], &[], false, snapshot);
        for predicate in conditions(relation) {
            let field = base.field(column_at(base.table, &predicate.column));
            let found = of_predicate(relation, predicate, field, snapshot.taken_at);
            for (number, value) in found.into_iter().flatten() {
                values.entry(number).or_insert(value);
            }
        }
    }
    values
}

/// A value for each parameter that a column is set to.
fn assigned_values(query: &Query, snapshot: &Snapshot) -> BTreeMap<usize, String> {
    let is_target = |relation: &&Relation| Some(relation.table_oid) == query.shape.target;
    let Some(target) = query.shape.relations.iter().find(is_target) else {
        return BTreeMap::new();
    };
    let base = Base::without_indexes(target, &[], &[], false, snapshot);
    let assigned = assigned_parameters(&query.text).into_iter();
    let values = assigned.filter_map(|(number, column)| {
        let field = base.field(column_at(base.table, &column));
        Some((number, ordinary(field, 1).into_iter().next()?))
    });
    values.collect()
}

/// All conditions on the columns of a relation, those in an OR included.
fn conditions(relation: &Relation) -> impl Iterator<Item = &Predicate> {
    let arms = relation.disjunctions.iter().flatten().flatten();
    relation.predicates.iter().chain(arms)
}

/// What a parameter is compared with, and how: "status =".
fn compared(query: &Query, parameter: usize) -> String {
    let is_it = |predicate: &&Predicate| match &predicate.operand {
        Operand::Parameters(numbers) => numbers.contains(&parameter),
        Operand::Ago(number) => *number == parameter,
        _ => false,
    };
    let mut all = query.shape.relations.iter().flat_map(conditions);
    let found = all.find(is_it);
    found.map_or_else(
        || format!("${parameter} ="),
        |predicate| {
            let operand = predicate.expression.as_deref();
            let operand = operand.unwrap_or(&predicate.column);
            let ago = match predicate.operand {
                Operand::Ago(_) => " now -",
                _ => "",
            };
            format!("{operand} {}{ago}", sign(&predicate.operator))
        },
    )
}

/// Values for the parameters of one condition; `now` in seconds since 1970.
fn of_predicate(
    relation: &Relation,
    predicate: &Predicate,
    field: Field<'_>,
    now: f64,
) -> Option<Vec<(usize, String)>> {
    let fold: fn(&str) -> String = match &predicate.expression {
        None => str::to_owned,
        Some(expression) => folding(expression, &predicate.column)?,
    };
    if let Operand::Ago(number) = &predicate.operand {
        let bound = bounds(relation, predicate, field)?.into_iter().next()?;
        let ago = now - Scale::Moment.number(&bound)?;
        return Some(vec![(*number, format!("{ago:.0} seconds"))]);
    }
    let Operand::Parameters(numbers) = &predicate.operand else {
        return None;
    };
    let several = |count: usize| {
        let values: Vec<String> = ordinary(field, count).iter().map(|v| fold(v)).collect();
        (!values.is_empty()).then_some(values)
    };
    let values = match &predicate.operator {
        Operator::Eq | Operator::NotEq => several(1)?,
        Operator::In(_) => {
            let few = several(numbers.len())?;
            few.iter().cycle().take(numbers.len()).cloned().collect()
        }
        _ if predicate.expression.is_none() => bounds(relation, predicate, field)?,
        _ => return None,
    };
    (values.len() == numbers.len()).then(|| numbers.iter().copied().zip(values).collect())
}

/// What makes the value of an expression of the column's: `lower(email)`, `upper((code)::text)`. Of no others is it known here.
fn folding(expression: &str, column: &str) -> Option<fn(&str) -> String> {
    let (fold, rest): (fn(&str) -> String, &str) = match expression.split_once('(')? {
        ("lower", rest) => (str::to_lowercase, rest),
        ("upper", rest) => (str::to_uppercase, rest),
        _ => return None,
    };
    let inner = rest.strip_suffix(')')?;
    let plain = quote_ident(column);
    let bare = inner.strip_suffix("::text").unwrap_or(inner);
    (bare == plain || bare == format!("({plain})")).then_some(fold)
}

/// Bounds that keep a tenth of the rows: at an end where only one side is bounded, else around the middle.
fn bounds(relation: &Relation, predicate: &Predicate, field: Field<'_>) -> Option<Vec<String>> {
    let own = sides(predicate);
    let (&(side, inclusive), is_alone) = (own.first()?, own.len() == 1);
    let same = |other: &&Predicate| other.column == predicate.column && other.expression.is_none();
    let opposite = |other: &Predicate| sides(other).iter().any(|(s, _)| *s != side);
    let is_between = !is_alone || relation.predicates.iter().filter(same).any(opposite);
    if !is_between {
        return Some(vec![field.bound(side, inclusive, TENTH)?.value]);
    }
    let [low, high] = field.window([true, true], TENTH)?.map(|bound| bound.value);
    Some(match (is_alone, side) {
        (false, _) => vec![low, high],
        (true, Side::Low) => vec![low],
        (true, Side::High) => vec![high],
    })
}

fn sign(operator: &Operator) -> &str {
    match operator {
        Operator::Eq => "=",
        Operator::In(_) => "in",
        Operator::Lt => "<",
        Operator::Le => "<=",
        Operator::Gt => ">",
        Operator::Ge => ">=",
        Operator::Between => "between",
        Operator::NotEq => "<>",
        Operator::Other(text) => text,
        Operator::IsNull | Operator::IsNotNull | Operator::Like | Operator::LikePrefix => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::testing::{catalog, with_statements};
    use crate::query::workload::{WorkloadOptions, workload};

    const SHOP: &str = "
create table orders ( -- rows=100000 pages=1000
  id int primary key, -- n_distinct=-1 histogram={1,50000,100000}
  customer_id int not null, -- n_distinct=10000 histogram={10,20,30,40,50}
  status text not null, -- n_distinct=4 mcv={done:0.95,open:0.04,new:0.009,bad:0.001}
  paid bool not null, -- n_distinct=2 mcv={t:0.99,f:0.01}
  placed timestamptz not null, -- n_distinct=-1 histogram={2024-01-01,2024-02-01,2024-03-01,2024-04-01,2024-05-01}
  total numeric not null, -- n_distinct=-1 histogram={0,100,200,300,400}
  note text
);
create table lines ( -- rows=300000 pages=3000
  order_id int not null, -- n_distinct=100000 histogram={1,50000,100000}
  product text not null -- n_distinct=-0.1 histogram={a,b,c}
);";

    /// The vectors of a statement, one a line: "most common: text", or why there are none.
    fn told(sql: &str, rows_per_call: i64) -> String {
        let mut snapshot = with_statements(catalog(SHOP), &[(sql, 100, 10.0)]);
        snapshot.statements[0].rows = 100 * rows_per_call;
        let workload = workload(&snapshot, &WorkloadOptions::default());
        assert_eq!(workload.queries.len(), 1, "{:?}", workload.skipped);
        match vectors(&workload.queries[0], &snapshot) {
            Ok(all) => {
                let lines = all.iter().map(|v| format!("{}: {}", v.class, v.text));
                lines.collect::<Vec<_>>().join("\n")
            }
            Err(why) => why,
        }
    }

    #[test]
    fn a_skewed_column_is_asked_for_each_of_its_classes() {
        let sql = "select * from orders where status = $1 and total > $2 limit $3";
        assert_eq!(
            told(sql, 20),
            "rare: select * from orders where status = 'bad' and total > '360.00000000001364' limit 20
typical: select * from orders where status = 'open' and total > '360.00000000001364' limit 20
most common: select * from orders where status = 'done' and total > '360.00000000001364' limit 20"
        );
        // What the rows returned say is never asked for is not tried.
        let counted = told("select * from orders where status = $1", 100);
        assert_eq!(
            counted,
            "typical: select * from orders where status = 'bad'"
        );
    }

    #[test]
    fn other_columns_get_an_ordinary_value() {
        for (sql, expected) in [
            ("select * from orders where id = $1", "id = '50000'"),
            (
                "select * from orders where customer_id in ($1, $2) limit 5",
                "in ('30', '40')",
            ),
            (
                "select count(*) from orders where placed between $1 and $2",
                "between '2024-02-2",
            ),
            (
                "select l.* from orders o join lines l on l.order_id = o.id where o.id = $1 and l.product <> $2",
                "o.id = '50000' and l.product <> 'b'",
            ),
            ("select 1 from orders where id = 7", "id = 7"),
            (
                "select sum(total * ($1 - total)) from orders where id = $2",
                "sum(total * ('1' - total)) from orders where id = '50000'",
            ),
            (
                "update orders set status = $1, total = $2 where id = $3",
                "set status = 'open', total = '200' where id = '50000'",
            ),
            (
                "select 1 from lines where upper(product) = $1",
                "upper(product) = 'B'",
            ),
            (
                "select 1 from lines where lower(product) in ($1, $2) limit 3",
                "in ('b', 'c')",
            ),
        ] {
            let told = told(sql, 1);
            assert!(
                told.starts_with("typical: ") && told.contains(expected),
                "{sql}: {told}"
            );
            assert_eq!(told.lines().count(), 1, "{sql}: {told}");
        }
    }

    #[test]
    fn what_statistics_do_not_know_is_not_made_up() {
        for (sql, unknown) in [
            ("select * from orders where note = $1", "$1"),
            ("update orders set note = $1 where id = $2", "$1"),
            ("select * from orders where status like $1", "$1"),
            (
                "select * from orders where customer_id = any($1) limit 5",
                "$1",
            ),
            (
                "select * from orders where id = $1 and md5(status) = $2 limit $3",
                "$2",
            ),
        ] {
            assert_eq!(
                told(sql, 10),
                format!("statistics give no value for {unknown}"),
                "{sql}"
            );
        }
    }
}

//! Parameters that choose no rows, so that whatever their values are the statement reads the same: those that stand in outputs alone
//! (`price * (1 - $1)`, `CASE WHEN kind = $2 THEN $3 END`), and those that UPDATE assigns (`SET kind = $1`).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use sqlparser::ast::{
    AssignmentTarget, Expr, Select, SelectItem, Statement, Value, Visit, Visitor, visit_expressions,
};

use crate::query::facts::Read;
use crate::query::tree::fold;

/// Their numbers; none of a text that cannot be read.
#[must_use]
pub fn output_parameters(text: &str) -> BTreeSet<usize> {
    let Ok(read) = Read::new(text) else {
        return BTreeSet::new();
    };
    let mut outputs = Outputs::default();
    let _ = read.ast.visit(&mut outputs);
    let all = occurrences(&read.ast);
    let alone = outputs
        .found
        .iter()
        .filter(|(n, times)| all.get(n) == Some(times));
    alone.map(|(n, _)| *n).collect()
}

/// The columns of an UPDATE that are set to a parameter, by its number; none of another statement.
#[must_use]
pub fn assigned_parameters(text: &str) -> BTreeMap<usize, String> {
    let Ok(Read {
        ast: Statement::Update(update),
        ..
    }) = Read::new(text)
    else {
        return BTreeMap::new();
    };
    let assigned = update.assignments.iter().filter_map(|assignment| {
        let AssignmentTarget::ColumnName(name) = &assignment.target else {
            return None;
        };
        let number = parameter(&assignment.value)?;
        Some((number, fold(name.0.last()?.as_ident()?)))
    });
    assigned.collect()
}

/// The number of what is a parameter, and nothing else.
fn parameter(expr: &Expr) -> Option<usize> {
    let Expr::Value(value) = expr else {
        return None;
    };
    let Value::Placeholder(name) = &value.value else {
        return None;
    };
    name.strip_prefix('$')?.parse().ok()
}

/// How often each parameter stands in something.
fn occurrences(node: &impl Visit) -> BTreeMap<usize, usize> {
    let mut found = BTreeMap::new();
    let _: ControlFlow<()> = visit_expressions(node, |expr| {
        if let Some(number) = parameter(expr) {
            *found.entry(number).or_default() += 1;
        }
        ControlFlow::Continue(())
    });
    found
}

/// How often each stands in the outputs of a query. Those with a query inside are left out: it has conditions.
#[derive(Default)]
struct Outputs {
    found: BTreeMap<usize, usize>,
}

impl Visitor for Outputs {
    type Break = ();

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        for item in &select.projection {
            let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item
            else {
                continue;
            };
            if !has_query(expr) {
                for (number, times) in occurrences(expr) {
                    *self.found.entry(number).or_default() += times;
                }
            }
        }
        ControlFlow::Continue(())
    }
}

fn has_query(expr: &Expr) -> bool {
    visit_expressions(expr, |expr| match expr {
        Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    })
    .is_break()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assigned_columns_are_told() {
        let told = |sql| {
            let found = assigned_parameters(sql).into_iter();
            found
                .map(|(n, column)| format!("{column}={n}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            told(
                "update items set Kind = $1, \"Odd\" = $3, price = price + $2, i.name = upper($4) where id = $5"
            ),
            ["kind=1", "Odd=3"]
        );
        assert_eq!(told("update items set (a, b) = ($1, $2)"), [""; 0]);
        assert_eq!(told("select $1 from items where kind = $1"), [""; 0]);
    }

    #[test]
    fn only_those_that_choose_no_rows_are_told() {
        for (sql, expected) in [
            (
                "select price * (1 - $1) from items where kind = $2",
                vec![1],
            ),
            (
                "select sum(case when kind = $1 then $2 else $3 end) from items",
                vec![1, 2, 3],
            ),
            ("select $1 from items where kind = $1", vec![]),
            (
                "select (select max(price) from items where kind = $1), $2 from items",
                vec![2],
            ),
            (
                "select id from (select id, price + $1 from items where id > $2) x where id < $3",
                vec![1],
            ),
            (
                "select kind || $1 from items group by kind || $2 having count(*) > $3 order by 1 limit $4",
                vec![1],
            ),
            ("select id from items where kind like $1", vec![]),
            ("this is no SQL $1", vec![]),
        ] {
            let found: Vec<usize> = output_parameters(sql).into_iter().collect();
            assert_eq!(found, expected, "{sql}");
        }
    }
}

//! The next page told by the last row of the page before, instead of by how many rows to skip.

use sqlparser::ast::{
    Expr, GroupByExpr, Ident, LimitClause, OrderByExpr, OrderByKind, OrderByOptions, OrderBySort,
    Query as QueryAst, SelectItem, SetExpr, Statement as Ast,
};

use crate::model::ident::quote_ident;
use crate::query::facts::Read;
use crate::query::rewrite::{conjunct, valid, without_gaps};
use crate::query::tree::{Calls, fold};

/// Columns that make the order of the rows a total one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TieBreaker {
    /// The table's name in the statement, if the statement writes columns with it.
    pub of: Option<String>,
    /// The columns.
    pub columns: Vec<String>,
}

/// A key of the order: the column as written, and its direction.
struct SortKey {
    text: String,
    descending: bool,
}

impl Read {
    /// The statement with a condition on the last row seen instead of its OFFSET; the columns that break ties are added to its
    /// order. `None` where it is not one SELECT that is sorted by plain columns.
    #[must_use]
    pub fn keyset(&self, tie: &TieBreaker) -> Option<String> {
        let Ast::Query(query) = &self.ast else {
            return None;
        };
        let mut query = query.clone();
        let keys = {
            let keys = add(&mut query, tie)?;
            if !self.complete || !is_plain(&query, &keys) {
                return None;
            }
            keys
        };
        match &mut query.limit_clause {
            Some(LimitClause::LimitOffset { offset, .. }) => *offset = None,
            _ => return None,
        }
        let first = self.facts.parameters + 1;
        let after = after(&keys, first);
        let SetExpr::Select(select) = query.body.as_mut() else {
            return None;
        };
        let before = select.selection.take().map(conjunct);
        let condition: Vec<String> = before.into_iter().chain([after]).collect();
        // A name without quotes is printed as it stands.
        select.selection = Some(Expr::Identifier(Ident::new(condition.join(" AND "))));
        valid(without_gaps(&query.to_string()))
    }
}

/// Adds the columns that break ties to the order; the keys of it, if they are plain columns.
fn add(query: &mut QueryAst, tie: &TieBreaker) -> Option<Vec<SortKey>> {
    let order = query.order_by.as_mut()?;
    let OrderByKind::Expressions(keys) = &mut order.kind else {
        return None;
    };
    let last = keys.last()?.options.sort.clone();
    let has = |keys: &[OrderByExpr], column: &str| {
        keys.iter().any(|key| match &key.expr {
            Expr::Identifier(name) => fold(name) == column,
            Expr::CompoundIdentifier(names) => names.last().is_some_and(|n| fold(n) == column),
            _ => false,
        })
    };
    for column in &tie.columns {
        if has(keys, column) {
            continue;
        }
        let name = |text: &str| Ident::new(quote_ident(text));
        let expr = match &tie.of {
            Some(of) => Expr::CompoundIdentifier(vec![name(of), name(column)]),
            None => Expr::Identifier(name(column)),
        };
        keys.push(OrderByExpr {
            expr,
            options: OrderByOptions {
                sort: last.clone(),
                nulls_first: None,
            },
            with_fill: None,
        });
    }
    let key = |key: &OrderByExpr| match (&key.expr, &key.options.sort) {
        (_, Some(OrderBySort::Using(_))) => None,
        (Expr::Identifier(_) | Expr::CompoundIdentifier(_), sort) => Some(SortKey {
            text: key.expr.to_string(),
            descending: *sort == Some(OrderBySort::Desc),
        }),
        _ => None,
    };
    keys.iter().map(key).collect()
}

/// Whether it is one SELECT whose rows are those of its tables, and none of its keys is a name that only its outputs have.
fn is_plain(query: &QueryAst, keys: &[SortKey]) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return false;
    };
    let ungrouped =
        matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
    let calls = Calls::of(&select.projection);
    let aliases = select.projection.iter().filter_map(|item| match item {
        SelectItem::ExprWithAlias { expr, alias } => {
            let same = match expr {
                Expr::Identifier(name) => fold(name) == fold(alias),
                Expr::CompoundIdentifier(names) => {
                    names.last().is_some_and(|n| fold(n) == fold(alias))
                }
                _ => false,
            };
            (!same).then(|| alias.to_string())
        }
        _ => None,
    });
    let renamed = aliases
        .into_iter()
        .any(|alias| keys.iter().any(|k| k.text == alias));
    ungrouped
        && !renamed
        && select.distinct.is_none()
        && select.having.is_none()
        && calls.aggregates.is_empty()
        && calls.windows.is_empty()
        && !calls.sets
        && query.fetch.is_none()
}

/// The condition that a row comes after the one with the values `$first …`. Where all keys go one way it is a comparison of rows,
/// which an index answers by a descent; else it is spelled out, with the first key apart so that an index can begin there.
fn after(keys: &[SortKey], first: usize) -> String {
    let sign = |key: &SortKey| if key.descending { "<" } else { ">" };
    let number = |place: usize| format!("${}", first + place);
    if let [key] = keys {
        return format!("{} {} {}", key.text, sign(key), number(0));
    }
    let one_way = keys.iter().all(|key| key.descending == keys[0].descending);
    if one_way {
        let columns: Vec<&str> = keys.iter().map(|key| key.text.as_str()).collect();
        let values: Vec<String> = (0..keys.len()).map(number).collect();
        let (columns, values) = (columns.join(", "), values.join(", "));
        return format!("({columns}) {} ({values})", sign(&keys[0]));
    }
    let mut spelled = String::new();
    for (place, key) in keys.iter().enumerate().rev() {
        let beyond = format!("{} {} {}", key.text, sign(key), number(place));
        spelled = if spelled.is_empty() {
            beyond
        } else {
            let same = format!("{} = {}", key.text, number(place));
            let rest = if place + 2 < keys.len() {
                format!("({spelled})")
            } else {
                spelled
            };
            format!("{beyond} OR ({same} AND {rest})")
        };
    }
    let key = &keys[0];
    format!("{} {}= {} AND ({spelled})", key.text, sign(key), number(0))
}

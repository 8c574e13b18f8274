//! A statement written otherwise: a part of it replaced, the next page told by the last row, NOT IN as NOT EXISTS.
//!
//! What comes out is printed from the tree, so it is only made where the tree holds all that the text says, and it is read again
//! before it is handed out.

mod keyset;

use sqlparser::ast::{Expr, GroupByExpr, Query as QueryAst, SelectItem, SetExpr, Value as Written};

use crate::query::facts::relation_names;
use crate::query::facts::{LongList, Read};
use crate::query::lexer::{Kind, join, lex};
use crate::query::parse::parse_text;
use crate::query::tree::Calls;

pub use keyset::TieBreaker;

impl Read {
    /// The statement with a part of it, as its facts print it, written otherwise; `None` where that cannot be done surely.
    #[must_use]
    pub fn with(&self, part: &str, instead: &str) -> Option<String> {
        if !self.complete || part.is_empty() {
            return None;
        }
        let whole = self.ast.to_string();
        let mut places = whole.match_indices(part);
        let (at, _) = places.next()?;
        if places.next().is_some() {
            return None;
        }
        let text = format!("{}{instead}{}", &whole[..at], &whole[at + part.len()..]);
        valid(without_gaps(&text))
    }

    /// The statement with one array for a long list.
    #[must_use]
    pub fn with_array(&self, list: &LongList) -> Option<String> {
        let operator = if list.negated { "<> ALL" } else { "= ANY" };
        let next = self.facts.parameters + 1;
        self.with(&list.text, &format!("{} {operator} (${next})", list.left))
    }
}

/// A text, if it can be read.
fn valid(text: String) -> Option<String> {
    parse_text(&text).is_ok().then_some(text)
}

/// A text whose parameters are `$1 … $n` again after some are gone, in the same order.
fn without_gaps(text: &str) -> String {
    let mut tokens = lex(text).tokens;
    let number = |text: &str| text[1..].parse::<usize>().unwrap_or(0);
    let mut used: Vec<usize> = (tokens.iter())
        .filter(|t| t.kind == Kind::Parameter)
        .map(|t| number(&t.text))
        .collect();
    used.sort_unstable();
    used.dedup();
    for token in tokens.iter_mut().filter(|t| t.kind == Kind::Parameter) {
        let place = used.binary_search(&number(&token.text)).unwrap_or(0);
        token.text = format!("${}", place + 1).into();
    }
    join(&tokens)
}

/// `left NOT IN (SELECT output FROM …)` as NOT EXISTS. `of` is the table of the left side where it is not written with it; a name
/// that the subquery has as well would be taken for its own.
pub(crate) fn not_exists(left: &Expr, of: Option<&str>, query: &QueryAst) -> Option<String> {
    let plain = query.with.is_none() && query.limit_clause.is_none() && query.fetch.is_none();
    let SetExpr::Select(select) = query.body.as_ref() else {
        return None;
    };
    let ungrouped =
        matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
    let calls = Calls::of(&select.projection);
    let computed = !calls.aggregates.is_empty() || !calls.windows.is_empty() || calls.sets;
    let [SelectItem::UnnamedExpr(output) | SelectItem::ExprWithAlias { expr: output, .. }] =
        select.projection.as_slice()
    else {
        return None;
    };
    if !plain || !ungrouped || computed || select.having.is_some() || select.from.is_empty() {
        return None;
    }
    let (table, left) = match (left, of) {
        (Expr::CompoundIdentifier(names), _) if names.len() == 2 => {
            (names[0].to_string(), left.to_string())
        }
        (Expr::Identifier(name), Some(of)) => (of.to_owned(), format!("{of}.{name}")),
        _ => return None,
    };
    if relation_names(query)
        .iter()
        .any(|name| *name == table.to_ascii_lowercase())
    {
        return None;
    }
    let output = match output {
        Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::Function(_)
        | Expr::Cast { .. } => output.to_string(),
        other => format!("({other})"),
    };
    let mut inner = select.as_ref().clone();
    inner.distinct = None;
    inner.projection = vec![SelectItem::UnnamedExpr(Expr::value(Written::Number(
        "1".into(),
        false,
    )))];
    let before = inner.selection.take().map(conjunct);
    let condition = [before, Some(format!("{output} = {left}"))];
    let condition: Vec<String> = condition.into_iter().flatten().collect();
    Some(format!(
        "NOT EXISTS ({inner} WHERE {})",
        condition.join(" AND ")
    ))
}

/// A condition as it can stand beside AND.
fn conjunct(condition: Expr) -> String {
    match condition {
        Expr::BinaryOp {
            op: sqlparser::ast::BinaryOperator::Or,
            ..
        } => format!("({condition})"),
        other => other.to_string(),
    }
}

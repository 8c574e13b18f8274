//! A condition as EXPLAIN prints it → its comparisons: a column, or what is made of one, with a value.
//!
//! EXPLAIN writes every operation in parentheses, key words in capitals, and columns with the alias of their table where there are
//! several tables or VERBOSE was asked for. A value is all that is known before the scan begins: constants, parameters, results of an
//! `InitPlan`, columns of the outer side of a nested loop.

use crate::query::from_plan::condition::{split, tokens, without_parentheses};
use crate::query::lexer::{Kind, Token};

/// A comparison of the scanned table with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// What is compared, as printed, without parentheses around it.
    pub operand: String,
    /// The same without the alias of the table, as DDL would have it.
    pub expression: String,
    /// What that is.
    pub form: Form,
    /// Columns of the scanned table in it, unquoted.
    pub columns: Vec<String>,
    /// The operator with the operand on its left: `=`, `<`, `~~`; `= ANY` for a list.
    pub operator: String,
    /// The value, as printed.
    pub value: String,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// A column as it is.
    Column,
    /// A column in another type.
    Cast(String),
    /// A function of something, by its name without schema.
    Call(String),
    /// An operation, by its operator: `+`, `->>`, `||`.
    Operation(String),
    /// Something else.
    Other,
}

/// The comparisons that all rows of a scan have to pass. What is no comparison, or one with a subquery that runs for each row, is left out.
#[must_use]
pub fn comparisons(condition: &str, alias: &str) -> Vec<Comparison> {
    let Some(tokens) = tokens(condition) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut open = vec![tokens.as_slice()];
    while let Some(part) = open.pop() {
        let inner = without_parentheses(part);
        match split(inner, "and").as_slice() {
            [] => {}
            [one] => found.extend(comparison(without_parentheses(one), alias)),
            several => open.extend(several.iter().rev()),
        }
    }
    found
}

/// The alternatives of each OR that all rows have to pass, as printed.
#[must_use]
pub fn alternatives(condition: &str) -> Vec<Vec<String>> {
    let Some(tokens) = tokens(condition) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut open = vec![tokens.as_slice()];
    while let Some(part) = open.pop() {
        let inner = without_parentheses(part);
        let conjuncts = split(inner, "and");
        if conjuncts.len() > 1 {
            open.extend(conjuncts.iter().rev());
            continue;
        }
        let parts = split(inner, "or");
        if parts.len() > 1 {
            found.push(parts.into_iter().map(printed).collect());
        }
    }
    found
}

/// The columns that an expression names, each with its qualifier if it has one.
#[must_use]
pub fn columns(expression: &str) -> Vec<(Option<String>, String)> {
    tokens(expression).map_or_else(Vec::new, |tokens| named(&tokens))
}

fn comparison(tokens: &[Token<'_>], alias: &str) -> Option<Comparison> {
    if tokens.iter().any(|t| t.text == "SubPlan") {
        return None;
    }
    let mut depth = 0_usize;
    let at = tokens.iter().position(|token| {
        if token.is("(") || token.is("[") {
            depth += 1;
        } else if token.is(")") || token.is("]") {
            depth = depth.saturating_sub(1);
        }
        depth == 0 && token.kind == Kind::Operator
    })?;
    let (left, right) = (&tokens[..at], &tokens[at + 1..]);
    let words = |part: &[Token<'_>]| part.iter().any(|t| t.is_any(&["or", "not", "case", "is"]));
    if left.is_empty() || right.is_empty() || words(left) && split(left, "or").len() > 1 {
        return None;
    }
    let operator = tokens[at].text.to_string();
    let own = |part: &[Token<'_>]| -> Vec<String> {
        let mut own: Vec<String> = named(part)
            .into_iter()
            .filter(|(of, _)| of.as_deref().is_none_or(|of| of == alias))
            .map(|(_, name)| name)
            .collect();
        own.dedup();
        own
    };
    let (left_columns, right_columns) = (own(left), own(right));
    let (operand, columns, operator, value) =
        match (left_columns.is_empty(), right_columns.is_empty()) {
            (false, true) => (left, left_columns, operator, right),
            (true, false) => (right, right_columns, turned(&operator)?, left),
            _ => return None,
        };
    let (operator, value) = match value {
        [first, list @ ..] if first.is_any(&["any", "all"]) => {
            (operator + " " + &first.text.to_ascii_uppercase(), list)
        }
        _ => (operator, value),
    };
    let operand = without_parentheses(operand);
    Some(Comparison {
        expression: without_alias(operand, alias),
        operand: printed(operand),
        form: form(operand),
        columns,
        operator,
        value: printed(value),
    })
}

/// The operator of the same comparison with its sides exchanged.
fn turned(operator: &str) -> Option<String> {
    let turned = match operator {
        "=" | "<>" => operator,
        "<" => ">",
        ">" => "<",
        "<=" => ">=",
        ">=" => "<=",
        _ => return None,
    };
    Some(turned.to_owned())
}

fn form(tokens: &[Token<'_>]) -> Form {
    let is_column = |tokens: &[Token<'_>]| match without_parentheses(tokens) {
        [name] => name.is_name(),
        [of, dot, name] => of.is_name() && dot.is(".") && name.is_name(),
        _ => false,
    };
    if is_column(tokens) {
        return Form::Column;
    }
    let mut depth = 0_usize;
    let outer = tokens.iter().enumerate().filter(|(_, token)| {
        if token.is(")") || token.is("]") {
            depth = depth.saturating_sub(1);
        }
        let outer = depth == 0;
        if token.is("(") || token.is("[") {
            depth += 1;
        }
        outer
    });
    let outer: Vec<usize> = outer.map(|(at, _)| at).collect();
    if let Some(&operator) = outer.iter().find(|&&at| tokens[at].kind == Kind::Operator) {
        return Form::Operation(tokens[operator].text.to_string());
    }
    if let Some(&cast) = outer.iter().rev().find(|&&at| tokens[at].is("::")) {
        return if is_column(&tokens[..cast]) {
            Form::Cast(printed(&tokens[cast + 1..]))
        } else {
            // What a cast is made of says more: `(lower(x))::text`.
            form(without_parentheses(&tokens[..cast]))
        };
    }
    match tokens {
        [name, open, ..] if name.is_name() && open.is("(") => Form::Call(name.name()),
        [_, dot, name, open, ..] if dot.is(".") && name.is_name() && open.is("(") => {
            Form::Call(name.name())
        }
        _ => Form::Other,
    }
}

/// Columns by qualifier and name: words in capitals are key words, what follows `::` is a type, what comes before `(` a function.
fn named(tokens: &[Token<'_>]) -> Vec<(Option<String>, String)> {
    let is = |at: usize, mark: &str| tokens.get(at).is_some_and(|t| t.is(mark));
    let is_name = |at: usize| tokens.get(at).is_some_and(Token::is_name);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let token = &tokens[at];
        if token.is("::") || token.is_word("collate") {
            at += 1;
            while is_name(at) || is(at, ".") {
                at += 1;
            }
            continue;
        }
        if !token.is_name() {
            at += 1;
            continue;
        }
        let (of, name) = if is(at + 1, ".") && is_name(at + 2) {
            at += 2;
            (Some(token.name()), &tokens[at])
        } else {
            (None, token)
        };
        at += 1;
        let key_word = name.kind == Kind::Word
            && (name.text.contains(|c: char| c.is_ascii_uppercase())
                || matches!(name.text.as_ref(), "true" | "false" | "hashed"));
        // The result of an `InitPlan`: `(InitPlan 1).col1`.
        let of_result = of.is_none() && at >= 2 && tokens[at - 2].is(".");
        // `EXTRACT(year FROM created)`.
        let of_extract = tokens.get(at).is_some_and(|t| t.is_word("from"));
        if !key_word && !is(at, "(") && !of_result && !of_extract {
            found.push((of, name.name()));
        }
    }
    found
}

/// The text again, spaced as EXPLAIN does.
fn printed(tokens: &[Token<'_>]) -> String {
    let all = tokens.iter().enumerate();
    let words = all.map(|(at, token)| {
        if is_apart(tokens, at) {
            format!(" {}", token.text)
        } else {
            token.text.to_string()
        }
    });
    words.collect()
}

/// The same without the table's alias before its columns.
fn without_alias(tokens: &[Token<'_>], alias: &str) -> String {
    let is_alias = |at: usize| {
        let dot = tokens.get(at + 1).is_some_and(|t| t.is("."));
        dot && tokens[at].is_name() && tokens[at].name() == alias
    };
    let mut text = String::new();
    let mut at = 0;
    while at < tokens.len() {
        if is_apart(tokens, at) {
            text.push(' ');
        }
        if is_alias(at) {
            at += 2;
        }
        text.push_str(tokens.get(at).map_or("", |t| t.text.as_ref()));
        at += 1;
    }
    text
}

/// Whether white space stood before a token: then there is a gap between the offsets.
fn is_apart(tokens: &[Token<'_>], at: usize) -> bool {
    let before = at.checked_sub(1).map(|at| &tokens[at]);
    before.is_some_and(|b| b.start + b.text.len() < tokens[at].start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(condition: &str) -> String {
        let all = comparisons(condition, "o").into_iter().map(|c| {
            let columns = c.columns.join("+");
            format!(
                "{columns}: {} {} {} as {:?}",
                c.operand, c.operator, c.value, c.form
            )
        });
        all.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn comparisons_of_a_column_with_a_value() {
        for (condition, expected) in [
            (
                "(status = 'open'::text)",
                "status: status = 'open'::text as Column",
            ),
            ("(5 < o.id)", "id: o.id > 5 as Column"),
            (
                "((o.created)::date = '2026-01-01'::date)",
                "created: (o.created)::date = '2026-01-01'::date as Cast(\"date\")",
            ),
            (
                "((id > 5) AND (lower((o.note)::text) = 'x'::text))",
                "id: id > 5 as Column; note: lower((o.note)::text) = 'x'::text as Call(\"lower\")",
            ),
            (
                "(EXTRACT(year FROM o.created) = '2026'::numeric)",
                "created: EXTRACT(year FROM o.created) = '2026'::numeric as Call(\"extract\")",
            ),
            ("((o.id + 1) = $1)", "id: o.id + 1 = $1 as Operation(\"+\")"),
            (
                "(date_trunc('day'::text, o.created) >= (now() - '1 day'::interval))",
                "created: date_trunc('day'::text, o.created) >= (now() - '1 day'::interval) as Call(\"date_trunc\")",
            ),
            (
                "(o.total > (InitPlan 1).col1)",
                "total: o.total > (InitPlan 1).col1 as Column",
            ),
            (
                "(o.customer_id = c.id)",
                "customer_id: o.customer_id = c.id as Column",
            ),
            (
                "(o.id = ANY ('{1,2}'::integer[]))",
                "id: o.id = ANY ('{1,2}'::integer[]) as Column",
            ),
            (
                "((o.\"At\")::timestamp with time zone > now())",
                "At: (o.\"At\")::timestamp with time zone > now() as Cast(\"timestamp with time zone\")",
            ),
        ] {
            assert_eq!(told(condition), expected, "{condition}");
        }
        for condition in [
            "(o.a = o.b)",
            "(o.note IS NULL)",
            "(c.id > 7)",
            "((o.a = 1) OR (o.b = 2))",
            "(o.total > (SubPlan 1))",
            "(NOT o.done)",
            "o.done",
            "(o.a = 1",
        ] {
            assert_eq!(told(condition), "", "{condition}");
        }
    }

    #[test]
    fn an_expression_is_fit_for_ddl() {
        let all = comparisons("(lower(((o.a || ' o.'::text) || o.b)) = 'x'::text)", "o");
        assert_eq!(all[0].expression, "lower(((a || ' o.'::text) || b))");
    }

    #[test]
    fn alternatives_are_those_of_an_or() {
        let all = alternatives("((x > 1) AND ((a = 1) OR ((b = 2) AND (c = 3))))");
        assert_eq!(all, [["(a = 1)", "((b = 2) AND (c = 3))"]]);
        assert!(alternatives("((a = 1) AND (b = 2))").is_empty());
    }
}

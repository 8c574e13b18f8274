//! The text of an index predicate, read as far as it is simple.

use crate::query::shape::{Operand, Operator, Predicate};

/// The conjuncts of an index predicate, or `None` if one of them is beyond us. It reads what `pg_get_expr` prints and what
/// people write: `(deleted_at IS NULL)`, `((status)::text = 'new'::text)`, `active`, `(a > 0) AND (b IS NOT NULL)`,
/// `(kind = ANY (ARRAY['a'::text, 'b'::text]))`.
pub(crate) fn conjuncts(predicate: &str) -> Option<Vec<Predicate>> {
    split_and(predicate).into_iter().map(conjunct).collect()
}

/// Splits at AND outside of parentheses and quotes.
fn split_and(text: &str) -> Vec<&str> {
    let text = unwrap(text);
    let (mut parts, mut start) = (Vec::new(), 0);
    for at in top_level(text) {
        if text[at..]
            .get(..5)
            .is_some_and(|t| t.eq_ignore_ascii_case(" and "))
            && at >= start
        {
            parts.extend(split_and(&text[start..at]));
            start = at + 5;
        }
    }
    if start == 0 {
        return vec![text];
    }
    parts.extend(split_and(&text[start..]));
    parts
}

/// Positions of ASCII characters that stand outside of parentheses and quotes.
fn top_level(text: &str) -> impl Iterator<Item = usize> {
    let (mut depth, mut quote) = (0_u32, None);
    text.bytes().enumerate().filter_map(move |(at, byte)| {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(' | b'[') => depth += 1,
            (None, b')' | b']') => depth = depth.saturating_sub(1),
            (None, _) if depth == 0 && byte.is_ascii() => return Some(at),
            _ => {}
        }
        None
    })
}

/// Takes off parentheses around the whole.
fn unwrap(text: &str) -> &str {
    let text = text.trim();
    match text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        Some(inner) if top_level(text).next().is_none() && balanced(inner) => unwrap(inner),
        _ => text,
    }
}

/// Whether no parenthesis closes that the text did not open.
fn balanced(text: &str) -> bool {
    let (mut depth, mut quoted) = (0_i32, false);
    for byte in text.bytes() {
        match byte {
            b'\'' => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

fn conjunct(text: &str) -> Option<Predicate> {
    let text = unwrap(text);
    let lower = text.to_ascii_lowercase();
    let made = |column: &str, operator, operand| {
        Some(Predicate {
            column: column_name(column)?,
            expression: None,
            operator,
            operand,
        })
    };
    if let Some(head) = lower.strip_suffix(" is not null") {
        return made(&text[..head.len()], Operator::IsNotNull, Operand::None);
    }
    if let Some(head) = lower.strip_suffix(" is null") {
        return made(&text[..head.len()], Operator::IsNull, Operand::None);
    }
    let truth = |value: &str| Operand::Literal(value.to_owned());
    if lower.starts_with("not ") {
        return made(&text[4..], Operator::Eq, truth("f"));
    }
    let at = top_level(text).find(|&at| b"<>=!~".contains(&text.as_bytes()[at]));
    let Some(at) = at else {
        if let Some((head, list)) = text
            .split_once(" IN (")
            .or_else(|| text.split_once(" in ("))
        {
            let values = list_values(list.strip_suffix(')')?)?;
            return made(
                head,
                Operator::In(Some(values.len())),
                Operand::Literals(values),
            );
        }
        return made(text, Operator::Eq, truth("t"));
    };
    let symbol: &str = text[at..].split(|c: char| !"<>=!~".contains(c)).next()?;
    let rest = text[at + symbol.len()..].trim();
    if symbol == "=" && rest.to_ascii_lowercase().starts_with("any ") {
        let list = rest[4..]
            .trim()
            .strip_prefix('(')?
            .strip_suffix(')')?
            .trim();
        let list = list.split_once('[')?.1.rsplit_once(']')?.0;
        let values = list_values(list)?;
        return made(
            &text[..at],
            Operator::In(Some(values.len())),
            Operand::Literals(values),
        );
    }
    let operator = match symbol {
        "=" => Operator::Eq,
        "<" => Operator::Lt,
        "<=" => Operator::Le,
        ">" => Operator::Gt,
        ">=" => Operator::Ge,
        "<>" | "!=" => Operator::NotEq,
        _ => return None,
    };
    made(&text[..at], operator, Operand::Literal(literal(rest)?))
}

fn list_values(list: &str) -> Option<Vec<String>> {
    let mut values = Vec::new();
    let mut start = 0;
    for at in top_level(list).filter(|&at| list.as_bytes()[at] == b',') {
        values.push(literal(&list[start..at])?);
        start = at + 1;
    }
    values.push(literal(&list[start..])?);
    Some(values)
}

/// A constant without quotes and casts.
fn literal(text: &str) -> Option<String> {
    let text = without_cast(unwrap(text));
    if let Some(quoted) = text.strip_prefix('\'') {
        return quoted.strip_suffix('\'').map(|t| t.replace("''", "'"));
    }
    let lower = text.to_ascii_lowercase();
    let plain = text.parse::<f64>().is_ok() || lower == "true" || lower == "false";
    plain.then_some(lower)
}

/// A plain column, perhaps cast to a compatible string type as the server prints it for varchar.
fn column_name(text: &str) -> Option<String> {
    let text = unwrap(without_cast(unwrap(text)));
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted.strip_suffix('"').map(|t| t.replace("\"\"", "\""));
    }
    let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    (!text.is_empty() && text.chars().all(plain)).then(|| text.to_lowercase())
}

fn without_cast(text: &str) -> &str {
    let cast = top_level(text).find(|&at| text[at..].starts_with("::"));
    cast.map_or(text, |at| unwrap(&text[..at]))
}

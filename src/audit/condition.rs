//! Conditions as plans print them, `((o.kind = 3) AND ((o.name)::text ~~ 'a%'::text))`: their parts, and what an index could make
//! of each. The server puts every operation into parentheses, so that no grammar is needed; what is not understood is `None`.

/// One condition on a column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison<'a> {
    /// The column, without the table.
    pub column: &'a str,
    /// How it is compared.
    pub kind: Kind,
    /// Whether with a value of another table.
    pub is_join: bool,
}

/// How a column is compared, as far as a btree index cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// With one value, or with each of a list: `=`, `= ANY`, `IS NULL`, a boolean column.
    Equality,
    /// With a bound: `<`, `<=`, `>`, `>=`.
    Range,
    /// Not to be one constant, or not to be null: no key of an index finds that, a partial index has only such rows.
    Exception,
}

/// The conditions that a text joins by AND.
#[must_use]
pub fn conjuncts(text: &str) -> Vec<&str> {
    let inner = inside(text);
    let ends = outside_parentheses(inner);
    let mut parts = Vec::new();
    let mut from = 0;
    for at in ends {
        if at >= from && inner[at..].starts_with(" AND ") {
            parts.push(inside(&inner[from..at]));
            from = at + " AND ".len();
        }
    }
    parts.push(inside(&inner[from..]));
    parts
}

/// What a condition compares of the table of that alias; `None` if that is an expression, or if it is not told by an operator that
/// an index has.
#[must_use]
pub fn comparison<'a>(condition: &'a str, alias: &str) -> Option<Comparison<'a>> {
    let text = inside(condition);
    let of = |column: &'a str, kind: Kind| Comparison {
        column,
        kind,
        is_join: false,
    };
    if let Some(tested) = text.strip_suffix(" IS NULL") {
        return Some(of(own_column(tested, alias)?, Kind::Equality));
    }
    if let Some(tested) = text.strip_suffix(" IS NOT NULL") {
        return Some(of(own_column(tested, alias)?, Kind::Exception));
    }
    let flag = text.strip_prefix("NOT ").unwrap_or(text);
    if let Some(column) = own_column(flag, alias) {
        return Some(of(column, Kind::Equality));
    }
    let mut found = None;
    for at in outside_parentheses(text) {
        if text[at..].starts_with(" AND ") || text[at..].starts_with(" OR ") {
            return None;
        }
        if found.is_none()
            && let Some(operator) = operator_at(text, at)
        {
            found = Some((at, operator));
        }
    }
    let (at, operator) = found?;
    let (left, right) = (&text[..at], text[at + operator.len() + 2..].trim());
    let (column, value) = match own_column(left, alias) {
        Some(column) => (column, right),
        None => (own_column(right, alias)?, left),
    };
    let others = names(value);
    if others.iter().any(|name| is_own(name, alias)) {
        return None;
    }
    let is_join = !others.is_empty();
    let kind = match operator {
        "=" if !value.starts_with("ALL ") => Kind::Equality,
        "<" | "<=" | ">" | ">=" if !value.starts_with("ANY ") => Kind::Range,
        "<>" if !is_join && !value.contains('$') && !value.starts_with("ANY ") => Kind::Exception,
        _ => return None,
    };
    Some(Comparison {
        column,
        kind,
        is_join,
    })
}

/// What a text compares of a table, if an index could take each of its conditions.
#[must_use]
pub fn comparisons<'a>(text: &'a str, alias: &str) -> Option<Vec<Comparison<'a>>> {
    let parts = conjuncts(text).into_iter();
    parts.map(|part| comparison(part, alias)).collect()
}

/// The key columns that an index for these conditions has: those of equality, then one with bounds.
#[must_use]
pub fn key_columns<'a>(comparisons: &[Comparison<'a>]) -> Vec<&'a str> {
    let of = |kind: Kind| comparisons.iter().filter(move |c| c.kind == kind);
    let mut columns: Vec<&str> = Vec::new();
    for found in of(Kind::Equality).chain(of(Kind::Range)) {
        if columns.contains(&found.column) {
            continue;
        }
        columns.push(found.column);
        // What comes after a column with bounds is not searched by.
        if found.kind == Kind::Range {
            break;
        }
    }
    columns
}

/// Whether a text is nothing but a column of one table: `created`, `o.created`.
#[must_use]
pub fn plain_column(text: &str) -> Option<&str> {
    let is_name = |name: &str| {
        let quoted = name.len() > 2 && name.starts_with('"') && name.ends_with('"');
        let inner = name.trim_matches('"');
        quoted && !inner.contains('"')
            || name.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && name
                    .chars()
                    .all(|c| c.is_alphanumeric() || c == '_' || c == '$')
    };
    let column = text.rsplit_once('.').map_or(text, |(_, column)| column);
    let words = ["true", "false", "NULL", "CURRENT_DATE", "CURRENT_USER"];
    let all = text.split('.').all(is_name) && !words.contains(&column);
    all.then_some(column)
}

/// The columns that a text names, with their tables where those are told.
#[must_use]
pub fn names(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        if letter == '\'' {
            at += quoted(&text[at..]);
        } else if letter.is_alphabetic() || letter == '_' || letter == '"' {
            let length = name_length(&text[at..]);
            let (before, name, after) = (&text[..at], &text[at..at + length], &text[at + length..]);
            // A type, a field of a value, a function, a word of SQL.
            let is_other = before.ends_with("::")
                || before.ends_with('.')
                || after.starts_with('(')
                || WORDS.contains(&name)
                || after.starts_with('\'');
            if !is_other && plain_column(name).is_some() {
                found.push(name);
            }
            at += length.max(letter.len_utf8());
        } else if letter == '$' || letter.is_ascii_digit() {
            at += text[at + 1..]
                .find(|c: char| !c.is_alphanumeric() && c != '.')
                .map_or(text.len() - at, |end| end + 1);
        } else {
            at += letter.len_utf8();
        }
    }
    found
}

/// Words that are no columns; the later ones are the ends of type names.
const WORDS: &[&str] = &[
    "ANY",
    "ALL",
    "AND",
    "OR",
    "NOT",
    "IS",
    "NULL",
    "ARRAY",
    "ROW",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "DISTINCT",
    "FROM",
    "COLLATE",
    "AT",
    "TIME",
    "ZONE",
    "true",
    "false",
    "without",
    "with",
    "time",
    "zone",
    "precision",
    "varying",
    "CURRENT_DATE",
    "CURRENT_TIMESTAMP",
    "LOCALTIMESTAMP",
    "CURRENT_USER",
    "SESSION_USER",
    "hashed",
    "SubPlan",
    "InitPlan",
];

/// A column of the table, with the one cast that its index does not mind: from varchar to text.
fn own_column<'a>(side: &'a str, alias: &str) -> Option<&'a str> {
    let side = inside(side.trim());
    let bare = side.strip_suffix("::text").map_or(side, inside);
    is_own(bare, alias).then(|| plain_column(bare)).flatten()
}

/// Whether a name is one of that table: tables are told where there are several.
fn is_own(name: &str, alias: &str) -> bool {
    match name.rsplit_once('.') {
        Some((table, _)) => table.trim_matches('"') == alias,
        None => true,
    }
}

/// The operator after a space at that place: " >= " is ">=".
fn operator_at(text: &str, at: usize) -> Option<&str> {
    let rest = text[at..].strip_prefix(' ')?;
    let (word, _) = rest.split_once(' ')?;
    let is_operator = !word.is_empty() && word.chars().all(|c| "=<>!~@#%^&|?*+-/".contains(c));
    is_operator.then_some(word)
}

/// Without the parentheses around all of it.
fn inside(text: &str) -> &str {
    let text = text.trim();
    let Some(inner) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) else {
        return text;
    };
    // "(a) AND (b)" begins and ends with parentheses that are no pair.
    let closes_early = outside_parentheses(text).any(|at| at > 0 && at < text.len() - 1);
    if closes_early { text } else { inside(inner) }
}

/// The places in a text that are in no parentheses and no quotes.
fn outside_parentheses(text: &str) -> impl Iterator<Item = usize> {
    let (mut places, mut depth, mut at) = (Vec::new(), 0_usize, 0);
    while let Some(letter) = text[at..].chars().next() {
        match letter {
            '\'' | '"' => {
                at += quoted(&text[at..]);
                continue;
            }
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ if depth == 0 => places.push(at),
            _ => {}
        }
        at += letter.len_utf8();
    }
    places.into_iter()
}

/// Bytes of what stands in quotes at the beginning, with the quotes.
fn quoted(text: &str) -> usize {
    let quote = if text.starts_with('"') { '"' } else { '\'' };
    text[1..].find(quote).map_or(text.len(), |end| end + 2)
}

/// Bytes of the name, with its dots, at the beginning.
fn name_length(text: &str) -> usize {
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        match letter {
            '"' => at += quoted(&text[at..]),
            c if c.is_alphanumeric() || "_.$".contains(c) => at += c.len_utf8(),
            _ => break,
        }
    }
    at
}

#[cfg(test)]
mod tests;

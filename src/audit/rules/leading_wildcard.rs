//! `leading-wildcard`: a text is searched for in the middle of a column.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;
use crate::model::catalog::Table;
use crate::model::index::KeyOf;
use crate::model::unit::Count;
use crate::query::facts::{Pattern, Side, Test};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "leading-wildcard",
    title: "A pattern that may begin anywhere is looked for in every row",
    page: "\
A btree index is sorted by how values begin. A pattern that begins with a wildcard, or a regular expression without ^, tells no
beginning, so that every row is read and searched.

Told by: LIKE, ILIKE, ~, ~* or SIMILAR TO with a pattern that begins with % or without ^, over a table of at least 10,000 rows, with
no trigram index on the column, and no other condition that finds few rows by an index. A pattern that is a parameter as a whole
is not judged: nobody knows how it begins.

Do: CREATE EXTENSION pg_trgm; CREATE INDEX ON t USING gin (column gin_trgm_ops). It serves patterns with three letters or digits in a
row. For patterns that only end in something fixed, an index on reverse(column) is smaller. For words, use full-text search.

All right when: the table is small or the statement runs rarely.",
    check: Check::Sql(check),
};

/// So many characters in a row make a trigram.
const TRIGRAM: usize = 3;

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let conditions = text.facts().conditions.iter();
    let hits = conditions.filter_map(|condition| {
        let Test::Pattern(pattern) = &condition.test else {
            return None;
        };
        let (Side::Column(column) | Side::Wrapped { column, .. }) = &pattern.left else {
            return None;
        };
        let begins = pattern.begins.as_deref()?;
        let owner = text.owner(column, condition.block)?;
        let (table, known) = text.column(column, condition.block)?;
        let open = begins_anywhere(pattern, begins) && known.category == "S";
        if !open
            || !text.is_large(owner)
            || text.is_narrowed(owner)
            || has_trigrams(text, table, &known.name)
        {
            return None;
        }
        Some(TextHit {
            object: format!("{}.{}", table.name, known.name),
            confirmed: true,
            least: Severity::Info,
            evidence: vec![format!(
                "{} '{begins}{}' is looked for in {} rows",
                pattern.operator,
                if pattern.whole { "" } else { "…" },
                Count(table.rows())
            )],
            fix: fix(pattern, begins, &known.name),
        })
    });
    hits.collect()
}

fn begins_anywhere(pattern: &Pattern, begins: &str) -> bool {
    match pattern.operator {
        // A pattern of wildcards alone wants everything.
        "LIKE" | "ILIKE" | "SIMILAR TO" => {
            begins.starts_with('%') && !(pattern.whole && begins.trim_start_matches('%').is_empty())
        }
        _ => !begins.is_empty() && !begins.starts_with(['^', '(', '.']),
    }
}

fn has_trigrams(text: &Text<'_>, table: &Table, column: &str) -> bool {
    let mut keys = text.indexes(table).flat_map(|index| &index.definition.keys);
    keys.any(|key| {
        let over = match &key.of {
            KeyOf::Column(name) => name == column,
            KeyOf::Expression(expression) => expression.contains(column),
        };
        let kind = key.opclass.as_deref().unwrap_or_default();
        over && (kind.contains("trgm") || kind.contains("bigm"))
    })
}

fn fix(pattern: &Pattern, begins: &str, column: &str) -> Fix {
    let fixed = begins.split(['%', '_']).map(str::len).max().unwrap_or(0);
    let rest = begins.trim_start_matches('%');
    let suffix = pattern.operator == "LIKE" && pattern.whole && !rest.contains(['%', '_']);
    if suffix {
        return format!(
            "the pattern only says how {column} ends: an index on reverse({column}) text_pattern_ops, asked with \
             reverse({column}) LIKE reverse(…) || '%', finds it; a trigram index does too"
        )
        .into();
    }
    let mut advice = format!(
        "a trigram index: CREATE EXTENSION pg_trgm, then an index USING gin ({column} gin_trgm_ops)"
    );
    if pattern.whole && fixed < TRIGRAM {
        advice = format!(
            "the pattern is too short for a trigram index, which needs {TRIGRAM} characters in a row: ask for more of the text, or for how it begins"
        );
    }
    advice.into()
}

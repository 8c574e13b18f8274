//! `like-leading`: a pattern that begins with a wildcard, which no btree can find.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::scan::{SCANS, compared, indexes, waste};
use crate::audit::view::View;
use crate::model::catalog::Table;
use crate::model::index::IndexKey;
use crate::query::comparison::Comparison;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "like-leading",
    title: "A LIKE pattern begins with a wildcard and is tried on every row",
    page: "\
A btree is ordered by how values begin. A pattern that begins with % or _ says nothing about that, so every row is read and tried.

Told by: the filter of a scan that throws away nine tenths of at least 10,000 rows (or 1,000 blocks) has LIKE or ILIKE with a pattern
that begins with % or _ and holds three characters in a row. An index of trigrams on the column, if there is one, is trusted: then nothing is said.

Do: with the extension pg_trgm, an index of trigrams: CREATE INDEX ON t USING gin (col gin_trgm_ops); for words of a text, full text
search. For a known ending only, an index on reverse(col) and LIKE on that.

All right when: the table is small, or people search it rarely.",
    check: Check::Plan(check),
};

/// Letters in a row from which a trigram can be made.
const TRIGRAM: usize = 3;

fn check(view: &View<'_>) -> Vec<Hit> {
    let scans = view.nodes(SCANS);
    let hits = scans.filter_map(|(at, _)| {
        let wasted = waste(view, at)?;
        let found = compared(view, at).into_iter().find(begins_with_wildcard)?;
        let table = view.table(at);
        let column = found.columns.first()?;
        if table.is_some_and(|table| has_trigrams(view, table, column)) {
            return None;
        }
        let words = if found.operator == "~~*" { "ILIKE" } else { "LIKE" };
        let name = table.map_or_else(
            || view.explained.nodes[at].relation().unwrap_or("the table").to_owned(),
            |table| table.qualified().to_string(),
        );
        Some(Hit {
            node: at,
            share: wasted.share,
            least: Severity::Info,
            evidence: vec![
                format!("{} {words} {}", found.operand, found.value),
                wasted.evidence,
            ],
            fix: format!(
                "an index of trigrams on {name}: USING gin ({} gin_trgm_ops), from the extension pg_trgm; or full text search, if whole \
                 words are looked for",
                operand(&found)
            )
            .into(),
        })
    });
    hits.collect()
}

fn begins_with_wildcard(comparison: &Comparison) -> bool {
    if !matches!(comparison.operator.as_str(), "~~" | "~~*") || comparison.columns.len() != 1 {
        return false;
    }
    let Some(pattern) = comparison.value.strip_prefix('\'') else {
        return false;
    };
    let pattern = pattern
        .rsplit_once('\'')
        .map_or(pattern, |(inside, _)| inside);
    let mut words = pattern.split(|c: char| !c.is_alphanumeric());
    pattern.starts_with(['%', '_']) && words.any(|w| w.chars().count() >= TRIGRAM)
}

/// Whether there is an index whose keys are trigrams of the column.
fn has_trigrams(view: &View<'_>, table: &Table, column: &str) -> bool {
    let of_trigrams = |key: &IndexKey| {
        let class = key.opclass.as_deref().unwrap_or("");
        class.contains("trgm") && key.column_name().is_none_or(|name| name == column)
    };
    indexes(view, table).any(|index| index.definition.keys.iter().any(of_trigrams))
}

/// What the index is to be built on: a column as it is, an expression in parentheses.
fn operand(found: &Comparison) -> String {
    use crate::model::ident::quote_ident;
    use crate::query::comparison::Form;
    match (&found.form, found.columns.as_slice()) {
        (Form::Column | Form::Cast(_), [column]) => quote_ident(column).into_owned(),
        _ => format!("({})", found.expression),
    }
}

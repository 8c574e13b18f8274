//! Why a statement has no candidates, and how it would have to be written to have some.

use std::collections::BTreeSet;

use crate::model::catalog::Table;
use crate::model::ident::quote_ident;
use crate::model::snapshot::Snapshot;
use crate::query::shape::{Operator, Predicate, Relation};
use crate::query::workload::Query;

/// Why a statement has no candidate, or no candidate for one of its conditions. `tables` are the reasons for which its tables get
/// no indexes at all.
pub(super) fn reason(
    query: &Query,
    snapshot: &Snapshot,
    without: bool,
    tables: &BTreeSet<String>,
) -> Option<String> {
    if !tables.is_empty() {
        let reasons: Vec<&str> = tables.iter().map(String::as_str).collect();
        return without.then(|| reasons.join("; "));
    }
    if let Some(rewriting) = rewriting(query, snapshot) {
        return Some(rewriting);
    }
    let served = || {
        if let Some(text) = hidden_expression(query) {
            format!(
                "{text} is another expression with each value of its parameter: an index needs the constant, which pg_stat_statements does not keep (--queries FILE with the statement as it is sent)"
            )
        } else if lacks_trigrams(query, snapshot) {
            "a pattern that begins anywhere: an index on trigrams would serve it, and extension pg_trgm is not installed".to_owned()
        } else {
            "existing indexes already serve its conditions, or it has none that an index could serve".to_owned()
        }
    };
    without.then(served)
}

/// How a condition that no index serves as it is written could be written so that one does.
fn rewriting(query: &Query, snapshot: &Snapshot) -> Option<String> {
    query.shape.relations.iter().find_map(|used| {
        let table = snapshot.table(used.table_oid)?;
        tests_elements(used).or_else(|| truncates_in_zone(used, table))
    })
}

/// How a condition `value = ANY (array_column)` would have to be written for an index to serve it, if there is one. A btree
/// compares whole arrays, and GIN has no operator that tests a value that stands by itself.
fn tests_elements(used: &Relation) -> Option<String> {
    let arms = used.disjunctions.iter().flatten().flatten();
    let is_test = |p: &&Predicate| matches!(&p.operator, Operator::Other(o) if o == "= ANY");
    let column = quote_ident(&used.predicates.iter().chain(arms).find(is_test)?.column);
    Some(format!(
        "no index serves a value = ANY ({column}): written as {column} @> ARRAY[value] a GIN index on {column} would serve it"
    ))
}

/// How a condition on the day (month, …) of a `timestamptz` would have to be written for an index to serve it, if there is one.
/// Which day it is depends on the session's time zone, so that no index can hold it; a range of the column itself can be searched.
fn truncates_in_zone(used: &Relation, table: &Table) -> Option<String> {
    let is_zoned = |name: &str| {
        let column = table.column(name);
        column.is_some_and(|c| c.base_type == "timestamptz")
    };
    let truncated = |p: &&Predicate| {
        let column = quote_ident(&p.column);
        let text = p.expression.as_deref().unwrap_or_default();
        let arguments = text.strip_prefix("date_trunc(");
        let second = arguments.and_then(|rest| rest.strip_suffix(')')?.split_once(", "));
        is_zoned(&p.column)
            && (p.operator.is_equality() || p.operator.is_range())
            && (text == format!("{column}::date") || second.is_some_and(|(_, of)| of == column))
    };
    let arms = used.disjunctions.iter().flatten().flatten();
    let found = used.predicates.iter().chain(arms).find(truncated)?;
    let (text, column) = (found.expression.as_deref()?, quote_ident(&found.column));
    Some(format!(
        "{text} depends on the time zone of the session, so no index can hold it: written as a range ({column} >= … AND {column} < …) an index on {column} would serve it"
    ))
}

/// An expression that would be a key if its parameter were known.
fn hidden_expression(query: &Query) -> Option<&str> {
    let predicates = query.shape.relations.iter().flat_map(|r| &r.predicates);
    let searched = predicates.filter(|p| p.operator.is_equality() || p.operator.is_range());
    searched
        .filter_map(|p| p.expression.as_deref())
        .find(|text| text.contains('$'))
}

/// Whether all that could help is an extension that is not there.
fn lacks_trigrams(query: &Query, snapshot: &Snapshot) -> bool {
    !snapshot.server.extensions.contains_key("pg_trgm")
        && query.shape.relations.iter().any(wants_trigrams)
}

/// Whether a pattern of the statement begins anywhere, for which only trigrams would do.
fn wants_trigrams(used: &Relation) -> bool {
    let like = |p: &Predicate| p.operator == Operator::Like && p.expression.is_none();
    used.predicates.iter().any(like)
}

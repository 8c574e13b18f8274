//! Candidates that are no btrees: inverted and search-tree indexes where an operator asks for one, summaries of large tables.
//!
//! 6. **GIN**: `jsonb` compared by `@>`, `@?`, `@@` (`jsonb_path_ops`, which is smaller) or by `?`, `?|`, `?&` as well
//!    (`jsonb_ops`); arrays by `@>`, `&&`, `<@`; `tsvector` by `@@`, also one that is made from a column; texts by `LIKE '%x%'`,
//!    `ILIKE`, `~`, where `pg_trgm` is installed.
//! 7. **`GiST`**: ranges, geometric types and networks by the operators that only it serves.
//! 8. **BRIN**: ranges on a column in whose order the rows of a very large table lie.
//!
//! Only a planner that has such an index to look at can judge it: a clone.

use std::collections::BTreeSet;

use crate::advisor::expressions::expression_key;
use crate::model::catalog::{Column, Table};
use crate::model::ident::quote_ident;
use crate::model::index::{IndexDefinition, IndexKey, KeyOf};
use crate::model::snapshot::Snapshot;
use crate::query::shape::{Operand, Operator, Predicate, Relation};

/// A table of which a summary is worth more than an index: 1 GB.
const HUGE_PAGES: f64 = 131_072.0;
/// Correlation from which on a range of values is a range of pages.
const IN_ORDER: f64 = 0.95;

/// The candidates of one use of a table, without those that an existing index makes superfluous.
pub(super) fn special(used: &Relation, table: &Table, snapshot: &Snapshot) -> Vec<IndexDefinition> {
    let arms = used.disjunctions.iter().flatten().flatten();
    let predicates: Vec<&Predicate> = used.predicates.iter().chain(arms).collect();
    let columns: BTreeSet<&str> = predicates.iter().map(|p| p.column.as_str()).collect();
    let mut found = Vec::new();
    for column in columns.into_iter().filter_map(|name| table.column(name)) {
        let of_column = |p: &&&Predicate| p.column == column.name;
        let own: Vec<&Predicate> = predicates.iter().filter(of_column).copied().collect();
        let (plain, wrapped): (Vec<&Predicate>, Vec<&Predicate>) =
            own.into_iter().partition(|p| p.expression.is_none());
        found.extend(of_operators(column, &plain).map(|(method, opclass)| {
            let mut key = IndexKey::column(&column.name);
            key.opclass = opclass.map(str::to_owned);
            definition(table, method, key)
        }));
        found.extend(trigrams(column, &plain, snapshot).map(|key| definition(table, "gin", key)));
        found.extend(wrapped.iter().filter_map(|p| {
            let searched = matches!(&p.operator, Operator::Other(o) if o == "@@");
            let key = expression_key(p.expression.as_deref()?)?;
            searched.then(|| definition(table, "gin", key))
        }));
        if in_order(column, &plain, table) {
            found.push(definition(table, "brin", IndexKey::column(&column.name)));
        }
    }
    found.retain(|d| {
        !snapshot
            .indexes_of(table.oid)
            .any(|i| i.usable() && serves(&i.definition, d))
    });
    found
}

fn definition(table: &Table, method: &str, key: IndexKey) -> IndexDefinition {
    IndexDefinition {
        table_oid: table.oid,
        table: table.qualified(),
        method: method.to_owned(),
        keys: vec![key],
        include: Vec::new(),
        predicate: None,
        unique: false,
    }
}

/// Method and operator class that all special operators on a column can use, if there are such.
fn of_operators(
    column: &Column,
    predicates: &[&Predicate],
) -> Option<(&'static str, Option<&'static str>)> {
    let operators = predicates.iter().filter_map(|p| match &p.operator {
        Operator::Other(text) => Some(text.as_str()),
        _ => None,
    });
    let served =
        |some: &[&str]| -> Vec<&str> { operators.clone().filter(|o| some.contains(o)).collect() };
    let (method, opclass, used) = match (column.base_type.as_str(), column.category.as_str()) {
        ("jsonb", _) => {
            let by_path = served(&["@>", "@?", "@@"]);
            let by_key = served(&["?", "?|", "?&"]);
            if by_key.is_empty() {
                ("gin", Some("jsonb_path_ops"), by_path)
            } else {
                ("gin", None, by_key)
            }
        }
        ("tsvector", _) => ("gin", None, served(&["@@"])),
        (_, "A") => ("gin", None, served(&["@>", "&&", "<@"])),
        (_, "R") => (
            "gist",
            None,
            served(&["&&", "@>", "<@", "<<", ">>", "&<", "&>", "-|-"]),
        ),
        ("box" | "polygon" | "circle" | "point", _) => (
            "gist",
            None,
            served(&["&&", "@>", "<@", "<<", ">>", "<<|", "|>>", "~="]),
        ),
        // An address is found in a network by its bits, which is not the default class.
        ("inet" | "cidr", _) => (
            "gist",
            Some("inet_ops"),
            served(&["<<", "<<=", ">>", ">>=", "&&"]),
        ),
        _ => return None,
    };
    (!used.is_empty()).then_some((method, opclass))
}

/// A trigram index for patterns that begin anywhere, if the extension is there. A pattern must have three letters in a row.
fn trigrams(column: &Column, predicates: &[&Predicate], snapshot: &Snapshot) -> Option<IndexKey> {
    let extension = snapshot.server.extensions.get("pg_trgm")?;
    let patterns = predicates.iter().filter(|p| p.operator == Operator::Like);
    let long = |p: &Predicate| match &p.operand {
        Operand::Literal(text) => {
            let letters = |part: &str| part.chars().count() >= 3;
            text.split(|c: char| !c.is_alphanumeric()).any(letters)
        }
        _ => true,
    };
    let is_text = matches!(column.base_type.as_str(), "text" | "varchar" | "bpchar");
    let asked = patterns.into_iter().any(|p| long(p)) && is_text && column.collation_deterministic;
    asked.then(|| {
        let visible = snapshot.server.search_path.contains(&extension.schema);
        let schema = if visible {
            String::new()
        } else {
            format!("{}.", quote_ident(&extension.schema))
        };
        IndexKey {
            opclass: Some(format!("{schema}gin_trgm_ops")),
            ..IndexKey::column(&column.name)
        }
    })
}

/// Whether a pattern of the statement begins anywhere, for which only trigrams would do.
pub(super) fn wants_trigrams(used: &Relation) -> bool {
    let like = |p: &Predicate| p.operator == Operator::Like && p.expression.is_none();
    used.predicates.iter().any(like)
}

fn in_order(column: &Column, predicates: &[&Predicate], table: &Table) -> bool {
    let range = |p: &&Predicate| {
        matches!(
            p.operator,
            Operator::Lt | Operator::Le | Operator::Gt | Operator::Ge | Operator::Between
        )
    };
    let correlation = column.stats.as_ref().and_then(|s| s.correlation);
    table.relpages >= HUGE_PAGES
        && column.btree
        && correlation.is_some_and(|c| c.abs() >= IN_ORDER)
        && predicates.iter().any(range)
}

/// Whether an index that exists does what the candidate would do.
fn serves(existing: &IndexDefinition, candidate: &IndexDefinition) -> bool {
    let (Some(held), Some(key)) = (existing.keys.first(), candidate.keys.first()) else {
        return false;
    };
    let class = |key: &IndexKey| {
        let name = key.opclass.as_deref().unwrap_or_default();
        name.rsplit('.').next().unwrap_or_default().to_owned()
    };
    let (has, wants) = (class(held), class(key));
    let same_class = match candidate.method.as_str() {
        // The general class serves what the special one does.
        "gin" => has == wants || has.is_empty() && wants == "jsonb_path_ops",
        _ => true,
    };
    let by_trigrams = has.ends_with("trgm_ops") && wants.ends_with("trgm_ops");
    let same_method = existing.method == candidate.method && same_class;
    existing.predicate.is_none()
        && existing.keys.iter().any(|k| same(&k.of, &key.of))
        && (same_method || by_trigrams)
}

/// Expressions are printed in several ways; white space and parentheses make no difference.
fn same(a: &KeyOf, b: &KeyOf) -> bool {
    let bare = |text: &str| text.replace([' ', '(', ')'], "");
    match (a, b) {
        (KeyOf::Expression(a), KeyOf::Expression(b)) => bare(a) == bare(b),
        _ => a == b,
    }
}

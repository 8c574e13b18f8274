//! Candidates that are no btrees: inverted and search-tree indexes where an operator asks for one, summaries of large tables,
//! hash indexes on long keys.
//!
//! 6. **GIN**: `jsonb` compared by `@>`, `@?`, `@@` (`jsonb_path_ops`, which is smaller) or by `?`, `?|`, `?&` as well
//!    (`jsonb_ops`); arrays by `@>`, `&&`, `<@`; `tsvector` by `@@`, also one that is made from a column; texts by `LIKE '%x%'`,
//!    `ILIKE`, `~`, where `pg_trgm` is installed.
//! 7. **`GiST`**: ranges, geometric types and networks by the operators that only it serves.
//! 8. **BRIN**: ranges on a column in whose order the rows of a very large table lie.
//! 10. **Several**: where conditions on several columns all hold, one index on those that GIN serves, and one on those that
//!     `GiST` serves, each with the columns that are compared by `=` where `btree_gin` or `btree_gist` is installed
//!     (`several`).
//! 11. **Nearest**: `ORDER BY column <-> constant` with LIMIT: `GiST`, behind the columns that are compared by `=` where
//!     `btree_gist` is installed (`nearest`).
//! 12. **Hash**: `=` on a long column with which no statement does anything else (`hash`).
//!
//! Only a planner that has such an index to look at can judge it: a clone.

pub(super) mod hash;
mod nearest;
mod several;

use std::collections::BTreeSet;

use crate::advisor::expressions::expression_key;
use crate::model::catalog::{Column, Table};
use crate::model::ident::quote_ident;
use crate::model::index::{IndexDefinition, IndexKey, KeyOf};
use crate::model::snapshot::Snapshot;
use crate::query::shape::{Operand, Operator, Predicate};
use crate::query::workload::Query;

/// A table of which a summary is worth more than an index: 1 GB.
const HUGE_PAGES: f64 = 131_072.0;
/// Correlation from which on a range of values is a range of pages.
const IN_ORDER: f64 = 0.95;

/// A key, and the access method that it is for.
type Served = (&'static str, IndexKey);

/// The candidates of one use of a table, without those that an existing index makes superfluous, each with at most
/// `max_columns` keys.
pub(super) fn special(
    query: &Query,
    relation: usize,
    table: &Table,
    snapshot: &Snapshot,
    max_columns: usize,
) -> Vec<IndexDefinition> {
    let used = &query.shape.relations[relation];
    let arms = used.disjunctions.iter().flatten().flatten();
    let predicates: Vec<&Predicate> = used.predicates.iter().chain(arms).collect();
    let mut found: Vec<IndexDefinition> = by_operators(&predicates, table, snapshot)
        .into_iter()
        .map(|(method, key)| definition(table, method, vec![key]))
        .collect();
    let in_order = |c: &&Column| in_order(c, &predicates, table);
    let summaries = table.columns.iter().filter(in_order);
    found.extend(summaries.map(|c| definition(table, "brin", vec![IndexKey::column(&c.name)])));
    found.extend(several::several(used, table, snapshot, max_columns));
    let shape = &query.shape;
    found.extend(nearest::nearest(
        shape,
        relation,
        table,
        snapshot,
        max_columns,
    ));
    found.retain(|d| {
        !snapshot
            .indexes_of(table.oid)
            .any(|i| i.usable() && serves(&i.definition, d))
    });
    found
}

fn definition(table: &Table, method: &str, keys: Vec<IndexKey>) -> IndexDefinition {
    IndexDefinition {
        table_oid: table.oid,
        table: table.qualified(),
        method: method.to_owned(),
        keys,
        include: Vec::new(),
        predicate: None,
        unique: false,
    }
}

/// The keys that the operators of these conditions ask for, each by itself.
fn by_operators(predicates: &[&Predicate], table: &Table, snapshot: &Snapshot) -> Vec<Served> {
    let columns: BTreeSet<&str> = predicates.iter().map(|p| p.column.as_str()).collect();
    let mut keys = Vec::new();
    for column in columns.into_iter().filter_map(|name| table.column(name)) {
        let of_column = |p: &&&Predicate| p.column == column.name;
        let own: Vec<&Predicate> = predicates.iter().filter(of_column).copied().collect();
        let (plain, wrapped): (Vec<&Predicate>, Vec<&Predicate>) =
            own.into_iter().partition(|p| p.expression.is_none());
        keys.extend(of_operators(column, &plain).map(|(method, opclass)| {
            let mut key = IndexKey::column(&column.name);
            key.opclass = opclass.map(str::to_owned);
            (method, key)
        }));
        keys.extend(trigrams(column, &plain, snapshot).map(|key| ("gin", key)));
        keys.extend(wrapped.iter().filter_map(|p| {
            let searched = matches!(&p.operator, Operator::Other(o) if o == "@@");
            let key = expression_key(p.expression.as_deref()?)?;
            searched.then_some(("gin", key))
        }));
    }
    keys
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
    let opclass = of_trigrams("gin_trgm_ops", snapshot)?;
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
    asked.then(|| IndexKey {
        opclass: Some(opclass),
        ..IndexKey::column(&column.name)
    })
}

/// An operator class of `pg_trgm` as an index would name it, if the extension is there.
fn of_trigrams(name: &str, snapshot: &Snapshot) -> Option<String> {
    let extension = snapshot.server.extensions.get("pg_trgm")?;
    let visible = snapshot.server.search_path.contains(&extension.schema);
    Some(if visible {
        name.to_owned()
    } else {
        format!("{}.{name}", quote_ident(&extension.schema))
    })
}

fn in_order(column: &Column, predicates: &[&Predicate], table: &Table) -> bool {
    let range = |p: &&Predicate| {
        matches!(
            p.operator,
            Operator::Lt | Operator::Le | Operator::Gt | Operator::Ge | Operator::Between
        )
    };
    let own = |p: &&&Predicate| p.column == column.name && p.expression.is_none();
    let correlation = column.stats.as_ref().and_then(|s| s.correlation);
    table.relpages >= HUGE_PAGES
        && column.btree
        && correlation.is_some_and(|c| c.abs() >= IN_ORDER)
        && predicates.iter().filter(own).any(range)
}

/// Whether an index that exists does what the candidate would do. GIN finds by any of its keys alike, `GiST` by the first ones.
fn serves(existing: &IndexDefinition, candidate: &IndexDefinition) -> bool {
    let first = match candidate.method.as_str() {
        "gist" => candidate.keys.len().min(existing.keys.len()),
        _ => existing.keys.len(),
    };
    let held = |key: &IndexKey| {
        let mut keys = existing.keys[..first].iter();
        keys.any(|k| same(&k.of, &key.of) && does(existing, k, candidate, key))
    };
    existing.predicate.is_none() && candidate.keys.iter().all(held)
}

/// Whether an existing key does what the candidate's key on the same column would.
fn does(
    existing: &IndexDefinition,
    held: &IndexKey,
    new: &IndexDefinition,
    key: &IndexKey,
) -> bool {
    let class = |key: &IndexKey| {
        let name = key.opclass.as_deref().unwrap_or_default();
        name.rsplit('.').next().unwrap_or_default().to_owned()
    };
    let (has, wants) = (class(held), class(key));
    let same_class = match new.method.as_str() {
        // The general class serves what the special one does.
        "gin" => has == wants || has.is_empty() && wants == "jsonb_path_ops",
        "brin" => true,
        _ => has == wants,
    };
    // What GIN knows of trigrams GiST knows as well; the other way round it has no order.
    let by_trigrams = has == "gist_trgm_ops" && wants == "gin_trgm_ops";
    existing.method == new.method && same_class || by_trigrams
}

/// Expressions are printed in several ways; white space and parentheses make no difference.
fn same(a: &KeyOf, b: &KeyOf) -> bool {
    let bare = |text: &str| text.replace([' ', '(', ')'], "");
    match (a, b) {
        (KeyOf::Expression(a), KeyOf::Expression(b)) => bare(a) == bare(b),
        _ => a == b,
    }
}

//! `offset-waste`: rows are made and thrown away to come to a page.

use crate::audit::condition::plain_column;
use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::explained::Node;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "offset-waste",
    title: "OFFSET makes many rows and throws them away",
    page: "\
OFFSET n LIMIT k makes the first n rows like the others and throws them away: page 5,000 costs 5,000 times what page 1 costs. Rows
that are inserted or deleted meanwhile shift the pages, so that some rows are seen twice and some never.

Told by: a Limit that gives at least 1,000 rows less than it was given by the node below, and at most a tenth of them; with no
aggregate below, which would have to see all rows anyway.

Do: keyset pagination. The next page begins after the last row of this one: WHERE (created, id) > ($1, $2) ORDER BY created, id
LIMIT k, with the values of that row and an index on (created, id). The last column of the order has to be unique, so that no row is
skipped. Where directions are mixed: WHERE created < $1 OR (created = $1 AND id > $2). Columns that may be NULL need a condition of
their own: no comparison finds them.

All right when: someone really has to jump to page 5,000. Few people do.",
    check: Check::Plan(check),
};

/// Least rows thrown away, in all and for each row that is given.
const MANY: f64 = 1000.0;
const FOR_EACH: f64 = 10.0;

fn check(view: &View<'_>) -> Vec<Hit> {
    let limits = view.nodes(&["Limit"]);
    limits
        .filter_map(|(at, node)| hit(view, at, node))
        .collect()
}

fn hit(view: &View<'_>, at: usize, node: &Node) -> Option<Hit> {
    let child = *node.children.first()?;
    let below = &view.explained.nodes[child];
    // In a loop rows are averages of loops that may have skipped nothing: half a row each is not told.
    let hidden = if node.loops() > 1.0 { 1.0 } else { 0.0 };
    let given = node.rows()? + hidden * node.loops();
    let made = below.rows()?;
    let skipped = made - given;
    if skipped < MANY || skipped < FOR_EACH * given || !view.subtree_matters(at) {
        return None;
    }
    let (order, scan) = order(view, child)?;
    Some(Hit {
        node: at,
        share: view.subtree_share(at) * skipped / made,
        least: Severity::Info,
        evidence: vec![
            format!(
                "{} rows made, {} of them kept",
                Count(made),
                Count(node.rows()?)
            ),
            format!("{} of the statement", Percent(view.subtree_share(at))),
        ],
        fix: advice(view, &order, scan).into(),
    })
}

/// What the rows are ordered by.
enum Order<'a> {
    /// By these keys, as the plan prints them.
    Keys(Vec<String>),
    /// By this index, whose keys are not known.
    Index(&'a str),
    /// By nothing.
    None,
}

/// The order of what a node gives, and the scan that begins it; `None` where what is below has to be computed as a whole, or is no
/// table.
fn order<'a>(view: &View<'a>, top: usize) -> Option<(Order<'a>, usize)> {
    let mut at = top;
    let mut keys = Vec::new();
    loop {
        let node = &view.explained.nodes[at];
        if keys.is_empty() {
            keys = node.list("Sort Key");
        }
        match node.node_type() {
            "Sort" | "Incremental Sort" | "Gather" | "Gather Merge" | "Subquery Scan"
            | "Result" | "LockRows" | "Append" | "Merge Append" | "Nested Loop" | "Hash Join"
            | "Merge Join" => at = *node.children.first()?,
            "Seq Scan" | "Bitmap Heap Scan" | "Index Scan" | "Index Only Scan" => break,
            _ => return None,
        }
    }
    let scan = &view.explained.nodes[at];
    let order = match scan.text("Index Name") {
        _ if !keys.is_empty() => Order::Keys(keys.into_iter().map(ToOwned::to_owned).collect()),
        Some(index) => keys_of(view, at, index).map_or(Order::Index(index), Order::Keys),
        None => Order::None,
    };
    Some((order, at))
}

/// The keys of an index as a plan would print them, in the direction of the scan.
fn keys_of(view: &View<'_>, at: usize, index: &str) -> Option<Vec<String>> {
    let is_backward = view.explained.nodes[at].text("Scan Direction") == Some("Backward");
    let keys = view.index(at, index)?.definition.keys.iter();
    let printed = keys.map(|key| {
        // Only columns with NULLs at their usual end: what else there is the words about the index say.
        let column = key
            .column_name()
            .filter(|_| key.descending == key.nulls_first)?;
        Some(if key.descending == is_backward {
            column.to_owned()
        } else {
            format!("{column} DESC")
        })
    });
    printed.collect()
}

fn advice(view: &View<'_>, order: &Order<'_>, scan: usize) -> String {
    let keys = match order {
        Order::Keys(keys) => keys,
        Order::Index(index) => {
            return format!(
                "keyset pagination: begin after the last row of the page before, by a WHERE on the columns that {index} is ordered by \
                 (and a unique one, if none of them is), with the values of that row; no OFFSET"
            );
        }
        Order::None => {
            return "keyset pagination: ORDER BY the primary key and WHERE it is > the last value of the page before; no OFFSET. \
                    Without ORDER BY pages may overlap"
                .into();
        }
    };
    let columns = keys.join(", ");
    let unique = if is_unique(view, scan, keys) {
        ""
    } else {
        "; the last column has to be unique: add the primary key to the order if it is not"
    };
    match keyset(keys).filter(|_| !has_nulls(view, scan, keys)) {
        Some(condition) => {
            let index = if of_one_table(keys) {
                format!(" and an index on ({})", indexed(keys))
            } else {
                String::new()
            };
            format!(
                "keyset pagination: WHERE {condition} ORDER BY {columns} LIMIT ..., with the values of the last row of the page \
                 before{index}, no OFFSET{unique}"
            )
        }
        None => format!(
            "keyset pagination: begin after the last row of the page before, by a WHERE on {columns} with the values of that row, \
             no OFFSET{unique}"
        ),
    }
}

/// A key without its direction, and whether that is down.
fn direction(key: &str) -> (&str, bool) {
    key.strip_suffix(" DESC")
        .map_or((key, false), |column| (column, true))
}

/// What follows after a row, where all keys are plain columns in one direction, with NULLs where they are by default:
/// "(created, id) > ($1, $2)".
fn keyset(keys: &[String]) -> Option<String> {
    let parts: Vec<(&str, bool)> = keys.iter().map(|key| direction(key)).collect();
    let down = parts.first()?.1;
    if !parts
        .iter()
        .all(|part| plain_column(part.0).is_some() && part.1 == down)
    {
        return None;
    }
    let columns: Vec<&str> = parts.iter().map(|part| part.0).collect();
    let values: Vec<String> = (1..=columns.len()).map(|n| format!("${n}")).collect();
    let operator = if down { "<" } else { ">" };
    Some(match columns.as_slice() {
        [column] => format!("{column} {operator} $1"),
        columns => format!(
            "({}) {operator} ({})",
            columns.join(", "),
            values.join(", ")
        ),
    })
}

/// The columns of an index for keys of one direction: it is read backwards as well.
fn indexed(keys: &[String]) -> String {
    let columns = keys.iter().map(|key| direction(key).0);
    columns
        .map(|column| plain_column(column).unwrap_or(column))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Whether no key is of another table than the others.
fn of_one_table(keys: &[String]) -> bool {
    let table = |key: &String| key.rsplit_once('.').map(|(table, _)| table.to_owned());
    keys.iter().all(|key| table(key) == table(&keys[0]))
}

/// Whether a unique index of the table that is scanned is among the keys.
fn is_unique(view: &View<'_>, scan: usize, keys: &[String]) -> bool {
    let Some((table, snapshot)) = view.table(scan).zip(view.snapshot) else {
        return false;
    };
    // Rows of a join may come several times for one of the table.
    let is_alone = of_one_table(keys)
        && !view.explained.ancestors(scan).any(|above| {
            matches!(
                view.explained.nodes[above].node_type(),
                "Nested Loop" | "Hash Join" | "Merge Join" | "Append" | "Merge Append"
            )
        });
    let columns: Vec<&str> = keys
        .iter()
        .filter_map(|key| plain_column(direction(key).0))
        .collect();
    is_alone
        && snapshot.indexes_of(table.oid).any(|index| {
            let definition = &index.definition;
            let all = definition.keys.iter().all(|key| {
                key.column_name()
                    .is_some_and(|column| columns.contains(&column))
            });
            definition.unique && definition.predicate.is_none() && all
        })
}

/// Whether a key may be NULL, as far as the table is known: no comparison comes behind a NULL.
fn has_nulls(view: &View<'_>, scan: usize, keys: &[String]) -> bool {
    let Some(table) = view.table(scan) else {
        return false;
    };
    let columns = keys.iter().filter_map(|key| plain_column(direction(key).0));
    columns
        .filter_map(|name| table.column(name))
        .any(|column| !column.not_null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::explained::Explained;

    /// What is advised for a page of these sort keys, after so many rows in so many loops.
    fn advised(keys: &str, rows: &str, loops: u32) -> Vec<String> {
        let plan = format!(
            "Limit  (cost=1..2 rows=10 width=4) (actual time=90.0..90.1 rows=1 loops={loops})
               ->  Sort  (cost=1..2 rows=10 width=4) (actual time=80.0..90.0 rows={rows} loops={loops})
                     Sort Key: {keys}
                     ->  Seq Scan on orders o  (cost=0..1 rows=9 width=4) (actual time=0.1..50.0 rows=9000 loops={loops})"
        );
        let explained = Explained::read(&plan).unwrap();
        let hits = check(&View::new(&explained, None));
        hits.into_iter().map(|hit| hit.fix.advice).collect()
    }

    #[test]
    fn the_next_page_begins_after_the_last_row() {
        for (keys, told) in [
            (
                "o.created, o.id",
                "WHERE (o.created, o.id) > ($1, $2) ORDER BY o.created, o.id LIMIT",
            ),
            ("o.created, o.id", "an index on (created, id)"),
            ("id DESC", "WHERE id < $1 ORDER BY id DESC LIMIT"),
            (
                "created DESC, id",
                "by a WHERE on created DESC, id with the values",
            ),
            (
                "created DESC NULLS LAST",
                "by a WHERE on created DESC NULLS LAST with",
            ),
            ("(lower(o.name))", "by a WHERE on (lower(o.name)) with"),
            ("o.created, c.id", "of the page before, no OFFSET"),
        ] {
            let advice = advised(keys, "5001", 1);
            assert!(
                advice.len() == 1 && advice[0].contains(told),
                "{keys}: {advice:?}"
            );
        }
    }

    #[test]
    fn few_rows_are_no_waste() {
        for (rows, loops) in [("900", 1), ("10", 1), ("2", 5000)] {
            assert_eq!(
                advised("id", rows, loops),
                [""; 0],
                "{rows} rows, {loops} loops"
            );
        }
    }
}

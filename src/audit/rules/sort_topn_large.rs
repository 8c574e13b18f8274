//! `sort-topn-large`: a whole table is looked through for its first rows in some order.

use crate::audit::condition::plain_column;
use crate::audit::finding::Severity;
use crate::audit::rows::rows_at_most;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::explained::Node;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "sort-topn-large",
    title: "Many rows are read and compared to find the first few of an order",
    page: "\
ORDER BY x LIMIT 10 without an index on x reads every row and keeps the ten best so far (top-N heapsort). The sort needs little memory,
but all rows are read and compared. An index on x has them in order: ten rows are read.

Told by: a Sort by top-N heapsort of columns of one table, right above its scan, that is given at least 100,000 rows and gives at most a
hundredth of them; it and the scan take at least 30 % of the statement; and there is no index with these columns yet.

Do: an index on the columns of the order; where there is a filter, the columns that it compares for equality go first.

All right when: the statement is rare, or the table is written far more than it is read.",
    check: Check::Plan(check),
};

/// Least rows sorted, most share that is given, least share of the statement.
const MANY: f64 = 100_000.0;
const FEW: f64 = 0.01;
const SHARE: f64 = 0.3;

fn check(view: &View<'_>) -> Vec<Hit> {
    let sorts = view.nodes(&["Sort"]);
    sorts.filter_map(|(at, node)| hit(view, at, node)).collect()
}

fn hit(view: &View<'_>, at: usize, node: &Node) -> Option<Hit> {
    if node.text("Sort Method") != Some("top-N heapsort") {
        return None;
    }
    let child = *node.children.first()?;
    let scan = &view.explained.nodes[child];
    // Of several processes the averages are rounded.
    let (sorted, given) = (rows_at_most(scan)?, node.rows()?);
    let is_scan = matches!(
        scan.node_type(),
        "Seq Scan" | "Bitmap Heap Scan" | "Index Scan"
    );
    let share = view.subtree_share(at);
    if !is_scan
        || sorted < MANY
        || given > FEW * sorted
        || share < SHARE
        || !view.subtree_matters(at)
    {
        return None;
    }
    let keys = node.list("Sort Key");
    let columns = keys
        .iter()
        .map(|key| column(key))
        .collect::<Option<Vec<&str>>>()?;
    let is_indexed = view
        .table(child)
        .zip(view.snapshot)
        .is_some_and(|(table, snapshot)| {
            let mut indexes = snapshot.indexes_of(table.oid);
            indexes.any(|index| {
                columns
                    .iter()
                    .all(|column| index.definition.key_columns().any(|c| c == *column))
            })
        });
    if is_indexed {
        return None;
    }
    let table = scan.relation()?;
    let wanted = indexed(&keys);
    let fix = match scan
        .text("Filter")
        .or(scan.text("Recheck Cond"))
        .or(scan.text("Index Cond"))
    {
        None => format!("an index on {table} ({wanted})"),
        Some(filter) => format!(
            "an index on {table} that begins with the columns compared for equality in {filter} and goes on with {wanted}"
        ),
    };
    Some(Hit {
        node: at,
        share: share * (1.0 - given / sorted),
        least: Severity::Info,
        evidence: vec![format!(
            "{} rows read and compared for {}, {} of the statement",
            Count(sorted),
            Count(given),
            Percent(share)
        )],
        fix: fix.into(),
    })
}

/// The column of a sort key, if it is nothing else.
fn column(key: &str) -> Option<&str> {
    let key = key
        .strip_suffix(" NULLS FIRST")
        .or(key.strip_suffix(" NULLS LAST"))
        .unwrap_or(key);
    plain_column(key.strip_suffix(" DESC").unwrap_or(key))
}

/// The keys of an index for this order, without the table. It is read backwards as well as forwards.
fn indexed(keys: &[&str]) -> String {
    let all_down = keys.iter().all(|key| key.ends_with(" DESC"));
    let own = |key: &&str| {
        let column = column(key).unwrap_or(key);
        let direction = key.find(' ').map_or("", |at| &key[at..]);
        if all_down {
            column.to_owned()
        } else {
            format!("{column}{direction}")
        }
    };
    keys.iter().map(own).collect::<Vec<_>>().join(", ")
}

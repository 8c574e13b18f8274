//! `or-no-bitmap`: alternatives on several columns, of which not each has an index.

use std::collections::BTreeSet;

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::scan::{index_on, waste};
use crate::audit::view::View;
use crate::query::comparison::{Form, alternatives, comparisons};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "or-no-bitmap",
    title: "OR over several columns reads the whole table",
    page: "\
a = 1 OR b = 2 can be answered by two indexes, one on each column, whose finds are put together (BitmapOr). If one alternative has no
index, every row has to be read, and the index of the other is of no use.

Told by: a sequential scan throws away nine tenths of at least 10,000 rows (or 1,000 blocks), its filter has an OR whose
alternatives each compare a column with a value, and these are at least two columns.

Do: an index for each alternative; or two statements with UNION (which also does where one alternative is a join or a subquery).

All right when: the alternatives together want much of the table.",
    check: Check::Plan(check),
};

fn check(view: &View<'_>) -> Vec<Hit> {
    let scans = view.nodes(&["Seq Scan"]);
    let hits = scans.filter_map(|(at, node)| {
        let wasted = waste(view, at)?;
        let alias = node.text("Alias").or(node.relation()).unwrap_or("");
        let alternatives = alternatives(node.text("Filter")?);
        let columns = alternatives.iter().find_map(|parts| columns(parts, alias))?;
        let table = view.table(at);
        let index = |column: &String| table.and_then(|table| index_on(view, table, column));
        let (with, without): (Vec<_>, Vec<_>) =
            columns.iter().partition(|&column| index(column).is_some());
        // Each can be found by an index, and the planner thought otherwise.
        if table.is_some() && without.is_empty() {
            return None;
        }
        let list = |columns: &[&String]| {
            let names: Vec<&str> = columns.iter().map(|c| c.as_str()).collect();
            names.join(", ")
        };
        let mut evidence = vec![format!("filter {}", node.text("Filter")?), wasted.evidence];
        if table.is_some() && !with.is_empty() {
            evidence.push(format!("{} can be found by an index", list(&with)));
        }
        if table.is_some() {
            evidence.push(format!("no index begins with {}", list(&without)));
        }
        Some(Hit {
            node: at,
            share: wasted.share,
            least: Severity::Info,
            evidence,
            fix: format!("an index for each alternative, on {}: their finds are put together; or UNION of one statement for each", list(&without)).into(),
        })
    });
    hits.collect()
}

/// The columns of the alternatives, if each compares one with a value and there are at least two.
fn columns(alternatives: &[String], alias: &str) -> Option<BTreeSet<String>> {
    let mut columns = BTreeSet::new();
    for alternative in alternatives {
        let plain = comparisons(alternative, alias).into_iter().find(|c| {
            c.form == Form::Column
                && ["=", "= ANY", "<", ">", "<=", ">="].contains(&c.operator.as_str())
        });
        columns.extend(plain?.columns);
    }
    (columns.len() > 1).then_some(columns)
}

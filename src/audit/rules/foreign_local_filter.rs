//! `foreign-local-filter`: rows are fetched from another server to be thrown away here.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "foreign-local-filter",
    title: "Rows of a foreign table are fetched only to be thrown away",
    page: "\
A condition goes to the other server if that is sure to mean the same there: built-in immutable functions and operators, and those of
extensions that the foreign server lists. All other conditions are tested here, on rows that came over the network.

Told by: a Foreign Scan has a filter of its own that throws away half or more of at least 1,000 rows.

Do: a condition without functions that depend on settings or the time (compute the value first and pass it as a parameter); OPTIONS
(extensions '…') of the foreign server for operators of extensions; a view on the other server that has the condition. For files: load them
into a table.

All right when: few rows come over.",
    check: Check::Plan(check),
};

/// Least rows, and least share of them that is thrown away.
const MANY: f64 = 1000.0;
const WASTED: f64 = 0.5;

fn check(view: &View<'_>) -> Vec<Hit> {
    let scans = view.nodes(&["Foreign Scan"]);
    let hits = scans.filter_map(|(at, node)| {
        let filter = node.text("Filter")?;
        let (rows, removed) = (node.rows()?, node.removed("Rows Removed by Filter"));
        let wasted = removed / (rows + removed).max(1.0);
        if rows + removed < MANY || wasted < WASTED || !view.matters(at) {
            return None;
        }
        let of_file = node.text("Foreign File").or(node.text("Foreign Program"));
        let mut evidence = vec![
            format!(
                "{} of {} fetched rows kept, {} of the statement",
                Count(rows),
                Count(rows + removed),
                Percent(view.share(at))
            ),
            format!("filter {filter}"),
        ];
        evidence.extend(node.text("Remote SQL").map(|sql| format!("sent {sql}")));
        let advice = if of_file.is_some() {
            "load the file into a table: a file is read from its begin each time"
        } else {
            "write the condition so that it can be sent: no functions that depend on settings or time, values as parameters, operators of extensions \
             that the foreign server lists (OPTIONS (extensions '…'))"
        };
        Some(Hit {
            node: at,
            share: view.share(at) * wasted,
            least: Severity::Info,
            evidence,
            fix: advice.into(),
        })
    });
    hits.collect()
}

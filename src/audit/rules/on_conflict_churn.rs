//! `on-conflict-churn`: nearly all rows of an INSERT … ON CONFLICT were there already.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::unit::{Count, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "on-conflict-churn",
    title: "Nearly all rows of an INSERT … ON CONFLICT are there already",
    page: "\
Each row that conflicts has taken its value of a sequence and was tried; DO UPDATE then writes a new version of the row, also where nothing in it
changes, with its index entries, WAL and work for VACUUM.

Told by: at least 1,000 rows conflicted, nine tenths of all. DO UPDATE with a WHERE is left alone.

Do: DO UPDATE SET … WHERE (t.a, t.b) IS DISTINCT FROM (excluded.a, excluded.b), so that equal rows are left as they are; for DO NOTHING, leave
out what is there (WHERE NOT EXISTS), and keep ON CONFLICT for the rest.

All right when: the rows do change each time, and the table is cheap to write to.",
    check: Check::Plan(check),
};

/// Least rows that conflicted, and least share of all.
const MANY: f64 = 1000.0;
const SHARE: f64 = 0.9;

fn check(view: &View<'_>) -> Vec<Hit> {
    let inserts = view.nodes(&["ModifyTable"]);
    let hits = inserts.filter_map(|(at, node)| {
        let (inserted, conflicts) = (node.number("Tuples Inserted")?, node.number("Conflicting Tuples")?);
        let share = conflicts / (inserted + conflicts).max(1.0);
        let updates = node.text("Conflict Resolution") == Some("UPDATE");
        let guarded = updates && node.text("Conflict Filter").is_some();
        if conflicts < MANY || share < SHARE || guarded || !view.subtree_matters(at) {
            return None;
        }
        let advice = if updates {
            "DO UPDATE SET … WHERE the row IS DISTINCT FROM excluded, so that a row that stays the same is not written again"
        } else {
            "leave out the rows that are there before inserting (WHERE NOT EXISTS), and keep ON CONFLICT for what comes in between"
        };
        let done = if updates { "updated" } else { "dropped" };
        Some(Hit {
            node: at,
            // Whether the new values are the old ones cannot be seen.
            share: 0.0,
            least: Severity::Info,
            evidence: vec![format!(
                "{} rows conflicted and were {done}, {} were inserted: {} conflicted",
                Count(conflicts),
                Count(inserted),
                Percent(share)
            )],
            fix: advice.into(),
        })
    });
    hits.collect()
}

//! `many-joins`: so many joins that the planner does not try all orders.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;
use crate::query::facts::{Join, Source};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "many-joins",
    title: "More tables are joined than the planner orders freely",
    page: "\
The planner tries all orders of up to join_collapse_limit tables (8 by default); beyond that it keeps to the order in which the JOINs are
written, and from geqo_threshold (12) on it searches at random. The plan then depends on how the statement is written.

Told by: more tables in one FROM, joined by JOIN, than join_collapse_limit.

Do: leave out tables that are not needed, write the most selective first, or split the statement; for a statement that runs
long and rarely, SET join_collapse_limit higher and pay in planning time.

All right when: the statement is run seldom, so that planning it does not matter.",
    check: Check::Sql(check),
};

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let settings = text.snapshot.map(|s| &s.server.settings);
    let limit = settings.and_then(|s| s.get("join_collapse_limit")?.setting.parse::<usize>().ok());
    let limit = limit.unwrap_or(8);
    let blocks = 0..text.facts().blocks.len();
    let hits = blocks.filter_map(|block| {
        let relations = &text.facts().relations;
        let tables = text.relations(block).filter(|&r| !matches!(relations[r].source, Source::Made)).count();
        let joined = text.relations(block).filter(|&r| {
            matches!(relations[r].join, Join::Inner | Join::Left | Join::Outer | Join::Using | Join::Cross)
        });
        let written = joined.count() + 1 > limit;
        (tables > limit && written).then(|| TextHit {
            object: "FROM".into(),
            confirmed: false,
            least: Severity::Info,
            evidence: vec![format!("{tables} tables are joined, join_collapse_limit is {limit}")],
            fix: Fix::from("leave out what is not needed and write the most selective tables first; or set join_collapse_limit for this statement"),
        })
    });
    hits.collect()
}

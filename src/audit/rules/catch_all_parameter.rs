//! `catch-all-parameter`: a condition that a parameter switches off.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;
use crate::model::unit::Count;
use crate::query::facts::Test;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "catch-all-parameter",
    title: "A condition that NULL switches off cannot use its index",
    page: "\
With $1 IS NULL OR column = $1, or column = coalesce($1, column), one statement serves a search with and without that condition. A plan
that is kept for all values must work for both, so it reads everything.

Told by: such a condition with the same parameter twice, on a column that leads an index, in a table of at least 10,000 rows that no
other condition narrows.

Do: leave the condition out of the text where it is not wanted, so that each search is a statement of its own; or have the server plan
each execution with its values: SET plan_cache_mode = force_custom_plan.

All right when: the driver does not prepare statements, so that each execution is planned with its values.",
    check: Check::Sql(check),
};

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let conditions = text.facts().conditions.iter().filter(|c| !c.outer);
    let hits = conditions.filter_map(|condition| {
        let Test::CatchAll(column, written) = &condition.test else {
            return None;
        };
        let owner = text.owner(column, condition.block)?;
        let (table, known) = text.column(column, condition.block)?;
        let served = text.leads_index(table, &known.name) && text.is_selective(table, known);
        if !text.is_large(owner) || text.is_narrowed(owner) || !served {
            return None;
        }
        Some(TextHit {
            object: format!("{}.{}", table.name, known.name),
            confirmed: true,
            least: Severity::Info,
            evidence: vec![
                format!("{written}, over {} rows", Count(table.rows())),
                format!("an index begins with {}", known.name),
            ],
            fix: Fix::from(
                "leave the condition out of the text where it is not wanted, or set plan_cache_mode = force_custom_plan for this search",
            ),
        })
    });
    hits.collect()
}

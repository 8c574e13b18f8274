//! `order-by-random`: a whole table is sorted to draw a few rows.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;
use crate::model::unit::Count;
use crate::query::facts::{Form, Side, Value};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "order-by-random",
    title: "ORDER BY random() sorts all rows to draw a few",
    page: "\
Each row gets a random number and all of them are sorted, to keep the first few. No index helps.

Told by: ORDER BY random() or gen_random_uuid() with a LIMIT, over a table of at least 10,000 rows that no index narrows.

Do: where any rows will do, take them from a sample: FROM t TABLESAMPLE SYSTEM_ROWS(100) (extension tsm_system_rows) or TABLESAMPLE
BERNOULLI (0.1); for one row, draw an id: WHERE id >= (SELECT floor(random() * max(id)) FROM t) ORDER BY id LIMIT 1, which favours rows
behind gaps.

All right when: few rows are left to sort, or the statement runs rarely.",
    check: Check::Sql(check),
};

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let blocks = text.facts().blocks.iter().enumerate();
    let drawn = blocks.filter(|(_, block)| {
        block.form == Form::Select
            && block.limit.is_some()
            && !block.aggregates
            && block.order.first().is_some_and(|key| is_random(&key.by))
    });
    drawn
        .filter_map(|(at, _)| {
            let mut large = text.relations(at).filter(|&r| text.is_large(r) && !text.is_narrowed(r));
            let relation = large.next()?;
            let rows = text.rows(relation)?;
            Some(TextHit {
                object: text.facts().relations[relation].name.clone(),
                confirmed: true,
                least: Severity::Info,
                evidence: vec![format!("the table has {} rows", Count(rows))],
                fix: Fix::from(
                    "draw from a sample (TABLESAMPLE), or draw a random key and read the rows from there on",
                ),
            })
        })
        .collect()
}

fn is_random(side: &Side) -> bool {
    match side {
        Side::Value {
            value: Value::Computed,
            text,
        } => {
            let text = text.to_ascii_lowercase();
            matches!(
                text.as_str(),
                "random()" | "gen_random_uuid()" | "pg_catalog.random()"
            )
        }
        _ => false,
    }
}

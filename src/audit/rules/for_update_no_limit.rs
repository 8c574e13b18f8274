//! `for-update-no-limit`: many rows are locked at once, or workers wait in line for the same row.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;
use crate::model::unit::Count;
use crate::query::facts::Form;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "for-update-no-limit",
    title: "FOR UPDATE locks many rows at once",
    page: "\
Each row that comes back is locked until the transaction ends: others that want one of them wait, and two that lock in different orders
deadlock. Each lock is also a write.

Told by: SELECT … FOR UPDATE without LIMIT that returns at least 1,000 rows a call; or one with a LIMIT that waits for locked rows and
is restricted only by columns with few values, such as a status: the workers of a queue, which wait for one another.

Do: lock a batch with LIMIT; for a queue add SKIP LOCKED, so that each worker takes rows that nobody has.

All right when: all of the rows are really changed in this transaction, and it is short.",
    check: Check::Sql(check),
};

/// So many rows are many to lock.
const MANY: f64 = 1000.0;
/// A column with so few values says in which state a row is.
const STATES: f64 = 20.0;

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let Some((top, lock)) = text
        .top()
        .filter(|top| top.form == Form::Select)
        .zip(text.facts().lock.filter(|lock| lock.outermost))
    else {
        return Vec::new();
    };
    let hit = |evidence: String, advice: &str| {
        vec![TextHit {
            object: "FOR UPDATE".into(),
            confirmed: true,
            least: Severity::Info,
            evidence: vec![evidence],
            fix: Fix::from(advice),
        }]
    };
    match text.cost.rows_per_call {
        Some(rows) if top.limit.is_none() && rows >= MANY => hit(
            format!("{} rows are locked a call", Count(rows)),
            "lock a batch at a time: ORDER BY key LIMIT 1000 FOR UPDATE",
        ),
        _ if top.limit.is_some() && lock.waits => match queue(text) {
            Some(column) => hit(
                format!("all workers wait for the first row with the same {column}"),
                "add SKIP LOCKED, so that each worker takes a row that nobody has",
            ),
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The column by which a queue is read: the only ones that are compared with values have few of them.
fn queue(text: &Text<'_>) -> Option<String> {
    let mut relations = text.relations(text.top_at());
    let (relation, None) = (relations.next()?, relations.next()) else {
        return None;
    };
    let table = text.table(relation)?;
    let fixed = text.fixed(relation);
    let few = |name: &str| {
        let stats = table.column(name).and_then(|c| c.stats.as_ref());
        stats.is_some_and(|s| s.n_distinct > 0.0 && s.n_distinct <= STATES)
    };
    let all = fixed.iter().all(|(column, _)| few(&column.name));
    fixed
        .first()
        .filter(|_| all)
        .map(|(column, _)| column.name.clone())
}

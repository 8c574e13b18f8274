//! Results that are computed again and again while nothing that they rest on has changed.

use crate::audit::database::{DAY, count};
use crate::audit::text::Text;
use crate::query::facts::{Form, Side, Source, Test, Value};
use crate::query::workload::QueryKind;

/// How often, and what changes in between.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Unchanged {
    /// Executions a day.
    pub(crate) calls: f64,
    /// Different results that they can have: the product of the values that their parameters can take.
    pub(crate) results: f64,
    /// Rows that are written to the tables a day.
    pub(crate) writes: f64,
    /// Executions for each that would do, if every write changed every result.
    pub(crate) times: f64,
}

/// Reckons it; `None` where the text or the counters do not tell.
pub(crate) fn unchanged(text: &Text<'_>) -> Option<Unchanged> {
    let snapshot = text.snapshot?;
    let facts = text.facts();
    let asks = facts.kind == Some(QueryKind::Select) && facts.lock.is_none();
    if !asks || facts.volatile || facts.relations.is_empty() {
        return None;
    }
    let since = snapshot.server.statements_reset?;
    let seconds = snapshot.taken_at - since;
    // Less than some hours say nothing about a day.
    let calls = text.cost.calls.filter(|_| seconds >= DAY / 6.0)? / (seconds / DAY);
    let results = results(text)?.min(calls.max(1.0));
    let days = snapshot.stats_age()? / DAY;
    let mut writes = 0.0;
    for relation in 0..facts.relations.len() {
        if matches!(facts.relations[relation].source, Source::Table(_)) {
            let stats = text.table(relation)?.stats.as_ref()?;
            writes +=
                count(stats.n_tup_ins + stats.n_tup_upd + stats.n_tup_del) / days.max(1.0 / 6.0);
        }
    }
    Some(Unchanged {
        calls,
        results,
        writes,
        times: calls / (results * (writes + 1.0)),
    })
}

/// How many different results there can be; `None` where that cannot be told, or where the same question has other answers each time.
fn results(text: &Text<'_>) -> Option<f64> {
    let facts = text.facts();
    let mut results = 1.0;
    let mut explained: Vec<usize> = Vec::new();
    for block in &facts.blocks {
        if block.form != Form::Select || block.offset.is_some() {
            return None;
        }
        if let Some(Value::Parameter(n)) = &block.limit {
            explained.push(*n);
        }
    }
    for condition in &facts.conditions {
        match &condition.test {
            Test::Compare {
                left: Side::Column(column),
                operator: "=",
                right: Side::Value { value, .. },
                ..
            }
            | Test::Compare {
                right: Side::Column(column),
                operator: "=",
                left: Side::Value { value, .. },
                ..
            } => match parameter(value) {
                Asked::Parameter(n) => {
                    let (table, column) = text.column(column, condition.block)?;
                    results *= column.stats.as_ref()?.distinct(table.rows());
                    explained.push(n);
                }
                Asked::Constant => {}
                Asked::Computed => return None,
            },
            Test::Compare { left, right, .. } if lasts(left) && lasts(right) => {}
            Test::Between { left, high } if lasts(left) && lasts(high) => {}
            _ => return None,
        }
    }
    explained.sort_unstable();
    explained.dedup();
    // A parameter anywhere else may have any number of values.
    (explained.len() == facts.parameters).then_some(results)
}

enum Asked {
    Parameter(usize),
    Constant,
    Computed,
}

fn parameter(value: &Value) -> Asked {
    match value {
        Value::Parameter(n) => Asked::Parameter(*n),
        Value::Cast(value, _) => parameter(value),
        Value::Literal(_) | Value::Null => Asked::Constant,
        Value::Computed => Asked::Computed,
    }
}

/// A column, or a constant.
fn lasts(side: &Side) -> bool {
    match side {
        Side::Column(_) => true,
        Side::Value { value, .. } => matches!(parameter(value), Asked::Constant),
        Side::Wrapped { .. } | Side::Other => false,
    }
}

//! `many-rows-returned`: often asked, and each time for more rows than anybody looks at.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;
use crate::model::unit::{Bytes, Count};
use crate::query::facts::{Block, Form, Output};
use crate::query::workload::QueryKind;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "many-rows-returned",
    title: "A statement that runs often returns very many rows",
    page: "\
Every row is found, sent, parsed and kept in the memory of the application. Nobody looks at ten thousand rows of a page: most often the
application filters, sorts, counts or sums them itself, or shows the first few.

Told by: pg_stat_statements counts 10,000 rows or more a call, over 100 calls or more, of a SELECT without LIMIT that is no
aggregate over everything.

Do: let the database do what is done with the rows: WHERE, GROUP BY, sum(). For lists, pages: ORDER BY a unique key, LIMIT, and the next
page behind the last row seen. What is looked up again and again and changes rarely belongs in a cache. Where all rows are needed (an
export), a cursor or COPY, so that they are not all in memory at once.

All right when: all rows are really used.",
    check: Check::Sql(check),
};

/// Least rows a call.
const MANY: f64 = 10_000.0;
/// Least calls: an export runs seldom.
const OFTEN: f64 = 100.0;

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let (Some(top), Some(rows)) = (text.top(), text.cost.rows_per_call) else {
        return Vec::new();
    };
    let reads = text.facts().kind == Some(QueryKind::Select)
        && matches!(top.form, Form::Select | Form::Set);
    let is_often = text.cost.calls.is_some_and(|calls| calls >= OFTEN);
    if !reads || !is_often || rows < MANY || top.limit.is_some() || top.is_one_row() {
        return Vec::new();
    }
    let size = width(text, top).map_or_else(String::new, |width| {
        format!(", about {} each time", Bytes(width * rows))
    });
    vec![TextHit {
        object: "the result".into(),
        confirmed: true,
        least: Severity::Info,
        evidence: vec![format!("{} rows a call{size}", Count(rows))],
        fix: Fix::from(
            "fetch what is used: conditions, sums and counts in the statement, pages with LIMIT behind the last row seen; for an export a \
             cursor or COPY",
        ),
    }]
}

/// Bytes of a row of the result, by the statistics; nothing where an output is no plain column.
fn width(text: &Text<'_>, top: &Block) -> Option<f64> {
    let at = text.top_at();
    let all = |relation: usize| {
        let columns = text.table(relation)?.columns.iter();
        columns
            .map(|c| Some(c.stats.as_ref()?.avg_width))
            .sum::<Option<f64>>()
    };
    let of = |output: &Output| match output {
        Output::Column(column, _) => Some(text.column(column, at)?.1.stats.as_ref()?.avg_width),
        Output::All => text.relations(at).map(all).sum(),
        Output::AllOf(name) => {
            let mut own = text.relations(at);
            all(own.find(|&r| text.facts().relations[r].name == *name)?)
        }
        _ => None,
    };
    top.outputs.iter().map(of).sum()
}

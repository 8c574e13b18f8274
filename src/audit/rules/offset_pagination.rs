//! `offset-pagination`: pages that are told by how many rows to skip.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;
use crate::model::unit::Count;
use crate::query::facts::{Column, Form, Key, Side, Value};
use crate::query::rewrite::TieBreaker;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "offset-pagination",
    title: "Rows are skipped by OFFSET to get to a page",
    page: "\
The server finds, sorts and throws away every row before the page, so that each page costs more than the one before; and rows that
come or go meanwhile shift the pages, so that some are shown twice and some never.

Told by: a SELECT with LIMIT and an OFFSET that is a parameter, or a constant of at least 100. In pg_stat_statements constants are
parameters too, so an OFFSET that is always 0 looks the same; the rule is then quiet where one row at most comes back.

Do: remember the sort keys of the last row of the page and ask for the rows behind them: WHERE (created_at, id) < ($1, $2) ORDER BY
created_at DESC, id DESC LIMIT $3, with an index on these columns. The first page is asked for without that condition. The keys must
not be NULL, and the last of them unique.

All right when: nobody ever turns more than a few pages, or users must be able to jump to page 40.",
    check: Check::Sql(check),
};

/// Fewer skipped rows cost nothing that is noticed.
const FEW: f64 = 100.0;
/// So many skipped rows cost something wherever they come from.
const MANY: f64 = 1000.0;

fn check(text: &Text<'_>) -> Vec<TextHit> {
    hit(text).into_iter().collect()
}

fn hit(text: &Text<'_>) -> Option<TextHit> {
    let top = text
        .top()
        .filter(|top| matches!(top.form, Form::Select | Form::Set))?;
    let offset = top.offset.as_ref()?;
    top.limit
        .as_ref()
        .filter(|limit| limit.number() != Some(1.0))?;
    let known = offset.number();
    let pages = known.is_some_and(|rows| rows >= FEW) || known.is_none() && is_parameter(offset);
    let one_row = text.cost.rows_per_call.is_some_and(|rows| rows <= 1.0) || top.is_one_row();
    let mut relations = text.relations(text.top_at());
    let small = relations.next().is_some_and(|first| {
        text.rows(first).is_some_and(|rows| rows < MANY) && relations.next().is_none()
    });
    if !pages || one_row || small {
        return None;
    }
    let evidence = match known {
        Some(rows) => format!("{} rows are skipped", Count(rows)),
        None => "how many rows are skipped is a parameter, not known here".to_owned(),
    };
    Some(TextHit {
        object: "OFFSET".into(),
        confirmed: known.is_some_and(|rows| rows >= MANY),
        least: Severity::Info,
        evidence: vec![evidence],
        fix: fix(text, &top.order),
    })
}

fn is_parameter(value: &Value) -> bool {
    match value {
        Value::Parameter(_) => true,
        Value::Cast(inner, _) => is_parameter(inner),
        _ => false,
    }
}

fn fix(text: &Text<'_>, order: &[Key]) -> Fix {
    let plain: Option<Vec<&Column>> = (order.iter())
        .map(|key| match &key.by {
            Side::Column(column) => Some(column),
            _ => None,
        })
        .collect();
    let Some(columns) = plain.filter(|columns| !columns.is_empty()) else {
        return "sort by plain columns, the last of them unique, and ask for the rows behind the last one seen: \
                WHERE (created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC, with an index on these columns".into();
    };
    let tie = tie(text, &columns);
    let nullable = columns.iter().any(|c| {
        text.column(c, text.top_at())
            .is_some_and(|(_, column)| !column.not_null)
    });
    let rewrite = if nullable {
        None
    } else {
        text.read
            .keyset(tie.as_ref().unwrap_or(&TieBreaker::default()))
    };
    let mut advice = "ask for the rows behind the last one seen instead of skipping those before it, \
                      and keep an index on the sort keys; the first page is asked for without that condition"
        .to_owned();
    if nullable {
        advice += "; a sort key may be NULL here: rows where it is need a page of their own";
    } else if tie.is_none() {
        advice += "; the last sort key must be unique, else rows that are equal in all keys are lost between two pages";
    }
    Fix {
        advice,
        rewrite,
        ..Fix::default()
    }
}

/// The columns that make the order total; none of them where it is total already, nothing where no key is known.
fn tie(text: &Text<'_>, order: &[&Column]) -> Option<TieBreaker> {
    let first = order.first()?;
    let relations: Vec<usize> = text.relations(text.top_at()).collect();
    let owner = text.owner(first, text.top_at())?;
    let keys = text.keys(text.table(owner)?);
    let of_owner = |name: &str| {
        order
            .iter()
            .any(|c| c.name == name && text.owner(c, text.top_at()) == Some(owner))
    };
    // A row of the table may come several times where others are joined to it.
    if relations.len() > 1 {
        return None;
    }
    if keys.iter().any(|key| key.iter().all(|name| of_owner(name))) {
        return Some(TieBreaker::default());
    }
    let key = keys.into_iter().min_by_key(Vec::len)?;
    Some(TieBreaker {
        of: first.of.clone(),
        columns: key.into_iter().map(ToOwned::to_owned).collect(),
    })
}

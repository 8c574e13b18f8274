//! `or-different-columns`: an OR of which one side has an index and the other none.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;
use std::collections::BTreeSet;

use crate::model::unit::Count;
use crate::query::facts::{Condition, Side, Test};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "or-different-columns",
    title: "An OR keeps an index from being used",
    page: "\
For a OR b the server can combine two indexes only if each side has one. If one side has none, every row is read, and the index of the
other side is of no use. Where the sides are about different tables, no index helps: the join is made first and filtered then.

Told by: an OR of comparisons by = or IN with values, over tables of at least 10,000 rows that no other condition narrows, each of which finds few rows: on one table,
where some sides lead an index and others do not; or on several tables, where each side alone leads one.

Do: build the missing index; or write two queries and join them by UNION, which each use their own index.

All right when: each column has an index of its own, whose bitmaps the server combines.",
    check: Check::Sql(check),
};

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let conditions = text.facts().conditions.iter().filter(|c| !c.outer);
    conditions
        .filter_map(|condition| hit(text, condition))
        .collect()
}

/// A side of the OR: whose column it compares, its name, and whether that leads an index.
struct Arm<'a> {
    relation: usize,
    column: &'a str,
    indexed: bool,
}

fn hit(text: &Text<'_>, condition: &Condition) -> Option<TextHit> {
    let Test::Or(arms) = &condition.test else {
        return None;
    };
    let arms: Option<Vec<Arm<'_>>> = arms.iter().map(|arm| read(text, arm)).collect();
    let arms = arms?;
    let relations: BTreeSet<usize> = arms.iter().map(|arm| arm.relation).collect();
    let columns: BTreeSet<(usize, &str)> =
        arms.iter().map(|arm| (arm.relation, arm.column)).collect();
    let heavy = relations
        .iter()
        .all(|&r| text.is_large(r) && !text.is_narrowed(r));
    if columns.len() < 2 || !heavy {
        return None;
    }
    let (with, without): (Vec<&Arm<'_>>, Vec<&Arm<'_>>) = arms.iter().partition(|arm| arm.indexed);
    let names = |arms: &[&Arm<'_>]| {
        let names: BTreeSet<&str> = arms.iter().map(|arm| arm.column).collect();
        names.into_iter().collect::<Vec<_>>().join(", ")
    };
    let rows: f64 = relations.iter().filter_map(|&r| text.rows(r)).sum();
    let (evidence, advice) = match (relations.len(), with.is_empty(), without.is_empty()) {
        (1, false, false) => (
            format!("{} has an index and {} has none: {} rows are read", names(&with), names(&without), Count(rows)),
            format!("an index that begins with {}, so that both sides have one", names(&without)),
        ),
        (2.., false, true) => (
            format!("the sides are about {} tables, which are joined before the OR is looked at", relations.len()),
            "two queries, one for each side, joined by UNION: each then uses the index of its own side".to_owned(),
        ),
        _ => return None,
    };
    Some(TextHit {
        object: names(&arms.iter().collect::<Vec<_>>()),
        confirmed: true,
        least: Severity::Info,
        evidence: vec![evidence],
        fix: Fix::from(advice),
    })
}

/// A side that is one comparison of a column with a value by equality.
fn read<'a>(text: &Text<'a>, arm: &'a [Condition]) -> Option<Arm<'a>> {
    let [condition] = arm else { return None };
    let column = match &condition.test {
        Test::In(Side::Column(column)) => column,
        Test::Compare {
            left,
            operator: "=",
            right,
            ..
        } => match (left, right) {
            (Side::Column(column), Side::Value { .. })
            | (Side::Value { .. }, Side::Column(column)) => column,
            _ => return None,
        },
        _ => return None,
    };
    let relation = text.owner(column, condition.block)?;
    let (table, known) = text.column(column, condition.block)?;
    if !text.is_selective(table, known) {
        return None;
    }
    Some(Arm {
        relation,
        column: &column.name,
        indexed: text.leads_index(table, &column.name),
    })
}

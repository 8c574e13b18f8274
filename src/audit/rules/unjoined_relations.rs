//! `unjoined-relations`: tables that nothing connects, so that each row meets each other.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;
use crate::model::unit::Count;
use crate::query::facts::{Form, Join, Source, Test};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "unjoined-relations",
    title: "Two tables are joined without a condition",
    page: "\
Without a condition between them every row of one table is paired with every row of the other: rows multiply, and often a DISTINCT or
a GROUP BY hides it.

Told by: tables in FROM (or in UPDATE … FROM, DELETE … USING) that no condition connects, not even over a third one, each of more than
ten rows. CROSS JOIN and JOIN … ON true are meant; so are functions, VALUES and queries that give one row. Where each part is
restricted to given values of its own, the rule is quiet.

Do: add the missing condition, or write CROSS JOIN to say that it is meant.

All right when: one of the sides has a single row, or every pair is really wanted.",
    check: Check::Sql(check),
};

/// A table of so few rows is a list of settings.
const FEW: f64 = 10.0;

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let blocks = 0..text.facts().blocks.len();
    blocks.filter_map(|block| hit(text, block)).collect()
}

fn hit(text: &Text<'_>, block: usize) -> Option<TextHit> {
    let relations: Vec<usize> = text.relations(block).collect();
    let of = &text.facts().blocks[block];
    let joins = relations.iter().map(|&r| text.facts().relations[r].join);
    let plain = joins.clone().all(|join| {
        matches!(
            join,
            Join::Comma | Join::Inner | Join::Left | Join::Outer | Join::Target
        )
    });
    if relations.len() < 2 || !plain || matches!(of.form, Form::Set | Form::Values(_)) {
        return None;
    }
    // What a subquery connects is not looked at.
    let connects = |b: &crate::query::facts::Block| b.parent == Some(block) && b.correlated;
    if text.facts().blocks.iter().any(connects) {
        return None;
    }
    let parts = parts(text, block, &relations)?;
    let large = |part: &&Vec<usize>| part.iter().any(|&r| counts(text, r));
    let parts: Vec<&Vec<usize>> = parts.iter().filter(large).collect();
    let free = |part: &&&Vec<usize>| !part.iter().any(|&r| is_fixed(text, block, r));
    if parts.len() < 2 || parts.iter().filter(free).count() == 0 {
        return None;
    }
    let name = |part: &Vec<usize>| text.facts().relations[part[0]].name.clone();
    let sizes = |part: &Vec<usize>| {
        part.iter()
            .filter_map(|&r| text.rows(r))
            .fold(0.0, f64::max)
    };
    let (a, b) = (parts[0], parts[1]);
    let (rows_a, rows_b) = (sizes(a), sizes(b));
    let known = rows_a > 0.0 && rows_b > 0.0;
    let mut evidence = vec![format!("nothing connects {} and {}", name(a), name(b))];
    if known {
        evidence.push(format!("{} rows and {} rows", Count(rows_a), Count(rows_b)));
    }
    Some(TextHit {
        object: name(b),
        confirmed: known,
        least: if known {
            Severity::Medium
        } else {
            Severity::Low
        },
        evidence,
        fix: Fix::from(
            "add the condition that connects them, or write CROSS JOIN if all pairs are wanted",
        ),
    })
}

/// The relations in groups that conditions connect; `None` where a column cannot be told to be whose.
fn parts(text: &Text<'_>, block: usize, relations: &[usize]) -> Option<Vec<Vec<usize>>> {
    let mut group: Vec<usize> = (0..relations.len()).collect();
    for condition in text.conditions(block) {
        let mut members = Vec::new();
        for column in &condition.columns {
            let owner = text.owner(column, block)?;
            members.extend(relations.iter().position(|&r| r == owner));
        }
        if matches!(condition.test, Test::Or(_)) && members.is_empty() {
            continue;
        }
        for pair in members.windows(2) {
            let (to, from) = (group[pair[0]], group[pair[1]]);
            for member in &mut group {
                if *member == from {
                    *member = to;
                }
            }
        }
    }
    let mut parts: Vec<Vec<usize>> = Vec::new();
    for root in 0..relations.len() {
        let members = (0..relations.len()).filter(|&m| group[m] == root);
        let part: Vec<usize> = members.map(|m| relations[m]).collect();
        if !part.is_empty() {
            parts.push(part);
        }
    }
    Some(parts)
}

/// Whether a relation is a table of more than a few rows, or may be.
fn counts(text: &Text<'_>, relation: usize) -> bool {
    match text.facts().relations[relation].source {
        Source::Made => false,
        Source::Query { one_row } => !one_row,
        // A view, or a table that is not known, may give one row.
        Source::Table(_) => match (text.snapshot, text.table(relation)) {
            (Some(_), Some(_)) => text.rows(relation).is_some_and(|rows| rows > FEW),
            (Some(_), None) => false,
            (None, _) => true,
        },
    }
}

/// Whether a relation is restricted to given values.
fn is_fixed(text: &Text<'_>, block: usize, relation: usize) -> bool {
    if text.facts().relations[relation].join == Join::Target {
        return false;
    }
    !text.fixed(relation).is_empty()
        && text.conditions(block).any(|c| {
            c.columns
                .iter()
                .any(|column| text.owner(column, block) == Some(relation))
        })
}

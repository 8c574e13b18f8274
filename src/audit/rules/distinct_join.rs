//! `distinct-join`: rows are multiplied by a join and made distinct again.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;
use std::collections::BTreeSet;

use crate::query::facts::{Form, Join, Output, Side, Source, Test};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "distinct-join",
    title: "DISTINCT removes what a join has multiplied",
    page: "\
A table is joined only to see whether it has a row that fits; each further row that fits repeats the result, and DISTINCT sorts or hashes
all of it to remove the repetitions.

Told by: SELECT DISTINCT whose outputs are columns of one table with its key (or all of its columns), inner joins to others, and at
least one of these joins can find several rows: it is not by a unique key of the other table.

Do: WHERE EXISTS (SELECT 1 FROM other WHERE other.key = t.id AND …): it stops at the first row that fits, and nothing is repeated.

All right when: the join makes few copies of each row.",
    check: Check::Sql(check),
};

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let blocks = 0..text.facts().blocks.len();
    blocks.filter_map(|block| hit(text, block)).collect()
}

fn hit(text: &Text<'_>, block: usize) -> Option<TextHit> {
    let of = &text.facts().blocks[block];
    let relations: Vec<usize> = text.relations(block).collect();
    let inner = |&r: &usize| {
        let relation = &text.facts().relations[r];
        matches!(relation.join, Join::Comma | Join::Inner)
            && matches!(relation.source, Source::Table(_))
    };
    let plain =
        of.form == Form::Select && of.distinct && !of.grouped && !of.aggregates && !of.windows;
    if !plain || relations.len() < 2 || !relations.iter().all(inner) {
        return None;
    }
    let kept = only_output(text, block, &relations)?;
    let others: Vec<usize> = relations.iter().copied().filter(|&r| r != kept).collect();
    let multiplies: Vec<usize> = others
        .into_iter()
        .filter(|&r| !is_by_key(text, block, r))
        .collect();
    let first = *multiplies.first()?;
    if !multiplies.iter().all(|&r| is_joined(text, block, r)) {
        return None;
    }
    let (table, other) = (
        &text.facts().relations[kept].name,
        &text.facts().relations[first].name,
    );
    Some(TextHit {
        object: table.clone(),
        confirmed: false,
        least: Severity::Info,
        evidence: vec![format!(
            "only columns of {table} are wanted, {other} is joined to test whether a row is there"
        )],
        fix: Fix::from(format!(
            "test for {other} with WHERE EXISTS (SELECT 1 FROM {other} …) instead of joining it, and leave out DISTINCT"
        )),
    })
}

/// The one relation that all outputs are of, if they hold a key of it.
fn only_output(text: &Text<'_>, block: usize, relations: &[usize]) -> Option<usize> {
    let mut owners = BTreeSet::new();
    let mut columns = BTreeSet::new();
    let mut whole = false;
    for output in &text.facts().blocks[block].outputs {
        match output {
            Output::AllOf(name) => {
                owners.insert(
                    *relations
                        .iter()
                        .find(|&&r| text.facts().relations[r].name == *name)?,
                );
                whole = true;
            }
            Output::Column(column, _) => {
                owners.insert(text.owner(column, block)?);
                columns.insert(column.name.as_str());
            }
            Output::Value(_) => {}
            Output::All | Output::Other(_) => return None,
        }
    }
    let only = owners.pop_first().filter(|_| owners.is_empty())?;
    let keys = text.keys(text.table(only)?);
    let held = keys
        .iter()
        .any(|key| whole || key.iter().all(|name| columns.contains(name)));
    (held && !keys.is_empty()).then_some(only)
}

/// Whether a relation is joined, or restricted, by a unique key of its own, so that it repeats nothing.
fn is_by_key(text: &Text<'_>, block: usize, relation: usize) -> bool {
    let Some(table) = text.table(relation) else {
        return true;
    };
    let mut bound: BTreeSet<&str> = text
        .fixed(relation)
        .iter()
        .map(|(c, _)| c.name.as_str())
        .collect();
    for condition in text.conditions(block) {
        if let Test::Compare {
            left: Side::Column(a),
            operator: "=",
            right: Side::Column(b),
            ..
        } = &condition.test
        {
            for column in [a, b] {
                if text.owner(column, block) == Some(relation) {
                    bound.insert(&column.name);
                }
            }
        }
    }
    text.keys(table)
        .iter()
        .any(|key| key.iter().all(|name| bound.contains(name)))
}

/// Whether a condition connects a relation with another one.
fn is_joined(text: &Text<'_>, block: usize, relation: usize) -> bool {
    text.conditions(block).any(|condition| {
        let owners = condition
            .columns
            .iter()
            .filter_map(|column| text.owner(column, block));
        let owners: BTreeSet<usize> = owners.collect();
        owners.len() > 1 && owners.contains(&relation)
    })
}

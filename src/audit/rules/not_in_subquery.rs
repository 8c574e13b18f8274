//! `not-in-subquery`: NOT IN of a query, which a single NULL makes empty.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;
use crate::model::unit::{Bytes, Count};
use crate::query::facts::{Join, NotIn, Output, Source};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "not-in-subquery",
    title: "NOT IN (SELECT …) finds nothing once there is a NULL, and cannot be planned as a join",
    page: "\
x NOT IN (SELECT y …) is not true for any x as soon as one y is NULL: the whole result is empty. And because of that the server cannot
make an anti-join of it: it keeps all y in memory, or, where they do not fit into work_mem, looks through them again for each row.

Told by: NOT IN of a subquery that reads a table; quiet where y is declared NOT NULL, or tested for it, and the table is small enough
for work_mem.

Do: WHERE NOT EXISTS (SELECT 1 FROM … WHERE y = x). Rows whose x is NULL are then kept; add x IS NOT NULL if they are not wanted.

All right when: the subquery gives few rows, none of which can be NULL.",
    check: Check::Sql(check),
};

/// Bytes that a value takes in the table in memory, with its share of the hash table.
const ENTRY: f64 = 48.0;

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let all = text.facts().not_in.iter();
    all.filter_map(|not_in| hit(text, not_in)).collect()
}

fn hit(text: &Text<'_>, not_in: &NotIn) -> Option<TextHit> {
    let block = &text.facts().blocks[not_in.query];
    let relations: Vec<usize> = text.relations(not_in.query).collect();
    let reads = |r: &usize| !matches!(text.facts().relations[*r].source, Source::Made);
    // Of a bounded number of rows, such as the newest ten, the cost is bounded too; and an aggregate is one value.
    if !relations.iter().any(reads) || block.is_one_row() {
        return None;
    }
    let output = match block.outputs.as_slice() {
        [Output::Column(column, _)] => text.column(column, not_in.query),
        _ => None,
    };
    let declared = output.is_some_and(|(_, column)| column.not_null);
    let never_null = not_in.guarded || declared && !is_optional(text, not_in.query, &relations);
    let rows = relations
        .iter()
        .filter_map(|&r| text.rows(r))
        .fold(0.0, f64::max);
    let memory = work_mem(text);
    let spills = rows * ENTRY > memory
        && relations.len() == 1
        && text.conditions(not_in.query).next().is_none();
    let mut evidence = Vec::new();
    if !never_null {
        evidence.push(match output {
            Some((table, column)) => format!(
                "{}.{} may be NULL: one such row, and nothing is found",
                table.name, column.name
            ),
            None => "one NULL among the values of the subquery, and nothing is found".to_owned(),
        });
    }
    if spills {
        evidence.push(format!(
            "{} values do not fit into work_mem of {}: they are gone through for each row",
            Count(rows),
            Bytes(memory)
        ));
    }
    if evidence.is_empty() {
        return None;
    }
    let left_null = not_in
        .left
        .as_ref()
        .and_then(|left| text.column(left, not_in.block));
    let mut advice = "ask with NOT EXISTS".to_owned();
    if left_null.is_none_or(|(_, column)| !column.not_null) {
        advice +=
            "; it keeps rows whose value is NULL itself: add IS NOT NULL if they are not wanted";
    }
    Some(TextHit {
        object: "NOT IN".into(),
        confirmed: spills,
        least: if never_null {
            Severity::Info
        } else {
            Severity::Low
        },
        evidence,
        fix: Fix {
            advice,
            rewrite: not_in
                .exists
                .as_ref()
                .and_then(|exists| text.read.with(&not_in.text, exists)),
            ..Fix::default()
        },
    })
}

/// Whether an outer join may set the output of a block to NULL.
fn is_optional(text: &Text<'_>, block: usize, relations: &[usize]) -> bool {
    let join = |r: usize| text.facts().relations[r].join;
    let owner = match text.facts().blocks[block].outputs.as_slice() {
        [Output::Column(column, _)] => text.owner(column, block),
        _ => None,
    };
    owner.is_some_and(|r| join(r) == Join::Left)
        || relations.iter().any(|&r| join(r) == Join::Outer)
}

/// Bytes of `work_mem` for a hash table; a guess above the default where it is not known.
fn work_mem(text: &Text<'_>) -> f64 {
    const KB: f64 = 1024.0;
    let settings = text.snapshot.map(|s| &s.server.settings);
    let number = |name: &str| settings?.get(name)?.setting.parse::<f64>().ok();
    number("work_mem").unwrap_or(64.0 * KB) * KB * number("hash_mem_multiplier").unwrap_or(1.0)
}

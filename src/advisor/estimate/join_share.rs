//! Selectivity of an equality join where more is known than the numbers of distinct values.

use std::collections::HashMap;

use crate::advisor::estimate::number::{count, fraction};
use crate::advisor::estimate::question::Question;
use crate::advisor::estimate::unit::End;
use crate::model::catalog::ConstraintKind;
use crate::model::snapshot::Snapshot;
use crate::query::shape::Join;

/// `get_foreign_key_join_selectivity`: each referencing row has its one partner. A composite key counts once, at the
/// clause of its first column.
pub(crate) fn by_foreign_key(
    question: &Question<'_>,
    join: &Join,
    snapshot: &Snapshot,
) -> Option<f64> {
    let relations = &question.shape.relations;
    for (from, to) in [(&join.left, &join.right), (&join.right, &join.left)] {
        let (source, target) = (relations.get(from.relation)?, relations.get(to.relation)?);
        for key in snapshot.constraints_of(source.table_oid) {
            if key.kind != ConstraintKind::ForeignKey
                || key.foreign_table_oid != Some(target.table_oid)
            {
                continue;
            }
            let mut pairs = key.columns.iter().zip(&key.foreign_columns);
            let Some(at) = pairs.position(|(a, b)| *a == from.column && *b == to.column) else {
                continue;
            };
            let joined = |a: &String, b: &String| {
                question.shape.joins.iter().any(|j| {
                    let ends = [(&j.left, &j.right), (&j.right, &j.left)];
                    j.equality
                        && ends.iter().any(|(l, r)| {
                            l.relation == from.relation
                                && r.relation == to.relation
                                && l.column == *a
                                && r.column == *b
                        })
                })
            };
            if key
                .columns
                .iter()
                .zip(&key.foreign_columns)
                .all(|(a, b)| joined(a, b))
            {
                let referenced = question.bases.get(to.relation)?.tuples.max(1.0);
                return Some(if at == 0 { 1.0 / referenced } else { 1.0 });
            }
        }
    }
    None
}

/// `eqjoinsel_inner` where both sides list common values.
pub(crate) fn by_common_values(question: &Question<'_>, a: &End, b: &End) -> Option<f64> {
    let stats = |e: &End| {
        question
            .bases
            .get(e.relation)?
            .field(e.column)
            .column?
            .stats
            .as_ref()
    };
    let (left, right) = (stats(a)?, stats(b)?);
    let (left_values, right_values) = (
        left.most_common_vals.as_ref()?,
        right.most_common_vals.as_ref()?,
    );
    let (left_shares, right_shares) = (
        left.most_common_freqs.as_ref()?,
        right.most_common_freqs.as_ref()?,
    );
    let by_value: HashMap<&str, f64> = right_values
        .iter()
        .map(String::as_str)
        .zip(right_shares.iter().copied())
        .collect();
    let (mut product, mut matched_left, mut matched_right, mut matches) = (0.0, 0.0, 0.0, 0.0);
    for (value, share) in left_values.iter().zip(left_shares) {
        if let Some(other) = by_value.get(value.as_str()) {
            product += share * other;
            matched_left += share;
            matched_right += other;
            matches += 1.0;
        }
    }
    let sum = |shares: &[f64]| shares.iter().sum::<f64>();
    let one_way = |e: &End,
                   other: &End,
                   shares: &[f64],
                   other_shares: &[f64],
                   matched: f64,
                   other_matched: f64| {
        let unmatched = (sum(shares) - matched).max(0.0);
        let rest = (1.0 - e.null_frac - sum(shares)).max(0.0);
        let other_unmatched = (sum(other_shares) - other_matched).max(0.0);
        let other_rest = (1.0 - other.null_frac - sum(other_shares)).max(0.0);
        let listed = count(other_shares.len());
        let mut total = product;
        if other.distinct > listed {
            total += unmatched * other_rest / (other.distinct - listed);
        }
        if other.distinct > matches {
            total += rest * (other_rest + other_unmatched) / (other.distinct - matches);
        }
        total
    };
    let forth = one_way(a, b, left_shares, right_shares, matched_left, matched_right);
    let back = one_way(b, a, right_shares, left_shares, matched_right, matched_left);
    let share = forth.min(back);
    share.is_finite().then_some(fraction(share))
}

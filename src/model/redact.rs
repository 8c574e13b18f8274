//! Taking the data out of a Snapshot: literals in SQL texts and values in statistics go, names and frequencies stay.

mod literal;

use crate::model::gap::{Gap, Part};
use crate::model::index::{Index, KeyOf};
use crate::model::snapshot::Snapshot;
use crate::model::stats::ColumnStats;

pub use literal::{Literals, without_literals};

/// Removes literals from every text and values from every statistic, and notes what the advice loses by it. An index
/// whose expression or predicate held a literal is marked as incomplete: it is no longer the same index.
pub fn redact(snapshot: &mut Snapshot) {
    let literals = Literals {
        backslashes: snapshot
            .server
            .settings
            .get("standard_conforming_strings")
            .is_some_and(|s| s.setting == "off"),
    };
    let parameters = |text: &mut String| *text = literals.to_parameters(text);

    for statement in &mut snapshot.statements {
        statement.query.iter_mut().for_each(parameters);
    }
    for table in &mut snapshot.tables {
        table.view_definition.iter_mut().for_each(parameters);
        table.partition_key.iter_mut().for_each(parameters);
        for column in &mut table.columns {
            column.stats.iter_mut().for_each(without_values);
        }
    }
    for constraint in &mut snapshot.constraints {
        constraint.definition.iter_mut().for_each(parameters);
    }
    for statistics in &mut snapshot.extended_stats {
        statistics.expressions.iter_mut().for_each(parameters);
    }
    let incomplete: usize = snapshot
        .indexes
        .iter_mut()
        .map(|index| usize::from(without_literal_keys(index, literals)))
        .sum();
    if !snapshot.redacted {
        snapshot.redacted = true;
        snapshot.gaps.extend(gaps(incomplete));
        snapshot.gaps.sort();
    }
}

fn gaps(incomplete: usize) -> Vec<Gap> {
    const AGAIN: &str = "pgperf snapshot -o FILE # without --redact";
    let mut gaps = vec![
        Gap::new(
            Part::ColumnStats,
            "column values were removed from this snapshot (--redact); frequencies are there",
        )
        .effect("selectivities of constants and ranges are averages, and partial indexes for a frequent or rare value cannot be proposed")
        .close(AGAIN),
    ];
    if incomplete > 0 {
        gaps.push(
            Gap::new(
                Part::Indexes,
                format!(
                    "literals in the expression or predicate of {incomplete} {} were removed from this snapshot (--redact)",
                    if incomplete == 1 { "index" } else { "indexes" }
                ),
            )
            .effect("these indexes are neither compared nor judged")
            .close(AGAIN)
            .count(incomplete),
        );
    }
    gaps
}

/// Everything that repeats values of the column; shares and counts stay.
fn without_values(stats: &mut ColumnStats) {
    stats.most_common_vals = None;
    stats.histogram_bounds = None;
    stats.most_common_elems = None;
    stats.range_length_histogram = None;
    stats.range_bounds_histogram = None;
}

/// Puts a string that occurs nowhere else in the place of each literal, so that no two redacted indexes look equal, and
/// tells whether there was one.
fn without_literal_keys(index: &mut Index, literals: Literals) -> bool {
    let mut found = 0;
    let oid = index.oid;
    let mut marked = |text: &mut String| {
        *text = literals.replaced(text, |out| {
            found += 1;
            out.push_str(&format!("'redacted {oid}.{found}'"));
        });
    };
    for key in &mut index.definition.keys {
        if let KeyOf::Expression(text) = &mut key.of {
            marked(text);
        }
    }
    index.definition.predicate.iter_mut().for_each(marked);
    index.incomplete |= found > 0;
    found > 0
}

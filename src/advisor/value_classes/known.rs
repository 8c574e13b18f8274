//! The values of a column, and the elements of an array, that statistics know.

use crate::advisor::estimate::selectivity::Field;

/// Least frequency of the most common value for which the planner would rather not use an index.
const COMMON: f64 = 0.05;
/// The most common value is so many times as frequent as the rarest, or all are found alike.
const SKEWED: f64 = 10.0;

/// A value, or several that are alike.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Known<'a> {
    pub(super) value: &'a str,
    /// Share of the rows that have it.
    pub(super) frequency: f64,
    /// How many values it stands for.
    pub(super) values: f64,
}

/// The values of a column, most common first: each of the common ones, and one for the rest. Nothing where the rest has no value
/// to show.
pub(super) fn known(field: Field<'_>) -> Vec<Known<'_>> {
    let Some(stats) = field.stats() else {
        return Vec::new();
    };
    let values = stats.most_common_vals.iter().flatten();
    let frequencies = stats.most_common_freqs.iter().flatten();
    let mut known: Vec<Known<'_>> = values
        .zip(frequencies)
        .map(|(value, &frequency)| Known {
            value,
            frequency,
            values: 1.0,
        })
        .filter(|k| k.frequency.is_finite() && k.frequency > 0.0)
        .collect();
    known.sort_by(|a, b| b.frequency.total_cmp(&a.frequency));
    let common: f64 = known.iter().map(|k| k.frequency).sum();
    #[allow(clippy::cast_precision_loss, reason = "at most 10,000 common values")]
    let others = (field.distinct() - known.len() as f64).floor();
    let rest = 1.0 - common - field.null_frac();
    if others < 1.0 || rest <= 0.0 {
        return known;
    }
    let bounds = stats.histogram_bounds.as_deref().unwrap_or_default();
    let Some(value) = bounds.get(bounds.len() / 2) else {
        return Vec::new();
    };
    known.push(Known {
        value,
        frequency: rest / others,
        values: others,
    });
    known
}

/// The elements of an array column, most common first, and one for those that are not listed, which no column has to have: the planner
/// takes all of them alike.
pub(super) fn known_elements(field: Field<'_>) -> Vec<Known<'_>> {
    let mut known: Vec<Known<'_>> = (field.elements().into_iter())
        .map(|(value, frequency)| Known {
            value,
            frequency,
            values: 1.0,
        })
        .collect();
    known.sort_by(|a, b| b.frequency.total_cmp(&a.frequency));
    let Some((unlisted, stats)) = field.unlisted().zip(field.stats()) else {
        return known;
    };
    let listed: f64 = known.iter().map(|k| k.frequency).sum();
    // The last entry is the mean number of elements.
    let counts = stats.elem_count_histogram.as_deref();
    let all = counts.and_then(<[f64]>::last).copied().unwrap_or(0.0);
    let values = (all * (1.0 - field.null_frac()) - listed) / unlisted;
    if values >= 1.0 {
        known.push(Known {
            value: "",
            frequency: unlisted,
            values,
        });
    }
    known
}

pub(super) fn is_skewed(known: &[Known<'_>]) -> bool {
    let ends = known.first().zip(known.last());
    ends.is_some_and(|(most, least)| {
        most.frequency >= COMMON && most.frequency >= SKEWED * least.frequency
    })
}

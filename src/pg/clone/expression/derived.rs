//! Statistics of values that were made from those of a column: who is common, how many there are. Pure.
//!
//! The number of distinct values is estimated from the sample as ANALYZE does (`compute_scalar_stats` in `analyze.c`: the
//! estimator of Haas and Stokes, "Duj1"), within what else is known of them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::stats::{ColumnStats, whole_numbers};

/// What the expression makes of one value.
#[derive(Debug, Clone, Deserialize, PartialEq)]
pub(super) struct Made {
    /// NULL is none.
    pub(super) value: Option<String>,
    /// Place in the expression's own order; equal values have the same.
    pub(super) rank: usize,
    /// Bytes.
    pub(super) width: f64,
}

/// How many values an expression takes between two bounds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    /// More than one, on average.
    pub(super) more: f64,
    /// Values of the column that were tried in each bin.
    pub(super) tried: f64,
}

/// A value of the expression.
struct Group<'a> {
    value: &'a str,
    /// Share of all rows.
    share: f64,
    /// How many of the histogram's bounds give it.
    seen: usize,
}

/// Statistics of the expression's values. `made` has what became of the common values of `input`, its bounds, and NULL, in that
/// order.
#[allow(clippy::cast_precision_loss, reason = "lengths of lists")]
pub(super) fn derived(
    input: &ColumnStats,
    rows: f64,
    made: &[Made],
    spread: Option<Spread>,
) -> Option<ColumnStats> {
    let common = input.most_common_vals.as_ref().map_or(0, Vec::len);
    let bounds = input.histogram_bounds.as_ref().map_or(0, Vec::len);
    let freqs = input.most_common_freqs.as_deref().unwrap_or_default();
    let (of_common, rest) = made.split_at_checked(common)?;
    let (of_bounds, of_null) = rest.split_at_checked(bounds)?;
    let listed: f64 = freqs.iter().sum();
    let unlisted = (1.0 - input.null_frac - listed).max(0.0);
    let each = unlisted / bounds.max(1) as f64;

    let mut groups: BTreeMap<usize, Group<'_>> = BTreeMap::new();
    let mut null_frac = 0.0;
    let shares = (freqs.iter().map(|&f| (f, 0))).chain(std::iter::repeat_n((each, 1), bounds));
    let mapped = of_common.iter().chain(of_bounds).zip(shares);
    for (made, (share, seen)) in mapped.chain([(of_null.first()?, (input.null_frac, 0))]) {
        let Some(value) = &made.value else {
            null_frac += share;
            continue;
        };
        let new = Group {
            value,
            share: 0.0,
            seen: 0,
        };
        let group = groups.entry(made.rank).or_insert(new);
        group.share += share;
        group.seen += seen;
    }
    let from_list = groups.values().filter(|g| g.seen == 0).count() as f64;
    let unlisted = Sample {
        seen: groups.values().map(|g| g.seen).filter(|&n| n > 0).collect(),
        bounds: bounds as f64,
        distinct: (input.distinct(rows) - common as f64).max(0.0),
        rows: unlisted * rows,
        spread,
        domain: whole_numbers(groups.values().map(|g| g.value)),
    };
    let distinct = (from_list + unlisted.distinct_made()).max(1.0);

    // As for ANALYZE, what is a quarter above the average is common. Twice among a hundred bounds may be chance; and a list of
    // all that were sampled would say of the others that they do not occur, unless there are no others.
    let bar = 1.25 * (1.0 - null_frac) / distinct;
    let all_known = bounds == 0;
    let is_common = |g: &Group<'_>| all_known || g.share > bar.max(2.5 * each);
    let mut listed: Vec<&Group<'_>> = groups.values().filter(|g| is_common(g)).collect();
    listed.sort_by(|a, b| b.share.total_cmp(&a.share));
    let others = groups.values().filter(|g| !is_common(g));
    let others: Vec<String> = others.map(|g| g.value.to_owned()).collect();
    let widths = made.iter().filter(|m| m.value.is_some()).map(|m| m.width);
    let width = widths.clone().sum::<f64>() / widths.count().max(1) as f64;
    let some = !listed.is_empty();
    Some(ColumnStats {
        null_frac,
        avg_width: width.round(),
        n_distinct: if distinct > 0.1 * rows {
            -(distinct / rows).min(1.0)
        } else {
            distinct.round()
        },
        most_common_vals: some.then(|| listed.iter().map(|g| g.value.to_owned()).collect()),
        most_common_freqs: some.then(|| listed.iter().map(|g| g.share).collect()),
        histogram_bounds: (others.len() > 1).then_some(others),
        correlation: input.correlation.map(|c| c * order_kept(of_bounds)),
        ..ColumnStats::default()
    })
}

/// The rows that the histogram stands for.
struct Sample {
    /// How many bounds give each value of the expression.
    seen: Vec<usize>,
    bounds: f64,
    /// Values of the column among these rows, and the rows.
    distinct: f64,
    rows: f64,
    spread: Option<Spread>,
    /// How many whole numbers there are between the least and the greatest value, if that is what they are.
    domain: Option<f64>,
}

impl Sample {
    /// How many values the expression takes in these rows.
    #[allow(clippy::cast_precision_loss, reason = "lengths of lists")]
    fn distinct_made(&self) -> f64 {
        let (d, n) = (self.seen.len() as f64, self.bounds);
        if self.seen.is_empty() {
            return 0.0;
        }
        let at_most = self
            .distinct
            .min(self.domain.unwrap_or(f64::INFINITY))
            .max(d);
        let bins = (n - 1.0).max(1.0);
        // Fewer than were tried in a bin, and than it has of the column: all of them were met.
        if let Some(spread) = &self.spread
            && spread.more < 0.9 * spread.tried.min(self.distinct / bins)
        {
            return (1.0 + spread.more * bins).clamp(d, at_most);
        }
        let once = self.seen.iter().filter(|&&times| times == 1).count() as f64;
        let estimate = n * d / (n - once + once * n / self.rows.max(n));
        estimate.clamp(d, at_most)
    }
}

/// Rank correlation between the column's order and the expression's.
#[allow(clippy::cast_precision_loss, reason = "lengths of lists")]
fn order_kept(made: &[Made]) -> f64 {
    let made = made.iter().filter(|m| m.value.is_some());
    let ranks: Vec<f64> = made.map(|m| m.rank as f64).collect();
    let n = ranks.len() as f64;
    let (mean_x, mean_y) = ((n - 1.0) / 2.0, ranks.iter().sum::<f64>() / n);
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in ranks.iter().enumerate() {
        let (x, y) = (x as f64 - mean_x, y - mean_y);
        (xy, xx, yy) = (xy + x * y, xx + x * x, yy + y * y);
    }
    if xx > 0.0 && yy > 0.0 {
        xy / (xx * yy).sqrt()
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(values: &[&str]) -> Vec<Made> {
        let mut sorted: Vec<&str> = values.to_vec();
        sorted.sort_unstable();
        let rank = |v: &str| sorted.iter().position(|s| *s == v).unwrap() + 1;
        let one = |v: &&str| Made {
            value: (*v != "null").then(|| (*v).to_owned()),
            rank: rank(v),
            width: 4.0,
        };
        values.iter().map(one).collect()
    }

    /// A column of that many distinct values without common ones, with as many bounds as given.
    fn column(n_distinct: f64, bounds: usize) -> ColumnStats {
        ColumnStats {
            n_distinct,
            histogram_bounds: Some(vec![String::new(); bounds]),
            correlation: Some(-0.8),
            ..ColumnStats::default()
        }
    }

    fn texts(n: usize, of: usize) -> Vec<String> {
        (0..n).map(|i| format!("v{:03}", i * of / n)).collect()
    }

    fn derive(input: &ColumnStats, values: &[String], spread: Option<Spread>) -> ColumnStats {
        let mut values: Vec<&str> = values.iter().map(String::as_str).collect();
        values.push("null");
        derived(input, 1e6, &made(&values), spread).unwrap()
    }

    #[test]
    fn common_values_that_become_one_are_one() {
        let input = ColumnStats {
            null_frac: 0.1,
            n_distinct: 4.0,
            most_common_vals: Some(vec![String::new(); 4]),
            most_common_freqs: Some(vec![0.4, 0.3, 0.15, 0.05]),
            ..ColumnStats::default()
        };
        let values = ["new", "sent", "new", "null", "null"];
        let stats = derived(&input, 1e6, &made(&values), None).unwrap();
        assert_eq!(stats.most_common_vals.unwrap(), ["new", "sent"]);
        let freqs = stats.most_common_freqs.unwrap();
        assert!((freqs[0] - 0.55).abs() < 1e-9 && (freqs[1] - 0.3).abs() < 1e-9);
        assert!((stats.null_frac - 0.15).abs() < 1e-9);
        assert!((stats.n_distinct - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_value_for_nulls_is_common() {
        let input = ColumnStats {
            null_frac: 0.6,
            ..column(-0.4, 101)
        };
        let mut values = texts(101, 101);
        values.push("none".into());
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let stats = derived(&input, 1e6, &made(&values), None).unwrap();
        assert_eq!(stats.most_common_vals.unwrap(), ["none"]);
        assert!(stats.null_frac.abs() < 1e-9);
        assert_eq!(stats.histogram_bounds.unwrap().len(), 101);
    }

    #[test]
    fn all_different_stays_all_different() {
        let stats = derive(&column(-1.0, 101), &texts(101, 101), None);
        assert!((stats.n_distinct + 1.0).abs() < 1e-9);
        assert_eq!(stats.most_common_vals, None);
        assert!((stats.correlation.unwrap() + 0.8).abs() < 1e-9);
        // Never more than the column has.
        let stats = derive(&column(5000.0, 101), &texts(101, 101), None);
        assert!((stats.n_distinct - 5000.0).abs() < 1e-9);
    }

    #[test]
    fn few_values_are_counted() {
        let stats = derive(&column(-1.0, 101), &texts(101, 7), None);
        assert!((stats.n_distinct - 7.0).abs() < 1e-9);
        // None is common, so each is taken for a seventh, and one that was not sampled as well.
        assert_eq!(stats.most_common_vals, None);
        assert_eq!(stats.histogram_bounds.unwrap().len(), 7);
        let mut skewed = texts(101, 7);
        skewed[..70].fill("v000".into());
        let stats = derive(&column(-1.0, 101), &skewed, None);
        assert_eq!(stats.most_common_vals.unwrap(), ["v000"]);
    }

    #[test]
    fn what_lies_between_the_bounds_tells_how_many_there_are() {
        let days = Spread {
            more: 3.65,
            tried: 128.0,
        };
        let stats = derive(&column(-1.0, 101), &texts(101, 101), Some(days));
        assert!((stats.n_distinct - 366.0).abs() < 1e-9);
        // Every value that was tried gave another: as many as the column has.
        let seconds = Spread {
            more: 128.0,
            tried: 128.0,
        };
        let stats = derive(&column(-1.0, 101), &texts(101, 101), Some(seconds));
        assert!((stats.n_distinct + 1.0).abs() < 1e-9);
    }

    #[test]
    fn there_are_only_so_many_whole_numbers() {
        let values: Vec<String> = (0..101).map(|i| (i * 37 % 400).to_string()).collect();
        let stats = derive(&column(-1.0, 101), &values, None);
        assert!(stats.n_distinct > 100.0 && stats.n_distinct <= 400.0);
    }

    #[test]
    fn a_list_of_another_length_is_refused() {
        assert_eq!(
            derived(&column(-1.0, 101), 1e6, &made(&["a", "null"]), None),
            None
        );
    }
}

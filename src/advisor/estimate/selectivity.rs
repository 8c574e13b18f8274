//! Which share of a table's rows one condition keeps, from `pg_stats`: the formulas of `selfuncs.c`.

use crate::advisor::estimate::number::{count, fraction};
use crate::advisor::estimate::value::Scale;
use crate::model::catalog::Column;
use crate::model::stats::ColumnStats;
use crate::query::shape::{Operand, Operator, Predicate};

/// `DEFAULT_EQ_SEL`, `DEFAULT_INEQ_SEL`, … of `selfuncs.h`.
const EQUALITY: f64 = 0.005;
const INEQUALITY: f64 = 1.0 / 3.0;
const RANGE: f64 = 0.005;
pub(crate) const MATCH: f64 = 0.005;
pub(crate) const MATCHING: f64 = 0.010;
const IS_NULL: f64 = 0.005;
/// `DEFAULT_NUM_DISTINCT`.
const DISTINCT: f64 = 200.0;
/// `estimate_array_length` of an array that is not known.
pub(crate) const ARRAY_LENGTH: f64 = 10.0;

/// A column as the estimators see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a> {
    pub(crate) column: Option<&'a Column>,
    /// Rows of the table.
    pub(crate) tuples: f64,
    /// Whether a unique index on this column alone exists.
    pub(crate) unique: bool,
}

/// Which end of a range a condition bounds, so that two of them can be taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Low,
    High,
}

/// A share of rows, and whether it is a mere default.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    pub(crate) share: f64,
    pub(crate) default: bool,
}

pub(crate) fn known(share: f64) -> Share {
    Share {
        share: fraction(share),
        default: false,
    }
}

pub(crate) fn default(share: f64) -> Share {
    Share {
        share,
        default: true,
    }
}

impl<'a> Field<'a> {
    pub(crate) fn stats(&self) -> Option<&'a ColumnStats> {
        self.column.and_then(|c| c.stats.as_ref())
    }

    pub(crate) fn scale(&self) -> Scale {
        self.column.map_or(Scale::None, Scale::of)
    }

    pub(crate) fn null_frac(&self) -> f64 {
        self.stats().map_or(0.0, |s| fraction(s.null_frac))
    }

    /// `get_variable_numdistinct`: distinct values, at least 1.
    pub(crate) fn distinct(&self) -> f64 {
        let tuples = self.tuples.max(1.0);
        if self.unique {
            return (tuples * (1.0 - self.null_frac())).max(1.0);
        }
        match (self.stats(), self.scale()) {
            (Some(stats), _) if stats.n_distinct.is_finite() && stats.n_distinct != 0.0 => {
                stats.distinct(tuples)
            }
            (_, Scale::Boolean) => 2.0,
            _ => DISTINCT.min(tuples),
        }
    }

    /// Frequency of the most common value, if any is listed.
    pub(crate) fn top_frequency(&self) -> Option<f64> {
        let frequency = self.stats()?.most_common_freqs.as_ref()?.first()?;
        frequency.is_finite().then_some(*frequency)
    }

    /// `var_eq_non_const`: the column equals something that is not known yet.
    pub(crate) fn equals_unknown(&self) -> f64 {
        if self.unique && self.tuples >= 1.0 {
            return 1.0 / self.tuples;
        }
        let share = (1.0 - self.null_frac()) / self.distinct();
        share.min(self.top_frequency().unwrap_or(1.0)).max(0.0)
    }

    /// `var_eq_const`: the column equals this value.
    pub(crate) fn equals(&self, value: &str) -> f64 {
        if self.unique && self.tuples >= 1.0 {
            return 1.0 / self.tuples;
        }
        let Some(stats) = self.stats() else {
            return 1.0 / self.distinct();
        };
        let frequencies = stats.most_common_freqs.as_deref().unwrap_or_default();
        let Some(values) = &stats.most_common_vals else {
            // Redacted statistics have frequencies without values: the value could be any of them.
            return self.equals_unknown();
        };
        let scale = self.scale();
        let padded = self.column.is_some_and(|c| c.base_type == "bpchar");
        let same = |v: &String| scale.same(v, value) || padded && same_but_for_padding(v, value);
        if let Some(at) = values.iter().position(same) {
            return frequencies.get(at).copied().unwrap_or(EQUALITY);
        }
        let common: f64 = frequencies.iter().sum();
        let rest = fraction(1.0 - common - stats.null_frac);
        let others = (self.distinct() - count(frequencies.len())).max(1.0);
        let least = frequencies.last().copied().unwrap_or(1.0);
        (rest / others).min(least)
    }

    /// `scalarineqsel`: the column is below (`Side::High` bound) or above the value; `inclusive` for `<=` and `>=`.
    pub(crate) fn beyond(&self, side: Side, inclusive: bool, value: &str) -> Share {
        let Some(stats) = self.stats() else {
            return default(INEQUALITY);
        };
        let scale = self.scale();
        let frequencies = stats.most_common_freqs.as_deref().unwrap_or_default();
        let (mut common_share, mut common) = (0.0, 0.0);
        for (v, frequency) in stats.most_common_vals.iter().flatten().zip(frequencies) {
            common += frequency;
            let holds = match (scale.at_most(v, value), scale.same(v, value)) {
                (None, _) => return default(INEQUALITY),
                (Some(_), true) => inclusive,
                (Some(below), false) => below == (side == Side::High),
            };
            if holds {
                common_share += frequency;
            }
        }
        let rest = (1.0 - stats.null_frac - common).max(0.0);
        let bounds = stats.histogram_bounds.as_deref().unwrap_or_default();
        if bounds.len() < 2 {
            // All values are common ones, or nothing is known about the rest: half of it (`scalarineqsel`).
            return if common > 0.0 {
                known(common_share + rest * 0.5)
            } else {
                default(INEQUALITY)
            };
        }
        match self.below_in_histogram(bounds, side, inclusive, value) {
            Some(share) => known(common_share + rest * share),
            None => default(INEQUALITY),
        }
    }

    /// `ineq_histogram_selectivity`: share of the histogram's population.
    fn below_in_histogram(
        &self,
        bounds: &[String],
        side: Side,
        inclusive: bool,
        value: &str,
    ) -> Option<f64> {
        let scale = self.scale();
        let bins = count(bounds.len() - 1);
        // The last bound that is below (or equal, when equality counts as below) the value.
        let counts_equal = (side == Side::High) == inclusive;
        let (mut low, mut high) = (0, bounds.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            let below = scale.at_most(&bounds[middle], value)?
                && (counts_equal || !scale.same(&bounds[middle], value));
            if below {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let below = if low == 0 {
            0.0
        } else if low >= bounds.len() {
            1.0
        } else {
            let within = scale.position(value, &bounds[low - 1], &bounds[low])?;
            let common = self.stats()?.most_common_freqs.as_ref().map_or(0, Vec::len);
            let one_value = 1.0 / (self.distinct() - count(common)).max(1.0);
            let mut below = (count(low - 1) + within) / bins;
            // The first bin holds its lower bound too, and the estimate so far is of `<=`.
            if low == 1 {
                below += one_value * (1.0 - within);
            }
            if !counts_equal {
                below -= one_value;
            }
            fraction(below)
        };
        let share = match side {
            Side::High => below,
            Side::Low => 1.0 - below,
        };
        let cutoff = 0.01 / bins;
        Some(share.clamp(cutoff.min(0.5), 1.0 - cutoff.min(0.5)))
    }

    /// One condition's share. Range conditions also say which side they bound.
    pub(crate) fn share(&self, predicate: &Predicate) -> (Share, Option<Side>) {
        let share = match &predicate.operator {
            Operator::Lt => {
                return (
                    self.one_sided(Side::High, false, predicate),
                    Some(Side::High),
                );
            }
            Operator::Le => {
                return (
                    self.one_sided(Side::High, true, predicate),
                    Some(Side::High),
                );
            }
            Operator::Gt => return (self.one_sided(Side::Low, false, predicate), Some(Side::Low)),
            Operator::Ge => return (self.one_sided(Side::Low, true, predicate), Some(Side::Low)),
            Operator::Eq => match &predicate.operand {
                Operand::Literal(value) => known(self.equals(value)),
                _ => known(self.equals_unknown()),
            },
            Operator::In(length) => known(self.any_of(*length, &predicate.operand)),
            Operator::IsNull => known(self.stats().map_or(IS_NULL, |s| s.null_frac)),
            Operator::IsNotNull => known(1.0 - self.stats().map_or(IS_NULL, |s| s.null_frac)),
            Operator::Between => match &predicate.operand {
                Operand::Literals(bounds) if bounds.len() == 2 => self.both(
                    self.beyond(Side::Low, true, &bounds[0]),
                    self.beyond(Side::High, true, &bounds[1]),
                ),
                _ => default(RANGE),
            },
            Operator::LikePrefix | Operator::Like => match &predicate.operand {
                Operand::Literal(pattern) => self.matches(pattern),
                _ => default(MATCH),
            },
            Operator::NotEq => {
                let equal = match &predicate.operand {
                    Operand::Literal(value) => self.equals(value),
                    Operand::Literals(values) => values.iter().map(|v| self.equals(v)).sum(),
                    _ => self.equals_unknown(),
                };
                known(1.0 - equal - self.null_frac())
            }
            Operator::Other(operator) => (self.contains(operator, &predicate.operand))
                .map_or_else(|| default(self.other(operator)), known),
        };
        (share, None)
    }

    fn one_sided(&self, side: Side, inclusive: bool, predicate: &Predicate) -> Share {
        match &predicate.operand {
            Operand::Literal(value) => self.beyond(side, inclusive, value),
            _ => default(INEQUALITY),
        }
    }

    /// The part of `clauselist_selectivity` that takes two bounds of one column together.
    pub(crate) fn both(&self, low: Share, high: Share) -> Share {
        if low.default || high.default {
            return default(RANGE);
        }
        let share = low.share + high.share - 1.0 + self.null_frac();
        // Bounds that all but exclude each other: an empty range, or rounding.
        if share <= 0.0 {
            return known(if share < -0.01 { RANGE } else { 1e-10 });
        }
        known(share)
    }

    /// `scalararraysel`: the elements exclude each other, so their shares add up.
    fn any_of(&self, length: Option<usize>, operand: &Operand) -> f64 {
        let sum: f64 = match operand {
            Operand::Literals(values) => values.iter().map(|v| self.equals(v)).sum(),
            Operand::Literal(value) => self.equals(value),
            _ => self.equals_unknown() * length.map_or(ARRAY_LENGTH, count),
        };
        sum.min(1.0)
    }

    fn other(&self, operator: &str) -> f64 {
        match (operator, self.column.map(|c| c.base_type.as_str())) {
            // `matchingsel` (13+) serves jsonb, ltree, hstore and trigram similarity.
            ("@>" | "<@" | "?" | "?|" | "?&", Some("jsonb" | "hstore" | "ltree")) | ("%", _) => {
                MATCHING
            }
            _ => MATCH,
        }
    }
}

/// `bpchar` ignores the blanks at the end, which statistics show and statements leave out.
pub(crate) fn same_but_for_padding(a: &str, b: &str) -> bool {
    a.trim_end_matches(' ') == b.trim_end_matches(' ')
}

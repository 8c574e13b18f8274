//! Values of `pg_stats` in text form, made comparable: numbers, moments and texts on a scale.
//!
//! The counterpart of `convert_to_scalar` in `selfuncs.c`. What cannot be placed on a scale is `None`, and the planner's
//! default selectivity is used.

use crate::model::catalog::Column;

/// The scale that a column's values lie on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    Number,
    /// Dates, timestamps and times of day, in seconds.
    Moment,
    /// Strings, in the order of a dictionary or (`C` collation) of their bytes.
    Text {
        bytes: bool,
    },
    Boolean,
    /// Hexadecimal digits with dashes.
    Uuid,
    None,
}

impl Scale {
    pub(crate) fn of(column: &Column) -> Self {
        match (column.base_type.as_str(), column.category.as_str()) {
            ("interval", _) => Self::None,
            ("uuid", _) => Self::Uuid,
            (_, "N") => Self::Number,
            (_, "D") => Self::Moment,
            (_, "B") => Self::Boolean,
            (_, "S") => Self::Text {
                bytes: column.collation_is_c,
            },
            _ => Self::None,
        }
    }

    /// Whether the value lies before, between or after two bounds: 0 at or below `low`, 1 at or above `high`, and the
    /// share of the way in between. `None` if any of the three cannot be read.
    pub(crate) fn position(self, value: &str, low: &str, high: &str) -> Option<f64> {
        let (value, low, high) = if let Self::Text { bytes } = self {
            // As `convert_string_to_scalar` does, what both bounds start with is skipped, so that the rest has weight.
            let common = common_prefix(low, high);
            let shared = value.get(..common) == low.get(..common);
            if !shared {
                return Some(if self.at_most(value, low)? { 0.0 } else { 1.0 });
            }
            let rest = |text: &str| fraction(text.get(common..).unwrap_or_default(), bytes);
            (rest(value), rest(low), rest(high))
        } else {
            (self.number(value)?, self.number(low)?, self.number(high)?)
        };
        if high <= low {
            return Some(0.5);
        }
        Some(((value - low) / (high - low)).clamp(0.0, 1.0))
    }

    /// Whether the first value is not after the second.
    pub(crate) fn at_most(self, a: &str, b: &str) -> Option<bool> {
        if let Self::Text { bytes } = self {
            return Some(sort_key(a, bytes).le(sort_key(b, bytes)));
        }
        Some(self.number(a)? <= self.number(b)?)
    }

    /// Whether two texts denote the same value: `1.50` and `1.5`, `true` and `t`.
    pub(crate) fn same(self, a: &str, b: &str) -> bool {
        if a == b {
            return true;
        }
        match self {
            Self::Text { .. } | Self::None => false,
            #[allow(clippy::float_cmp, reason = "both sides are read by the same code")]
            _ => matches!((self.number(a), self.number(b)), (Some(a), Some(b)) if a == b),
        }
    }

    pub(crate) fn number(self, text: &str) -> Option<f64> {
        let text = text.trim();
        match self {
            Self::Number => text.parse::<f64>().ok().filter(|n| n.is_finite()),
            Self::Moment => moment(text),
            Self::Boolean => match text.to_ascii_lowercase().as_str() {
                "t" | "true" | "1" | "on" | "yes" => Some(1.0),
                "f" | "false" | "0" | "off" | "no" => Some(0.0),
                _ => None,
            },
            Self::Uuid => Some(hexadecimal(text)),
            Self::Text { .. } | Self::None => None,
        }
    }
}

/// A string as a number between 0 and 1: its first bytes as digits.
fn fraction(text: &str, bytes: bool) -> f64 {
    let (mut sum, mut weight) = (0.0, 1.0);
    for rank in sort_key(text, bytes).take(10) {
        weight /= 257.0;
        sum += weight * (f64::from(rank) + 1.0);
    }
    sum
}

/// Ranks by which strings sort: the bytes, or roughly a dictionary's order, in which case and punctuation hardly count.
fn sort_key(text: &str, bytes: bool) -> impl Iterator<Item = u8> {
    text.bytes()
        .filter(move |b| bytes || !b.is_ascii_punctuation())
        .map(move |b| if bytes { b } else { b.to_ascii_lowercase() })
}

/// Length of the common prefix in bytes, cut at a character boundary.
fn common_prefix(a: &str, b: &str) -> usize {
    let mut pairs = a.char_indices().zip(b.chars());
    match pairs.find(|((_, x), y)| x != y) {
        Some(((at, _), _)) => at,
        None => a.len().min(b.len()),
    }
}

fn hexadecimal(text: &str) -> f64 {
    let (mut sum, mut weight) = (0.0, 1.0);
    for digit in text.chars().filter_map(|c| c.to_digit(16)).take(12) {
        weight /= 16.0;
        sum += weight * f64::from(digit);
    }
    sum
}

/// `2024-02-29`, `2024-02-29 12:30:00.5+01`, `12:30:00`, in seconds since 1970 (or midnight).
fn moment(text: &str) -> Option<f64> {
    let (date, time) = match text.split_once([' ', 'T']) {
        Some((date, time)) => (Some(date), Some(time)),
        None if text.contains(':') => (None, Some(text)),
        None => (Some(text), None),
    };
    let days = date.map_or(Some(0.0), days_since_1970)?;
    let seconds = time.map_or(Some(0.0), seconds_of_day)?;
    Some(days * 86_400.0 + seconds)
}

/// Days by the algorithm of Howard Hinnant's `days_from_civil`.
fn days_since_1970(date: &str) -> Option<f64> {
    let mut parts = date.splitn(3, '-').map(str::parse::<i32>);
    let (year, month, day) = (
        parts.next()?.ok()?,
        parts.next()?.ok()?,
        parts.next()?.ok()?,
    );
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || !(0..=300_000).contains(&year) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(f64::from(era * 146_097 + day_of_era - 719_468))
}

fn seconds_of_day(time: &str) -> Option<f64> {
    let time = time.trim_end_matches('Z');
    let (clock, zone, sign) = match time.rfind(['+', '-']) {
        Some(at) => {
            let sign = if time[at..].starts_with('-') {
                -1.0
            } else {
                1.0
            };
            (&time[..at], Some(&time[at + 1..]), sign)
        }
        None => (time, None, 0.0),
    };
    let sum = |text: &str| {
        let mut weight = 3600.0;
        let mut seconds = 0.0;
        for part in text.trim().split(':') {
            seconds += part.parse::<f64>().ok()? * weight;
            weight /= 60.0;
        }
        Some(seconds).filter(|s: &f64| s.is_finite())
    };
    Some(sum(clock)? - sign * zone.map_or(Some(0.0), sum)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_placed_between_bounds() {
        let text = Scale::Text { bytes: false };
        for (scale, value, low, high, expected) in [
            (Scale::Number, "25", "0", "100", 0.25),
            (Scale::Number, "-1e3", "0", "100", 0.0),
            (Scale::Moment, "2024-01-02", "2024-01-01", "2024-01-03", 0.5),
            (
                Scale::Moment,
                "2024-02-29 12:00:00+00",
                "2024-02-29",
                "2024-03-01 00:00:00",
                0.5,
            ),
            (Scale::Moment, "12:30:00", "12:00:00", "13:00:00.000", 0.5),
            (
                Scale::Moment,
                "2024-01-01 01:00:00+01",
                "2024-01-01 00:00:00+00",
                "2024-01-02",
                0.0,
            ),
            (text, "userm", "usera", "userz", 0.48),
            (text, "zebra", "usera", "userz", 1.0),
            (text, "Abc", "usera", "userz", 0.0),
            (
                Scale::Uuid,
                "80000000-0000-0000-0000-000000000000",
                "00",
                "ff",
                0.5,
            ),
        ] {
            let position = scale.position(value, low, high).unwrap();
            assert!((position - expected).abs() < 0.01, "{value}: {position}");
        }
        assert_eq!(
            Scale::Moment.position("yesterday", "2024-01-01", "2024-01-02"),
            None
        );
        assert_eq!(Scale::None.position("[1,2)", "[1,2)", "[3,4)"), None);
    }

    #[test]
    fn equal_values_in_other_words() {
        assert!(Scale::Boolean.same("true", "t"));
        assert!(Scale::Number.same("1.50", "1.5"));
        assert!(!Scale::Text { bytes: false }.same("A", "a"));
    }
}

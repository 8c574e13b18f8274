//! A value at a given place between two others, in the text form that the server reads: the way back from a scale.

use crate::advisor::estimate::value::Scale;
use crate::model::catalog::Column;

impl Scale {
    /// The value that lies `share` (0 to 1) of the way from `low` to `high`; the nearer of the two for types whose values
    /// cannot be made up (texts, uuids).
    pub(crate) fn between(self, column: &Column, low: &str, high: &str, share: f64) -> String {
        let made_up = || {
            let (low, high) = (self.number(low)?, self.number(high)?);
            let value = low + (high - low) * share;
            match column.base_type.as_str() {
                "int2" | "int4" | "int8" => Some(format!("{:.0}", value.round())),
                "numeric" | "float4" | "float8" => Some(format!("{value}")),
                "date" => Some(date(value)),
                "timestamp" => Some(format!("{} {}", date(value), clock(value))),
                "timestamptz" => Some(format!("{} {}+00", date(value), clock(value))),
                "time" => Some(clock(value)),
                _ => None,
            }
        };
        let nearer = if share < 0.5 { low } else { high };
        made_up().unwrap_or_else(|| nearer.to_owned())
    }
}

const DAY: f64 = 86_400.0;

/// The day of a moment (seconds since 1970) as `2024-02-29`, by Howard Hinnant's `civil_from_days`.
fn date(moment: f64) -> String {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a day that a date column held"
    )]
    let days = (moment / DAY).floor() as i64 + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The time of day of a moment as `12:30:00.5`.
fn clock(moment: f64) -> String {
    // Below a millisecond there is nothing to choose between.
    let millis = (moment.rem_euclid(DAY) * 1000.0)
        .floor()
        .min(DAY * 1000.0 - 1.0);
    let seconds = (millis / 1000.0).floor();
    let (hours, minutes) = ((seconds / 3600.0).floor(), (seconds / 60.0).floor());
    format!(
        "{hours:02}:{:02}:{:06.3}",
        minutes - hours * 60.0,
        millis / 1000.0 - minutes * 60.0
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::query::testing::catalog;

    fn column(sql_type: &str) -> Column {
        let ddl = format!("create table t (c {sql_type});");
        catalog(&ddl).tables[0].columns[0].clone()
    }

    #[test]
    fn a_value_lies_where_it_should() {
        for (sql_type, low, high, share, expected) in [
            ("int", "10", "20", 0.26, "13"),
            ("numeric", "1", "2", 0.25, "1.25"),
            ("date", "2024-02-28", "2024-03-01", 0.5, "2024-02-29"),
            (
                "timestamptz",
                "2024-01-01 01:00:00+01",
                "2024-01-02 00:00:00+00",
                0.5,
                "2024-01-01 12:00:00.000+00",
            ),
            (
                "timestamp",
                "1969-12-31",
                "1970-01-01",
                0.5,
                "1969-12-31 12:00:00.000",
            ),
            ("text", "a", "b", 0.4, "a"),
            ("text", "a", "b", 0.6, "b"),
            ("timestamptz", "-infinity", "2024-01-01", 0.1, "-infinity"),
        ] {
            let column = column(sql_type);
            let made = Scale::of(&column).between(&column, low, high, share);
            assert_eq!(made, expected, "{sql_type}");
        }
    }

    proptest! {
        #[test]
        fn what_is_made_up_is_read_back_at_its_place(low in -1e9_f64..4e9, length in 1e4_f64..1e9, share in 0.0_f64..1.0) {
            for sql_type in ["timestamp", "timestamptz", "float8"] {
                let column = column(sql_type);
                let scale = Scale::of(&column);
                let (a, b) = if sql_type == "float8" {
                    (low.to_string(), (low + length).to_string())
                } else {
                    let text = |m: f64| format!("{} {}", date(m), clock(m));
                    (text(low), text(low + length))
                };
                let made = scale.between(&column, &a, &b, share);
                let place = scale.position(&made, &a, &b).unwrap();
                prop_assert!((place - share).abs() < 1e-6, "{made} between {a} and {b}: {place}, not {share}");
            }
        }
    }
}

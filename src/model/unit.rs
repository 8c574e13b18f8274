//! Amounts as people read them: bytes, milliseconds, counts and shares. `Display` never rounds a non-zero value to "0".

use std::fmt;

/// A size in bytes, shown in binary units as `psql` does (`8192 bytes` is "8 kB").
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Bytes(pub f64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut amount = self.0;
        for unit in ["bytes", "kB", "MB", "GB", "TB"] {
            if amount.abs() < 1024.0 || unit == "TB" {
                let text = match unit {
                    "bytes" => format!("{amount:.0} bytes"),
                    _ if amount < 10.0 => format!("{amount:.1} {unit}"),
                    _ => format!("{amount:.0} {unit}"),
                };
                return f.pad(&text);
            }
            amount /= 1024.0;
        }
        Ok(())
    }
}

/// A duration in milliseconds, shown in the unit that fits (`1.2 ms`, `3.4 s`, `2.5 min`, `1.5 h`, `3.2 days`).
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Millis(pub f64);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0;
        let text = match ms.abs() {
            x if x < 0.0995 => format!("{ms:.3} ms"),
            x if x < 9.995 => format!("{ms:.2} ms"),
            x if x < 999.5 => format!("{ms:.0} ms"),
            x if x < 59_950.0 => format!("{:.1} s", ms / 1000.0),
            x if x < 3_597_000.0 => format!("{:.1} min", ms / 60_000.0),
            x if x < 86_310_000.0 => format!("{:.1} h", ms / 3_600_000.0),
            _ => format!("{:.1} days", ms / 86_400_000.0),
        };
        f.pad(&text)
    }
}

/// A count with thousands separated (`1,234,567`); fractions are rounded.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Count(pub f64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:.0}", self.0.abs());
        let mut text = String::new();
        if self.0 < 0.0 && digits != "0" {
            text.push('-');
        }
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i) % 3 == 0 {
                text.push(',');
            }
            text.push(digit);
        }
        f.pad(&text)
    }
}

/// A share from 0 to 1, shown in percent; small shares keep a digit (`0.3 %`), and only exact 0 and 1 print as such.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Percent(pub f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.0 * 100.0;
        let text = match percent {
            x if x > 0.0 && x < 0.1 => "< 0.1 %".to_owned(),
            x if x > 99.9 && x < 100.0 => "> 99.9 %".to_owned(),
            x if x == 0.0 || (x - 100.0).abs() < f64::EPSILON => format!("{x:.0} %"),
            x => format!("{x:.1} %"),
        };
        f.pad(&text)
    }
}

/// A planner cost, two digits as EXPLAIN prints it, with thousands separated from 1,000 on (no digits there).
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct CostUnits(pub f64);

impl fmt::Display for CostUnits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.abs() < 1000.0 {
            f.pad(&format!("{:.2}", self.0))
        } else {
            Count(self.0).fmt(f)
        }
    }
}

/// An instant in Unix seconds, shown as `2026-02-03 04:05:06 UTC`; fractions are cut off.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Utc(pub f64);

/// Days to date by Howard Hinnant's `civil_from_days` (<https://howardhinnant.github.io/date_algorithms.html>): years
/// start in March there, so that the leap day is the last of its year.
impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the cast saturates, and the clamp to the years 0 to 9999 comes after it"
        )]
        let seconds = (self.0.floor() as i64).clamp(-62_167_219_200, 253_402_300_799);
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = (month_from_march + 2) % 12 + 1;
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        f.pad(&format!(
            "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC",
            second / 3600,
            second / 60 % 60,
            second % 60
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_well() {
        assert_eq!(Bytes(0.0).to_string(), "0 bytes");
        assert_eq!(Bytes(8192.0).to_string(), "8.0 kB");
        assert_eq!(Bytes(25.0 * 1024.0 * 1024.0).to_string(), "25 MB");
        assert_eq!(Millis(0.04).to_string(), "0.040 ms");
        assert_eq!(Millis(1234.0).to_string(), "1.2 s");
        assert_eq!(Millis(90_000.0).to_string(), "1.5 min");
        assert_eq!(Count(1_234_567.0).to_string(), "1,234,567");
        assert_eq!(Count(12.0).to_string(), "12");
        assert_eq!(Percent(0.973).to_string(), "97.3 %");
        assert_eq!(Percent(0.0001).to_string(), "< 0.1 %");
        assert_eq!(Percent(0.99999).to_string(), "> 99.9 %");
        assert_eq!(Percent(1.0).to_string(), "100 %");
        assert_eq!(CostUnits(8.44).to_string(), "8.44");
        assert_eq!(CostUnits(71_534.2).to_string(), "71,534");
    }

    #[test]
    fn instants_are_dates() {
        for (seconds, date) in [
            (0.0, "1970-01-01 00:00:00 UTC"),
            (-0.5, "1969-12-31 23:59:59 UTC"),
            (951_782_399.9, "2000-02-28 23:59:59 UTC"),
            (951_782_400.0, "2000-02-29 00:00:00 UTC"),
            (4_107_542_400.0, "2100-03-01 00:00:00 UTC"),
            (f64::INFINITY, "9999-12-31 23:59:59 UTC"),
            (f64::NAN, "1970-01-01 00:00:00 UTC"),
        ] {
            assert_eq!(Utc(seconds).to_string(), date);
        }
    }
}

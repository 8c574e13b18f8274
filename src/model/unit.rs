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
}

//! Amounts and untrusted text in a table's cell: short, of known width, and without anything that a terminal could obey.

/// Bytes of a block, as almost every server is built.
pub const BLOCK: f64 = 8192.0;

/// A text in one line: white space is one blank, and what controls a terminal or turns the direction of writing is shown as `·`.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() {
            if !line.is_empty() && !line.ends_with(' ') {
                line.push(' ');
            }
        } else if is_unsafe(c) {
            line.push('·');
        } else {
            line.push(c);
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// A text in its lines, without what a terminal could obey; tabs are blanks.
#[must_use]
pub fn clean_lines(text: &str) -> Vec<String> {
    let line = |line: &str| {
        let safe = line.replace('\t', "    ");
        safe.chars()
            .map(|c| if is_unsafe(c) { '·' } else { c })
            .collect()
    };
    text.lines().map(line).collect()
}

/// Control characters, marks of direction, and what is invisible.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A number in at most seven characters: `0.94`, `112.4`, `4,711`, `12.3k`, `4.5M`.
#[must_use]
pub fn number(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if size == 0.0 => "0".to_owned(),
        _ if size < 0.005 => format!("{}<0.01", if value < 0.0 { "-" } else { "" }),
        _ if size < 9.995 => format!("{value:.2}"),
        _ if size < 999.95 => format!("{value:.1}"),
        _ if size < 99_999.5 => format!("{value:.0}"),
        _ if size < 999_950.0 => format!("{:.0}k", value / 1e3),
        _ if size < 999.95e6 => format!("{:.1}M", value / 1e6),
        _ if size < 999.95e9 => format!("{:.1}G", value / 1e9),
        _ => format!("{:.1}T", value / 1e12),
    }
}

/// A count: whole, unless it is large.
#[must_use]
pub fn count(value: f64) -> String {
    if value.abs() < 99_999.5 {
        format!("{value:.0}")
    } else {
        number(value)
    }
}

/// Bytes in at most seven characters: `0 B`, `512 B`, `12 kB`, `9.1 MB`.
#[must_use]
pub fn bytes(value: f64) -> String {
    let mut amount = value;
    for unit in ["B", "kB", "MB", "GB", "TB"] {
        if amount.abs() < 999.5 || unit == "TB" {
            let whole = unit == "B" || amount.abs() >= 9.95;
            return if whole {
                format!("{amount:.0} {unit}")
            } else {
                format!("{amount:.1} {unit}")
            };
        }
        amount /= 1024.0;
    }
    String::new()
}

/// A share of 1 in percent, without the sign: `41.2`, `100`, `0`.
#[must_use]
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    if value == 0.0 || value >= 99.95 {
        format!("{value:.0}")
    } else if value < 0.05 {
        "<0.1".to_owned()
    } else if share < 1.0 && value >= 99.9 {
        "99.9".to_owned()
    } else {
        format!("{value:.1}")
    }
}

/// A time that has passed, in at most eight characters: `0.4s`, `12s`, `04:10`, `3:04:10`, `12d03h`.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "seconds, cut to whole ones"
)]
pub fn age(seconds: f64) -> String {
    if seconds < 0.0 {
        return "0s".to_owned();
    }
    let whole = seconds as u64;
    match whole {
        0..10 => format!("{seconds:.1}s"),
        10..60 => format!("{whole}s"),
        60..3600 => format!("{:02}:{:02}", whole / 60, whole % 60),
        3600..86_400 => format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60),
        _ => format!("{}d{:02}h", whole / 86_400, whole / 3600 % 24),
    }
}

/// The time of day of a moment, UTC.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "seconds of a day"
)]
pub fn clock(at: f64) -> String {
    let of_day = at.rem_euclid(86_400.0) as u64;
    format!(
        "{:02}:{:02}:{:02}",
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_short() {
        for (value, expected) in [
            (0.0, "0"),
            (0.001, "<0.01"),
            (0.94, "0.94"),
            (9.996, "10.0"),
            (112.44, "112.4"),
            (4711.0, "4711"),
            (99_999.0, "99999"),
            (123_456.0, "123k"),
            (4_512_000.0, "4.5M"),
            (7e12, "7.0T"),
        ] {
            assert_eq!(number(value), expected);
            assert!(number(value).len() <= 7);
        }
        for (value, expected) in [
            (0.0, "0 B"),
            (999.0, "999 B"),
            (1000.0, "1.0 kB"),
            (12_288.0, "12 kB"),
            (9.54e6, "9.1 MB"),
            (5e15, "4547 TB"),
        ] {
            assert_eq!(bytes(value), expected);
        }
        for (value, expected) in [
            (0.0, "0"),
            (0.0001, "<0.1"),
            (0.412, "41.2"),
            (0.99999, "100"),
            (1.0, "100"),
        ] {
            assert_eq!(percent(value), expected);
        }
        for (value, expected) in [
            (-3.0, "0s"),
            (0.44, "0.4s"),
            (59.9, "59s"),
            (250.0, "04:10"),
            (11_050.0, "3:04:10"),
            (1_047_600.0, "12d03h"),
        ] {
            assert_eq!(age(value), expected);
        }
        assert_eq!(clock(86_400.0 * 3.0 + 43_471.0), "12:04:31");
    }

    #[test]
    fn nothing_reaches_the_terminal() {
        assert_eq!(
            clean(" select\n\t1\u{1b}[31m \u{202e}x\u{7} "),
            "select 1·[31m ·x·"
        );
        assert_eq!(clean_lines("a\tb\n\u{1b}c"), ["a    b", "·c"]);
    }
}

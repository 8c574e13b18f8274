//! Time stamps of logs: `2026-11-27 14:20:20.123 UTC`.

/// A time stamp at the beginning of the bytes: ms since 1970, and its length with fraction and zone.
pub(super) fn stamp(bytes: &[u8]) -> Option<(f64, usize)> {
    let seconds = seconds(bytes)?;
    let mut length = 19;
    let mut millis = 0.0;
    if bytes.get(length) == Some(&b'.') {
        let fraction = digits(&bytes[length + 1..]);
        millis = fraction_of(&bytes[length + 1..length + 1 + fraction]);
        length += 1 + fraction;
    }
    let mut offset = 0;
    if bytes.get(length) == Some(&b' ') {
        let zone = zone(&bytes[length + 1..]);
        offset = offset_of(&bytes[length + 1..length + 1 + zone]);
        length += 1 + zone;
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "a time of this millennium in ms is below 2^52"
    )]
    Some(((seconds - offset) as f64 * 1000.0 + millis, length))
}

/// How many digits the bytes begin with.
pub(super) fn digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| b.is_ascii_digit()).count()
}

fn fraction_of(digits: &[u8]) -> f64 {
    let mut unit = 1000.0;
    digits.iter().fold(0.0, |sum, &digit| {
        unit /= 10.0;
        sum + unit * f64::from(digit - b'0')
    })
}

/// `YYYY-MM-DD HH:MM:SS` as seconds since 1970 of a clock without zone.
fn seconds(bytes: &[u8]) -> Option<i64> {
    let bytes = bytes.get(..19)?;
    let marks = [(4, b'-'), (7, b'-'), (10, b' '), (13, b':'), (16, b':')];
    let marked = marks.iter().all(|&(at, mark)| bytes[at] == mark);
    let number = |from: usize, to: usize| {
        (bytes[from..to].iter()).try_fold(0_i64, |sum, &b| {
            b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0'))
        })
    };
    if !marked {
        return None;
    }
    let days = days(number(0, 4)?, number(5, 7)?, number(8, 10)?);
    Some(days * 86_400 + number(11, 13)? * 3_600 + number(14, 16)? * 60 + number(17, 19)?)
}

/// Days since 1970 in the Gregorian calendar, with years that begin in March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Length of the name of a zone: `UTC`, `CEST`, `+0530`.
fn zone(bytes: &[u8]) -> usize {
    let part = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-');
    bytes.iter().take_while(part).count()
}

/// Seconds east of Greenwich of a zone that is a number; 0 for one that is a name.
fn offset_of(zone: &[u8]) -> i64 {
    let (sign, digits) = match zone.split_first() {
        Some((b'+', digits)) => (1, digits),
        Some((b'-', digits)) => (-1, digits),
        _ => return 0,
    };
    if digits.len() > 4 || !digits.iter().all(u8::is_ascii_digit) {
        return 0;
    }
    let number = digits
        .iter()
        .fold(0, |sum, b| sum * 10 + i64::from(b - b'0'));
    let (hours, minutes) = if digits.len() > 2 {
        (number / 100, number % 100)
    } else {
        (number, 0)
    };
    sign * (hours * 3_600 + minutes * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_read_with_fraction_and_zone() {
        for (text, millis, length) in [
            ("1970-01-01 00:00:00.000 UTC", 0.0, 27),
            ("1970-01-01 00:00:00 UTC", 0.0, 23),
            ("1970-01-01 00:00:01.250 UTC x", 1_250.0, 27),
            ("2000-03-01 00:00:00.000 GMT]", 951_868_800_000.0, 27),
            ("2026-11-27 14:20:20.123 UTC,", 1_795_789_220_123.0, 27),
            ("2024-02-29 12:00:00.500 +02", 1_709_200_800_500.0, 27),
            ("2024-02-29 12:00:00.500 -0330:", 1_709_220_600_500.0, 29),
            ("1970-01-01 00:00:02", 2_000.0, 19),
        ] {
            assert_eq!(stamp(text.as_bytes()), Some((millis, length)), "{text}");
        }
        for text in [
            "",
            "1970-01-01",
            "1970-01-01T00:00:00",
            "197x-01-01 00:00:00",
            "x",
        ] {
            assert_eq!(stamp(text.as_bytes()), None, "{text}");
        }
    }
}

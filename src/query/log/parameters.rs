//! `$1 = '7', $2 = NULL, $3 = 'o''x'` → values.

/// The values by number, NULL as `None`. A value that the server cut off (`log_parameter_max_length`) ends the list: the rest of it,
/// and of those after it, is not known.
#[must_use]
pub fn parameters(text: &str) -> Vec<(usize, Option<String>)> {
    let mut values = Vec::new();
    let mut rest = text;
    while let Some((number, after)) = numbered(rest) {
        if let Some(after) = after.strip_prefix("NULL") {
            values.push((number, None));
            rest = after;
        } else if let Some((value, after)) = quoted(after) {
            // `'abc...'` was cut by the server, which says so by three dots inside of the quotes.
            if value.ends_with("...") {
                break;
            }
            values.push((number, Some(value)));
            rest = after;
        } else {
            break;
        }
        rest = rest.strip_prefix(", ").unwrap_or_default();
    }
    values
}

fn numbered(text: &str) -> Option<(usize, &str)> {
    let (number, rest) = text.strip_prefix('$')?.split_once(" = ")?;
    Some((number.parse().ok()?, rest))
}

/// What stands in quotes, with doubled ones for one, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text.strip_prefix('\'')?;
    loop {
        let end = rest.find('\'')?;
        value.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('\'') {
            Some(after) => {
                value.push('\'');
                rest = after;
            }
            None => return Some((value, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_until_one_is_cut() {
        let some = |number, value: &str| (number, Some(value.to_owned()));
        for (text, expected) in [
            ("$1 = '7'", vec![some(1, "7")]),
            (
                "$1 = '7', $2 = NULL, $3 = 'o''x, $4 = ''y'''",
                vec![some(1, "7"), (2, None), some(3, "o'x, $4 = 'y'")],
            ),
            ("$1 = '', $2 = 'a\nb'", vec![some(1, ""), some(2, "a\nb")]),
            ("$1 = '7', $2 = 'abc...', $3 = '9'", vec![some(1, "7")]),
            ("$1 = '7', $2 = 'open", vec![some(1, "7")]),
            ("", vec![]),
            ("$x = '7'", vec![]),
        ] {
            assert_eq!(parameters(text), expected, "{text}");
        }
    }
}

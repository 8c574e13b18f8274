//! How many rows match a LIKE pattern (`like_support.c`).

use crate::advisor::estimate::number::count;
use crate::advisor::estimate::selectivity::{Field, MATCH, Share, Side, default, known};

impl Field<'_> {
    /// `patternsel` for LIKE: histogram and common values are matched for real, the fixed prefix is a range.
    pub(crate) fn matches(&self, pattern: &str) -> Share {
        let Some(stats) = self.stats() else {
            return default(MATCH);
        };
        let prefix: String = pattern
            .chars()
            .take_while(|c| !"%_\\".contains(*c))
            .collect();
        let rest = &pattern[prefix.len()..];
        if rest.is_empty() && !prefix.is_empty() {
            return known(self.equals(pattern));
        }
        let bounds = stats.histogram_bounds.as_deref().unwrap_or_default();
        let inner = bounds.get(1..bounds.len().max(2) - 1).unwrap_or_default();
        let sampled =
            count(inner.iter().filter(|v| like(v, pattern)).count()) / count(inner.len()).max(1.0);
        let guessed = self.prefix_share(&prefix) * rest_share(rest);
        let weight = if inner.len() < 10 {
            0.0
        } else {
            (count(bounds.len()) / 100.0).min(1.0)
        };
        let share = (sampled * weight + guessed * (1.0 - weight)).clamp(0.0001, 0.9999);
        let (mut matching, mut common) = (0.0, 0.0);
        let frequencies = stats.most_common_freqs.as_deref().unwrap_or_default();
        for (value, frequency) in stats.most_common_vals.iter().flatten().zip(frequencies) {
            common += frequency;
            if like(value, pattern) {
                matching += frequency;
            }
        }
        known(matching + share * (1.0 - stats.null_frac - common).max(0.0))
    }

    /// `prefix_selectivity`: from the prefix up to the next greater string of its length.
    fn prefix_share(&self, prefix: &str) -> f64 {
        let mut next = prefix.to_owned();
        let Some(last) = next.pop() else { return 1.0 };
        next.push(char::from_u32(u32::from(last) + 1).unwrap_or(last));
        let both = self.both(
            self.beyond(Side::Low, true, prefix),
            self.beyond(Side::High, false, &next),
        );
        both.share.max(self.equals(prefix).min(1.0))
    }
}

/// `like_selectivity` of the part after the fixed prefix.
fn rest_share(rest: &str) -> f64 {
    let mut share = 1.0;
    for c in rest.trim_start_matches('%').chars() {
        share *= match c {
            '%' => 5.0,
            '_' => 0.9,
            _ => 0.2,
        };
    }
    f64::min(share, 1.0)
}

/// Whether a value matches a LIKE pattern (without escapes; a pattern that has some hardly ever sits in a histogram).
fn like(value: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('%');
    let Some(head) = parts.next() else {
        return false;
    };
    let Some(mut rest) = strip(value, head) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() && !part.is_empty() {
            // The last part must end the value.
            let start = rest.len().checked_sub(part.len());
            return start
                .and_then(|at| rest.get(at..))
                .and_then(|r| strip(r, part))
                .is_some();
        }
        let found = rest
            .char_indices()
            .find_map(|(at, _)| strip(&rest[at..], part));
        match found {
            Some(after) => rest = after,
            None if part.is_empty() => {}
            None => return false,
        }
    }
    true
}

/// The rest of `value` after a pattern without `%` that matches its beginning.
fn strip<'v>(value: &'v str, pattern: &str) -> Option<&'v str> {
    let mut chars = value.chars();
    for wanted in pattern.chars() {
        let c = chars.next()?;
        if wanted != '_' && wanted != c {
            return None;
        }
    }
    Some(chars.as_str())
}

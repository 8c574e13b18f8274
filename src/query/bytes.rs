//! Looking for bytes, many at a time, and bytes as text.

use std::borrow::Cow;

/// Bytes that are looked at together at the beginning, where most of what is looked for is.
const WORD: usize = 8;

/// Bytes that are looked at together after that: the compiler makes vector instructions of it.
const BLOCK: usize = 32;

/// How many words are looked at before blocks are.
const WORDS: usize = 4;

const ONES: u64 = u64::from_ne_bytes([1; WORD]);
const HIGHS: u64 = ONES << 7;

/// The highest bit of each byte that is zero; above the lowest of these there may be more (Mycroft).
#[inline]
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

/// Position of the first byte that one of the two ways to look at it finds: by words, or by blocks of bytes.
#[inline]
fn position(
    bytes: &[u8],
    marks: impl Fn(u64) -> u64,
    wanted: impl Fn(u8) -> bool,
) -> Option<usize> {
    let (words, mut rest) = bytes.as_chunks::<WORD>();
    let mut at = 0;
    let in_word = |word: &[u8; WORD]| {
        let found = marks(u64::from_le_bytes(*word));
        (found != 0).then_some(found.trailing_zeros() as usize / WORD)
    };
    for word in words.iter().take(WORDS) {
        if let Some(found) = in_word(word) {
            return Some(at + found);
        }
        at += WORD;
    }
    if words.len() > WORDS {
        let (blocks, _) = bytes[at..].as_chunks::<BLOCK>();
        for block in blocks {
            if block.iter().fold(false, |found, &b| found | wanted(b)) {
                break;
            }
            at += BLOCK;
        }
        let (words, after) = bytes[at..].as_chunks::<WORD>();
        for word in words {
            if let Some(found) = in_word(word) {
                return Some(at + found);
            }
            at += WORD;
        }
        rest = after;
    }
    let found = rest.iter().position(|&b| wanted(b))?;
    Some(at + found)
}

/// Position of the first such byte.
#[inline]
pub(crate) fn find(bytes: &[u8], byte: u8) -> Option<usize> {
    let all = ONES * u64::from(byte);
    position(bytes, |word| zeros(word ^ all), |b| b == byte)
}

/// Position of the first of two bytes.
#[inline]
pub(crate) fn find_either(bytes: &[u8], one: u8, other: u8) -> Option<usize> {
    let (ones, others) = (ONES * u64::from(one), ONES * u64::from(other));
    position(
        bytes,
        |word| zeros(word ^ ones) | zeros(word ^ others),
        |b| b == one || b == other,
    )
}

/// Lines without their ends.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|&b| b == b'\n')
}

/// Length of the first line with its end, if it has one.
#[inline]
pub(crate) fn line(bytes: &[u8]) -> Option<usize> {
    Some(find(bytes, b'\n')? + 1)
}

/// Bytes as text; what is no UTF-8 is replaced.
#[inline]
pub(crate) fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// The same for bytes of one's own.
pub(crate) fn owned_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_found_in_every_place() {
        for length in [0, 1, 7, 8, 9, 31, 32, 33, 39, 64, 65, 100] {
            for at in 0..length {
                let mut bytes = vec![b'a'; length];
                assert_eq!(find(&bytes, b'x'), None, "{length}");
                bytes[at] = b'x';
                assert_eq!(find(&bytes, b'x'), Some(at), "{length} {at}");
                assert_eq!(find_either(&bytes, b'z', b'x'), Some(at), "{length} {at}");
                // One that differs by the lowest bit, behind what is looked for.
                bytes[at + 1..].fill(b'y');
                assert_eq!(find(&bytes, b'x'), Some(at), "{length} {at}");
                assert_eq!(
                    find(&bytes, b'y').is_some(),
                    at + 1 < length,
                    "{length} {at}"
                );
            }
        }
    }
}

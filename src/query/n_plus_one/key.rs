//! The same statement with other values: a quick key for texts in logs, in one pass over their bytes.
//!
//! [`crate::query::fingerprint`] does the same with more care and takes twenty times as long, which is too long for a log of
//! gigabytes. Texts that one program writes differ by values alone, and for these both agree.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::query::bytes::find;

/// A text's key, and that of the values in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Keys {
    /// Equal for texts that differ by constants, white space, comments and lengths of lists.
    pub(super) statement: u64,
    /// Equal for equal constants.
    pub(super) values: u64,
}

/// Bytes → 64 bits, eight at a time: each eight are multiplied, and both halves of the product count (as in wyhash, Wang Yi).
#[derive(Clone, Copy)]
struct Hash(u64);

impl Hash {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds so many bytes, up to eight, given as a number, the first lowest.
    fn add(&mut self, word: u64, length: usize) {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let factor = ODD.wrapping_add(2 * length as u64);
        let product = u128::from(self.0 ^ word) * u128::from(factor);
        #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
        let halves = (product as u64, (product >> 64) as u64);
        self.0 = halves.0 ^ halves.1;
    }

    fn add_byte(&mut self, byte: u8) {
        self.add(u64::from(byte), 1);
    }

    fn add_all(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.add(u64::from_le_bytes(*word), 8);
        }
        self.add(tail(rest), rest.len());
    }
}

/// Fewer than eight bytes as a number, the first lowest.
fn tail(bytes: &[u8]) -> u64 {
    (bytes.iter().rev()).fold(0, |word, b| (word << 8) | u64::from(*b))
}

/// Of keys that are hashes already, for tables of them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = self.0.rotate_left(5) ^ key;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A table of keys that are hashes already.
pub(super) type ByKey<K, V> = HashMap<K, V, BuildHasherDefault<Hashed>>;

/// The key of a name, of a whole text, or of values that came apart from the text.
pub(super) fn of_values(values: &str) -> u64 {
    let mut hash = Hash::new();
    hash.add_all(values.as_bytes());
    hash.0
}

/// The keys of a text.
pub(super) fn keys(text: &str) -> Keys {
    let bytes = text.as_bytes();
    let mut out = Out {
        statement: Hash::new(),
        values: Hash::new(),
        last: b' ',
        held: Held::Nothing,
    };
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        at += match rest[0] {
            b' ' | b'\n' | b'\t' | b'\r' => {
                out.space();
                1
            }
            b'-' if rest.starts_with(b"--") => {
                out.space();
                find(rest, b'\n').unwrap_or(rest.len())
            }
            b'/' if rest.starts_with(b"/*") => {
                out.space();
                let end = rest[2..].windows(2).position(|w| w == b"*/");
                end.map_or(rest.len(), |end| end + 4)
            }
            b'\'' => {
                let length = string(rest);
                out.value(&rest[..length]);
                length
            }
            b'"' => {
                let end = find(&rest[1..], b'"');
                let length = end.map_or(rest.len(), |end| end + 2);
                out.quoted(&rest[..length]);
                length
            }
            b'$' if rest.get(1).is_some_and(u8::is_ascii_digit) => {
                let digits = rest[1..].iter().take_while(|b| b.is_ascii_digit()).count();
                out.value(&[]);
                1 + digits
            }
            b'0'..=b'9' if out.held == Held::Space || !is_part(out.last) => {
                let length = number(rest);
                out.value(&rest[..length]);
                length
            }
            byte if is_part(byte) => out.word(rest),
            b',' => {
                out.comma();
                1
            }
            byte => {
                out.code(byte);
                1
            }
        };
    }
    Keys {
        statement: out.statement.0,
        values: out.values.0,
    }
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Length of the number that the bytes begin with, with all that is written next to it.
fn number(bytes: &[u8]) -> usize {
    let part = |b: &&u8| is_part(**b) || **b == b'.';
    bytes.iter().take_while(part).count()
}

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGHS: u64 = ONES << 7;

/// The highest bit of each of eight bytes for which [`is_part`] does not hold. Bytes without their highest bit are compared by
/// adding what carries into it.
fn no_parts(word: u64) -> u64 {
    let low = word & !HIGHS;
    let from = |bytes: u64, first: u8| bytes + ONES * u64::from(0x80 - first);
    let within = |bytes: u64, first: u8, last: u8| from(bytes, first) & !from(bytes, last + 1);
    let lower = low | (ONES * 0x20);
    let underscore = !from(low ^ (ONES * u64::from(b'_')), 1);
    let part = within(lower, b'a', b'z') | within(low, b'0', b'9') | underscore | word;
    !part & HIGHS
}

/// Length of the string that the bytes begin with.
fn string(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(end) = find(&bytes[at..], b'\'') {
        at += end + 1;
        if bytes.get(at) != Some(&b'\'') {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

/// What waits for the next byte: behind a value, a comma that another value follows is not written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    Nothing,
    Space,
    Value,
    Comma,
}

struct Out {
    statement: Hash,
    values: Hash,
    last: u8,
    held: Held,
}

impl Out {
    fn space(&mut self) {
        if self.held == Held::Nothing && self.last != b' ' {
            self.held = Held::Space;
        }
    }

    fn comma(&mut self) {
        if self.held == Held::Value {
            self.held = Held::Comma;
        } else {
            self.code(b',');
        }
    }

    fn value(&mut self, value: &[u8]) {
        if !matches!(self.held, Held::Value | Held::Comma) {
            self.release();
            self.statement.add_byte(b'?');
        }
        self.last = b'?';
        self.held = Held::Value;
        self.values.add_all(value);
    }

    /// White space counts only between words.
    fn release(&mut self) {
        if self.held == Held::Comma {
            self.statement.add_byte(b',');
            self.last = b',';
        }
        self.held = Held::Nothing;
    }

    /// A character that is part of no word.
    fn code(&mut self, byte: u8) {
        self.release();
        self.statement.add_byte(byte);
        self.last = byte;
    }

    /// A quoted identifier.
    fn quoted(&mut self, bytes: &[u8]) {
        self.release();
        self.statement.add_all(bytes);
        self.last = b'"';
    }

    /// The word that the bytes begin with; its length.
    fn word(&mut self, bytes: &[u8]) -> usize {
        if self.held == Held::Space && is_part(self.last) {
            self.statement.add_byte(b' ');
        }
        self.release();
        let mut at = 0;
        while let Some((next, _)) = bytes[at..].split_first_chunk::<8>() {
            let word = u64::from_le_bytes(*next);
            let length = no_parts(word).trailing_zeros() as usize / 8;
            if length < 8 {
                self.statement
                    .add(word & !(u64::MAX << (8 * length)), length);
                self.last = b'a';
                return at + length;
            }
            self.statement.add(word, 8);
            at += 8;
        }
        let rest = bytes[at..].iter().take_while(|b| is_part(**b)).count();
        let rest = &bytes[at..at + rest];
        self.statement.add(tail(rest), rest.len());
        self.last = b'a';
        at + rest.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_make_no_other_statement() {
        for (one, other) in [
            (
                "select * from t where a = 1",
                "select * from t where a = 27",
            ),
            (
                "select * from t where a = 'x'",
                "select  *\nfrom t where a = 'o''x' -- why",
            ),
            (
                "select a1 from t2 where x in (1, 2,3)",
                "select a1 from t2 where x in ('x')",
            ),
            ("select $1", "/* by: me */ select 1.5e10"),
        ] {
            let (one, other) = (keys(one), keys(other));
            assert_eq!(one.statement, other.statement);
            assert_ne!(one.values, other.values);
        }
        for (one, other) in [
            ("select a1 from t", "select a2 from t"),
            ("select 1 from \"t1\"", "select 1 from \"t2\""),
            ("select a from t where b = 1", "select a from t where b > 1"),
            ("select a b from t", "select ab from t"),
            ("select 1, a", "select 1 a"),
        ] {
            assert_ne!(
                keys(one).statement,
                keys(other).statement,
                "{one} | {other}"
            );
        }
    }

    #[test]
    fn words_end_where_their_last_byte_is() {
        for byte in 0..=u8::MAX {
            for at in 0..8 {
                let mut bytes = [b'a', b'Z', b'_', b'0', b'9', b'z', b'A', 0xff];
                bytes[at] = byte;
                let first = bytes.iter().position(|b| !is_part(*b)).unwrap_or(8);
                let found = no_parts(u64::from_le_bytes(bytes)).trailing_zeros() / 8;
                assert_eq!(found as usize, first, "{byte} {at}");
            }
        }
        for length in 1..40 {
            let word = "x".repeat(length);
            let near = keys(&format!("select {word} from t")).statement;
            assert_eq!(near, keys(&format!("select {word}  from t")).statement);
            assert_ne!(near, keys(&format!("select {word}x from t")).statement);
            assert_eq!(keys(&word).statement, keys(&format!("{word} ")).statement);
        }
    }

    #[test]
    fn nothing_panics_at_odd_ends() {
        for text in ["", "'", "\"", "''", "'x''", "$", "$1", "/*", "-", "1", "é'"] {
            keys(text);
        }
    }
}

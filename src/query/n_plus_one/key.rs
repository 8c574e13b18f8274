//! The same statement with other values: a quick key for texts in logs, in one pass over their bytes.
//!
//! [`crate::query::fingerprint`] does the same with more care and takes twenty times as long, which is too long for a log of
//! gigabytes. Texts that one program writes differ by values alone, and for these both agree.

/// A text's key, and that of the values in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Keys {
    /// Equal for texts that differ by constants, white space, comments and lengths of lists.
    pub(super) statement: u64,
    /// Equal for equal constants.
    pub(super) values: u64,
}

/// FNV-1a.
#[derive(Clone, Copy)]
struct Hash(u64);

impl Hash {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }

    fn add_all(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.add(byte);
        }
    }
}

/// The key of a name, or of values that came apart from the text.
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
                rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len())
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
                let end = rest[1..].iter().position(|&b| b == b'"');
                let length = end.map_or(rest.len(), |end| end + 2);
                out.all(&rest[..length]);
                length
            }
            b'$' if rest.get(1).is_some_and(u8::is_ascii_digit) => {
                let digits = rest[1..].iter().take_while(|b| b.is_ascii_digit()).count();
                out.value(&[]);
                1 + digits
            }
            b'0'..=b'9' if out.held == Held::Space || !is_part(out.last) => {
                let part = |b: &&u8| is_part(**b) || **b == b'.';
                let length = rest.iter().take_while(part).count();
                out.value(&rest[..length]);
                length
            }
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

/// Length of the string that the bytes begin with.
fn string(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(end) = bytes[at..].iter().position(|&b| b == b'\'') {
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
            self.statement.add(b'?');
        }
        self.last = b'?';
        self.held = Held::Value;
        self.values.add_all(value);
        self.values.add(0);
    }

    /// White space counts only between words.
    fn release(&mut self) {
        if self.held == Held::Comma {
            self.statement.add(b',');
            self.last = b',';
        }
        self.held = Held::Nothing;
    }

    fn code(&mut self, byte: u8) {
        if self.held == Held::Space && is_part(byte) && is_part(self.last) {
            self.statement.add(b' ');
        }
        self.release();
        self.statement.add(byte);
        self.last = byte;
    }

    fn all(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.code(byte);
        }
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
    fn nothing_panics_at_odd_ends() {
        for text in ["", "'", "\"", "''", "'x''", "$", "$1", "/*", "-", "1", "é'"] {
            keys(text);
        }
    }
}

//! Looking for bytes, many at a time.

/// Bytes that are looked at together: the compiler makes vector instructions of it.
const BLOCK: usize = 32;

/// Position of the first byte for which `wanted` holds; `wanted` is cheap and without branches.
fn position(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> Option<usize> {
    let mut blocks = bytes.chunks_exact(BLOCK);
    let mut at = 0;
    for block in blocks.by_ref() {
        if block.iter().fold(false, |found, &b| found | wanted(b)) {
            break;
        }
        at += BLOCK;
    }
    let found = bytes[at..].iter().position(|&b| wanted(b))?;
    Some(at + found)
}

/// Position of the first such byte.
pub(super) fn find(bytes: &[u8], byte: u8) -> Option<usize> {
    position(bytes, |b| b == byte)
}

/// Position of the first of two bytes.
pub(super) fn find_either(bytes: &[u8], one: u8, other: u8) -> Option<usize> {
    position(bytes, |b| b == one || b == other)
}

/// Lines without their ends.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|&b| b == b'\n')
}

/// Length of the first line with its end, if it has one.
pub(super) fn line(bytes: &[u8]) -> Option<usize> {
    Some(find(bytes, b'\n')? + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_found_in_every_place() {
        for length in [0, 1, 31, 32, 33, 64, 100] {
            for at in 0..length {
                let mut bytes = vec![b'a'; length];
                assert_eq!(find(&bytes, b'x'), None, "{length}");
                bytes[at] = b'x';
                assert_eq!(find(&bytes, b'x'), Some(at), "{length} {at}");
                assert_eq!(find_either(&bytes, b'y', b'x'), Some(at), "{length} {at}");
            }
        }
    }
}

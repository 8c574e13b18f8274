//! The values that a statement was run with most often, as far as a log shows.

use crate::query::log::{Entry, Event};

/// So many are kept of a statement.
const MOST: usize = 20;

/// Longest text of values that is kept.
const LONGEST: usize = 4 << 10;

/// Beyond those that came first, every so manieth execution gets a place of one that came once.
const SAMPLED: u64 = 64;

/// Values of one execution, as the log has them, and how often they came.
#[derive(Debug, Clone)]
pub(in crate::query) struct Vector {
    key: u64,
    pub(in crate::query) count: u64,
    /// The text as it was sent.
    pub(in crate::query) text: String,
    /// Values that came apart from it.
    pub(in crate::query) parameters: Option<String>,
}

/// Those of a statement.
#[derive(Debug, Clone, Default)]
pub(in crate::query) struct Vectors {
    pub(in crate::query) kept: Vec<Vector>,
    seen: u64,
}

impl Vectors {
    /// Counts the values of an execution; gives the bytes that are kept of it.
    pub(super) fn note(&mut self, key: u64, entry: &Entry<'_>) -> usize {
        self.seen += 1;
        if let Some(vector) = self.kept.iter_mut().find(|v| v.key == key) {
            vector.count += 1;
            return 0;
        }
        let (Event::Statement(text) | Event::Execute { text, .. }) = &entry.event else {
            return 0;
        };
        let parameters = entry.parameters.as_deref();
        let bytes = text.len() + parameters.map_or(0, str::len);
        if bytes > LONGEST {
            return 0;
        }
        let vector = || Vector {
            key,
            count: 1,
            text: text.as_ref().to_owned(),
            parameters: parameters.map(str::to_owned),
        };
        if self.kept.len() < MOST {
            self.kept.push(vector());
            return bytes;
        }
        if self.seen.is_multiple_of(SAMPLED)
            && let Some(once) = self.kept.iter_mut().find(|v| v.count == 1)
        {
            *once = vector();
        }
        0
    }

    /// Those that came most often first.
    pub(in crate::query) fn most_often(&self) -> Vec<&Vector> {
        let mut all: Vec<&Vector> = self.kept.iter().collect();
        all.sort_by_key(|v| std::cmp::Reverse(v.count));
        all
    }
}

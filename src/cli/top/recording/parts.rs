//! What a line of a recording has of the parts with thousands of rows: those that have changed since a line had them, and the keys of
//! those that are gone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::sample::{
    IndexSample, Panel, Sample, StatementKey, StatementSample, TableSample,
};

/// Keys of what is gone.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Gone {
    statements: Vec<StatementKey>,
    tables: Vec<u32>,
    indexes: Vec<u32>,
}

/// The rows that are known of a part, by their keys.
#[derive(Debug, Clone)]
struct Known<K, T> {
    rows: BTreeMap<K, T>,
    key: fn(&T) -> K,
}

impl<K: Ord + Copy, T: Clone + PartialEq> Known<K, T> {
    fn new(key: fn(&T) -> K) -> Self {
        Self {
            rows: BTreeMap::new(),
            key,
        }
    }

    /// Leaves the rows that are not known as they are, and gives the keys of those that are gone.
    fn strip(&mut self, rows: &mut Vec<T>) -> Vec<K> {
        let now: BTreeMap<K, T> = rows.drain(..).map(|row| ((self.key)(&row), row)).collect();
        let gone = self.rows.keys().filter(|key| !now.contains_key(key));
        let gone = gone.copied().collect();
        let changed = now
            .iter()
            .filter(|(key, row)| self.rows.get(key) != Some(row));
        rows.extend(changed.map(|(_, row)| row.clone()));
        self.rows = now;
        gone
    }

    /// Puts in the rows that were left out.
    fn fill(&mut self, rows: &mut Vec<T>, gone: &[K]) {
        for key in gone {
            self.rows.remove(key);
        }
        let changed = rows.drain(..).map(|row| ((self.key)(&row), row));
        self.rows.extend(changed);
        rows.extend(self.rows.values().cloned());
    }
}

/// All parts of which only what changed is written.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    statements: Known<StatementKey, StatementSample>,
    tables: Known<u32, TableSample>,
    indexes: Known<u32, IndexSample>,
}

impl Parts {
    pub(super) fn new() -> Self {
        Self {
            statements: Known::new(|entry| entry.key),
            tables: Known::new(|table| table.oid),
            indexes: Known::new(|index| index.oid),
        }
    }

    /// Leaves what has changed.
    pub(super) fn strip(&mut self, sample: &mut Sample) -> Gone {
        let mut gone = Gone::default();
        if let Panel::Read(read) = &mut sample.statements {
            gone.statements = self.statements.strip(&mut read.entries);
        }
        if let Panel::Read(rows) = &mut sample.tables {
            gone.tables = self.tables.strip(rows);
        }
        if let Panel::Read(rows) = &mut sample.indexes {
            gone.indexes = self.indexes.strip(rows);
        }
        gone
    }

    /// Puts in what has not changed.
    pub(super) fn fill(&mut self, sample: &mut Sample, gone: &Gone) {
        if let Panel::Read(read) = &mut sample.statements {
            self.statements.fill(&mut read.entries, &gone.statements);
        }
        if let Panel::Read(rows) = &mut sample.tables {
            self.tables.fill(rows, &gone.tables);
        }
        if let Panel::Read(rows) = &mut sample.indexes {
            self.indexes.fill(rows, &gone.indexes);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever comes and goes, what was left out is put in again.
        #[test]
        fn what_is_left_out_comes_back(samples in prop::collection::vec(prop::collection::btree_map(0_u32..6, 0_i32..3, 0..6), 1..9)) {
            let key = |row: &(u32, i32)| row.0;
            let (mut writer, mut reader) = (Known::new(key), Known::new(key));
            let mut before = 0;
            for sample in samples {
                let rows: Vec<(u32, i32)> = sample.into_iter().collect();
                let mut line = rows.clone();
                let gone = writer.strip(&mut line);
                prop_assert!(line.len() <= rows.len());
                prop_assert!(gone.len() <= before);
                before = rows.len();
                reader.fill(&mut line, &gone);
                prop_assert_eq!(line, rows);
            }
        }
    }

    #[test]
    fn what_stays_the_same_is_not_written_again() {
        let mut known = Known::new(|row: &(u32, i32)| row.0);
        let mut first = vec![(1, 1), (2, 1), (3, 1)];
        assert!(known.strip(&mut first).is_empty());
        assert_eq!(first.len(), 3);
        let mut second = vec![(1, 1), (2, 7)];
        assert_eq!(known.strip(&mut second), [3]);
        assert_eq!(second, [(2, 7)]);
    }
}

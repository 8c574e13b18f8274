//! What an index costs those who write: entries to add, and HOT updates that stop being HOT.
//!
//! After `README.HOT` of `PostgreSQL`: an update is HOT only while no column of any index
//! changes, and a HOT update writes to no index at all. The prices are rough; they serve to weigh writes against reads.

mod hot;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::advisor::estimate::predicate_selectivity;
use crate::advisor::size::leaf_partitions;
use crate::advisor::write_cost::hot::updates;
use crate::model::catalog::Table;
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Count, Millis, Percent};
use crate::model::whatif::Hypothetical;
use crate::query::workload::Workload;

/// Descent to a leaf in memory and the entry there: 5 to 20 µs on today's machines.
const INSERT_MS: f64 = 0.010;
/// Writing WAL, per byte: 100 MB/s sustained.
const WAL_MS_PER_BYTE: f64 = 1.0e-5;
/// WAL of one entry beyond the entry itself: record header and block reference.
const WAL_OVERHEAD: f64 = 50.0;
/// Reading a leaf that is in no cache: a random read of a solid-state disk.
const MISS_MS: f64 = 0.1;
/// Taking an entry out again, by VACUUM, relative to putting it in: it goes through the pages in bulk.
const REMOVE: f64 = 0.3;
/// Correlation from which new entries all go to the rightmost leaf, which stays in memory.
const ASCENDING: f64 = 0.95;
/// Statistics younger than this say little about a day, s.
const YOUNG: f64 = 3600.0;

/// The price of one index. Rates are `None` when nobody knows since when the counters count.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WriteCost {
    /// Time that writers and VACUUM spend on it, ms per day.
    pub ms_per_day: Option<f64>,
    /// Entries added per day.
    pub entries_per_day: Option<f64>,
    /// HOT updates per day that it turns into ordinary ones.
    pub hot_lost_per_day: Option<f64>,
    /// What it adds to the work of writing to the table and its present indexes, as a share of that.
    pub share_of_writes: f64,
    /// Columns of the index that statements of the workload set.
    pub updated_columns: BTreeSet<String>,
    /// Whether the counters are younger than an hour, or their age is unknown.
    pub low_confidence: bool,
    table: String,
}

impl WriteCost {
    /// One line for people: `adds 1.2 % to the writes on orders (34 ms a day)`.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = match self.ms_per_day {
            Some(ms) if ms > 0.0 => format!(
                "adds {} to the writes on {} ({} a day)",
                Percent(self.share_of_writes),
                self.table,
                Millis(ms)
            ),
            Some(_) => format!("no writes seen on {} that would touch it", self.table),
            None if self.share_of_writes > 0.0 => format!(
                "adds {} to the writes on {}",
                Percent(self.share_of_writes),
                self.table
            ),
            None => format!("write price on {} unknown", self.table),
        };
        if !self.updated_columns.is_empty() {
            let columns: Vec<&str> = self.updated_columns.iter().map(String::as_str).collect();
            let columns = columns.join(", ");
            match self.hot_lost_per_day {
                Some(lost) if lost >= 0.5 => {
                    let lost = Count(lost);
                    let _ = write!(
                        text,
                        "; {lost} HOT updates a day are lost: {columns} is updated"
                    );
                }
                _ => {
                    let _ = write!(text, "; {columns} is updated");
                }
            }
        }
        if self.low_confidence && self.ms_per_day.is_some() {
            text.push_str("; counted for less than an hour");
        }
        text
    }
}

/// Rows written to a table since its counters were reset.
#[derive(Debug, Clone, Copy, Default)]
struct Writes {
    inserted: f64,
    updated: f64,
    hot: f64,
    deleted: f64,
}

/// Prices an index from the table's counters and from which columns the workload's statements set.
#[must_use]
pub fn write_cost(index: &Hypothetical, snapshot: &Snapshot, workload: &Workload) -> WriteCost {
    let definition = &index.definition;
    let Some(table) = snapshot.table(definition.table_oid) else {
        return WriteCost {
            low_confidence: true,
            table: definition.table.name.clone(),
            ..WriteCost::default()
        };
    };
    let age = snapshot.stats_age().filter(|age| *age > 0.0);
    let mut cost = WriteCost {
        low_confidence: age.is_none_or(|age| age < YOUNG),
        table: table.name.clone(),
        ..WriteCost::default()
    };
    let (touched, lost_share) = updates(definition, table, snapshot, workload);
    cost.updated_columns = touched;
    let Some(writes) = writes(table, snapshot, age) else {
        return cost;
    };
    let insert = insert_ms(index, table, snapshot);
    let share = predicate_selectivity(definition, table);
    let indexes = snapshot.indexes_of(table.oid).filter(|i| i.ready);
    let present = indexes.map(|_| 1.0).sum::<f64>();

    let lost = writes.hot * lost_share;
    let ordinary = (writes.updated - writes.hot).max(0.0) + lost;
    let entries = (writes.inserted + ordinary) * share;
    let removed = (writes.deleted + ordinary) * share;
    // A lost HOT update also writes a new entry to every index that is there already.
    let ms =
        entries * insert + removed * insert * REMOVE + lost * present * INSERT_MS * (1.0 + REMOVE);
    let before = (writes.inserted + writes.updated - writes.hot) * (1.0 + present)
        + writes.hot
        + writes.deleted;
    cost.share_of_writes = if before > 0.0 {
        ms / (before * INSERT_MS)
    } else {
        0.0
    };
    if let Some(age) = age {
        let per_day = 86_400.0 / age;
        cost.ms_per_day = Some(ms * per_day);
        cost.entries_per_day = Some(entries * per_day);
        cost.hot_lost_per_day = Some(lost * per_day);
    }
    cost
}

/// Writes to the table, all partitions together; `None` when its counters were not seen. `age` is that of the counters, s.
fn writes(table: &Table, snapshot: &Snapshot, age: Option<f64>) -> Option<Writes> {
    let leaves = leaf_partitions(table, snapshot);
    let tables = if leaves.is_empty() {
        vec![table]
    } else {
        leaves
    };
    let mut sum = Writes::default();
    let mut seen = false;
    for stats in tables.iter().filter_map(|t| t.stats.as_ref()) {
        #[allow(
            clippy::cast_precision_loss,
            reason = "counters beyond 2^52 need no exactness"
        )]
        let rows = |counter: i64| counter.max(0) as f64;
        seen = true;
        sum.inserted += rows(stats.n_tup_ins);
        sum.updated += rows(stats.n_tup_upd);
        sum.hot += rows(stats.n_tup_hot_upd).min(rows(stats.n_tup_upd));
        sum.deleted += rows(stats.n_tup_del);
    }
    // A table that has as many inserts as rows was filled meanwhile. In so short a time that was a restore or a load of test
    // data, which does not come again every day. (n_live_tup can be off by a factor just then; reltuples is a sample's.)
    let filled: f64 = tables.iter().map(|t| t.rows()).sum();
    if age.is_some_and(|age| age < YOUNG) && sum.inserted >= 0.9 * filled {
        sum.inserted = (sum.inserted - filled).max(0.0);
    }
    seen.then_some(sum)
}

/// Time to add one entry, ms.
fn insert_ms(index: &Hypothetical, table: &Table, snapshot: &Snapshot) -> f64 {
    let rows = table.rows().max(1.0);
    let entry = (index.size_bytes() / rows).clamp(8.0, 2704.0);
    let wal = (entry + WAL_OVERHEAD) * WAL_MS_PER_BYTE;
    let first = index.definition.keys.first().and_then(|k| k.column_name());
    let stats = first
        .and_then(|name| table.column(name))
        .and_then(|c| c.stats.as_ref());
    let ascending = stats
        .and_then(|s| s.correlation)
        .is_some_and(|c| c >= ASCENDING);
    let cache = snapshot
        .server
        .number("effective_cache_size", 524_288.0)
        .max(1.0);
    let missed = if ascending {
        0.0
    } else {
        (1.0 - cache / index.pages.max(1.0)).max(0.0)
    };
    // An inverted index takes an entry for each element of a value.
    let elements = if index.definition.method == "gin" {
        5.0
    } else {
        1.0
    };
    elements * (INSERT_MS + wal + missed * MISS_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisor::size::hypothetical;
    use crate::model::statement::{Source, Statement};
    use crate::model::stats::TableStats;
    use crate::query::testing::{btree, catalog};
    use crate::query::workload::{Query, QueryKind, Usual};

    /// A day of counters: 10,000 inserts, 20,000 updates of which 15,000 are HOT.
    fn shop() -> Snapshot {
        let mut shop = catalog(
            "create table orders ( -- rows=100000 pages=1000 n_tup_ins=10000 n_tup_upd=20000 n_tup_hot_upd=15000
  id int primary key,
  status text, -- n_distinct=5 width=6
  note text,
  total int -- n_distinct=1000
);",
        );
        shop.server.stats_reset = Some(shop.taken_at - 86_400.0);
        shop
    }

    fn update(snapshot: &Snapshot, calls: f64, columns: &[&str]) -> Query {
        let mut query = Query {
            text: String::new(),
            parameters: 0,
            fingerprint: 0,
            kind: QueryKind::Update,
            members: vec![],
            calls,
            total_ms: None,
            rows_per_call: 1.0,
            page: 1.0,
            search_path: vec![],
            usual: Usual::default(),
            classes: Vec::new(),
            variants: Vec::new(),
            shape: crate::query::shape::Shape::default(),
            unread: None,
        };
        query.shape.target = Some(snapshot.tables[0].oid);
        query.shape.written = columns.iter().map(|c| (*c).to_owned()).collect();
        query
    }

    fn price(snapshot: &Snapshot, columns: &[&str], queries: Vec<Query>) -> WriteCost {
        let table = &snapshot.tables[0];
        let definition = btree(table, columns);
        let workload = Workload {
            queries,
            ..Workload::default()
        };
        write_cost(&hypothetical(&definition, table), snapshot, &workload)
    }

    #[test]
    fn hot_updates_are_lost_only_when_their_column_is_indexed() {
        let shop = shop();
        let queries = || {
            vec![
                update(&shop, 300.0, &["status"]),
                update(&shop, 100.0, &["note"]),
            ]
        };
        let status = price(&shop, &["status"], queries());
        let total = price(&shop, &["total"], queries());
        assert_eq!(status.hot_lost_per_day, Some(11_250.0));
        assert_eq!(total.hot_lost_per_day, Some(0.0));
        assert_eq!(total.entries_per_day, Some(15_000.0));
        assert!(status.ms_per_day > total.ms_per_day && total.ms_per_day > Some(0.0));
        assert!(
            status
                .describe()
                .contains("11,250 HOT updates a day are lost: status"),
            "{}",
            status.describe()
        );
        assert!(!total.describe().contains("HOT"), "{}", total.describe());
    }

    #[test]
    fn an_update_whose_rows_nobody_counted_writes_one() {
        for (source, lost) in [
            (Source::File, Some(15_000.0)),
            (Source::PgStatStatements, Some(0.0)),
        ] {
            let mut shop = shop();
            shop.statements.push(Statement {
                source,
                ..Statement::default()
            });
            let mut query = update(&shop, 300.0, &["status"]);
            (query.members, query.rows_per_call) = (vec![0], 0.0);
            let price = price(&shop, &["status"], vec![query]);
            assert_eq!(price.hot_lost_per_day, lost, "{source:?}");
        }
    }

    #[test]
    fn updates_of_a_column_that_is_indexed_already_are_not_hot_anyway() {
        let shop = shop();
        let queries = vec![
            update(&shop, 300.0, &["id", "status"]),
            update(&shop, 100.0, &["note"]),
        ];
        assert_eq!(
            price(&shop, &["status"], queries).hot_lost_per_day,
            Some(0.0)
        );
    }

    #[test]
    fn what_was_not_counted_is_unknown_and_not_free() {
        let mut shop = shop();
        shop.server.stats_reset = None;
        shop.server.started_at = None;
        let cost = price(&shop, &["total"], vec![]);
        assert_eq!((cost.ms_per_day, cost.low_confidence), (None, true));
        assert!(cost.share_of_writes > 0.0);
        shop.tables[0].stats = None;
        assert!(
            price(&shop, &["total"], vec![])
                .describe()
                .contains("unknown")
        );
        let mut young = self::shop();
        young.server.stats_reset = Some(young.taken_at - 60.0);
        let cost = price(&young, &["total"], vec![]);
        assert!(cost.low_confidence && cost.ms_per_day.is_some());
    }

    #[test]
    fn loading_the_table_is_no_write_load() {
        // The table has 100,000 rows.
        let entries = |age: f64, inserted: i64| {
            let mut shop = shop();
            shop.server.stats_reset = Some(shop.taken_at - age);
            let stats = TableStats {
                n_tup_ins: inserted,
                ..TableStats::default()
            };
            shop.tables[0].stats = Some(stats);
            let per_day = price(&shop, &["total"], vec![]).entries_per_day.unwrap();
            (per_day * age / 86_400.0).round().to_string()
        };
        assert_eq!(entries(600.0, 100_300), "300");
        assert_eq!(entries(600.0, 300), "300");
        assert_eq!(entries(600.0, 99_000), "0");
        // In a day a table may well have grown from nothing.
        assert_eq!(entries(86_400.0, 100_300), "100300");
    }
}

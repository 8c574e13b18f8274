//! Rows in binary form, by position: what is read thousands at a time, every other second.

use tokio_postgres::{Error, Row};

use crate::model::sample::{
    IndexCounters, IndexSample, StatementCounters, StatementKey, StatementSample, TableCounters,
    TableSample,
};

/// One row of `statement_counters`, in the order of its columns.
pub(super) fn statement(row: &Row) -> Result<StatementSample, Error> {
    let amount = |at: usize| row.try_get::<_, f64>(at);
    Ok(StatementSample {
        key: StatementKey {
            userid: row.try_get(1)?,
            dbid: row.try_get(2)?,
            queryid: row.try_get(3)?,
            toplevel: row.try_get(4)?,
        },
        counters: StatementCounters {
            calls: amount(5)?,
            total_exec_time: amount(6)?,
            total_plan_time: amount(7)?,
            rows: amount(8)?,
            shared_blks_hit: amount(9)?,
            shared_blks_read: amount(10)?,
            shared_blks_dirtied: amount(11)?,
            shared_blks_written: amount(12)?,
            temp_blks_read: amount(13)?,
            temp_blks_written: amount(14)?,
            blk_time: amount(15)?,
            wal_bytes: amount(16)?,
            jit_time: amount(17)?,
        },
        since: row.try_get(18)?,
        max_exec_time: amount(19)?,
        stddev_exec_time: amount(20)?,
    })
}

/// Oids are `int8` in `sql/`.
fn oid(row: &Row, at: usize) -> Result<u32, Error> {
    Ok(u32::try_from(row.try_get::<_, i64>(at)?).unwrap_or_default())
}

/// One row of `table_counters`, in the order of its columns.
pub(super) fn table(row: &Row) -> Result<TableSample, Error> {
    let amount = |at: usize| row.try_get::<_, f64>(at);
    Ok(TableSample {
        oid: oid(row, 0)?,
        schema: row.try_get(1)?,
        name: row.try_get(2)?,
        counters: TableCounters {
            seq_scan: amount(3)?,
            seq_tup_read: amount(4)?,
            idx_scan: amount(5)?,
            idx_tup_fetch: amount(6)?,
            n_tup_ins: amount(7)?,
            n_tup_upd: amount(8)?,
            n_tup_del: amount(9)?,
            n_tup_hot_upd: amount(10)?,
        },
        n_live_tup: amount(11)?,
        n_dead_tup: amount(12)?,
        n_mod_since_analyze: amount(13)?,
        last_vacuum: row.try_get(14)?,
        last_analyze: row.try_get(15)?,
        size_bytes: amount(16)?,
    })
}

/// One row of `index_counters`, in the order of its columns.
pub(super) fn index(row: &Row) -> Result<IndexSample, Error> {
    let amount = |at: usize| row.try_get::<_, f64>(at);
    Ok(IndexSample {
        oid: oid(row, 0)?,
        table_oid: oid(row, 1)?,
        schema: row.try_get(2)?,
        table: row.try_get(3)?,
        name: row.try_get(4)?,
        counters: IndexCounters {
            idx_scan: amount(5)?,
            idx_tup_read: amount(6)?,
            idx_tup_fetch: amount(7)?,
        },
        size_bytes: amount(8)?,
        primary: row.try_get(9)?,
        unique: row.try_get(10)?,
        valid: row.try_get(11)?,
        last_scan: row.try_get(12)?,
    })
}

//! The server as a whole: ages, sessions, counters, replication; and the sequences of the database.

use serde::Deserialize;
use tokio_postgres::types::Type;

use crate::model::cluster::{
    ChangedCollation, Checkpoints, Cluster, DatabaseAge, DatabaseCounters, Prepared, Sequence,
    Session, Slot, Standby, Wal,
};
use crate::model::gap::Part;
use crate::pg::collect::transaction::Transaction;
use crate::pg::collect::variant::{Collector, collector};
use crate::pg::error::Error;

const CLUSTER: Collector = collector!("cluster", [(13, 0) => "13"]);
pub(super) const CHECKPOINTS: Collector = collector!("checkpoints", [
    (17, 0) => "17",
    (13, 0) => "13",
]);
pub(super) const WAL: Collector = collector!("wal", [(14, 0) => "14"]);
const SESSIONS: Collector = collector!("sessions", [(13, 0) => "13"]);
const SEQUENCES: Collector = collector!("sequences", [(13, 0) => "13"]);
const SEQUENCE_VALUES: Collector = collector!("sequence_values", [(13, 0) => "13"]);
const COLLATION_VERSIONS: Collector = collector!("collation_versions", [
    (15, 0) => "15",
    (13, 0) => "13",
]);

/// Reading a sequence's value locks it until the savepoint is rolled back: a few hundred at a time leave the server's lock table to
/// others.
const SEQUENCES_AT_ONCE: usize = 200;

#[derive(Deserialize)]
struct ClusterRow {
    databases: Vec<DatabaseAge>,
    counters: Option<DatabaseCounters>,
    slots: Vec<Slot>,
    standbys: Vec<Standby>,
    prepared: Vec<Prepared>,
}

/// The server as a whole; `None` where not even its first part could be read, which is a Gap then.
pub(super) async fn cluster(transaction: &mut Transaction<'_>) -> Result<Option<Cluster>, Error> {
    let rows: Vec<ClusterRow> = transaction.collect(Part::Server, &CLUSTER, &[]).await?;
    let Some(row) = rows.into_iter().next() else {
        return Ok(None);
    };
    let sessions: Vec<Session> = transaction.collect(Part::Activity, &SESSIONS, &[]).await?;
    let checkpoints: Vec<Checkpoints> =
        transaction.collect(Part::Server, &CHECKPOINTS, &[]).await?;
    let wal: Vec<Wal> = transaction.collect(Part::Server, &WAL, &[]).await?;
    let changed_collations: Vec<ChangedCollation> = transaction
        .collect(Part::Server, &COLLATION_VERSIONS, &[])
        .await?;
    Ok(Some(Cluster {
        databases: row.databases,
        sessions,
        counters: row.counters,
        checkpoints: checkpoints.into_iter().next(),
        wal: wal.into_iter().next(),
        slots: row.slots,
        standbys: row.standbys,
        prepared: row.prepared,
        changed_collations,
    }))
}

/// The sequences with their values, as far as the role may read them.
pub(super) async fn sequences(transaction: &mut Transaction<'_>) -> Result<Vec<Sequence>, Error> {
    #[derive(Deserialize)]
    struct Row {
        oid: u32,
        last_value: Option<i64>,
    }
    let mut sequences: Vec<Sequence> = transaction.collect(Part::Catalog, &SEQUENCES, &[]).await?;
    let oids: Vec<u32> = sequences.iter().map(|sequence| sequence.oid).collect();
    for chunk in oids.chunks(SEQUENCES_AT_ONCE) {
        let locked = transaction.locked_oids();
        let parameters = [
            (&chunk as _, Type::OID_ARRAY),
            (&locked as _, Type::OID_ARRAY),
        ];
        let rows: Vec<Row> = transaction
            .collect(Part::Catalog, &SEQUENCE_VALUES, &parameters)
            .await?;
        for row in rows {
            if let Ok(at) = sequences.binary_search_by_key(&row.oid, |s| s.oid) {
                sequences[at].last_value = row.last_value;
            }
        }
    }
    Ok(sequences)
}

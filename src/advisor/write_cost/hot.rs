//! Which HOT updates an index would end: those that set a column that only it holds.

use std::collections::BTreeSet;

use crate::model::catalog::Table;
use crate::model::index::{IndexDefinition, KeyOf};
use crate::model::snapshot::Snapshot;
use crate::model::statement::Source;
use crate::query::workload::{Query, QueryKind, Workload};

/// Columns of the index that UPDATEs set, and which share of the now HOT updates they are. Updates that set a column of a
/// present index are not HOT anyway and do not count.
pub(crate) fn updates(
    definition: &IndexDefinition,
    table: &Table,
    snapshot: &Snapshot,
    workload: &Workload,
) -> (BTreeSet<String>, f64) {
    let columns = columns_of(definition, table);
    let present: BTreeSet<String> = snapshot
        .indexes_of(table.oid)
        .filter(|i| i.ready && !summarizes(&i.definition, snapshot))
        .flat_map(|i| columns_of(&i.definition, table))
        .collect();
    let exempt = summarizes(definition, snapshot);
    let (mut touched, mut can_be_hot, mut lost) = (BTreeSet::new(), 0.0, 0.0);
    for query in workload
        .queries
        .iter()
        .filter(|q| writes_to(q, table, snapshot))
    {
        let written = &query.shape.written;
        let set: Vec<&String> = written.intersection(&columns).collect();
        touched.extend(set.iter().map(|c| (*c).clone()));
        if written.is_disjoint(&present) {
            let rows = query.calls.max(0.0) * rows_per_call(query, snapshot);
            can_be_hot += rows;
            lost += if set.is_empty() || exempt { 0.0 } else { rows };
        }
    }
    let share = if can_be_hot > 0.0 {
        (lost / can_be_hot).min(1.0)
    } else {
        0.0
    };
    (touched, share)
}

/// Rows that an execution writes: where nobody counted them, as of the statements of a file, one.
fn rows_per_call(query: &Query, snapshot: &Snapshot) -> f64 {
    let counted = |&member: &usize| {
        let source = snapshot.statements[member].source;
        source == Source::PgStatStatements
    };
    if query.members.iter().all(counted) {
        query.rows_per_call.max(0.0)
    } else {
        query.rows_per_call.max(1.0)
    }
}

/// Since 16 an index that only summarizes pages (BRIN) leaves updates HOT.
fn summarizes(definition: &IndexDefinition, snapshot: &Snapshot) -> bool {
    definition.method == "brin" && snapshot.server.major() >= 16
}

fn writes_to(query: &Query, table: &Table, snapshot: &Snapshot) -> bool {
    let changes = matches!(
        query.kind,
        QueryKind::Update | QueryKind::Merge | QueryKind::Insert
    );
    if !changes || query.shape.written.is_empty() {
        return false;
    }
    let target = query.shape.target.and_then(|oid| snapshot.table(oid));
    target.is_some_and(|t| {
        t.oid == table.oid || snapshot.root_of(t).oid == snapshot.root_of(table).oid
    })
}

/// Columns whose change changes an entry: keys, INCLUDE, and those named in expressions and predicate.
fn columns_of(definition: &IndexDefinition, table: &Table) -> BTreeSet<String> {
    let mut columns: BTreeSet<String> = definition.include.iter().cloned().collect();
    let mut named = |text: &str| {
        let word = |c: char| !(c.is_alphanumeric() || c == '_' || c == '$');
        let words: BTreeSet<String> = text.split(word).map(str::to_lowercase).collect();
        let quoted: Vec<&str> = text.split('"').collect();
        for column in &table.columns {
            if words.contains(&column.name) || quoted.contains(&column.name.as_str()) {
                columns.insert(column.name.clone());
            }
        }
    };
    for key in &definition.keys {
        match &key.of {
            KeyOf::Column(name) => named(&format!("\"{name}\"")),
            KeyOf::Expression(text) => named(text),
        }
    }
    if let Some(predicate) = &definition.predicate {
        named(predicate);
    }
    columns
}

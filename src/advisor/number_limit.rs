//! The user's limit on the number of new indexes, for those that no search chose: foreign keys get what it leaves.

use crate::advisor::recommendation::{Action, Recommendation};
use crate::advisor::search::SearchOptions;
use crate::model::index::IndexDefinition;
use crate::model::snapshot::Snapshot;

/// Leaves out the new indexes of `advice` for which the limits have no room beside the `chosen` ones, those that spare least
/// first. Says how many.
pub fn keep_to_limits(
    advice: &mut Vec<Recommendation>,
    chosen: &[&IndexDefinition],
    options: &SearchOptions,
    snapshot: &Snapshot,
) -> usize {
    let before = advice.len();
    let spared = |r: &Recommendation| r.benefit.cost_before - r.benefit.cost_after;
    let mut new: Vec<usize> = (0..before)
        .filter(|&at| is_new(&advice[at], snapshot))
        .collect();
    new.sort_by(|&a, &b| spared(&advice[b]).total_cmp(&spared(&advice[a])));
    let mut tables: Vec<u32> = chosen.iter().map(|d| d.table_oid).collect();
    let mut too_many = Vec::new();
    for at in new {
        let table = advice[at].definition.table_oid;
        let on_it = tables.iter().filter(|t| **t == table).count();
        let has_room = options.max_indexes.is_none_or(|most| tables.len() < most)
            && options
                .max_indexes_per_table
                .is_none_or(|most| on_it < most);
        if has_room {
            tables.push(table);
        } else {
            too_many.push(at);
        }
    }
    let mut at = 0;
    advice.retain(|_| {
        at += 1;
        !too_many.contains(&(at - 1))
    });
    before - advice.len()
}

/// Whether it builds an index that was not even begun.
fn is_new(recommendation: &Recommendation, snapshot: &Snapshot) -> bool {
    let mut existing = snapshot.indexes_of(recommendation.definition.table_oid);
    recommendation.action == Action::Create
        && !existing.any(|i| i.qualified() == recommendation.index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisor::build::Names;
    use crate::advisor::catalog_advice::catalog_advice;
    use crate::query::testing::catalog;
    use crate::query::workload::Workload;

    /// Two tables that refer to one from which rows are deleted, the larger one twice; an index that exists twice.
    const SHOP: &str = "
        create table customers (id int primary key, name text); -- rows=100000 pages=1000 n_tup_del=500
        create table orders (id int primary key, customer_id int references customers (id), payer_id int references customers (id)); -- rows=1000000 pages=10000
        create table notes (id int primary key, customer_id int references customers (id)); -- rows=100000 pages=1000
        create index notes_a on notes (id, customer_id); -- pages=100
        create index notes_b on notes (id, customer_id); -- pages=100
    ";

    fn kept(max_indexes: Option<usize>, max_indexes_per_table: Option<usize>) -> (String, usize) {
        let snapshot = catalog(SHOP);
        let mut names = Names::new(&snapshot);
        let notes = snapshot.tables.iter().find(|t| t.name == "notes").unwrap();
        let chosen = IndexDefinition {
            table_oid: notes.oid,
            table: notes.qualified(),
            method: "btree".into(),
            keys: vec![],
            include: vec![],
            predicate: None,
            unique: false,
        };
        let mut advice = catalog_advice(&snapshot, &Workload::default(), &[&chosen], &mut names);
        let options = SearchOptions {
            max_indexes,
            max_indexes_per_table,
            ..SearchOptions::unlimited()
        };
        let left_out = keep_to_limits(&mut advice, &[&chosen], &options, &snapshot);
        let names: Vec<&str> = advice.iter().map(|r| r.index.name.as_str()).collect();
        (names.join(" "), left_out)
    }

    #[test]
    fn foreign_keys_get_what_the_chosen_indexes_leave() {
        let (customer, payer) = ("orders_customer_id_idx", "orders_payer_id_idx");
        let notes = "notes_customer_id_idx";
        assert_eq!(
            kept(None, None),
            (format!("{customer} {payer} {notes} notes_b"), 0)
        );
        // One is chosen already; what spares least is left out, and a drop is no new index.
        assert_eq!(
            kept(Some(3), None),
            (format!("{customer} {payer} notes_b"), 1)
        );
        assert_eq!(kept(Some(1), None), ("notes_b".into(), 3));
        assert_eq!(kept(None, Some(1)), (format!("{customer} notes_b"), 2));
    }
}

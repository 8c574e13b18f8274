//! How many different keys there are at most: what is known of columns together.

use crate::model::catalog::{ConstraintKind, Table};
use crate::model::index::IndexDefinition;
use crate::model::snapshot::Snapshot;

/// No more different keys than this. A foreign key of several columns has no more values than the table it refers to has rows,
/// however many each column has by itself. Infinite where nothing is known of its columns together.
pub(super) fn most_distinct(
    definition: &IndexDefinition,
    table: &Table,
    snapshot: &Snapshot,
) -> f64 {
    let columns: Option<Vec<&str>> = definition.keys.iter().map(|k| k.column_name()).collect();
    let Some(columns) = columns.filter(|c| c.len() > 1) else {
        return f64::INFINITY;
    };
    let distinct = |name: &str| {
        let stats = table.column(name).and_then(|c| c.stats.as_ref());
        stats.map_or(table.rows(), |s| s.distinct(table.rows()))
    };
    let root = snapshot.root_of(table).oid;
    let of_it = snapshot.constraints.iter().filter(|c| {
        c.kind == ConstraintKind::ForeignKey
            && c.validated
            && (c.table_oid == table.oid || c.table_oid == root)
    });
    let bounds = of_it.filter_map(|c| {
        let (together, others): (Vec<&str>, Vec<&str>) =
            (columns.iter()).partition(|name| c.columns.iter().any(|of| of == *name));
        // Of one column the statistics know better.
        let referred = snapshot.table(c.foreign_table_oid?)?.rows();
        (together.len() > 1)
            .then(|| referred.max(1.0) * others.into_iter().map(distinct).product::<f64>())
    });
    bounds.fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use crate::advisor::size::hypothetical_in;
    use crate::query::testing::{btree, catalog};

    /// Pages of an index on the first columns of `line (part, supplier, day)`.
    fn pages(foreign_key: &str, columns: &[&str]) -> f64 {
        let schema = format!(
            "create table offer (part int, supplier int, primary key (part, supplier)); -- rows=800000 pages=5000
             create table line (part int, supplier int, day int, number int, foreign key {foreign_key}); -- rows=6000000 pages=100000"
        );
        let mut snapshot = catalog(&schema);
        let table = snapshot
            .tables
            .iter_mut()
            .find(|t| t.name == "line")
            .unwrap();
        for (name, distinct) in [("part", 200_000.0), ("supplier", 10_000.0), ("day", 2500.0)] {
            let column = table.columns.iter_mut().find(|c| c.name == name).unwrap();
            let mut stats = column.stats.clone().unwrap_or_default();
            stats.n_distinct = distinct;
            (column.stats, column.dedup) = (Some(stats), true);
        }
        let definition = btree(table, columns);
        hypothetical_in(&definition, &snapshot).unwrap().pages
    }

    #[test]
    fn a_foreign_key_of_several_columns_has_few_values() {
        let both = "(part, supplier) references offer (part, supplier)";
        let single = "(part) references offer (part)";
        let all = pages(single, &["part", "supplier"]);
        for columns in [["part", "supplier"], ["supplier", "part"]] {
            assert!(pages(both, &columns) < 0.6 * all, "{columns:?}");
        }
        // With the day hardly any two are the same.
        let columns = ["part", "supplier", "day"];
        assert!((pages(both, &columns) - pages(single, &columns)).abs() < 1e-9);
    }
}

//! How the rows of one statement lead to the other: by a foreign key, or by names that say so.

use crate::model::catalog::{ConstraintKind, Table};
use crate::model::snapshot::Snapshot;
use crate::query::n_plus_one::access::{Access, What};

/// How the child finds its rows from those of the parent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Link {
    /// The table that the parent reads (or writes).
    pub(super) parent: u32,
    /// The column of the parent's table whose value the child takes.
    pub(super) parent_column: String,
    /// The column of the child's table that it is compared with.
    pub(super) child_column: String,
    /// The child's row is the one that the parent's refers to (or the same).
    pub(super) to_one: bool,
    /// A foreign key says so (or it is the same table's key); else only the names do.
    pub(super) certain: bool,
}

/// Whether these columns hold a key of the table, so that they find one row at most.
pub(super) fn is_key(snapshot: &Snapshot, table: &Table, columns: &[String]) -> bool {
    snapshot.indexes_of(table.oid).any(|index| {
        let definition = &index.definition;
        let held = (definition.keys.iter())
            .all(|key| (key.column_name()).is_some_and(|name| columns.iter().any(|c| c == name)));
        definition.unique && definition.predicate.is_none() && index.usable() && held
    })
}

/// How the child may follow from a statement about that table.
pub(super) fn link(
    snapshot: &Snapshot,
    child: &Table,
    access: &Access,
    parent: &Table,
) -> Option<Link> {
    let inserted: Vec<String>;
    let columns = if access.what == What::Insert {
        inserted = access
            .written
            .iter()
            .map(|(name, _)| name.clone())
            .collect();
        &inserted
    } else {
        &access.equals
    };
    let by_reference = |of: &Table, to: &Table, to_one: bool| {
        let ours = |name: &String| columns.contains(name);
        snapshot.constraints_of(of.oid).find_map(|c| {
            let refers = c.kind == ConstraintKind::ForeignKey
                && c.foreign_table_oid == Some(to.oid)
                && c.columns.len() == c.foreign_columns.len();
            let (child_columns, parent_columns) = if to_one {
                (&c.foreign_columns, &c.columns)
            } else {
                (&c.columns, &c.foreign_columns)
            };
            let position = child_columns.iter().rposition(ours)?;
            (refers && child_columns.iter().all(ours)).then(|| Link {
                parent: parent.oid,
                parent_column: parent_columns[position].clone(),
                child_column: child_columns[position].clone(),
                to_one,
                certain: true,
            })
        })
    };
    let to_one = || by_reference(parent, child, true).filter(|_| access.what != What::Insert);
    to_one()
        .or_else(|| by_reference(child, parent, false))
        .or_else(|| same_rows(snapshot, child, access, parent))
        .or_else(|| by_name(snapshot, child, columns, access.what, parent))
}

/// Rows are written one by one by the key of the table that they were read from.
fn same_rows(snapshot: &Snapshot, child: &Table, access: &Access, parent: &Table) -> Option<Link> {
    let writes = matches!(access.what, What::Update | What::Delete);
    if !writes || child.oid != parent.oid || !is_key(snapshot, child, &access.equals) {
        return None;
    }
    let column = access.equals.last()?.clone();
    Some(Link {
        parent: parent.oid,
        parent_column: column.clone(),
        child_column: column,
        to_one: true,
        certain: true,
    })
}

/// `orders.customer_id` or `"Order"."customerId"` leads to `customers.id`, though no foreign key says so.
fn by_name(
    snapshot: &Snapshot,
    child: &Table,
    columns: &[String],
    what: What,
    parent: &Table,
) -> Option<Link> {
    if parent.oid == child.oid {
        return None;
    }
    let one_key = |table: &Table| {
        let id = "id".to_owned();
        is_key(snapshot, table, std::slice::from_ref(&id)).then_some(id)
    };
    let same_type = |a: &Table, a_column: &str, b: &Table, b_column: &str| {
        let base = |t: &Table, c: &str| t.column(c).map(|c| c.base_type.clone());
        base(a, a_column).is_some() && base(a, a_column) == base(b, b_column)
    };
    let many = columns.iter().find(|c| refers(c, &parent.name)).cloned();
    let to_many = many.zip(one_key(parent)).map(|(child_column, id)| Link {
        parent: parent.oid,
        parent_column: id,
        child_column,
        to_one: false,
        certain: false,
    });
    let to_one = || {
        let id = one_key(child).filter(|id| columns.contains(id) && what != What::Insert)?;
        let column = parent
            .columns
            .iter()
            .find(|c| refers(&c.name, &child.name))?;
        Some(Link {
            parent: parent.oid,
            parent_column: column.name.clone(),
            child_column: id,
            to_one: true,
            certain: false,
        })
    };
    (to_many.or_else(to_one))
        .filter(|l| same_type(child, &l.child_column, parent, &l.parent_column))
}

/// Whether a column's name is that of a table in the singular with `_id` behind it.
fn refers(column: &str, table: &str) -> bool {
    let Some(name) = (column.strip_suffix("_id")).or_else(|| column.strip_suffix("Id")) else {
        return false;
    };
    let (name, table) = (name.to_lowercase(), table.to_lowercase());
    let plural = match name.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{name}s"),
    };
    // Django puts the name of the application before that of the model.
    let is = |wanted: &str| {
        (table.strip_suffix(wanted)).is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
    };
    !name.is_empty() && (is(&name) || is(&plural) || is(&format!("{name}es")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_refer() {
        for (column, table, expected) in [
            ("customer_id", "customers", true),
            ("customer_id", "customer", true),
            ("customer_id", "shop_customer", true),
            ("category_id", "categories", true),
            ("address_id", "addresses", true),
            ("authorId", "Author", true),
            ("customer_id", "orders", false),
            ("customer_id", "precustomers", false),
            ("id", "customers", false),
            ("_id", "s", false),
            ("customer", "customers", false),
        ] {
            assert_eq!(refers(column, table), expected, "{column} {table}");
        }
    }
}

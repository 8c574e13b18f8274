//! Which candidates each statement gives: DDL and statements in, definitions out.

use super::*;
use crate::query::testing::{catalog, with_statements};
use crate::query::workload::{WorkloadOptions, workload};

const SHOP: &str = "
    create table orders (id int primary key, customer_id int, is_premium bool, status text, total numeric, created timestamptz); -- rows=100000 pages=1000
    create index orders_customer on orders (customer_id, is_premium);
    create table customers (id int primary key, email text, country text); -- rows=50000 pages=600
    create table countries (code text, name text); -- rows=200 pages=2
";

/// The candidates of all statements together, as `table (keys…)`, sorted.
fn check(statements: &[&str], expected: &[&str]) {
    let rows: Vec<(&str, i64, f64)> = statements.iter().map(|s| (*s, 1, 1.0)).collect();
    let snapshot = with_statements(catalog(SHOP), &rows);
    let workload = workload(&snapshot, &WorkloadOptions::default());
    assert_eq!(
        workload.queries.len(),
        statements.len(),
        "{:?}",
        workload.skipped
    );
    let found = candidates(&workload, &snapshot, &CandidateOptions::default());
    let mut names: Vec<String> = (found.indexes.iter())
        .map(|i| format!("{} {}", i.definition.table.name, i.definition))
        .collect();
    names.sort();
    assert_eq!(names, expected, "{statements:?}");
}

#[test]
fn equality_comes_before_the_range() {
    check(
        &["select * from orders where created > $1 and status = $2"],
        &[
            "orders (created)",
            "orders (status)",
            "orders (status, created)",
        ],
    );
}

#[test]
fn the_order_follows_the_equality_with_its_directions() {
    check(
        &["select * from orders where status = $1 order by created desc, total limit 10"],
        &["orders (status)", "orders (status, created DESC, total)"],
    );
    // Read backwards, an ascending index gives a descending order.
    check(
        &["select * from orders order by created desc, total desc nulls first limit 10"],
        &["orders (created, total)"],
    );
}

#[test]
fn what_an_existing_index_begins_with_is_left_out() {
    check(&["select * from orders where customer_id = $1"], &[]);
    check(&["select * from orders where id = $1"], &[]);
    check(
        &["select * from orders where is_premium = $1"],
        &["orders (is_premium)"],
    );
}

#[test]
fn a_table_of_a_few_pages_needs_none() {
    check(&["select * from countries where code = $1"], &[]);
}

#[test]
fn each_arm_of_an_or_has_its_own() {
    check(
        &["select * from orders where status = $1 or total = $2"],
        &["orders (status)", "orders (total)"],
    );
    check(
        &["select * from orders where status = $1 or total + 1 = $2"],
        &[],
    );
}

#[test]
fn the_inner_side_of_a_join_is_looked_up() {
    check(
        &["select * from customers c left join orders o on o.total = c.id where c.country = $1"],
        &["customers (country)", "orders (total)"],
    );
    // The left side of an outer join cannot be looked up from the right, and the primary key finds the one row already.
    check(
        &[
            "select * from orders o left join customers c on c.id = o.customer_id where o.status = $1",
        ],
        &["orders (status)"],
    );
}

#[test]
fn what_most_statements_compare_comes_first() {
    check(
        &[
            "select * from orders where status = $1 and total = $2",
            "select * from orders where total = $1",
        ],
        &[
            "orders (status)",
            "orders (total)",
            "orders (total, status)",
        ],
    );
}

#[test]
fn a_wrapped_column_is_no_key() {
    check(&["select * from customers where lower(email) = $1"], &[]);
}

#[test]
fn a_virtual_generated_column_is_in_no_index() {
    let ddl = "create table films (id int primary key, year int, length int, hours numeric); -- rows=100000 pages=10000 visible=1";
    for (generated, covers) in [("", true), ("s", true), ("v", false)] {
        let mut snapshot = with_statements(
            catalog(ddl),
            &[("select hours from films where year = $1", 1, 1.0)],
        );
        snapshot.tables[0].columns[3].generated = generated.into();
        snapshot.tables[0].columns[3].stats = Some(crate::model::stats::ColumnStats {
            avg_width: 6.0,
            n_distinct: -1.0,
            ..Default::default()
        });
        let workload = workload(&snapshot, &WorkloadOptions::default());
        let found = candidates(&workload, &snapshot, &CandidateOptions::default());
        let covering = found
            .indexes
            .iter()
            .any(|i| i.definition.include == ["hours"]);
        assert_eq!(covering, covers, "{generated:?} {:?}", found.indexes);
    }
}

//! Which candidates each statement gives: DDL and statements in, definitions out.

mod special;

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
fn what_an_or_compares_is_a_key_and_no_include() {
    let ddl = "create table films ( -- rows=100000 pages=10000 visible=1
        id int primary key,
        year int, -- n_distinct=100
        length int, -- n_distinct=200
        hours int -- n_distinct=20
        );";
    assert_eq!(
        of(
            ddl,
            "select 1 from films where year = 1 and (length = 1 or length = 2)"
        ),
        ["(length)", "(year)", "(year, length)"]
    );
    assert_eq!(
        of(
            ddl,
            "select hours from films where year = 1 and (length = 1 or length = 2)"
        ),
        [
            "(length)",
            "(year)",
            "(year) INCLUDE (hours, length)",
            "(year, length)"
        ]
    );
}

#[test]
fn a_column_that_finds_no_fewer_rows_than_another_is_no_key() {
    let ddl = "create table addresses ( -- rows=60000 pages=1000
        id int primary key,
        city text, -- n_distinct=100
        zip text -- n_distinct=2000
        );";
    let columns = |sql: &str, rows_per_call: i64| -> Vec<String> {
        let mut snapshot = with_statements(catalog(ddl), &[(sql, 100, 10.0)]);
        snapshot.statements[0].rows = 100 * rows_per_call;
        let workload = workload(&snapshot, &WorkloadOptions::default());
        let found = candidates(&workload, &snapshot, &CandidateOptions::default());
        found
            .indexes
            .iter()
            .map(|i| i.definition.to_string())
            .collect()
    };
    let both = "select * from addresses where city = $1 and zip = $2";
    // A zip code has 30 rows; if as many came back, the city left out none of them.
    assert_eq!(columns(both, 30), ["(zip)"]);
    assert_eq!(columns(both, 25), ["(zip)"]);
    for rows in [0, 1, 12] {
        assert_eq!(
            columns(both, rows),
            ["(city, zip)", "(city)", "(zip)"],
            "{rows}"
        );
    }
    // Extended statistics know without counting.
    let decided = |degree: &str| {
        let mut snapshot = with_statements(catalog(ddl), &[(both, 100, 10.0)]);
        snapshot
            .extended_stats
            .push(crate::model::stats::ExtendedStats {
                table_oid: snapshot.tables[0].oid,
                dependencies: Some(format!("{{\"2 => 3\": 0.050000, \"3 => 2\": {degree}}}")),
                ..Default::default()
            });
        let workload = workload(&snapshot, &WorkloadOptions::default());
        candidates(&workload, &snapshot, &CandidateOptions::default())
            .indexes
            .len()
    };
    assert_eq!((decided("1.000000"), decided("0.500000")), (1, 3));
    // What is returned is not what was found.
    for sql in [
        "select count(*) from addresses where city = $1 and zip = $2",
        "select * from addresses where city = $1 and zip = $2 limit 30",
    ] {
        assert!(
            columns(sql, 30).contains(&"(city, zip)".to_owned()),
            "{sql}"
        );
    }
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
fn a_unique_look_up_of_a_table_too_large_to_hash_may_be_covered() {
    let looked_up = |pages: u32| {
        let ddl = format!(
            "create table orders (id int, customer_id int, status text); -- rows=100000 pages=1000
             create table customers (id int primary key, email text, country int); -- rows=50000 pages={pages} visible=1
             -- email: avg_width=40"
        );
        let sql = "select c.country from orders o join customers c on c.id = o.customer_id where o.status = $1";
        let found = of(&ddl, sql);
        let covering = found.into_iter().filter(|d| d.contains("INCLUDE"));
        covering.collect::<Vec<_>>().join(", ")
    };
    // 4 MB of work_mem are 512 pages.
    assert_eq!(looked_up(600), "(id) INCLUDE (country)");
    assert_eq!(looked_up(500), "");
}

#[test]
fn what_is_joined_to_a_constant_is_compared_with_it() {
    check(
        &[
            "select * from orders o join customers c on c.id = o.customer_id join countries k on k.code = o.status where c.id = $1 and k.code = $2",
        ],
        &[
            "orders (customer_id, status)",
            "orders (status)",
            "orders (status, customer_id)",
        ],
    );
    // A range is no constant.
    check(
        &["select * from orders o join customers c on c.id = o.total where c.id > $1"],
        &["orders (total)"],
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
fn a_wrapped_column_is_a_key_as_it_is_wrapped() {
    check(
        &["select * from customers where lower(email) = $1"],
        &["customers (lower(email))"],
    );
    check(
        &["select * from orders where created::date = $1 and status = $2"],
        &[
            "orders ((created::date))",
            "orders (status)",
            "orders (status, (created::date))",
        ],
    );
    check(
        &["select * from customers where lower(email) like 'a%'"],
        &["customers (lower(email) text_pattern_ops)"],
    );
    // Nobody knows the parameter, the statement should change, or the server casts by itself.
    for condition in [
        "date_trunc($1, created) = $2",
        "total * 2 = $1",
        "id = 1.5",
        "customer_id = $1::numeric",
        "total > $1::float8",
    ] {
        check(&[&format!("select * from orders where {condition}")], &[]);
    }
    // A cast of the statement's own is not.
    check(
        &["select * from customers where (email->>'n')::numeric = 5"],
        &["customers (((email ->> 'n')::numeric))"],
    );
    // Where the function is, the search path need not be.
    check(
        &["select * from orders where shop.net(total) = $1"],
        &["orders (shop.net(total))"],
    );
}

#[test]
fn only_a_server_that_builds_it_knows_what_a_mutable_expression_is_worth() {
    let unproven = |sql: &str| {
        let snapshot = with_statements(catalog(SHOP), &[(sql, 1, 1.0)]);
        let workload = workload(&snapshot, &WorkloadOptions::default());
        candidates(&workload, &snapshot, &CandidateOptions::default()).unproven
    };
    assert_eq!(
        unproven("select * from customers where lower(email) = $1"),
        [false]
    );
    assert_eq!(
        unproven("select * from orders where created::date = $1"),
        [true]
    );
    assert_eq!(
        unproven("select * from orders where to_char(created, 'YYYY') = $1"),
        [true]
    );
    assert_eq!(
        unproven("select * from customers where lower(trim(email)) = $1"),
        [true]
    );
}

/// Candidates of one statement over tables of their own.
fn of(ddl: &str, sql: &str) -> Vec<String> {
    with(&["pg_trgm"], ddl, &[sql])
}

/// Candidates of statements on a server with these extensions.
fn with(extensions: &[&str], ddl: &str, statements: &[&str]) -> Vec<String> {
    let rows: Vec<(&str, i64, f64)> = statements.iter().map(|s| (*s, 1, 1.0)).collect();
    let mut snapshot = with_statements(catalog(ddl), &rows);
    for name in extensions {
        let extension = crate::model::server::Extension {
            version: "1.6".into(),
            schema: "tools".into(),
        };
        let installed = &mut snapshot.server.extensions;
        installed.insert((*name).to_owned(), extension);
    }
    let workload = workload(&snapshot, &WorkloadOptions::default());
    let found = candidates(&workload, &snapshot, &CandidateOptions::default());
    let mut names: Vec<String> = found
        .indexes
        .iter()
        .map(|i| i.definition.to_string())
        .collect();
    names.sort();
    names
}

#[test]
fn an_operator_that_only_an_inverted_index_serves_gets_one() {
    let ddl = "create table docs (id int primary key, body jsonb, tags text[], words tsvector, title text, during tstzrange, spot point, ip inet); -- rows=100000 pages=5000";
    for (condition, expected) in [
        ("body @> $1", "USING gin (body jsonb_path_ops)"),
        ("body ? $1", "USING gin (body)"),
        ("body @> $1 and body ?| $2", "USING gin (body)"),
        ("tags @> array[$1]", "USING gin (tags)"),
        ("tags && $1", "USING gin (tags)"),
        ("words @@ to_tsquery($1)", "USING gin (words)"),
        (
            "to_tsvector('english', title) @@ to_tsquery('english', $1)",
            "USING gin (to_tsvector('english', title))",
        ),
        ("title ilike $1", "USING gin (title tools.gin_trgm_ops)"),
        ("title like '%abc%'", "USING gin (title tools.gin_trgm_ops)"),
        ("title ~ $1", "USING gin (title tools.gin_trgm_ops)"),
        ("during && $1", "USING gist (during)"),
        ("during @> now()", "USING gist (during)"),
        ("spot <@ $1::box", "USING gist (spot)"),
        ("ip << $1", "USING gist (ip inet_ops)"),
    ] {
        let sql = format!("select * from docs where {condition}");
        assert_eq!(of(ddl, &sql), [expected], "{condition}");
    }
    // What equality leaves few rows of needs nothing else.
    let few = |condition: &str| {
        let ddl = "create table docs ( -- rows=100000 pages=5000
            id int primary key,
            owner int, -- n_distinct=2000
            tenant int, -- n_distinct=50
            title text
            );";
        of(ddl, &format!("select * from docs where {condition}"))
    };
    assert_eq!(few("owner = $1 and title ilike $2"), ["(owner)"]);
    assert_eq!(
        few("tenant = $1 and title ilike $2"),
        ["(tenant)", "USING gin (title tools.gin_trgm_ops)"]
    );
    // No three letters in a row, or nothing that any index serves.
    for condition in [
        "title like '%ab%'",
        "title not like '%abc%'",
        "body <> $1",
        "ip <> $1",
    ] {
        let sql = format!("select * from docs where {condition}");
        assert_eq!(of(ddl, &sql), Vec::<String>::new(), "{condition}");
    }
    // One that exists will do, also of the general class.
    let indexed = format!(
        "{ddl}\n create index on docs using gin (body);\n create index on docs using gin (title gin_trgm_ops);"
    );
    for condition in ["body @> $1", "title ilike $1"] {
        let sql = format!("select * from docs where {condition}");
        assert_eq!(of(&indexed, &sql), Vec::<String>::new(), "{condition}");
    }
}

const JOBS: &str = "
    create table jobs ( -- rows=100000 pages=3000
      id int primary key,
      state text, -- n_distinct=3 mcv={done:0.95,failed:0.04,new:0.01}
      queue text, -- n_distinct=20
      locked_at timestamptz, -- null_frac=0.99 n_distinct=500
      deleted_at timestamptz, -- null_frac=0.98 n_distinct=500
      urgent bool, -- n_distinct=2 mcv={f:0.98,t:0.02}
      created timestamptz -- n_distinct=-1
    );";

#[test]
fn a_small_part_that_a_condition_keeps_has_its_own() {
    let partial = |sql: &str| -> Vec<String> {
        let all = of(JOBS, sql).into_iter();
        all.filter(|d| d.contains("WHERE")).collect()
    };
    assert_eq!(
        partial(
            "select * from jobs where locked_at is not null and queue = $1 order by created limit 5"
        ),
        [
            "(queue) WHERE locked_at IS NOT NULL",
            "(queue, created) WHERE locked_at IS NOT NULL",
        ]
    );
    assert_eq!(
        partial("select * from jobs where urgent and queue = $1"),
        ["(queue) WHERE urgent"]
    );
    assert_eq!(
        partial("select * from jobs where state = 'new' order by created limit 10"),
        ["(created) WHERE state = 'new'",]
    );
    // Where nothing else is searched by, the column is the key only if it has values.
    assert_eq!(
        partial("select * from jobs where locked_at is not null"),
        ["(locked_at) WHERE locked_at IS NOT NULL"]
    );
    assert_eq!(
        partial("select * from jobs where urgent"),
        ["(id) WHERE urgent"]
    );
    assert_eq!(
        partial("select * from jobs where state = 'new'"),
        ["(id) WHERE state = 'new'"]
    );
    // A value that was only taken for a parameter is no condition of the statement.
    let sql = "select * from jobs where urgent = $1 order by created";
    let mut snapshot = with_statements(catalog(JOBS), &[(sql, 100, 10.0)]);
    snapshot.statements[0].rows = 100 * 2000;
    let mut workload = workload(&snapshot, &WorkloadOptions::default());
    crate::advisor::usual::assume_values(&mut workload, &snapshot);
    assert_eq!(workload.queries[0].usual.assumed[0].column, "urgent");
    let found = candidates(&workload, &snapshot, &CandidateOptions::default());
    assert!(
        (found.indexes.iter()).all(|i| i.definition.predicate.is_none()),
        "{:?}",
        found.indexes
    );
    // Nearly all rows, or a value that changes from call to call.
    for condition in [
        "deleted_at is null",
        "not urgent",
        "state = 'done'",
        "state = $1",
        "queue = 'q7'",
    ] {
        let sql = format!("select * from jobs where {condition} and queue = $2");
        assert_eq!(partial(&sql), Vec::<String>::new(), "{condition}");
    }
}

#[test]
fn statements_that_differ_in_a_truth_value_have_parts_of_their_own() {
    let both = "select * from jobs where urgent = true and queue = 'a'; select * from jobs where urgent = false and queue = 'b'";
    let statements: Vec<(&str, i64, f64)> = both.split("; ").map(|s| (s, 1, 1.0)).collect();
    let snapshot = with_statements(catalog(JOBS), &statements);
    let found = workload(&snapshot, &WorkloadOptions::default());
    assert_eq!(found.queries.len(), 2);
    let found = candidates(&found, &snapshot, &CandidateOptions::default());
    let of_query = |q: usize| -> Vec<String> {
        let mine = found.of_query[q].iter();
        mine.map(|&i| found.indexes[i].definition.to_string())
            .collect()
    };
    assert!(of_query(0).contains(&"(queue) WHERE urgent".to_owned()));
    assert_eq!(of_query(1), ["(urgent, queue)", "(urgent)", "(queue)"]);
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

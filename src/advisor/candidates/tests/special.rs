//! Candidates that are no btrees: the nearest rows, several columns in one index, hash, and what no index serves.

use super::{of, with};
use crate::advisor::candidates::{CandidateOptions, candidates};
use crate::query::testing::{catalog, with_statements};
use crate::query::workload::{WorkloadOptions, workload};

const PLACES: &str = "
    create table places ( -- rows=100000 pages=5000
      id int primary key,
      spot point,
      lon float8,
      lat float8,
      name text,
      kind text, -- n_distinct=4
      tenant int -- n_distinct=50
    );
    create table visits (id int primary key, place_id int, at timestamptz); -- rows=500000 pages=5000";

/// Those that are no btrees.
fn special(extensions: &[&str], ddl: &str, sql: &str) -> Vec<String> {
    let mut all = with(extensions, ddl, &[sql]);
    all.retain(|d| d.starts_with("USING"));
    all
}

#[test]
fn the_nearest_rows_are_given_by_a_search_tree() {
    let nearest = |sql: &str| special(&["pg_trgm"], PLACES, sql);
    let from = |rest: &str| nearest(&format!("select id from places {rest}"));
    let by_spot = ["USING gist (spot)"];
    for rest in [
        "order by spot <-> $1 limit 5",
        "order by $1 <-> spot, id limit $2",
        "where lat > 5 order by spot <-> $1 limit 5",
        // A quarter of the rows is never far.
        "where kind = $1 order by spot <-> $2 limit 5",
    ] {
        assert_eq!(from(rest), by_spot, "{rest}");
    }
    assert_eq!(
        from("order by point(lon, lat) <-> $1 limit 5"),
        ["USING gist (point(lon, lat))"]
    );
    assert_eq!(
        from("order by name <-> $1 limit 5"),
        ["USING gist (name tools.gist_trgm_ops)"]
    );
    // One that exists will do.
    let indexed = format!("{PLACES}\n create index on places using gist (spot);");
    let sql = "select id from places order by spot <-> $1 limit 5";
    assert_eq!(special(&[], &indexed, sql), Vec::<String>::new());
    // A trigram index of the other kind has no order.
    let indexed = format!("{PLACES}\n create index on places using gin (name gin_trgm_ops);");
    let sql = "select id from places order by name <-> $1 limit 5";
    assert_eq!(
        special(&["pg_trgm"], &indexed, sql),
        ["USING gist (name tools.gist_trgm_ops)"]
    );
}

#[test]
fn what_wants_all_rows_wants_none_of_them_first() {
    for sql in [
        "select id from places order by spot <-> $1",
        "select id from places order by spot <-> $1 desc limit 5",
        "select kind, count(*) from places group by kind, spot order by spot <-> $1 limit 5",
        "select id from places order by point(lon + $2, lat) <-> $1 limit 5",
        "select id from places order by lon <-> $1 limit 5",
        // Few rows match: the nearest of them may be far.
        "select id from places where tenant = $1 order by spot <-> $2 limit 5",
        "select p.id from places p join visits v on v.place_id = p.id where v.at > $1 order by p.spot <-> $2 limit 5",
    ] {
        assert_eq!(
            special(&["pg_trgm"], PLACES, sql),
            Vec::<String>::new(),
            "{sql}"
        );
    }
    let by_name = "select id from places order by name <-> $1 limit 5";
    assert_eq!(special(&[], PLACES, by_name), Vec::<String>::new());
}

#[test]
fn with_the_extension_equality_comes_before_the_distance() {
    let nearest = |rest: &str| {
        let sql = format!("select id from places {rest} limit 5");
        special(&["btree_gist"], PLACES, &sql)
    };
    assert_eq!(
        nearest("where tenant = $1 order by spot <-> $2"),
        ["USING gist (tenant, spot)"]
    );
    assert_eq!(
        nearest("where kind = $1 order by spot <-> $2"),
        ["USING gist (kind, spot)", "USING gist (spot)"]
    );
    assert_eq!(nearest("order by lon <-> $1"), ["USING gist (lon)"]);
    // It has no lists.
    assert_eq!(
        nearest("where tenant in (1, 2) order by spot <-> $2"),
        Vec::<String>::new()
    );
}

const DOCS: &str = "
    create table docs ( -- rows=100000 pages=5000
      id int primary key,
      body jsonb,
      tags text[],
      words tsvector,
      title text,
      tenant int, -- n_distinct=50
      kind text, -- n_distinct=10
      public bool, -- n_distinct=2
      created timestamptz,
      during tstzrange
    );";

/// Those with several keys.
fn several(extensions: &[&str], condition: &str) -> Vec<String> {
    let sql = format!("select * from docs where {condition}");
    let mut all = special(extensions, DOCS, &sql);
    all.retain(|d| d.contains(", "));
    all
}

#[test]
fn what_one_method_serves_is_one_index_as_well() {
    let inverted = |condition: &str| several(&["pg_trgm", "btree_gin"], condition);
    for (condition, expected) in [
        (
            "body @> $1 and tags && $2 and words @@ to_tsquery($3)",
            "USING gin (body jsonb_path_ops, tags, words)",
        ),
        (
            "tags @> $1 and title ilike $2",
            "USING gin (tags, title tools.gin_trgm_ops)",
        ),
        ("tags @> $1 and tenant = $2", "USING gin (tags, tenant)"),
        // The most selective first, and as many as an index may have.
        (
            "tags @> $1 and kind = $2 and tenant = $3",
            "USING gin (tags, tenant, kind)",
        ),
    ] {
        assert_eq!(inverted(condition), [expected], "{condition}");
    }
    assert_eq!(
        several(&["btree_gist"], "during && $1 and tenant = $2"),
        ["USING gist (tenant, during)"]
    );
    // Next to those on one column.
    let sql = "select * from docs where tags @> $1 and body @> $2";
    assert_eq!(
        special(&[], DOCS, sql),
        [
            "USING gin (body jsonb_path_ops)",
            "USING gin (body jsonb_path_ops, tags)",
            "USING gin (tags)"
        ]
    );
}

#[test]
fn what_no_index_holds_together_stays_apart() {
    // Without the extension, or with the other one.
    for extensions in [&[][..], &["btree_gist"]] {
        assert_eq!(
            several(extensions, "tags @> $1 and tenant = $2"),
            Vec::<String>::new()
        );
    }
    assert_eq!(
        several(&["btree_gin"], "during && $1 and tenant = $2"),
        Vec::<String>::new()
    );
    for condition in [
        // GIN reads every value of a range, has no lists and no NULLs.
        "tags @> $1 and created > $2",
        "tags @> $1 and tenant in (1, 2)",
        "tags @> $1 and kind is null",
        "tags @> $1 and public",
        // Another method each.
        "tags @> $1 and during && $2",
        // Either, not both.
        "tags @> $1 or body @> $2",
    ] {
        assert_eq!(
            several(&["btree_gin", "btree_gist"], condition),
            Vec::<String>::new(),
            "{condition}"
        );
    }
    // What exists holds more, in any order; a search tree only by what comes first.
    let sql = |condition: &str| format!("select * from docs where {condition}");
    let indexed = format!(
        "{DOCS}\n create index on docs using gin (words, tags, body jsonb_path_ops);\n create index on docs using gist (tenant, during);"
    );
    let left = |condition: &str| special(&["btree_gist"], &indexed, &sql(condition));
    assert_eq!(left("body @> $1 and tags && $2"), Vec::<String>::new());
    assert_eq!(
        left("during && $1 and tenant = $2"),
        ["USING gist (during)"]
    );
}

const PAGES: &str = "
    create table pages ( -- rows=1000000 pages=40000
      id int primary key,
      url text, -- n_distinct=-1 width=120
      token varchar(64), -- n_distinct=-1 width=65
      host text, -- n_distinct=500 width=80
      code text, -- n_distinct=-1 width=9
      site int -- n_distinct=1000
    );
    create table links (id int primary key, url text); -- rows=500000 pages=8000";

/// Those that are hash indexes.
fn hashes(ddl: &str, statements: &[&str]) -> Vec<String> {
    let mut all = with(&[], ddl, statements);
    all.retain(|d| d.starts_with("USING hash"));
    all
}

#[test]
fn a_long_key_that_is_only_compared_by_equality_may_be_hashed() {
    let by_url = "select * from pages where url = $1";
    assert_eq!(hashes(PAGES, &[by_url]), ["USING hash (url)"]);
    assert_eq!(
        hashes(PAGES, &["select * from pages where url = $1 or token = $2"]),
        ["USING hash (token)", "USING hash (url)"]
    );
    // The btree stays a candidate beside it.
    assert_eq!(of(PAGES, by_url), ["(url)", "USING hash (url)"]);
    // Short, or repeated so often that a btree keeps it once.
    for column in ["code", "host", "site"] {
        let sql = format!("select * from pages where {column} = $1");
        assert_eq!(hashes(PAGES, &[&sql]), Vec::<String>::new(), "{column}");
    }
    // Whatever else some statement does with the column.
    for other in [
        "select * from pages where site = 5 order by url limit 10",
        "select * from pages where url like 'https://a%'",
        "select * from pages where url like $1",
        "select * from pages where url > $1",
        "select * from pages where url in ($1, $2)",
        "select * from pages where url is not null",
        "select url, count(*) from pages group by url",
        "select distinct url from pages",
        "select max(url) from pages",
        "select * from pages p join links l on l.url = p.url",
    ] {
        let both = [by_url, other];
        assert_eq!(hashes(PAGES, &both), Vec::<String>::new(), "{other}");
    }
    // What is done with another column is nothing to it.
    let another = "select * from pages where token > $1 order by token";
    assert_eq!(hashes(PAGES, &[by_url, another]), ["USING hash (url)"]);
}

#[test]
fn no_hash_where_an_index_begins_with_the_column_or_should_hold_more() {
    let by_url = "select * from pages where url = $1";
    for index in [
        "create unique index on pages (url);",
        "create index on pages (url, site);",
        "create index on pages using hash (url);",
    ] {
        let ddl = format!("{PAGES}\n {index}");
        assert_eq!(hashes(&ddl, &[by_url]), Vec::<String>::new(), "{index}");
    }
    // An index-only scan needs what a hash does not hold.
    let visible = PAGES.replace("pages=40000", "pages=400000 visible=1");
    assert_eq!(
        hashes(&visible, &["select site from pages where url = $1"]),
        Vec::<String>::new()
    );
    assert_eq!(hashes(&visible, &[by_url]), ["USING hash (url)"]);
    // Little to spare.
    let small = PAGES.replace("rows=1000000 pages=40000", "rows=20000 pages=800");
    assert_eq!(hashes(&small, &[by_url]), Vec::<String>::new());
}

/// Why there is no candidate for a condition of the statement.
fn declined(ddl: &str, sql: &str) -> Option<String> {
    let snapshot = with_statements(catalog(ddl), &[(sql, 1, 1.0)]);
    let workload = workload(&snapshot, &WorkloadOptions::default());
    let found = candidates(&workload, &snapshot, &CandidateOptions::default());
    found.declined[0].clone()
}

#[test]
fn a_test_of_elements_is_said_to_need_another_spelling() {
    let rewriting = "no index serves a value = ANY (tags): written as tags @> ARRAY[value] a GIN index on tags would serve it";
    for condition in [
        "$1 = any(tags)",
        "'t7' = any(tags)",
        "$1 = any(tags) or id = 5",
        // Its other conditions have candidates, and are not what is asked about.
        "$1 = any(tags) and tenant = $2",
    ] {
        let sql = format!("select * from docs where {condition}");
        assert_eq!(
            declined(DOCS, &sql).as_deref(),
            Some(rewriting),
            "{condition}"
        );
    }
    for condition in ["tags @> array[$1]", "tenant = any($1)"] {
        let sql = format!("select * from docs where {condition}");
        assert_eq!(declined(DOCS, &sql), None, "{condition}");
    }
    let opposite = declined(DOCS, "select * from docs where not $1 = any(tags)");
    assert!(!opposite.unwrap().contains("ARRAY"));
    // A table in one page needs no index, however it is asked.
    let tiny = DOCS.replace("rows=100000 pages=5000", "rows=50 pages=1");
    let reason = declined(&tiny, "select * from docs where $1 = any(tags)");
    assert!(reason.unwrap().contains("too small"));
}

#[test]
fn what_depends_on_the_time_zone_is_said_to_need_a_range() {
    let ddl = "create table events (id bigint primary key, at timestamptz, local timestamp, note text); -- rows=100000 pages=5000";
    let reason = |condition: &str| {
        let sql = format!("select * from events where {condition}");
        declined(ddl, &sql)
    };
    for (condition, expression) in [
        ("date_trunc('day', at) = $1", "date_trunc('day', at)"),
        // The constant, that pg_stat_statements does not keep, would not help.
        ("date_trunc($1, at) >= $2", "date_trunc($1, at)"),
        ("at::date = $1", "at::date"),
        ("at::date in ('2024-01-01', '2024-01-02')", "at::date"),
    ] {
        let expected = format!(
            "{expression} depends on the time zone of the session, so no index can hold it: written as a range (at >= … AND at < …) an index on at would serve it"
        );
        assert_eq!(reason(condition), Some(expected), "{condition}");
    }
    for condition in [
        "date_trunc('day', local) = $1",
        "local::date = $1",
        "date_trunc('day', at, 'UTC') = $1",
        "date_trunc('day', at at time zone 'UTC') = $1",
        "at > $1",
    ] {
        assert_eq!(reason(condition), None, "{condition}");
    }
}

#[test]
fn rows_are_compared_in_the_order_of_their_columns() {
    let ddl = "create table events (id bigint primary key, account int, at timestamptz, note text); -- rows=100000 pages=5000";
    let page = "select * from events where account = $1 and (at, id) < ($2, $3) order by at desc, id desc limit 20";
    assert!(of(ddl, page).contains(&"(account, at, id)".to_owned()));
    let all = "select * from events where (at, id) > ($2, $3) order by at, id limit 20";
    assert_eq!(of(ddl, all), ["(at)", "(at, id)"]);
    // The planner reckons with the first column alone.
    let unordered = "select * from events where (at, id) > ($2, $3)";
    assert_eq!(of(ddl, unordered), ["(at)"]);
}

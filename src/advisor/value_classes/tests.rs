//! Classes of values by statistics, rows returned, and texts that were sent.

use super::*;
use crate::advisor::usual::assume_values;
use crate::model::statement::Source;
use crate::query::testing::{catalog, with_statements};
use crate::query::workload::{WorkloadOptions, workload};

const SHOP: &str = "
create table orders ( -- rows=100000 pages=1000
  id int primary key,
  customer_id int not null, -- n_distinct=10000 mcv={7:0.06,8:0.01} histogram={1,2,3}
  tenant int not null, -- n_distinct=1000 mcv={1:0.5} histogram={2,3,4}
  status text not null, -- n_distinct=4 mcv={done:0.95,open:0.04,new:0.009,bad:0.001}
  half bool not null, -- n_distinct=2 mcv={t:0.6,f:0.4}
  code text not null, -- n_distinct=1000 mcv={x:0.9}
  paid bool not null, -- n_distinct=2 mcv={t:0.99,f:0.01}
  note text
);
create table customers (id int primary key, email text);";

/// The workload's only query, with so many rows returned per call.
fn query(sql: &str, rows_per_call: i64) -> Query {
    let mut snapshot = with_statements(catalog(SHOP), &[(sql, 100, 10.0)]);
    snapshot.statements[0].rows = 100 * rows_per_call;
    let mut workload = workload(&snapshot, &WorkloadOptions::default());
    assert_eq!(workload.queries.len(), 1, "{:?}", workload.skipped);
    assume_values(&mut workload, &snapshot);
    workload.queries.remove(0)
}

/// "done 0.203 | new 0.797": the literals put in and their shares.
fn shown(query: &Query) -> String {
    let literal = |text: &str| text.split('\'').nth(1).unwrap_or("?").to_owned();
    let parts: Vec<String> = (query.classes.iter())
        .map(|c| format!("{} {:.3}", literal(&c.usual.text), c.share))
        .collect();
    parts.join(" | ")
}

#[test]
fn rows_returned_tell_how_often_which_value_is_asked_for() {
    let sql = "select * from orders where status = $1";
    for (rows, expected) in [
        (60_000, "done 0.622 | open 0.323 | bad 0.055"),
        (25_000, "done 0.250 | open 0.500 | bad 0.250"),
        (2_000, "done 0.015 | new 0.290 | bad 0.696"),
    ] {
        let query = query(sql, i64::from(rows));
        let mean: f64 = (query.classes.iter())
            .map(|c| c.share * c.usual.assumed[0].share)
            .sum();
        assert_eq!(shown(&query), expected, "{rows} rows");
        // The value that stands for a class is not quite its mean.
        let off = mean / f64::from(rows) * 100_000.0;
        assert!((0.8..1.25).contains(&off), "{rows} rows, {mean}");
        assert!(query.assumed().all(|a| a.counted));
        assert!(!is_guessed(&query));
    }
}

#[test]
fn one_value_that_explains_the_rows_is_all_there_is() {
    for rows in [95_000, 900, 100, 3] {
        let query = query("select * from orders where status = $1", rows);
        assert_eq!(shown(&query), "", "{rows}");
        assert_eq!(query.usual.assumed.len(), 1, "{rows}");
    }
}

#[test]
fn without_counted_rows_common_values_are_asked_for_more_often_than_rare_ones() {
    let joined = "select count(*) from orders o join customers c on c.id = o.customer_id where";
    for (condition, expected) in [
        ("status = $1", "done 0.749 | open 0.227 | bad 0.024"),
        ("tenant = $1", "1 0.031 | 3 0.969"),
        ("paid = $1", "t 0.909 | f 0.091"),
        // The other columns are left to the mean.
        (
            "o.tenant = $1 and status = $2",
            "done 0.749 | open 0.227 | bad 0.024",
        ),
    ] {
        let query = query(&format!("{joined} {condition}"), 1);
        assert_eq!(shown(&query), expected, "{condition}");
        assert!(is_guessed(&query));
        let sum: f64 = query.ways().map(|(share, ..)| share).sum();
        assert!((sum - 1.0).abs() < 1e-9);
    }
}

/// The workload's only query when these texts were sent so often.
fn from_file(texts: &[(&str, i64)]) -> Query {
    let statements: Vec<_> = texts
        .iter()
        .map(|(sql, calls)| (*sql, *calls, 10.0))
        .collect();
    let mut snapshot = with_statements(catalog(SHOP), &statements);
    for statement in &mut snapshot.statements {
        statement.source = Source::File;
    }
    let mut workload = workload(&snapshot, &WorkloadOptions::default());
    assert_eq!(workload.queries.len(), 1, "{:?}", workload.skipped);
    assume_values(&mut workload, &snapshot);
    workload.queries.remove(0)
}

#[test]
fn texts_that_keep_different_shares_are_classes() {
    let query = from_file(&[
        (
            "select * from orders where status = 'done' and half = true",
            20,
        ),
        (
            "select * from orders where status = 'new' and half = true",
            50,
        ),
        (
            "select * from orders where status = 'open' and half = true",
            30,
        ),
    ]);
    assert_eq!(shown(&query), "done 0.200 | new 0.800");
    assert!(query.assumed().next().is_none() && !is_guessed(&query));
    for alike in [
        "select * from orders where id = 7",
        "select * from orders where id = 8",
    ] {
        let query = from_file(&[(alike, 20), ("select * from orders where id = 9", 30)]);
        assert_eq!(query.ways().count(), 1, "{alike}");
    }
}

#[test]
fn what_behaves_alike_or_cannot_be_told_has_no_classes() {
    for sql in [
        // No value is much more frequent than another, or the most common one is found by an index as well.
        "select count(*) from orders where half = $1",
        "select count(*) from orders where customer_id = $1",
        "select count(*) from orders where id = $1",
        // No value of the rest is known, none at all, or it is no parameter of its own.
        "select count(*) from orders where code = $1",
        "select count(*) from orders where note = $1",
        "select count(*), $1 from orders where status = $1",
        "select count(*) from orders where lower(status) = $1",
        "select count(*) from orders where status <> $1",
        "select count(*) from orders where status = 'done'",
        "select count(*) from orders where status in ($1, $2)",
    ] {
        let query = query(sql, 1);
        assert_eq!(shown(&query), "", "{sql}");
        assert_eq!(query.ways().count(), 1);
    }
}

proptest::proptest! {
    /// Whatever the frequencies: the power found has the mean asked for, as far as any has.
    #[test]
    fn the_power_has_the_mean(
        frequencies in proptest::collection::vec(1e-6_f64..1.0, 2..20),
        target in 0.0_f64..1.0,
    ) {
        let sum: f64 = frequencies.iter().sum();
        let known: Vec<Known<'_>> = (frequencies.iter())
            .map(|f| Known { value: "x", frequency: f / sum, values: 1.0 })
            .collect();
        let all = known.iter().map(|k| k.frequency);
        let (least, most) = (all.clone().fold(1.0, f64::min), all.fold(0.0, f64::max));
        let wanted = least + target * (most - least);
        let power = power(&known, wanted);
        let shares: Vec<f64> = shares(&known, power).collect();
        proptest::prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let mean: f64 = shares.iter().zip(&known).map(|(s, k)| s * k.frequency).sum();
        if power.abs() < POWERS[1] - 0.01 {
            proptest::prop_assert!((mean - wanted).abs() < 1e-6, "{mean} {wanted}");
        }
    }
}

/// What is planned of a statement that a log shows with these values.
fn logged(sql: &str, log: &[(&str, u32)]) -> Query {
    use crate::query::log::{Format, LogReader, Prefix};
    use crate::query::n_plus_one::Loops;
    use crate::query::sent::{SentStatements, with_sent_values};

    let mut text = String::new();
    for (statement, times) in log {
        let line = format!(
            "2026-01-02 03:04:05.678 UTC [7] LOG:  duration: 0.1 ms  statement: {statement}\n"
        );
        text.push_str(&line.repeat(*times as usize));
    }
    let mut loops = Loops::new(1.0);
    let mut reader = LogReader::new(Format::Stderr(Prefix::new("%m [%p] ")));
    reader.feed(text.as_bytes(), &mut |entry| loops.observe(entry));
    reader.finish(&mut |entry| loops.observe(entry));
    let snapshot = with_statements(catalog(SHOP), &[(sql, 100, 10.0)]);
    let mut workload = workload(&snapshot, &WorkloadOptions::default());
    with_sent_values(&mut workload, &snapshot, &SentStatements::new(&loops));
    assume_values(&mut workload, &snapshot);
    workload.queries.remove(0)
}

#[test]
fn values_of_logs_are_taken_in_place_of_assumed_ones() {
    let sql = "select * from orders where status = $1";
    let text = |value: &str| format!("select * from orders where status = '{value}'");
    let (done, open) = (text("done"), text("open"));
    let both = logged(sql, &[(&done, 30), (&open, 10)]);
    assert_eq!(shown(&both), "done 0.750 | open 0.250");
    let one = logged(sql, &[(&open, 10)]);
    assert_eq!(shown(&one), "open 1.000");
    assert!(one.assumed().next().is_none());
    // What the log does not show is assumed as before.
    let other = logged(sql, &[("select * from customers where id = 7", 10)]);
    assert!(other.variants.is_empty() && other.assumed().next().is_some());
}

/// A query over an array column with these common elements and so many rows returned per call.
fn contained(condition: &str, rows_per_call: i64, elements: &[(&str, f64)]) -> Query {
    let sql = format!("select * from posts where {condition}");
    let posts = "create table posts ( -- rows=100000 pages=1000
  id int primary key, title text not null, -- title: n_distinct=-1
  tags text[], -- null_frac=0.2 n_distinct=-1
  ids int[] -- null_frac=0 n_distinct=-1
);";
    let mut snapshot = with_statements(catalog(posts), &[(&sql, 100, 10.0)]);
    snapshot.statements[0].rows = 100 * rows_per_call;
    for column in &mut snapshot.tables[0].columns {
        if let Some(stats) = &mut column.stats {
            let values = elements.iter().map(|(value, _)| (*value).to_owned());
            stats.most_common_elems = (column.category == "A").then(|| values.collect());
            let least = elements.last().map_or(0.0, |(_, share)| *share);
            let shares = elements.iter().map(|(_, share)| *share);
            stats.most_common_elem_freqs = Some(shares.chain([least, 1.0, 0.0]).collect());
            let sum: f64 = elements.iter().map(|(_, share)| share).sum();
            stats.elem_count_histogram = Some(vec![1.0, 2.0, sum]);
        }
    }
    let mut workload = workload(&snapshot, &WorkloadOptions::default());
    assert_eq!(workload.queries.len(), 1, "{:?}", workload.skipped);
    assume_values(&mut workload, &snapshot);
    workload.queries.remove(0)
}

const TAGS: &[(&str, f64)] = &[("sql", 0.4), ("c\"", 0.01), ("go", 0.0001)];

#[test]
fn an_array_is_asked_for_the_elements_that_there_are() {
    for (condition, text) in [
        ("tags @> ARRAY[$1]", "tags @> ARRAY['sql']"),
        ("tags && $1", "tags && '{\"sql\"}'"),
        ("$1 = any(tags)", "'sql' = any(tags)"),
        ("ids @> ARRAY[$1]::int[]", "ids @> ARRAY['sql']::int[]"),
        ("ids @> ARRAY[$1::int]", "ids @> ARRAY['sql'::int]"),
        ("ids @> $1", "ids @> '{\"sql\"}'"),
    ] {
        let query = contained(&format!("{condition} limit $2"), 20, TAGS);
        let first = &query.classes[0].usual;
        let text = format!("{text} limit 20");
        assert!(first.text.ends_with(&text), "{condition}: {}", first.text);
        assert_eq!(query.classes.len(), 3, "{condition}");
        let share = if condition.contains("tags") {
            0.32
        } else {
            0.4
        };
        assert!((first.assumed[0].share - share).abs() < 1e-9, "{condition}");
    }
    let escaped = contained("tags @> $1 limit $2", 20, &TAGS[1..]);
    let text = &escaped.classes[0].usual.text;
    assert!(text.ends_with(r#"@>  E'{"c\\""}' limit 20"#), "{text}");
    // The planner has no mean for it, so even one class tells more than none.
    assert_eq!(
        shown(&contained("tags @> ARRAY[$1]", 20, &[("a", 0.01)])),
        "a 1.000"
    );
}

#[test]
fn rows_returned_tell_which_elements_are_asked_for() {
    let share = |rows: i64| {
        let query = contained("tags @> ARRAY[$1]", rows, TAGS);
        assert!(query.assumed().all(|a| a.counted) && !is_guessed(&query));
        (query.classes.iter())
            .map(|c| c.share * c.usual.assumed[0].share)
            .sum::<f64>()
    };
    for rows in [10_000, 1_000] {
        let expected = f64::from(i32::try_from(rows).unwrap()) / 100_000.0;
        let told = share(rows);
        assert!((0.8..1.25).contains(&(told / expected)), "{rows}: {told}");
    }
    // Behind a LIMIT nobody knows.
    assert!(is_guessed(&contained(
        "tags @> ARRAY[$1] limit $2",
        20,
        TAGS
    )));
}

#[test]
fn what_is_no_search_for_an_element_is_left_alone() {
    for condition in [
        "tags <@ ARRAY[$1]",
        "tags @> ARRAY[$1, $2]",
        // As text, which does not compare with int[].
        "ids @> ARRAY[$1]",
        "tags @> ARRAY[$1] and title = $1",
        "tags @> ARRAY[lower($1)]",
        "title = $1",
    ] {
        assert_eq!(shown(&contained(condition, 20, TAGS)), "", "{condition}");
    }
    assert_eq!(shown(&contained("tags @> ARRAY[$1]", 20, &[])), "");
}

//! Tables, statements and counted rows in, statistics out.

use super::*;
use crate::model::stats::ExtendedStats;
use crate::query::testing::{catalog, with_statements};
use crate::query::workload::{WorkloadOptions, workload};

/// Each zip code lies in one city: 1,000 of them, 100 cities.
const PEOPLE: &str = "
    create table people ( -- rows=100000 pages=2000
      id int primary key,
      city text, -- n_distinct=100 mcv={'a':0.012,'b':0.011}
      zip text, -- n_distinct=1000
      \"Age\" int, -- n_distinct=90
      note text
    );
";

fn advice(snapshot: &Snapshot) -> Vec<Recommendation> {
    let workload = workload(snapshot, &WorkloadOptions::default());
    statistics_advice(snapshot, &workload)
}

/// What is advised for one statement with its calls and the rows that an execution returns.
fn advised(ddl: &str, sql: &str, calls: i64, rows: i64) -> Vec<String> {
    let mut snapshot = with_statements(catalog(ddl), &[(sql, calls, 100.0)]);
    snapshot.statements[0].rows = rows * calls;
    let told = |r: &Recommendation| format!("{} -- {}", r.changes[0], r.undo[0]);
    advice(&snapshot).iter().map(told).collect()
}

const BOTH: &str = "SELECT note FROM people WHERE zip = $1 AND city = $2";

#[test]
fn a_column_that_decides_another_one() {
    assert_eq!(
        advised(PEOPLE, BOTH, 100, 100),
        [
            "CREATE STATISTICS public.people_city_zip_stat (dependencies) ON city, zip FROM public.people; \
             -- DROP STATISTICS public.people_city_zip_stat;"
        ]
    );
    // As few combinations as are kept with their frequencies.
    assert_eq!(
        advised(
            PEOPLE,
            "SELECT note FROM people WHERE \"Age\" = $1 AND city = $2",
            100,
            1000
        ),
        [
            "CREATE STATISTICS public.\"people_city_Age_stat\" (dependencies, mcv) ON city, \"Age\" FROM public.people; \
             -- DROP STATISTICS public.\"people_city_Age_stat\";"
        ]
    );
}

#[test]
fn the_evidence_is_rows_counted_and_expected() {
    let mut snapshot = with_statements(catalog(PEOPLE), &[(BOTH, 100, 100.0)]);
    snapshot.statements[0].rows = 10_000;
    let advice = advice(&snapshot);
    let misjudged = &advice[0].misjudged[0];
    assert_eq!(
        (misjudged.rows_counted, misjudged.rows_expected),
        (100.0, 1.0)
    );
    assert_eq!(
        advice[0].reason,
        "city, zip of public.people have to do with each other, which the planner does not know: rows are up to 100 times as \
         many as it expects"
    );
    assert_eq!(
        advice[0].confidence_reason,
        "the server counted the rows; even if only the most common values were asked for, independent columns had 83 times fewer"
    );
    assert_eq!(
        format!("{}: {}", advice[0].priority, advice[0].priority_reason),
        "P2: the misjudged statements are 100 % of the analysed load"
    );
}

#[test]
fn without_proof_nothing_is_said() {
    for (what, sql, calls, rows) in [
        ("as many rows as independent columns have", BOTH, 100, 1),
        ("too few calls", BOTH, 5, 100),
        (
            "one column",
            "SELECT note FROM people WHERE city = $1",
            100,
            1000,
        ),
        (
            "rows of another kind: an aggregate",
            "SELECT zip, count(*) FROM people WHERE city = $1 AND \"Age\" = $2 GROUP BY zip",
            100,
            1000,
        ),
        (
            "cut off by LIMIT",
            "SELECT note FROM people WHERE zip = $1 AND city = $2 LIMIT $3",
            100,
            100,
        ),
        (
            "DISTINCT",
            "SELECT DISTINCT note FROM people WHERE zip = $1 AND city = $2",
            100,
            100,
        ),
        (
            "a range that may leave any number",
            "SELECT note FROM people WHERE zip = $1 AND city = $2 AND \"Age\" > $3",
            100,
            100,
        ),
        (
            "a column without statistics",
            "SELECT id FROM people WHERE note = $1 AND city = $2",
            100,
            100,
        ),
        (
            "two tables",
            "SELECT p.note FROM people p, people q WHERE p.zip = $1 AND p.city = $2 AND q.id = p.id",
            100,
            100,
        ),
        (
            "neither one decides the other, nor are they few",
            BOTH,
            100,
            20,
        ),
    ] {
        assert_eq!(advised(PEOPLE, sql, calls, rows), [""; 0], "{what}");
    }
    let skewed = PEOPLE.replace("-- n_distinct=1000", "-- n_distinct=1000 mcv={'z':0.5}");
    assert_eq!(
        advised(&skewed, BOTH, 100, 100),
        [""; 0],
        "skew explains it"
    );
}

#[test]
fn what_is_there_is_not_advised_again() {
    let mut snapshot = with_statements(catalog(PEOPLE), &[(BOTH, 100, 100.0)]);
    snapshot.statements[0].rows = 10_000;
    let there = |columns: &[&str]| ExtendedStats {
        schema: "public".into(),
        name: "people_city_zip_stat".into(),
        table_oid: snapshot.tables[0].oid,
        columns: columns.iter().map(ToString::to_string).collect(),
        ..ExtendedStats::default()
    };
    let (covering, other) = (there(&["city", "zip", "Age"]), there(&["id", "Age"]));
    let mut with = snapshot.clone();
    with.extended_stats = vec![covering];
    assert_eq!(advice(&with), []);
    // Another one of that name: a number makes ours free.
    with.extended_stats = vec![other];
    let name = &advice(&with)[0].index;
    assert_eq!(name.to_string(), "public.people_city_zip_stat1");
    // What was not seen may be there.
    with.gaps = vec![crate::model::gap::Gap::new(Part::ExtendedStats, "hidden")];
    assert_eq!(advice(&with), []);
    // Statistics of yesterday prove nothing.
    let mut stale = snapshot.clone();
    stale.tables[0].stats.as_mut().unwrap().n_mod_since_analyze = 90_000;
    assert_eq!(advice(&stale), []);
}

/// What is added to the columns that prove it explains nothing more.
#[test]
fn the_fewest_columns_are_enough() {
    let three = "SELECT note FROM people WHERE zip = $1 AND city = $2 AND \"Age\" = $3";
    let rows = &[(BOTH, 100, 100.0), (three, 100, 100.0)];
    let mut snapshot = with_statements(catalog(PEOPLE), rows);
    snapshot.statements[0].rows = 10_000;
    snapshot.statements[1].rows = 10_000;
    let advice = advice(&snapshot);
    assert_eq!(advice.len(), 1);
    assert_eq!(advice[0].misjudged.len(), 1);
}

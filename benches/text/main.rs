//! How fast statements are read: `cargo bench --bench text`
//!
//! 100,000 texts, the sample shop's statements as `pg_stat_statements` keeps them, are taken through fingerprint, Shape and Facts, one
//! core. Beside each stands what sqlparser needs to parse the same texts by itself.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(clippy::expect_used, reason = "the files are part of the repository")]
#![allow(clippy::cast_precision_loss, reason = "a number of statements")]

use std::fs::File;
use std::hint::black_box;
use std::time::Instant;

use flate2::read::GzDecoder;
use pgperf::audit::rules::of_text;
use pgperf::audit::text::{Cost, Text};
use pgperf::model::snapshot::Snapshot;
use pgperf::query::analyse::analyse;
use pgperf::query::catalog::Catalog;
use pgperf::query::facts::Read;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

const STATEMENTS: usize = 100_000;

fn main() {
    let snapshot = snapshot();
    let catalog = Catalog::new(&snapshot);
    let path = &snapshot.server.search_path;
    let texts = texts(&snapshot);
    let bytes: usize = texts.iter().map(String::len).sum();
    println!(
        "{} statements, {:.0} bytes each; one core",
        texts.len(),
        bytes as f64 / texts.len() as f64
    );
    let own = measure("sqlparser alone", &texts, None, |text| {
        Parser::parse_sql(&PostgreSqlDialect {}, text).is_ok()
    });
    let beside = Some(own);
    measure("fingerprint and Shape", &texts, beside, |text| {
        analyse(text, &catalog, path).is_ok()
    });
    measure("fingerprint and Facts", &texts, beside, |text| {
        Read::new(text).is_ok()
    });
    measure("Facts and all rules", &texts, beside, |text| {
        let Ok(read) = Read::new(text) else {
            return false;
        };
        let found = of_text(&Text {
            read: &read,
            snapshot: Some(&snapshot),
            cost: Cost::default(),
        });
        !black_box(found).is_empty()
    });
}

/// Does something with each text and prints how long that took, beside the parser's own seconds; the seconds.
fn measure(
    what: &str,
    texts: &[String],
    parser: Option<f64>,
    mut work: impl FnMut(&str) -> bool,
) -> f64 {
    let begun = Instant::now();
    let done = texts.iter().filter(|text| work(black_box(text))).count();
    let seconds = begun.elapsed().as_secs_f64();
    let beside = parser.map_or(String::new(), |own| {
        format!(", {:.1} × the parser's time", seconds / own)
    });
    println!(
        "{what:<22} {seconds:6.2} s  {:>9.0} statements/s  ({done} true{beside})",
        texts.len() as f64 / seconds
    );
    seconds
}

fn snapshot() -> Snapshot {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/testdata/snapshots/shop.json.gz"
    );
    let file = GzDecoder::new(File::open(file).expect("the shop's snapshot"));
    let mut snapshot: Snapshot = serde_json::from_reader(file).expect("a snapshot");
    snapshot.restore_order();
    snapshot
}

/// The queries of the snapshot again and again, each with a comment that no other text has.
fn texts(snapshot: &Snapshot) -> Vec<String> {
    let queries = snapshot
        .statements
        .iter()
        .filter_map(|s| s.query.as_deref());
    let queries: Vec<&str> = queries.filter(|text| Read::new(text).is_ok()).collect();
    assert!(!queries.is_empty(), "the snapshot has no statements");
    let text = |n: usize| format!("/* page {n} */ {}", queries[n % queries.len()]);
    (0..STATEMENTS).map(text).collect()
}

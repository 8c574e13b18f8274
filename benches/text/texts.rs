//! Texts of the sample shop's statements.

use std::fmt::Write as _;
use std::fs::File;

use flate2::read::GzDecoder;
use pgperf::model::snapshot::Snapshot;
use pgperf::model::statement::{Source, Statement};
use pgperf::query::facts::Read;

/// The sample shop.
pub(crate) fn snapshot() -> Snapshot {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/testdata/snapshots/shop.json.gz"
    );
    let file = GzDecoder::new(File::open(file).expect("the shop's snapshot"));
    let mut snapshot: Snapshot = serde_json::from_reader(file).expect("a snapshot");
    snapshot.restore_order();
    snapshot
}

/// Its queries.
fn queries(snapshot: &Snapshot) -> Vec<&str> {
    let queries = snapshot
        .statements
        .iter()
        .filter_map(|s| s.query.as_deref());
    let queries: Vec<&str> = queries.filter(|text| Read::new(text).is_ok()).collect();
    assert!(!queries.is_empty(), "the snapshot has no statements");
    queries
}

/// The queries again and again, each with a comment that no other text has.
pub(crate) fn kept(snapshot: &Snapshot, number: usize) -> Vec<String> {
    let queries = queries(snapshot);
    let text = |n: usize| format!("/* page {n} */ {}", queries[n % queries.len()]);
    (0..number).map(text).collect()
}

/// The queries again and again with constants for their parameters, other ones each time.
pub(crate) fn sent(snapshot: &Snapshot, number: usize) -> Vec<String> {
    let queries = queries(snapshot);
    let text = |n: usize| {
        let mut text = String::new();
        let mut parts = queries[n % queries.len()].split('$');
        text.push_str(parts.next().unwrap_or_default());
        for (place, part) in parts.enumerate() {
            let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
            // Every third is a string.
            let written = if place % 3 == 1 {
                write!(text, "'{n:x}'{rest}")
            } else {
                write!(text, "{}{rest}", n * 7 + place)
            };
            written.expect("a string takes all");
        }
        text
    };
    (0..number).map(text).collect()
}

/// Each text as a statement that ran once.
pub(crate) fn statements(texts: &[String]) -> Vec<Statement> {
    let statement = |text: &String| Statement {
        query: Some(text.clone()),
        source: Source::File,
        calls: 1,
        ..Statement::default()
    };
    texts.iter().map(statement).collect()
}

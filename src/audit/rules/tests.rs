//! What the labelled statements of `testdata/statements` are judged with: their catalog, written down as a snapshot for the corpus.

use std::path::Path;

use crate::query::testing::catalog;

const SCHEMA: &str = include_str!("../../../testdata/statements/schema.sql");

/// `UPDATE_EXPECT=1` writes it.
#[test]
fn the_catalog_of_the_labelled_statements_is_that_of_their_schema() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/statements/snapshot.json");
    let snapshot = serde_json::to_string(&catalog(SCHEMA)).unwrap() + "\n";
    if std::env::var("UPDATE_EXPECT").is_ok() {
        std::fs::write(&file, &snapshot).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == snapshot,
        "schema.sql has changed: UPDATE_EXPECT=1 cargo test --lib"
    );
}

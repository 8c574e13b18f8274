//! The files under `sql/` keep the contract of `sql/README.md`, as far as a text shows it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

/// `indexes/15` and its text, for every file.
fn files() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for folder in entries(&root().join("sql")).iter().filter(|p| p.is_dir()) {
        for file in entries(folder) {
            let collector = folder.file_name().expect("a name").to_string_lossy();
            let name = file.file_name().expect("a name").to_string_lossy();
            let since = name.strip_suffix(".sql").expect("only .sql files");
            let text = fs::read_to_string(&file).expect("text");
            files.insert(format!("{collector}/{since}"), text);
        }
    }
    files
}

/// What is wrong with the text of a file.
fn offences(text: &str) -> Vec<String> {
    let mut offences = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    let header = lines.iter().take_while(|l| l.starts_with("-- ")).count();
    let begins = ["-- one row", "-- reads ", "-- needs ", "-- new in "];
    if header != begins.len() || !lines.iter().zip(begins).all(|(l, b)| l.starts_with(b)) {
        offences.push("the header is not the four lines of the contract".to_owned());
    }
    let body: Vec<&str> = lines[header..]
        .iter()
        .filter(|l| !l.trim_start().starts_with("--"))
        .copied()
        .collect();
    let body = body.join("\n");
    if body.contains(';') {
        offences.push("a semicolon".to_owned());
    }
    let is_free = lines[0].starts_with("-- one row:") || lines[0].contains("; in no order, ");
    if !is_free && !body.contains("\norder by ") {
        offences.push("many rows, in no fixed order".to_owned());
    }
    for word in [
        "pg_size_pretty",
        " to_char(",
        "round(",
        "::regclass",
        "::oid",
        "::text",
        "::int",
        "SELECT",
        "FROM ",
        "version()",
    ] {
        let bare = body
            .match_indices(word)
            .any(|(at, _)| !body[..at].ends_with("pg_catalog."));
        if bare {
            offences.push(format!("{word} is not allowed, or lacks its schema"));
        }
    }
    if body.contains("pg_relation_size") && !body.contains("= any ($1::pg_catalog.oid[])") {
        offences.push("pg_relation_size waits behind locks".to_owned());
    }
    for call in [
        "pg_total_relation_size",
        "pg_table_size",
        "pg_database_size",
    ] {
        if body.contains(call) {
            offences.push(format!("{call} waits behind locks"));
        }
    }
    // Every function of the server's is called by its full name.
    for (at, _) in body.match_indices("pg_") {
        let before = &body[..at];
        let is_name_start = !before.ends_with(|c: char| {
            c.is_alphanumeric() || c == '_' || c == '{' || c == ',' || c == '\'' || c == '^'
        });
        let qualified = before.ends_with("pg_catalog.")
            || before.ends_with("@extschema@.")
            || body[at..].starts_with("pg_catalog.");
        if is_name_start && !qualified {
            let word: String = body[at..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            offences.push(format!("{word} lacks its schema"));
        }
    }
    offences
}

#[test]
fn every_file_keeps_the_contract() {
    let files = files();
    assert!(files.len() > 20, "{}", files.len());
    for (name, text) in files {
        assert_eq!(offences(&text), Vec::<String>::new(), "sql/{name}.sql");
    }
}

#[test]
fn offences_are_found() {
    let good = "-- one row a thing\n-- reads pg_class\n-- needs no privilege\n-- new in 13: first variant\nselect c.oid::pg_catalog.int8 as oid\nfrom pg_catalog.pg_class c\norder by c.oid\n";
    assert_eq!(offences(good), Vec::<String>::new());
    for (from, to) in [
        ("-- needs no privilege\n", ""),
        ("-- reads", "-- takes"),
        ("order by c.oid", "limit 1"),
        ("c.oid\n", "c.oid;\n"),
        ("from pg_catalog.pg_class", "from pg_class"),
        ("::pg_catalog.int8", "::int8"),
        ("c.oid::", "pg_catalog.pg_relation_size(c.oid)::"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert!(!offences(&bad).is_empty(), "{bad}");
    }
}

/// What the collectors in `src/pg/collect/` include: `indexes/15`, in the order of the sources.
fn referenced() -> Vec<String> {
    let mut references = Vec::new();
    let sources = entries(&root().join("src/pg/collect"));
    // Folders hold only tests of the file beside them.
    for source in sources.into_iter().filter(|source| source.is_file()) {
        let text = fs::read_to_string(&source).expect("text");
        for call in text.split("= collector!(\"").skip(1) {
            let call = &call[..call.find("])").expect("an end")];
            let name = &call[..call.find('"').expect("a quote")];
            for file in call.split("=> \"").skip(1) {
                let file = &file[..file.find('"').expect("a quote")];
                references.push(format!("{name}/{file}"));
            }
        }
    }
    references.sort();
    references
}

#[test]
fn every_file_is_used_by_exactly_one_collector() {
    let files: Vec<String> = files().into_keys().collect();
    assert_eq!(referenced(), files);
}

//! Each SQL file on each server, and each version of the extension, that it fits.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tokio_postgres::Client;

use super::super::support;

/// Name and type of each column.
type Columns = Vec<(String, String)>;

/// By collector, each set of columns met, and where.
type Seen = BTreeMap<String, BTreeMap<Columns, Vec<String>>>;

#[tokio::test(flavor = "multi_thread")]
async fn all_variants_of_a_collector_have_the_same_columns() {
    let mut seen = Seen::new();
    for installation in support::servers() {
        let major = installation.major();
        let conninfo = support::database(major).await;
        let client = support::client(&conninfo).await;
        let newest = match major {
            13 => 8,
            14 => 9,
            15 | 16 => 10,
            17 => 11,
            _ => 12,
        };
        for (collector, since, sql) in sql_files() {
            if sql.contains("@extschema@") {
                for extension in 7..=newest {
                    // Each file serves until the next one of its collector.
                    if fitting(&collector, (1, extension)) != Some(since) {
                        continue;
                    }
                    client
                        .batch_execute(&format!(
                            "drop extension if exists pg_stat_statements;
                             create schema if not exists \"Ext\";
                             create extension pg_stat_statements schema \"Ext\" version '1.{extension}'"
                        ))
                        .await
                        .unwrap();
                    let sql = sql.replace("@extschema@", "\"Ext\"");
                    let columns = describe(&client, &sql).await;
                    let label = format!("{collector}/{since:?} on {major} with 1.{extension}");
                    note(&mut seen, &collector, columns, label);
                }
            } else if fitting(&collector, (major, 0)) == Some(since) {
                let columns = describe(&client, &sql).await;
                let label = format!("{collector}/{since:?} on {major}");
                note(&mut seen, &collector, columns, label);
            }
        }
    }
    for (collector, variants) in seen {
        assert_eq!(variants.len(), 1, "{collector}: {variants:#?}");
    }
}

fn note(seen: &mut Seen, collector: &str, columns: Columns, label: String) {
    let variants = seen.entry(collector.to_owned()).or_default();
    variants.entry(columns).or_default().push(label);
}

async fn describe(client: &Client, sql: &str) -> Columns {
    let prepared = client.prepare(sql).await;
    let statement = prepared.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let columns = statement.columns().iter();
    columns
        .map(|c| (c.name().to_owned(), c.type_().name().to_owned()))
        .collect()
}

/// Every file under `sql/`: collector, version, text.
fn sql_files() -> Vec<(String, (u32, u32), String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let mut files = Vec::new();
    for folder in fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if !folder.is_dir() {
            continue;
        }
        let collector = folder.file_name().unwrap().to_string_lossy().into_owned();
        for file in fs::read_dir(&folder).unwrap() {
            let path = file.unwrap().path();
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            let (major, minor) = stem.split_once('.').unwrap_or((&stem, "0"));
            let since = (major.parse().unwrap(), minor.parse().unwrap());
            files.push((collector.clone(), since, fs::read_to_string(&path).unwrap()));
        }
    }
    files.sort();
    files
}

fn fitting(collector: &str, version: (u32, u32)) -> Option<(u32, u32)> {
    sql_files()
        .into_iter()
        .filter(|(name, since, _)| name == collector && *since <= version)
        .map(|(_, since, _)| since)
        .max()
}

//! The sample shop, embedded: its schema and its data.

use crate::cli::Failure;
use crate::cli::demo::progress::Progress;
use crate::pg::local::Session;

const SCHEMA: &str = include_str!("../../../testdata/shop/schema.sql");
const DATA: &str = include_str!("../../../testdata/shop/data.sql");

/// The database that `load` fills; any name would do.
pub(super) const DATABASE: &str = "shop";

/// Creates the tables and their rows in an empty database, and vacuums and analyzes them.
pub(super) async fn load(conninfo: &str, progress: &Progress) -> Result<(), Failure> {
    let session = Session::open(conninfo).await?;
    progress
        .step("the shop's tables", session.run(SCHEMA))
        .await?;
    progress
        .step("3 million rows", async {
            for statement in statements(DATA) {
                if let Some(table) = table_filled_by(statement) {
                    progress.now(&format!("filling {table}"));
                }
                session.run(statement).await?;
            }
            Ok::<(), Failure>(())
        })
        .await?;
    // Loading was not the shop's business: what is counted from here on is its traffic.
    session.run("select pg_stat_reset()").await?;
    progress
        .step("vacuum analyze", session.run("vacuum analyze"))
        .await?;
    Ok(())
}

/// Splits a script at semicolons that end a line, which no statement of ours has inside.
fn statements(script: &str) -> impl Iterator<Item = &str> {
    script
        .split_inclusive(";\n")
        .map(str::trim)
        .filter(|statement| !statement.is_empty())
}

fn table_filled_by(statement: &str) -> Option<&str> {
    let line = statement.lines().find(|line| !line.starts_with("--"))?;
    line.strip_prefix("insert into ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_split_into_statements() {
        let script = "-- a comment; inside\nselect 1;\n\nselect ';',\n  2;\n";
        let split: Vec<&str> = statements(script).collect();
        assert_eq!(
            split,
            ["-- a comment; inside\nselect 1;", "select ';',\n  2;"]
        );
    }

    #[test]
    fn every_table_is_created_and_filled() {
        let filled: Vec<&str> = statements(DATA).filter_map(table_filled_by).collect();
        let mut created: Vec<&str> = SCHEMA
            .lines()
            .filter_map(|line| line.strip_prefix("create table ")?.strip_suffix(" ("))
            .collect();
        created.sort_unstable();
        let mut sorted = filled.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, created);
        assert_eq!(filled.first(), Some(&"countries"));
    }
}

//! EXPLAIN of statements whose constants are `$n`: the generic plan, without ever executing anything.
//!
//! From 16 on `EXPLAIN (GENERIC_PLAN)` does it, over the simple protocol only (over the extended one `$1` would become a
//! parameter of EXPLAIN itself and the plan a wrong one). Before, PREPARE with `plan_cache_mode = force_generic_plan` and
//! EXECUTE with NULLs does; without that setting the NULLs would be folded into the plan. Everything stands in one explicit
//! transaction, so that a pooler in transaction mode keeps it on one server session.

use std::fmt::Write as _;

use crate::model::ident::quote_ident;
use crate::model::plan::Plan;
use crate::pg::connect::{BEGIN, Connection, ResultSet};
use crate::pg::error::{Error, Kind};

/// A statement to plan: exactly one, which the parser or the absence of any semicolon shows, with parameters `$1 … $n`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Explainable<'a> {
    /// Its text, without semicolon.
    pub text: &'a str,
    /// Highest parameter number.
    pub parameters: usize,
    /// Schemas to resolve names in; empty = the session's own.
    pub search_path: &'a [String],
}

/// Name of the prepared statement used before 16; it lives only inside one transaction of ours.
pub(super) const PREPARED: &str = "pgperf_probe";

/// Marks each statement of a batch as ours, for whoever reads `pg_stat_statements`: our next run among them. It stands inside
/// the statement, because 18 strips what stands before.
pub(super) const MARKER: &str = "/* pgperf */";

impl Explainable<'_> {
    #[must_use]
    /// `SET LOCAL` lines that must stand before: search path, and generic plans below 16.
    pub fn settings(&self, version_num: u32) -> String {
        let mut sql = String::new();
        if !self.search_path.is_empty() {
            let schemas: Vec<_> = self.search_path.iter().map(|s| quote_ident(s)).collect();
            let _ = write!(sql, "SET LOCAL search_path = {};", schemas.join(", "));
        }
        if self.is_prepared(version_num) {
            sql.push_str("SET LOCAL plan_cache_mode = force_generic_plan;");
        }
        sql
    }

    /// Whether it takes PREPARE (and so DEALLOCATE afterwards).
    pub(super) fn is_prepared(&self, version_num: u32) -> bool {
        self.parameters > 0 && version_num < 160_000
    }

    #[must_use]
    /// The EXPLAIN itself; its result is the last of the batch.
    pub fn explain(&self, version_num: u32) -> String {
        self.explain_as("FORMAT JSON", version_num)
    }

    #[must_use]
    /// The same with every name in full: schemas of tables, and tables of columns.
    pub fn explain_verbose(&self, version_num: u32) -> String {
        self.explain_as("VERBOSE, FORMAT JSON", version_num)
    }

    /// The same with the settings that change plans.
    pub(super) fn explain_whole(&self, version_num: u32) -> String {
        self.explain_as("VERBOSE, SETTINGS, FORMAT JSON", version_num)
    }

    fn explain_as(&self, options: &str, version_num: u32) -> String {
        let text = self.text;
        if self.parameters == 0 {
            format!("EXPLAIN {MARKER} ({options}) {text}")
        } else if self.is_prepared(version_num) {
            let nulls = vec!["NULL"; self.parameters].join(", ");
            format!(
                "PREPARE {PREPARED} {MARKER} AS {text}\n;EXPLAIN {MARKER} ({options}) EXECUTE {PREPARED}({nulls})"
            )
        } else {
            format!("EXPLAIN {MARKER} (GENERIC_PLAN, {options}) {text}")
        }
    }
}

/// What EXPLAIN prints of a statement, whole: planned only, or executed inside of an open transaction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Depth {
    /// Planned.
    Planned,
    /// Executed, with times and blocks; a transaction must be open, which the caller rolls back. Milliseconds it may take.
    Executed {
        /// `statement_timeout`.
        timeout_ms: u64,
    },
}

/// The JSON text of EXPLAIN, with the settings that change plans. What is executed has passed the gate.
///
/// # Errors
/// As the server says: the statement cannot be planned, a table is locked, it took too long, the connection is lost.
pub async fn explained(
    connection: &Connection,
    statement: &Explainable<'_>,
    depth: Depth,
) -> Result<String, Error> {
    let version = connection.server_version_num();
    let settings = statement.settings(version);
    let batch = match depth {
        Depth::Planned => {
            let explain = statement.explain_whole(version);
            format!("{BEGIN};{settings}SAVEPOINT pgperf;{explain}")
        }
        Depth::Executed { timeout_ms } => {
            let options = "ANALYZE, BUFFERS, VERBOSE, SETTINGS, FORMAT JSON";
            let explain = statement.explain_as(options, version);
            format!("SET LOCAL statement_timeout = {timeout_ms};{settings}{explain}")
        }
    };
    let answer = connection.simple(&batch).await;
    if depth == Depth::Planned && !matches!(&answer, Err(error) if error.kind == Kind::Lost) {
        if answer.is_err() {
            let _ = connection.simple("ROLLBACK TO SAVEPOINT pgperf").await;
        }
        if statement.is_prepared(version) {
            let _ = (connection.simple(&format!("DEALLOCATE {PREPARED}"))).await;
        }
        connection.simple("ROLLBACK").await?;
    }
    let results = answer?;
    Ok(lines(&results).join("\n"))
}

/// The verbose plan of a statement by the observed server itself, as it is: nothing is executed, nothing hypothetical.
///
/// # Errors
/// As the server says: the statement cannot be planned, a table is locked, the connection is lost.
pub async fn explain(connection: &Connection, statement: &Explainable<'_>) -> Result<Plan, Error> {
    let version = connection.server_version_num();
    let batch = format!(
        "{BEGIN};{}SAVEPOINT pgperf;{}",
        statement.settings(version),
        statement.explain_verbose(version)
    );
    let answer = connection.simple(&batch).await;
    if matches!(&answer, Err(error) if error.kind == Kind::Lost) {
        return plan_of(&answer?);
    }
    if answer.is_err() {
        // A pooler keeps the session to us until the transaction ends, and what is prepared outlives it.
        let _ = connection.simple("ROLLBACK TO SAVEPOINT pgperf").await;
    }
    if statement.is_prepared(version) {
        // It fails when PREPARE itself had failed.
        let _ = (connection.simple(&format!("DEALLOCATE {PREPARED}"))).await;
    }
    connection.simple("ROLLBACK").await?;
    plan_of(&answer?)
}

/// The lines of the last result set.
fn lines(results: &[ResultSet]) -> Vec<&str> {
    let rows = results.last().map_or(&[][..], |r| &r.rows);
    let rows = rows.iter();
    rows.filter_map(|row| row.first()?.as_deref()).collect()
}

/// The plan in the last result set.
pub(super) fn plan_of(results: &[ResultSet]) -> Result<Plan, Error> {
    Plan::from_explain_json(&lines(results).join("\n"))
        .map_err(|message| Error::new(Kind::Query, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_depends_on_parameters_and_version() {
        let path = ["My Schema".to_owned(), "public".to_owned()];
        let plain = Explainable {
            text: "SELECT 1",
            parameters: 0,
            search_path: &[],
        };
        assert_eq!(
            plain.explain(130_000),
            "EXPLAIN /* pgperf */ (FORMAT JSON) SELECT 1"
        );
        assert_eq!(plain.settings(130_000), "");
        let bound = Explainable {
            text: "SELECT * FROM t WHERE a = $1 AND b = $2",
            parameters: 2,
            search_path: &path,
        };
        assert_eq!(
            bound.settings(160_000),
            r#"SET LOCAL search_path = "My Schema", public;"#
        );
        assert!(
            bound
                .settings(150_000)
                .ends_with("SET LOCAL plan_cache_mode = force_generic_plan;")
        );
        assert_eq!(
            bound.explain(160_000),
            format!(
                "EXPLAIN /* pgperf */ (GENERIC_PLAN, FORMAT JSON) {}",
                bound.text
            )
        );
        assert!(
            bound
                .explain(150_000)
                .ends_with("EXPLAIN /* pgperf */ (FORMAT JSON) EXECUTE pgperf_probe(NULL, NULL)")
        );
    }
}

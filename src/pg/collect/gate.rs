//! What names stand for, for the gate before a statement is executed: what may do more than read, and the texts behind a name.

use serde::Deserialize;
use tokio_postgres::types::{ToSql, Type};

use crate::pg::collect::variant::{Collector, collector};
use crate::pg::connect::Connection;
use crate::pg::error::Error;

const CALLS: Collector = collector!("gate_calls", [(13, 0) => "13"]);
const TEXTS: Collector = collector!("gate_texts", [(13, 0) => "13"]);
const FIRES: Collector = collector!("gate_fires", [(13, 0) => "13"]);
const WRITE_TEXTS: Collector = collector!("gate_write_texts", [(13, 0) => "13"]);

/// Something that may do more than read when a statement calls it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Suspect {
    /// `function`, `operator`, `aggregate`, `cast`, `type`, `foreign table`, `rule`.
    pub kind: String,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Why.
    pub why: String,
}

/// A text that runs when what it belongs to is used.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Behind {
    /// What it belongs to: `view public.v`.
    pub place: String,
    /// The text.
    pub text: String,
}

/// The names of a text, by where they stand (`query::gate`).
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// In front of a parenthesis.
    pub called: &'a [String],
    /// Behind a dot.
    pub attributes: &'a [String],
    /// Operators.
    pub operators: &'a [String],
    /// All.
    pub all: &'a [String],
    /// Functions that the user vouches for.
    pub allowed: &'a [String],
}

/// What of these names may do more than read.
///
/// # Errors
/// As the server says.
pub async fn suspects(connection: &Connection, names: Names<'_>) -> Result<Vec<Suspect>, Error> {
    let lists = [
        names.called,
        names.attributes,
        names.operators,
        names.all,
        names.allowed,
    ];
    rows(connection, &CALLS, &lists).await
}

/// The texts that run when relations or types of these names are used, but for names that were looked at before.
///
/// # Errors
/// As the server says, also when a view is locked.
pub async fn behind(
    connection: &Connection,
    names: &[String],
    known: &[String],
) -> Result<Vec<Behind>, Error> {
    rows(connection, &TEXTS, &[names, known]).await
}

/// What runs when rows of relations of these names are written, but for names that were looked at before and functions vouched for.
///
/// # Errors
/// As the server says.
pub async fn fires(
    connection: &Connection,
    names: &[String],
    known: &[String],
    allowed: &[String],
) -> Result<Vec<Suspect>, Error> {
    rows(connection, &FIRES, &[names, known, allowed]).await
}

/// The texts that run when rows of relations of these names are written, and the names of those that are written with them.
///
/// # Errors
/// As the server says.
pub async fn behind_writes(
    connection: &Connection,
    names: &[String],
    known: &[String],
) -> Result<Vec<Behind>, Error> {
    rows(connection, &WRITE_TEXTS, &[names, known]).await
}

async fn rows<T: for<'d> Deserialize<'d>>(
    connection: &Connection,
    collector: &Collector,
    lists: &[&[String]],
) -> Result<Vec<T>, Error> {
    let Some(sql) = collector.fitting((connection.server_version_num() / 10_000, 0)) else {
        return Ok(Vec::new());
    };
    let params: Vec<(&(dyn ToSql + Sync), Type)> = (lists.iter())
        .map(|list| (list as &(dyn ToSql + Sync), Type::TEXT_ARRAY))
        .collect();
    connection.rows(sql, &params).await
}

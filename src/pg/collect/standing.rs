//! What `apply` looks at before and while it changes something: one name, one table, one session.

use serde::Deserialize;
use tokio_postgres::types::Type;

use crate::model::build::Activity;
use crate::model::ident::QualifiedName;
use crate::model::standing::{Rights, Standing};
use crate::pg::collect::indexes;
use crate::pg::collect::transaction::Transaction;
use crate::pg::collect::variant::{Collector, collector};
use crate::pg::connect::Connection;
use crate::pg::error::Error;

const STANDING: Collector = collector!("standing", [(13, 0) => "13"]);
const RIGHTS: Collector = collector!("rights", [(17, 0) => "17", (13, 0) => "13"]);
const BUILD: Collector = collector!("build", [(13, 0) => "13"]);

#[derive(Deserialize)]
struct StandingRow {
    kind: String,
    table_oid: Option<u32>,
    live: Option<bool>,
    builder: Option<i32>,
}

/// What a name stands for now. `except` is the session whose own builds do not count; operator classes outside of
/// `search_path` come with their schema.
pub(in crate::pg) async fn standing(
    connection: &Connection,
    name: &QualifiedName,
    except: i32,
    search_path: &[String],
) -> Result<Standing, Error> {
    let mut transaction = Transaction::begin(connection).await?;
    let found = look(&mut transaction, connection, name, except, search_path).await;
    let ended = transaction.end().await;
    let found = found?;
    ended.map(|()| found)
}

async fn look(
    transaction: &mut Transaction<'_>,
    connection: &Connection,
    name: &QualifiedName,
    except: i32,
    search_path: &[String],
) -> Result<Standing, Error> {
    transaction
        .prepare(connection.server_version_num() / 10_000)
        .await?;
    let Some(sql) = STANDING.fitting(transaction.version()) else {
        return Ok(Standing::Free);
    };
    let params: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 3] = [
        (&name.schema, Type::TEXT),
        (&name.name, Type::TEXT),
        (&except, Type::INT4),
    ];
    let row: Option<StandingRow> = transaction.rows(sql, &params).await?.pop();
    let Some(row) = row else {
        return Ok(Standing::Free);
    };
    let builder = row.builder;
    Ok(match (row.table_oid, row.live) {
        (Some(_), Some(true)) => match indexes::named(transaction, search_path, name).await? {
            Some(index) => Standing::Index {
                index: Box::new(index),
                builder,
            },
            None => Standing::Other("an index that is none of a user's table".into()),
        },
        (Some(table_oid), _) => Standing::HalfDropped { table_oid, builder },
        (None, _) => Standing::Other(kind(&row.kind).into()),
    })
}

/// `pg_class.relkind` in words.
fn kind(relkind: &str) -> &'static str {
    match relkind {
        "r" | "p" => "a table",
        "v" => "a view",
        "m" => "a materialized view",
        "S" => "a sequence",
        "c" => "a composite type",
        "f" => "a foreign table",
        _ => "a relation",
    }
}

/// What the role may do with a table; none when there is no such table.
pub(in crate::pg) async fn rights(
    connection: &Connection,
    table: &QualifiedName,
) -> Result<Option<Rights>, Error> {
    let Some(sql) = RIGHTS.fitting((connection.server_version_num() / 10_000, 0)) else {
        return Ok(None);
    };
    let params: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
        [(&table.schema, Type::TEXT), (&table.name, Type::TEXT)];
    Ok(connection.rows(sql, &params).await?.pop())
}

/// What a session is doing now; none when it is gone.
pub(in crate::pg) async fn activity(
    connection: &Connection,
    pid: i32,
) -> Result<Option<Activity>, Error> {
    let Some(sql) = BUILD.fitting((connection.server_version_num() / 10_000, 0)) else {
        return Ok(None);
    };
    Ok(connection.rows(sql, &[(&pid, Type::INT4)]).await?.pop())
}

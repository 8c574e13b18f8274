//! Runs the DDL of a clone's schema, with something else in the place of what this machine does not know.

use std::collections::BTreeSet;

use crate::model::catalog::Column;
use crate::model::gap::{Gap, Part};
use crate::model::ident::quote_literal;
use crate::model::snapshot::Snapshot;
use crate::pg::clone::rebuild::search_path;
use crate::pg::clone::schema::{self, Step, Unknown};
use crate::pg::clone::{DATABASE, ROLE};
use crate::pg::error::Error;
use crate::pg::local::{LocalServer, Session};

/// Statements sent at once: each takes locks that are kept until the batch ends.
const BATCH: usize = 500;
/// A statement that the server refused, and why.
pub(super) type Failed = (Step, String);

/// Makes everything that the role owns; what failed.
pub(super) async fn build(
    server: &LocalServer,
    snapshot: &Snapshot,
    gaps: &mut Vec<Gap>,
) -> Result<Vec<Failed>, Error> {
    let owner = Session::open(&server.conninfo_as(ROLE, DATABASE)).await?;
    owner
        .run(&format!(
            "SET check_function_bodies = off; SET search_path = {}",
            search_path(snapshot)
        ))
        .await?;
    let early = run(&owner, schema::objects(snapshot)).await?;
    let unknown = unknown(&owner, snapshot).await?;
    gaps.extend(stand_ins(snapshot, &unknown));
    let mut steps = schema::tables(snapshot, &unknown);
    // A function may take rows of a table.
    steps.extend(early.into_iter().map(|(step, _)| step));
    run(&owner, steps).await
}

/// Names of types and collations that the clone does not know.
async fn unknown(owner: &Session, snapshot: &Snapshot) -> Result<Unknown, Error> {
    let columns = || snapshot.tables.iter().flat_map(|t| &t.columns);
    let list = |names: BTreeSet<&str>| {
        let names: Vec<String> = names.into_iter().map(quote_literal).collect();
        names.join(",")
    };
    let types = list(columns().map(|c| c.type_name.as_str()).collect());
    let types = format!(
        "SELECT name FROM unnest(ARRAY[{types}]::text[]) t (name) WHERE to_regtype(name) IS NULL"
    );
    let collations = list(columns().filter_map(|c| c.collation.as_deref()).collect());
    let collations = format!(
        "SELECT name FROM unnest(ARRAY[{collations}]::text[]) t (name) \
         WHERE NOT EXISTS (SELECT FROM pg_collation c WHERE c.collname = name AND pg_collation_is_visible(c.oid))"
    );
    Ok(Unknown {
        types: owner.column(&types).await?.into_iter().collect(),
        collations: owner.column(&collations).await?.into_iter().collect(),
    })
}

fn stand_ins(snapshot: &Snapshot, unknown: &Unknown) -> Vec<Gap> {
    let columns = |is_so: &dyn Fn(&Column) -> bool| {
        let all = snapshot.tables.iter().flat_map(|t| &t.columns);
        all.filter(|c| is_so(c)).count()
    };
    let types = unknown.types.iter().map(|name| {
        Gap::new(
            Part::Planner,
            format!("the clone has no type {name}: this machine's PostgreSQL does not know it"),
        )
        .effect("statements that do anything with such a column are planned by arithmetic")
        .count(columns(&|c| c.type_name == *name))
    });
    let collations = unknown.collations.iter().map(|name| {
        Gap::new(
            Part::Planner,
            format!("the clone has no collation {name}: this machine does not know it"),
        )
        .effect("such columns are sorted as the database is")
        .count(columns(&|c| c.collation.as_ref() == Some(name)))
    });
    types.chain(collations).collect()
}

/// Runs statements, and those that fail again after the others, as long as that helps; what failed in the end, and why.
pub(super) async fn run(session: &Session, steps: Vec<Step>) -> Result<Vec<Failed>, Error> {
    let mut open = steps;
    loop {
        let failed = run_once(session, &open).await?;
        if failed.is_empty() || failed.len() == open.len() {
            return Ok(failed);
        }
        open = failed.into_iter().map(|(step, _)| step).collect();
    }
}

/// Runs statements, each by itself; those that failed, and why.
pub(super) async fn run_once(session: &Session, steps: &[Step]) -> Result<Vec<Failed>, Error> {
    let mut failed = Vec::new();
    for batch in steps.chunks(BATCH) {
        let texts: Vec<String> = batch.iter().map(|s| quote_literal(&s.sql)).collect();
        let sql = format!(
            "SELECT failed || ' ' || reason FROM pgperf_clone.run(ARRAY[{}]::text[])",
            texts.join(",")
        );
        for line in session.column(&sql).await? {
            let (position, reason) = line.split_once(' ').unwrap_or((&line, ""));
            let position = position.parse::<usize>().ok();
            if let Some(step) = position.and_then(|p| batch.get(p.wrapping_sub(1))) {
                failed.push((step.clone(), reason.to_owned()));
            }
        }
    }
    Ok(failed)
}

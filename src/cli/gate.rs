//! The gate before a statement is executed: only what is proven to read passes.

use std::collections::BTreeSet;

use super::{Exit, Failure};
use crate::pg::collect::{Names, Suspect, behind, suspects};
use crate::pg::connect::Connection;
use crate::query::gate::{Mentions, mentions, refusal};

/// Views in views are followed so far; nobody nests them deeper.
const DEEPEST: usize = 64;

/// What a user has said that makes more pass.
#[derive(Debug, Clone, Default)]
pub(crate) struct Allowed {
    /// Functions that the user vouches for.
    pub(crate) functions: Vec<String>,
    /// Whether to execute as a superuser, whom nothing stops.
    pub(crate) superuser: bool,
}

/// Why a statement does not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The same words for all statements that do not pass for this reason.
    pub(crate) kind: String,
    /// The reason in full.
    pub(crate) why: String,
    hint: String,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        refused(&refusal.why).hint(refusal.hint)
    }
}

/// Refuses a superuser, whom nothing stops, unless that is allowed.
pub(crate) fn is_no_superuser(is_superuser: bool, allowed: &Allowed) -> Result<(), Failure> {
    if is_superuser && !allowed.superuser {
        return Err(
            refused("this role is a superuser, whom the server stops from nothing")
                .hint("a role that may only read (GRANT pg_read_all_data), or --allow-superuser"),
        );
    }
    Ok(())
}

/// What a text shows by itself.
pub(crate) fn by_text(text: &str) -> Option<Refusal> {
    refusal(text).map(|why| Refusal {
        kind: why.clone(),
        why,
        hint: "without --analyze it is planned, and not executed".to_owned(),
    })
}

/// Refuses a statement that is not proven to read only. A transaction must be open: what is looked at stays as it is until its end.
pub(crate) async fn refuses(
    connection: &Connection,
    text: &str,
    allowed: &Allowed,
) -> Result<Option<Refusal>, Failure> {
    if let Some(refusal) = by_text(text) {
        return Ok(Some(refusal));
    }
    let conforming = connection
        .simple("SHOW standard_conforming_strings")
        .await?;
    let value = conforming
        .last()
        .and_then(|r| r.rows.first()?.first()?.clone());
    if value.as_deref() != Some("on") {
        return Err(refused(
            "standard_conforming_strings is off, so that where a string ends is not certain",
        ));
    }
    let found = all_suspects(connection, text, allowed).await?;
    let Some((place, first)) = found.first() else {
        return Ok(None);
    };
    let Suspect {
        kind,
        schema,
        name,
        why,
    } = first;
    let more = match found.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let hint = format!(
        "--allow-function {name}, if it only reads; without --analyze the statement is planned, and not executed"
    );
    Ok(Some(Refusal {
        kind: format!("it names a {kind} that may do more than read"),
        why: format!("{place} names {kind} {schema}.{name}: {why}{more}"),
        hint,
    }))
}

/// What the statement and every text behind its names could call that may do more than read, with where it stands.
async fn all_suspects(
    connection: &Connection,
    text: &str,
    allowed: &Allowed,
) -> Result<Vec<(String, Suspect)>, Failure> {
    let mut found = Vec::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut waiting = vec![("the statement".to_owned(), text.to_owned())];
    for _ in 0..DEEPEST {
        let mut new = BTreeSet::new();
        for (place, text) in std::mem::take(&mut waiting) {
            let mentioned = mentions(&text);
            let of_it = suspects_of(connection, &mentioned, allowed).await?;
            found.extend(of_it.into_iter().map(|suspect| (place.clone(), suspect)));
            new.extend(
                mentioned
                    .names
                    .into_iter()
                    .filter(|name| !known.contains(name)),
            );
        }
        if new.is_empty() {
            return Ok(found);
        }
        let (names, before): (Vec<_>, Vec<_>) = (
            new.iter().cloned().collect(),
            known.iter().cloned().collect(),
        );
        let texts = behind(connection, &names, &before).await?;
        waiting = texts.into_iter().map(|b| (b.place, b.text)).collect();
        known.extend(new);
    }
    Err(refused("views are nested deeper than is looked"))
}

async fn suspects_of(
    connection: &Connection,
    mentioned: &Mentions,
    allowed: &Allowed,
) -> Result<Vec<Suspect>, Failure> {
    let list = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>();
    let (called, attributes) = (list(&mentioned.called), list(&mentioned.attributes));
    let (operators, all) = (list(&mentioned.operators), list(&mentioned.names));
    let names = Names {
        called: &called,
        attributes: &attributes,
        operators: &operators,
        all: &all,
        allowed: &allowed.functions,
    };
    Ok(suspects(connection, names).await?)
}

fn refused(why: &str) -> Failure {
    Failure::new(Exit::Usage, format!("not executed: {why}"))
}

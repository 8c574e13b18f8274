//! The gate before a statement is executed: only what is proven to read passes, and what writes where the user wants that tried.

use std::collections::BTreeSet;

use clap::Args;

use super::{Exit, Failure};
use crate::model::server::Server;
use crate::pg::collect::{Behind, Names, Suspect, behind, behind_writes, fires, suspects};
use crate::pg::connect::Connection;
use crate::query::gate::{May, Mentions, mentions, refusal, writes};

/// Views in views are followed so far; nobody nests them deeper.
const DEEPEST: usize = 64;

/// What a user says that makes more pass.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct GateArgs {
    /// Execute although a statement calls this function, which is volatile or whose body is not known (repeatable).
    #[arg(long, value_name = "NAME", requires = "analyze")]
    allow_function: Vec<String>,
    /// Execute although the role is a superuser.
    #[arg(long, requires = "analyze")]
    allow_superuser: bool,
    /// This server is there for trying things out: nothing depends on its data.
    #[arg(long)]
    staging: bool,
    /// Execute INSERT, UPDATE, DELETE and MERGE too, on a server named as --staging. They are rolled back; what stays is dead rows
    /// and used up sequence numbers.
    #[arg(long, requires_all = ["analyze", "staging"])]
    allow_dml: bool,
}

impl GateArgs {
    /// What may pass on this server.
    ///
    /// # Errors
    /// A superuser, whom nothing stops, unless that is allowed; a standby, where nothing can be written.
    pub(crate) fn allowed(&self, server: &Server) -> Result<Allowed, Failure> {
        if server.is_superuser && !self.allow_superuser {
            let why = "this role is a superuser, whom the server stops from nothing";
            return Err(refused(why)
                .hint("a role that may only read (GRANT pg_read_all_data), or --allow-superuser"));
        }
        if self.allow_dml && server.in_recovery {
            let why = "this server is a standby, where nothing can be written";
            return Err(refused(why).hint("leave out --allow-dml"));
        }
        let mut functions = self.allow_function.clone();
        if self.allow_dml {
            // Defaults take the next number; it is used up, and nothing else.
            functions.push("nextval".to_owned());
        }
        let may = if self.allow_dml {
            May::Write
        } else {
            May::Read
        };
        Ok(Allowed { functions, may })
    }
}

/// What passes.
#[derive(Debug, Clone)]
pub(crate) struct Allowed {
    /// Functions that the user vouches for.
    functions: Vec<String>,
    /// What a statement may do.
    may: May,
}

impl Allowed {
    /// Whether it takes a transaction that may write to execute a statement.
    pub(crate) fn writes(&self, text: &str) -> bool {
        self.may == May::Write && writes(text)
    }
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

/// What a text shows by itself.
pub(crate) fn by_text(text: &str, allowed: &Allowed) -> Option<Refusal> {
    refusal(text, allowed.may).map(|why| Refusal {
        kind: why.clone(),
        why,
        hint: "without --analyze it is planned, and not executed".to_owned(),
    })
}

/// Refuses a statement that is not proven to do only what it may. A transaction must be open: what is looked at stays as it is until its end.
pub(crate) async fn refuses(
    connection: &Connection,
    text: &str,
    allowed: &Allowed,
) -> Result<Option<Refusal>, Failure> {
    if let Some(refusal) = by_text(text, allowed) {
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
    let planned = "without --analyze the statement is planned, and not executed";
    let hint = match kind.as_str() {
        "function" => format!("--allow-function {name}, if it does no harm; {planned}"),
        _ => planned.to_owned(),
    };
    Ok(Some(Refusal {
        kind: format!("it names a {kind} that may do more than read"),
        why: format!("{place} names {kind} {schema}.{name}: {why}{more}"),
        hint,
    }))
}

/// What the statement and every text behind its names could call that may do more than it may, with where it stands.
async fn all_suspects(
    connection: &Connection,
    text: &str,
    allowed: &Allowed,
) -> Result<Vec<(String, Suspect)>, Failure> {
    let is_writing = allowed.writes(text);
    let mut found = Vec::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut waiting = vec![Behind {
        place: "the statement".to_owned(),
        text: text.to_owned(),
    }];
    for _ in 0..DEEPEST {
        let mut new = BTreeSet::new();
        for Behind { place, text } in std::mem::take(&mut waiting) {
            let mentioned = mentions(&text);
            let of_it = suspects_of(connection, &mentioned, allowed).await?;
            found.extend(of_it.into_iter().map(|suspect| (place.clone(), suspect)));
            let names = mentioned.names.into_iter();
            new.extend(names.filter(|name| !known.contains(name)));
        }
        if new.is_empty() {
            return Ok(found);
        }
        let names: Vec<_> = new.iter().cloned().collect();
        let before: Vec<_> = known.iter().cloned().collect();
        waiting = behind(connection, &names, &before).await?;
        if is_writing {
            waiting.extend(behind_writes(connection, &names, &before).await?);
            let fired = fires(connection, &names, &before, &allowed.functions).await?;
            let fired = fired.into_iter();
            found.extend(fired.map(|suspect| ("writing it".to_owned(), suspect)));
        }
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

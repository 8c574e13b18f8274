//! One change: looked at before, tried until it gets its locks, cleaned up after when it fails.

use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::sleep;

use crate::advisor::apply::{Decision, decide, is_left, leftovers, names};
use crate::advisor::recommendation::Recommendation;
use crate::cli::apply::telling::Telling;
use crate::model::build::Activity;
use crate::model::change::Change;
use crate::model::ident::QualifiedName;
use crate::model::index::IndexDefinition;
use crate::model::snapshot::Snapshot;
use crate::pg::apply::{Ran, Stop, Writer, stopped};
use crate::pg::error::{Error, Kind};

/// How often a change is tried that does not get its locks. The pauses in between double.
const TRIES: u32 = 6;
/// Longest pause.
const LONGEST: Duration = Duration::from_secs(60);
/// How long removing what is unfinished may take when the user wants an end.
const REMOVAL: Duration = Duration::from_secs(5);

/// What became of a change.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// Made, in this time.
    Done(Duration),
    /// There was nothing to do; why.
    Skipped(&'static str),
    /// Why not, and what to try.
    Failed(String, Option<String>),
    /// The user wanted an end.
    Stopped,
    /// Something before it failed or was interrupted.
    NotTried,
}

impl Outcome {
    /// Whether all is now as it should be.
    pub(super) fn is_good(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Skipped(_))
    }
}

/// One try of a change.
enum Try {
    Settled(Outcome),
    /// Somebody is in the way; who.
    Blocked(String),
}

/// The run of all changes.
pub(super) struct Run<'a> {
    pub(super) writer: Writer,
    pub(super) stop: Stop,
    pub(super) snapshot: &'a Snapshot,
    pub(super) telling: Telling,
    pub(super) lock_timeout: Duration,
    /// Nothing more can be done: the connection is lost, the disk is full.
    pub(super) hopeless: bool,
}

impl Run<'_> {
    /// Whether nothing more is to be tried.
    pub(super) fn is_over(&self) -> bool {
        self.hopeless || *self.stop.borrow()
    }

    /// Makes one change.
    pub(super) async fn step(
        &mut self,
        change: &Change,
        recommendation: &Recommendation,
    ) -> Outcome {
        let begun = Instant::now();
        let mut pause = self.lock_timeout;
        for attempt in 1.. {
            let who = match self.attempt(change, recommendation).await {
                Try::Settled(Outcome::Done(_)) => return Outcome::Done(begun.elapsed()),
                Try::Settled(outcome) => return outcome,
                Try::Blocked(who) => who,
            };
            if attempt == TRIES {
                let hint = "again when that session has ended, or with a longer --lock-timeout";
                return Outcome::Failed(
                    format!("gave up after {TRIES} tries: {who}"),
                    Some(hint.into()),
                );
            }
            let seconds = pause.as_secs_f64();
            self.telling
                .line(&format!("{who}; try {} in {seconds:.1} s", attempt + 1));
            tokio::select! {
                () = sleep(pause) => {}
                () = stopped(&mut self.stop) => return Outcome::Stopped,
            }
            pause = (pause * 2).min(LONGEST.max(self.lock_timeout));
        }
        Outcome::NotTried
    }

    async fn attempt(&mut self, change: &Change, recommendation: &Recommendation) -> Try {
        if let Some(settled) = self.prepare(change, recommendation).await {
            return settled;
        }
        let ran = self.run(change).await;
        let definition = match change {
            Change::CreateIndex { definition, .. } => definition,
            _ => &recommendation.definition,
        };
        match ran {
            Ran::Done => Try::Settled(Outcome::Done(Duration::ZERO)),
            Ran::Blocked(activity) => {
                self.remove_leftovers(change, definition).await;
                let who = activity.waiting();
                Try::Blocked(who.unwrap_or_else(|| "did not get its lock in time".into()))
            }
            Ran::Stopped => {
                self.remove_leftovers(change, definition).await;
                Try::Settled(Outcome::Stopped)
            }
            Ran::Failed(error) => {
                // Somebody else has made something of that name since we looked: it is not ours.
                if error.sqlstate.as_deref() != Some("42P07") && error.kind != Kind::Lost {
                    self.remove_leftovers(change, definition).await;
                }
                Try::Settled(self.failed(error))
            }
        }
    }

    /// Looks at what is there, and removes what an unfinished build left; something, when the change is not to be made now.
    async fn prepare(&mut self, change: &Change, recommendation: &Recommendation) -> Option<Try> {
        loop {
            let mut standing = Vec::new();
            for name in names(change, recommendation) {
                match self.writer.standing(&name).await {
                    Ok(there) => standing.push(there),
                    Err(error) => return Some(Try::Settled(self.failed(error))),
                }
            }
            match decide(change, recommendation, &standing, self.snapshot) {
                Decision::Make => return None,
                Decision::Skip(why) => return Some(Try::Settled(Outcome::Skipped(why))),
                Decision::Wait(pid) => {
                    return Some(Try::Blocked(format!(
                        "pid {pid} builds an index on the same table"
                    )));
                }
                Decision::Refuse(why) => {
                    let hint = "look at it, and drop or rename it by hand if it is of no use";
                    return Some(Try::Settled(Outcome::Failed(why, Some(hint.into()))));
                }
                Decision::Clear(name) => {
                    self.telling.line(&format!(
                        "removes {name}, INVALID, which an unfinished build left"
                    ));
                    match self.run(&removal(&name)).await {
                        Ran::Done => {}
                        Ran::Blocked(activity) => {
                            let who = activity.waiting();
                            let who = who.unwrap_or_else(|| format!("{name} is in use"));
                            return Some(Try::Blocked(who));
                        }
                        Ran::Stopped => {
                            self.telling.line(&left(&name, ""));
                            return Some(Try::Settled(Outcome::Stopped));
                        }
                        Ran::Failed(error) => return Some(Try::Settled(self.failed(error))),
                    }
                }
            }
        }
    }

    async fn run(&mut self, change: &Change) -> Ran {
        let telling = &mut self.telling;
        self.writer
            .run(change, &mut self.stop, &mut |activity| {
                telling.now(activity);
            })
            .await
    }

    /// Removes what a change that did not succeed has left; says so when that is not possible.
    async fn remove_leftovers(&mut self, change: &Change, definition: &IndexDefinition) {
        for name in leftovers(change) {
            let there = match self.writer.standing(&name).await {
                Ok(there) => there,
                Err(error) => {
                    self.telling.line(&left(&name, &error.message));
                    continue;
                }
            };
            if !is_left(&there, definition, self.snapshot) {
                continue;
            }
            let mut last = String::new();
            let mut stop = self.patience();
            let telling = &mut self.telling;
            let mut look = |activity: &Activity| {
                last = activity.waiting().unwrap_or_default();
                telling.now(activity);
            };
            let why = match self.writer.run(&removal(&name), &mut stop, &mut look).await {
                Ran::Done => {
                    self.telling
                        .line(&format!("{name}, unfinished, is removed"));
                    continue;
                }
                Ran::Blocked(_) | Ran::Stopped => last,
                Ran::Failed(error) => error.message,
            };
            self.telling.line(&left(&name, &why));
        }
    }

    /// The stop signal for a removal: the user's, or some seconds from now if it has come already.
    fn patience(&self) -> Stop {
        if !*self.stop.borrow() {
            return self.stop.clone();
        }
        let (send, receive) = watch::channel(false);
        tokio::spawn(async move {
            sleep(REMOVAL).await;
            let _ = send.send(true);
        });
        receive
    }

    /// What the server said, and whether there is any use in going on.
    fn failed(&mut self, error: Error) -> Outcome {
        let state = error.sqlstate.as_deref().unwrap_or_default();
        let lost = error.kind == Kind::Lost;
        self.hopeless = lost || state.starts_with("53");
        let hint = match (lost, state) {
            (true, _) => Some(
                "pgperf advise --apply again: it goes on where this one ended, and removes what is unfinished".into(),
            ),
            (_, "53100") => Some("make room on the server's disk, then again".into()),
            _ => error.hint,
        };
        Outcome::Failed(error.message, hint)
    }
}

/// What removes an unfinished index.
fn removal(name: &QualifiedName) -> Change {
    Change::DropIndex {
        name: name.clone(),
        concurrently: true,
    }
}

/// An unfinished index that could not be removed.
fn left(name: &QualifiedName, why: &str) -> String {
    let why = if why.is_empty() {
        String::new()
    } else {
        format!(" ({why})")
    };
    format!(
        "{name} is left INVALID, it could not be removed{why}; the next --apply removes it, or: {}",
        removal(name)
    )
}

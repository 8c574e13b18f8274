//! `advise --apply`: makes the changes that a report advises, one after another, and tells what became of each.

mod step;
mod telling;

use std::io::{IsTerminal as _, Write as _, stderr, stdin};
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::sync::watch;

use super::interrupt::{interrupted, unless_interrupted};
use super::{Exit, Failure};
use crate::advisor::apply::{Work, lacking, undo, whole, work};
use crate::advisor::recommendation::Recommendation;
use crate::model::change::Change;
use crate::model::ident::QualifiedName;
use crate::model::snapshot::Snapshot;
use crate::pg::apply::Writer;
use crate::pg::connect::{Connection, Target};
use crate::report::{one_line, sql_line};
use step::{Outcome, Run};
use telling::Telling;

/// `--apply`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scope {
    /// Build, rebuild and analyze; leave indexes that are to be dropped.
    Create,
    /// Drop as well.
    All,
}

/// Options of applying.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ApplyArgs {
    /// After the report, make the advised changes on the target, without blocking writes; `--apply=all` drops indexes as well.
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "create",
        conflicts_with = "from"
    )]
    apply: Option<Scope>,
    /// Apply without asking.
    #[arg(long, requires = "apply")]
    yes: bool,
    /// How long an applied statement waits for a lock before it is given up and tried again later.
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0, requires = "apply", value_parser = seconds)]
    lock_timeout: f64,
}

/// A time that makes sense.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.01..=86_400.0).contains(&seconds) {
        Ok(seconds)
    } else {
        Err("choose 0.01 to 86400 seconds".to_owned())
    }
}

impl ApplyArgs {
    /// What is to be applied, if anything.
    pub(crate) fn scope(&self) -> Option<Scope> {
        self.apply
    }

    /// Refuses before any work is done what could not be confirmed later.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let asked = stdin().is_terminal() && stderr().is_terminal();
        if self.apply.is_some() && !self.yes && !asked {
            return Err(
                Failure::new(Exit::Usage, "--apply has no terminal to ask at").hint(
                    "--yes to apply without being asked, or -o sql=FILE for a script to look at first",
                ),
            );
        }
        Ok(())
    }
}

/// Refuses servers on which nothing could be applied, before the work of advising.
pub(crate) fn check_server(connection: &Connection, snapshot: &Snapshot) -> Result<(), Failure> {
    if snapshot.server.in_recovery {
        let what = format!(
            "{} is a standby: nothing can be applied there",
            connection.endpoint()
        );
        return Err(Failure::new(Exit::Connect, what).hint(
            "--apply with the primary as the target; indexes reach its standbys by themselves",
        ));
    }
    Ok(Writer::check(connection)?)
}

/// Applies, after asking.
pub(crate) async fn run(
    args: &ApplyArgs,
    target: &Target,
    recommendations: &[Recommendation],
    snapshot: &Snapshot,
) -> Result<Exit, Failure> {
    let all = work(recommendations, args.apply == Some(Scope::All));
    let steps: Vec<&Change> = all.iter().flat_map(|w| w.steps.iter().copied()).collect();
    if steps.is_empty() {
        eprintln!("nothing to apply");
        tell_left(&all);
        return Ok(Exit::Clean);
    }
    if !args.yes {
        let mut yes = false;
        let ask = async {
            yes = confirmed(&steps, &snapshot.server.database);
            Ok(Exit::Clean)
        };
        let asked = unless_interrupted(ask).await?;
        if !yes {
            eprintln!("nothing was applied");
            return Ok(asked);
        }
    }
    let (stop, stopping) = watch::channel(false);
    let listening = tokio::spawn(listen(stop));
    let lock_timeout = Duration::from_secs_f64(args.lock_timeout);
    let writer = Writer::open(target, lock_timeout, snapshot.server.started_at).await?;
    if let Some(holder) = writer.claim().await? {
        return Err(taken(holder.pid, &snapshot.server.database));
    }
    eprintln!(
        "applying to database {} on {}",
        one_line(&snapshot.server.database),
        one_line(writer.endpoint())
    );
    let mut run = Run {
        writer,
        stop: stopping,
        snapshot,
        telling: Telling::new(steps.len()),
        lock_timeout,
        hopeless: false,
    };
    let mut results = Vec::new();
    for work in &all {
        apply(work, &mut run, &mut results).await;
    }
    run.writer.close().await;
    listening.abort();
    let good = summary(&all, &results, &run.telling);
    Ok(if good {
        Exit::Clean
    } else if *run.stop.borrow() {
        Exit::Interrupted
    } else {
        Exit::Staging
    })
}

/// What became of one change.
struct Made<'a> {
    change: &'a Change,
    outcome: Outcome,
}

/// Applies one recommendation: what follows a change that failed is not tried.
async fn apply<'a>(work: &Work<'a>, run: &mut Run<'_>, results: &mut Vec<Made<'a>>) {
    let mut obstacle = if run.is_over() {
        None
    } else {
        forbidden(work, run).await
    };
    let mut good = true;
    for change in &work.steps {
        run.telling.start(change);
        let outcome = if let Some((what, hint)) = obstacle.take() {
            Outcome::Failed(what, hint)
        } else if !good || run.is_over() {
            Outcome::NotTried
        } else {
            run.step(change, work.recommendation).await
        };
        run.telling.end(&outcome);
        good = good && outcome.is_good();
        results.push(Made { change, outcome });
    }
    if let Some(name) = whole(work.recommendation).filter(|_| good)
        && let Some(result) = results.last_mut()
        && let Some(what) = unfinished(name, run).await
    {
        result.outcome = Outcome::Failed(what, Some("pgperf advise --apply again".into()));
        run.telling.end(&result.outcome);
    }
}

/// What the role lacks for one of the changes, found before the first of them is made.
async fn forbidden(work: &Work<'_>, run: &mut Run<'_>) -> Option<(String, Option<String>)> {
    for change in &work.steps {
        let table = match change {
            Change::CreateIndex { definition, .. } => &definition.table,
            _ => &work.recommendation.definition.table,
        };
        match run.writer.rights(table).await {
            Ok(Some(rights)) => {
                if let Some((what, hint)) = lacking(change, &rights) {
                    return Some((what, Some(hint)));
                }
            }
            Ok(None) => return Some((format!("{table} is gone"), None)),
            Err(error) => return Some((error.message, error.hint)),
        }
    }
    None
}

/// Why the index of a partitioned table is not valid although all parts were attached.
async fn unfinished(name: &QualifiedName, run: &mut Run<'_>) -> Option<String> {
    match run.writer.standing(name).await {
        Ok(there) if there.index().is_some_and(|i| i.valid) => None,
        Ok(_) => Some(format!(
            "{name} is not valid yet: a partition has come or changed meanwhile"
        )),
        Err(error) => Some(format!("{name} could not be looked at: {error}")),
    }
}

/// Shows what would be run, and asks.
fn confirmed(steps: &[&Change], database: &str) -> bool {
    let counted = match steps.len() {
        1 => "this statement".to_owned(),
        many => format!("these {many} statements"),
    };
    eprintln!("\nTo be run in database {}:", one_line(database));
    for step in steps {
        eprintln!("  {}", sql_line(&step.to_string()));
    }
    eprint!("Run {counted}? [y/N] ");
    let _ = stderr().flush();
    let mut answer = String::new();
    let _ = stdin().read_line(&mut answer);
    matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

/// Another one is at it.
fn taken(pid: Option<i32>, database: &str) -> Failure {
    let who = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
    Failure::new(
        Exit::Staging,
        format!(
            "another pgperf{who} is applying advice in database {}: nothing was applied",
            one_line(database)
        ),
    )
    .hint("wait until it is done; if it was killed, its server process ends by itself, or by pg_terminate_backend")
}

/// The first signal ends the work in good order, the second one at once.
async fn listen(stop: watch::Sender<bool>) {
    interrupted().await;
    eprintln!(
        "\npgperf: interrupted: cancelling, and removing what is unfinished (once more to leave it)"
    );
    let _ = stop.send(true);
    interrupted().await;
    eprintln!(
        "\npgperf: left as it is: an unfinished index is INVALID, the next --apply removes it"
    );
    std::process::exit(Exit::Interrupted as i32);
}

/// Says what was done, how to take it back, and what is left; whether all is now as it should be.
fn summary(all: &[Work<'_>], results: &[Made<'_>], telling: &Telling) -> bool {
    let count = |is: fn(&Outcome) -> bool| results.iter().filter(|r| is(&r.outcome)).count();
    let counts = [
        (count(|o| matches!(o, Outcome::Done(_))), "done"),
        (count(|o| matches!(o, Outcome::Skipped(_))), "already so"),
        (count(|o| matches!(o, Outcome::Failed(..))), "failed"),
        (count(|o| matches!(o, Outcome::Stopped)), "interrupted"),
        (count(|o| matches!(o, Outcome::NotTried)), "not tried"),
    ];
    let counts: Vec<String> = (counts.iter().filter(|(n, _)| *n > 0))
        .map(|(n, what)| format!("{n} {what}"))
        .collect();
    eprintln!("applied in {}: {}", telling.elapsed(), counts.join(", "));
    let made: Vec<&Change> = (results
        .iter()
        .filter(|r| matches!(r.outcome, Outcome::Done(_))))
    .map(|r| r.change)
    .collect();
    let back: Vec<Change> = (all.iter().rev())
        .flat_map(|work| {
            let steps = work.steps.iter().copied();
            let made: Vec<&Change> = steps.filter(|s| made.contains(s)).collect();
            undo(&made, work.recommendation)
        })
        .collect();
    tell("to undo:", back.iter());
    let open = |r: &&Made<'_>| !r.outcome.is_good();
    tell("not done:", results.iter().filter(open).map(|r| r.change));
    tell_left(all);
    results.iter().all(|r| r.outcome.is_good())
}

fn tell<'a>(title: &str, changes: impl Iterator<Item = &'a Change>) {
    for (position, change) in changes.enumerate() {
        if position == 0 {
            eprintln!("{title}");
        }
        eprintln!("  {}", sql_line(&change.to_string()));
    }
}

fn tell_left(all: &[Work<'_>]) {
    let left = all.iter().flat_map(|w| w.left.iter().copied());
    tell("left to you, or to --apply=all:", left);
}

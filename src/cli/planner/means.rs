//! Whom to ask: chosen once, when the first question comes up, with the reason kept for the report.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::advice::PlannerChoice;
use super::super::clone::{cache, installation};
use super::super::deadline::Deadline;
use super::super::{Exit, Failure};
use crate::advisor::size::heights;
use crate::model::gap::{Gap, Part};
use crate::model::plan::Plan;
use crate::model::snapshot::Snapshot;
use crate::model::whatif::Hypothetical;
use crate::pg;
use crate::pg::clone::StatisticsClone;
use crate::pg::connect::Connection;
use crate::pg::error::Kind;
use crate::pg::explain::{Explainable, explain};
use crate::pg::hypopg::Hypopg;
use crate::pg::local::Installation;
use crate::query::workload::Query;

/// Who could be asked, and whoever was chosen because a question came up.
pub(in crate::cli) struct Asking<'a> {
    pub(super) snapshot: &'a Snapshot,
    connection: Option<&'a Connection>,
    choice: PlannerChoice,
    deadline: Deadline,
    chosen: Option<Means<'a>>,
    /// Statements, by position in the snapshot, in which the server found a syntax error.
    pub(in crate::cli) misspelt: BTreeSet<usize>,
    /// Whether nothing is written while it is asked.
    pub(in crate::cli) quiet: bool,
}

/// `syntax_error`.
const SYNTAX_ERROR: &str = "42601";

/// The chosen one.
pub(super) struct Means<'a> {
    snapshot: &'a Snapshot,
    /// The live database, unless the snapshot comes from a file.
    connection: Option<&'a Connection>,
    choice: PlannerChoice,
    /// When even a clone's answer is no longer waited for.
    pub(super) deadline: Deadline,
    pub(super) who: Who<'a>,
    /// Why no better one.
    pub(super) why: String,
    pub(super) gaps: Vec<Gap>,
}

/// Who it is.
pub(super) enum Who<'a> {
    Clone(Box<StatisticsClone>),
    Hypopg(Hypopg<'a>),
    Arithmetic,
}

impl<'a> Asking<'a> {
    /// Nobody is asked yet.
    pub(in crate::cli) fn new(
        snapshot: &'a Snapshot,
        connection: Option<&'a Connection>,
        choice: PlannerChoice,
        deadline: Deadline,
    ) -> Self {
        Self {
            snapshot,
            connection,
            choice,
            deadline,
            chosen: None,
            misspelt: BTreeSet::new(),
            quiet: false,
        }
    }

    /// The verbose plans of some statements as they are, in order, as many as time allows; none where nobody could plan.
    pub(in crate::cli) async fn plans(
        &mut self,
        queries: &[Query],
    ) -> Result<Vec<Result<Plan, String>>, Failure> {
        let mut plans = Vec::new();
        if queries.is_empty() || self.choice == PlannerChoice::Estimate {
            return Ok(plans);
        }
        let means = match self.chosen.take() {
            Some(means) => means,
            None => self.choose().await?,
        };
        let means = self.chosen.insert(means);
        for query in queries {
            if self.deadline.is_past() {
                break;
            }
            let statement = explainable(query);
            let plan = match (&mut means.who, means.connection) {
                (Who::Clone(clone), _) => clone.explain(&statement).await,
                (_, Some(connection)) => explain(connection, &statement).await,
                (_, None) => break,
            };
            match plan {
                Err(error) if error.kind == Kind::Lost => return Err(error.into()),
                Err(error) => {
                    if error.sqlstate.as_deref() == Some(SYNTAX_ERROR) {
                        self.misspelt.extend(&query.members);
                    }
                    plans.push(Err(error.message));
                }
                Ok(plan) => plans.push(Ok(plan)),
            }
        }
        Ok(plans)
    }

    /// The chosen one; arithmetic, without looking for anybody better, if there are no questions and nobody was named.
    pub(super) async fn means(self, has_questions: bool) -> Result<Means<'a>, Failure> {
        match self.chosen {
            Some(means) => Ok(means),
            None if self.choice == PlannerChoice::Auto && !has_questions => Ok(Means::new(&self)),
            None => self.choose().await,
        }
    }

    /// Chooses by `--planner` and what this machine and the target have.
    async fn choose(&self) -> Result<Means<'a>, Failure> {
        let mut means = Means::new(self);
        match self.choice {
            PlannerChoice::Estimate => {
                "asked for by --planner estimate".clone_into(&mut means.why);
            }
            PlannerChoice::Hypopg => {
                means.who = hypopg_or_failure(self.snapshot, self.connection)?;
            }
            PlannerChoice::Clone => means.clone_or_failure().await?,
            PlannerChoice::Auto => means.best().await,
        }
        Ok(means)
    }
}

/// What a clone takes at least: half of what it took on a machine with two cores (16 s for 1,000 tables with 4,000 indexes). To try it
/// with less time than that would only take the time from the questions.
fn least(snapshot: &Snapshot) -> Duration {
    let relations = snapshot.tables.len() + snapshot.indexes.len();
    Duration::from_micros(250_000 + 1_500 * u64::try_from(relations).unwrap_or(u64::MAX / 2_000))
}

/// The statement that planners are asked about.
pub(super) fn explainable(query: &Query) -> Explainable<'_> {
    Explainable {
        text: &query.usual.text,
        parameters: query.usual.parameters,
        search_path: &query.search_path,
    }
}

impl<'a> Means<'a> {
    fn new(asking: &Asking<'a>) -> Self {
        Self {
            snapshot: asking.snapshot,
            connection: asking.connection,
            choice: asking.choice,
            deadline: asking.deadline,
            who: Who::Arithmetic,
            why: String::new(),
            gaps: Vec::new(),
        }
    }

    /// `--planner auto`.
    async fn best(&mut self) {
        let major = self.snapshot.server.major();
        match installation(self.snapshot) {
            Ok(installation) if installation.major() == major => {
                // One that is ready when the time is over answers nothing.
                let in_time = self.deadline.halfway();
                let is_hopeless = in_time
                    .left()
                    .is_some_and(|left| left < least(self.snapshot));
                let hydrated = if is_hopeless {
                    None
                } else {
                    in_time.bound(self.hydrate(&installation)).await
                };
                let why = match hydrated {
                    Some(Ok(())) => return,
                    Some(Err(error)) => error.to_string(),
                    None if is_hopeless => {
                        "for so many tables it is not ready in half of the time limit".to_owned()
                    }
                    None => "half of the time limit was over before it was ready".to_owned(),
                };
                self.gaps.push(no_clone(&why));
            }
            _ => {
                self.why = format!("this machine has no PostgreSQL {major} for a clone, and ");
            }
        }
        self.second_best();
    }

    /// Without a clone.
    fn second_best(&mut self) {
        let extension = self.snapshot.server.extensions.get("hypopg");
        match (self.connection, extension) {
            (Some(connection), Some(extension)) => {
                self.why.clear();
                self.who = Who::Hypopg(hypopg(self.snapshot, connection, &extension.schema));
            }
            (None, _) => self.why.push_str("a snapshot file has no planner to ask"),
            (Some(_), None) => {
                self.why.push_str("hypopg is not installed on the target");
                self.gaps.push(without_hypopg(self.snapshot));
            }
        }
    }

    /// `--planner clone`: another major version will do.
    async fn clone_or_failure(&mut self) -> Result<(), Failure> {
        let major = self.snapshot.server.major();
        let installation = installation(self.snapshot)?;
        if installation.major() != major {
            self.gaps.push(
                Gap::new(
                    Part::Planner,
                    format!(
                        "the clone runs PostgreSQL {}, the server {major}",
                        installation.major()
                    ),
                )
                .effect("plans and costs may differ from the server's"),
            );
        }
        match self.deadline.bound(self.hydrate(&installation)).await {
            Some(hydrated) => Ok(hydrated?),
            None => Err(too_late()),
        }
    }

    async fn hydrate(&mut self, installation: &Installation) -> Result<(), pg::Error> {
        let heights = heights(self.snapshot);
        // A live database is another one the next time.
        let cache = cache().filter(|_| self.connection.is_none());
        let cache = cache.as_deref();
        let clone = StatisticsClone::hydrate(self.snapshot, &heights, installation, cache).await?;
        self.who = Who::Clone(Box::new(clone));
        Ok(())
    }

    /// Builds the candidates, where they have to be built.
    pub(super) async fn build(&mut self, candidates: &[Hypothetical]) -> Result<(), Failure> {
        let Who::Clone(clone) = &mut self.who else {
            return Ok(());
        };
        let all: Vec<&Hypothetical> = candidates.iter().collect();
        let is_auto = self.choice == PlannerChoice::Auto;
        let in_time = if is_auto {
            self.deadline.halfway()
        } else {
            self.deadline
        };
        let why = match in_time.bound(clone.build(&all)).await {
            Some(Ok(())) => {
                self.gaps.extend_from_slice(clone.gaps());
                return Ok(());
            }
            Some(Err(error)) if !is_auto => return Err(error.into()),
            None if !is_auto => return Err(too_late()),
            Some(Err(error)) => error.to_string(),
            None => "the time limit was near before the candidates were built".to_owned(),
        };
        self.gaps.push(no_clone(&why));
        self.who = Who::Arithmetic;
        self.second_best();
        Ok(())
    }

    /// Whether a server answers.
    pub(super) fn is_server(&self) -> bool {
        !matches!(self.who, Who::Arithmetic)
    }

    /// Ends what was started for the answers.
    pub(super) async fn stop(self) {
        if let Who::Clone(clone) = self.who {
            clone.stop().await;
        }
    }
}

fn no_clone(why: &str) -> Gap {
    Gap::new(Part::Planner, format!("no clone: {why}")).effect("another source of costs was used")
}

fn too_late() -> Failure {
    Failure::new(
        Exit::Staging,
        "the time limit came before the clone was ready",
    )
    .hint("a longer --deadline, or --planner estimate")
}

fn hypopg<'a>(snapshot: &Snapshot, connection: &'a Connection, schema: &str) -> Hypopg<'a> {
    let cpu_operator_cost = snapshot.server.number("cpu_operator_cost", 0.0025);
    Hypopg::new(connection, schema, cpu_operator_cost)
}

fn hypopg_or_failure<'a>(
    snapshot: &Snapshot,
    connection: Option<&'a Connection>,
) -> Result<Who<'a>, Failure> {
    let database = &snapshot.server.database;
    match (connection, snapshot.server.extensions.get("hypopg")) {
        (Some(connection), Some(extension)) => {
            Ok(Who::Hypopg(hypopg(snapshot, connection, &extension.schema)))
        }
        (None, _) => Err(Failure::new(
            Exit::Usage,
            "--planner hypopg needs a live database, not a snapshot file",
        )
        .hint("--planner clone or estimate, or connect to the database")),
        (Some(_), None) => Err(Failure::new(
            Exit::Usage,
            format!("hypopg is not installed in database {database}"),
        )
        .hint("CREATE EXTENSION hypopg; or --planner clone or estimate")),
    }
}

fn without_hypopg(snapshot: &Snapshot) -> Gap {
    let server = &snapshot.server;
    let gap = Gap::new(
        Part::Planner,
        format!("hypopg is not installed in database {}", server.database),
    )
    .effect("costs are arithmetic over the statistics, not the planner's own");
    if server.available_extensions.iter().any(|e| e == "hypopg") {
        gap.close("CREATE EXTENSION hypopg;")
    } else {
        gap
    }
}

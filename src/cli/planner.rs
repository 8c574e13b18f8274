//! Who answers a probe: a statistics clone, `HypoPG` on the target, or arithmetic; chosen once, with the reason kept for the report.

use std::collections::{BTreeMap, BTreeSet};

use super::advice::{PlannerChoice, days};
use super::clone::{cache, installation};
use super::deadline::Deadline;
use super::{Exit, Failure};
use crate::advisor::candidates::Candidates;
use crate::advisor::catalog_advice::superfluous;
use crate::advisor::costly::costly;
use crate::advisor::estimate::Question;
use crate::advisor::size::heights;
use crate::model::gap::{Gap, Part};
use crate::model::index::{Index, IndexDefinition};
use crate::model::snapshot::Snapshot;
use crate::model::whatif::{Cost, Hypothetical, Source};
use crate::pg;
use crate::pg::clone::StatisticsClone;
use crate::pg::connect::Connection;
use crate::pg::error::Kind;
use crate::pg::explain::Explainable;
use crate::pg::hypopg::Hypopg;
use crate::pg::local::Installation;
use crate::query::workload::{Usual, Workload};

/// The chosen source of costs.
pub(crate) struct Planner<'a> {
    snapshot: &'a Snapshot,
    workload: &'a Workload,
    /// Whether the snapshot comes from a file.
    from_file: bool,
    means: Means<'a>,
    why: String,
    gaps: Vec<Gap>,
    /// Queries that the server refused to plan, with its words: arithmetic answers all their probes, so that the costs of one
    /// query always come from one source.
    refused: BTreeMap<usize, String>,
    /// Queries that the server has planned.
    planned: BTreeSet<usize>,
    candidates: &'a Candidates,
    /// Candidates that only a server with such an index can judge.
    unproven: BTreeSet<&'a IndexDefinition>,
    /// Questions answered.
    asked: usize,
    /// When even a clone's answer is no longer waited for.
    deadline: Deadline,
    /// What arithmetic has prepared for each way in which a query runs, so that its next probe is quick.
    questions: BTreeMap<(usize, usize), Question<'a>>,
}

/// Whom to ask.
enum Means<'a> {
    Clone(Box<StatisticsClone>),
    Hypopg(Hypopg<'a>),
    Arithmetic,
}

impl<'a> Planner<'a> {
    /// Chooses by `--planner` and what this machine and the target have.
    pub(crate) async fn choose(
        snapshot: &'a Snapshot,
        workload: &'a Workload,
        candidates: &'a Candidates,
        connection: Option<&'a Connection>,
        choice: PlannerChoice,
        deadline: Deadline,
    ) -> Result<Self, Failure> {
        let has_drops = !workload.queries.is_empty() && has_questions(snapshot, workload);
        let mut planner = Self {
            snapshot,
            workload,
            from_file: connection.is_none(),
            means: Means::Arithmetic,
            why: String::new(),
            gaps: Vec::new(),
            refused: BTreeMap::new(),
            planned: BTreeSet::new(),
            candidates,
            unproven: (candidates.indexes.iter().zip(&candidates.unproven))
                .filter(|(_, unproven)| **unproven)
                .map(|(index, _)| &index.definition)
                .collect(),
            asked: 0,
            deadline,
            questions: BTreeMap::new(),
        };
        match choice {
            PlannerChoice::Estimate => {
                "asked for by --planner estimate".clone_into(&mut planner.why);
            }
            PlannerChoice::Hypopg => planner.means = hypopg_or_failure(snapshot, connection)?,
            PlannerChoice::Clone => planner.clone_or_failure(candidates, deadline).await?,
            // Without a question there is nobody to ask.
            PlannerChoice::Auto if candidates.indexes.is_empty() && !has_drops => {}
            PlannerChoice::Auto => planner.best(candidates, connection, deadline).await,
        }
        Ok(planner)
    }

    /// `--planner auto`.
    async fn best(
        &mut self,
        candidates: &'a Candidates,
        connection: Option<&'a Connection>,
        deadline: Deadline,
    ) {
        let server = &self.snapshot.server;
        let major = server.major();
        match installation(self.snapshot) {
            Ok(installation) if installation.major() == major => {
                // One that is ready when the time is over answers nothing.
                let hydrate = self.hydrate(&installation, candidates);
                let why = match deadline.halfway().bound(hydrate).await {
                    Some(Ok(())) => return,
                    Some(Err(error)) => error.to_string(),
                    None => "half of the time limit was over before it was ready".to_owned(),
                };
                self.gaps.push(
                    Gap::new(Part::Planner, format!("no clone: {why}"))
                        .effect("another source of costs was used"),
                );
            }
            _ => {
                self.why = format!("this machine has no PostgreSQL {major} for a clone, and ");
            }
        }
        match (connection, server.extensions.get("hypopg")) {
            (Some(connection), Some(extension)) => {
                self.why.clear();
                self.means = Means::Hypopg(hypopg(self.snapshot, connection, &extension.schema));
            }
            (None, _) => self.why.push_str("a snapshot file has no planner to ask"),
            (Some(_), None) => {
                self.why.push_str("hypopg is not installed on the target");
                self.gaps.push(without_hypopg(self.snapshot));
            }
        }
    }

    /// `--planner clone`: another major version will do.
    async fn clone_or_failure(
        &mut self,
        candidates: &'a Candidates,
        deadline: Deadline,
    ) -> Result<(), Failure> {
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
        let hydrate = self.hydrate(&installation, candidates);
        match deadline.bound(hydrate).await {
            Some(hydrated) => Ok(hydrated?),
            None => Err(Failure::new(
                Exit::Staging,
                "the time limit came before the clone was ready",
            )
            .hint("a longer --deadline, or --planner estimate")),
        }
    }

    async fn hydrate(
        &mut self,
        installation: &Installation,
        candidates: &'a Candidates,
    ) -> Result<(), pg::Error> {
        let heights = heights(self.snapshot);
        // A live database is another one the next time.
        let cache = cache().filter(|_| self.from_file);
        let cache = cache.as_deref();
        let mut clone =
            StatisticsClone::hydrate(self.snapshot, &heights, installation, cache).await?;
        let all: Vec<&Hypothetical> = candidates.indexes.iter().collect();
        clone.build(&all).await?;
        self.gaps.extend_from_slice(clone.gaps());
        self.means = Means::Clone(Box::new(clone));
        Ok(())
    }

    /// Ends what was started for the answers.
    pub(crate) async fn stop(self) {
        if let Means::Clone(clone) = self.means {
            clone.stop().await;
        }
    }

    /// Who speaks.
    pub(crate) fn source(&self) -> Source {
        match self.means {
            Means::Clone(_) => Source::Clone,
            Means::Hypopg(_) => Source::Hypopg,
            Means::Arithmetic => Source::Estimate,
        }
    }

    /// How many questions were put to it.
    pub(crate) fn asked(&self) -> usize {
        self.asked
    }

    /// Why not a better one.
    pub(crate) fn why(&self) -> &str {
        &self.why
    }

    /// Whether a server has planned a query.
    pub(crate) fn has_planned(&self, query: usize) -> bool {
        self.planned.contains(&query)
    }

    /// What could not be asked.
    pub(crate) fn gaps(&self) -> Vec<Gap> {
        let mut gaps = self.gaps.clone();
        gaps.extend(self.unweighed());
        if let Some(example) = self.refused.values().next() {
            gaps.push(
                Gap::new(
                    Part::Planner,
                    format!("statements that the server would not plan, e.g.: {example}"),
                )
                .effect("their costs are arithmetic over the statistics")
                .count(self.refused.len()),
            );
        }
        gaps
    }

    /// Answers what a query costs with `indexes` and without `dropped`, which exist; the inner error is about this query, the
    /// outer one about everything.
    pub(crate) async fn cost(
        &mut self,
        query: usize,
        indexes: &[&'a Hypothetical],
        dropped: &[&Index],
    ) -> Result<Result<Cost, String>, Failure> {
        let mut ways = Vec::new();
        for (number, (share, usual, _)) in self.workload.queries[query].ways().enumerate() {
            match self.way(query, number, usual, indexes, dropped).await? {
                Ok(cost) => ways.push((share, cost)),
                Err(why) => return Ok(Err(why)),
            }
        }
        Ok(Ok(Cost::mean(ways)))
    }

    /// The cost of one of the ways in which a query runs.
    async fn way(
        &mut self,
        query: usize,
        way: usize,
        usual: &Usual,
        indexes: &[&'a Hypothetical],
        dropped: &[&Index],
    ) -> Result<Result<Cost, String>, Failure> {
        self.asked += 1;
        if self.refused.contains_key(&query) {
            return Ok(Ok(self.estimate(query, way, indexes, dropped)));
        }
        let statement = Explainable {
            text: &usual.text,
            parameters: usual.parameters,
            search_path: &self.workload.queries[query].search_path,
        };
        let unproven = &self.unproven;
        let answer = match &mut self.means {
            Means::Arithmetic => return Ok(Ok(self.estimate(query, way, indexes, dropped))),
            // Only newer versions of it can hide an index, by oid and for a whole session.
            Means::Hypopg(_) if !dropped.is_empty() => {
                return Ok(Err("hypopg was not asked about dropped indexes".into()));
            }
            Means::Hypopg(hypopg) => {
                let able = Able::of(indexes, |i| !unproven.contains(&i.definition));
                // Always waited for: what it has made in the session has to be taken away again.
                let answer = hypopg.cost(&statement, &able.indexes).await;
                Some(answer.map(|cost| able.placed(cost)))
            }
            Means::Clone(clone) => {
                let able = Able::of(indexes, |i| clone.refusal(i).is_none());
                let answer = clone.cost_without(&statement, &able.indexes, dropped);
                let answer = self.deadline.bound(answer).await;
                answer.map(|answer| answer.map(|cost| able.placed(cost)))
            }
        };
        // Whoever is not waited for is not asked again either: it would answer this first.
        let Some(answer) = answer else {
            return Ok(Err("the time limit came before the planner's answer".into()));
        };
        match answer {
            Ok(cost) => {
                self.planned.insert(query);
                Ok(Ok(cost))
            }
            Err(error) if error.kind == Kind::Lost => Err(error.into()),
            // Costs of two sources do not compare: a query that was planned before and is refused now is given up.
            Err(error) if self.planned.contains(&query) => Ok(Err(error.message)),
            Err(error) => {
                self.refused.insert(query, error.message);
                Ok(Ok(self.estimate(query, way, indexes, dropped)))
            }
        }
    }

    fn estimate(
        &mut self,
        query: usize,
        way: usize,
        indexes: &[&'a Hypothetical],
        dropped: &[&Index],
    ) -> Cost {
        let able = Able::of(indexes, |i| !self.unproven.contains(&i.definition));
        let (snapshot, asked) = (self.snapshot, &self.workload.queries[query]);
        let question = self.questions.entry((query, way)).or_insert_with(|| {
            let shape = asked
                .ways()
                .nth(way)
                .map_or(&asked.shape, |(.., shape)| shape);
            Question::new(shape, asked.kind, asked.rows_per_call, snapshot)
        });
        let cost = if dropped.is_empty() {
            question.cost(&able.indexes)
        } else {
            let dropped: Vec<u32> = dropped.iter().map(|i| i.oid).collect();
            question.without(&dropped).cost(&able.indexes)
        };
        able.placed(cost)
    }

    /// Candidates that nobody weighed: this source cannot judge them, or they cannot be built.
    fn unweighed(&self) -> Option<Gap> {
        let name = match &self.means {
            Means::Clone(clone) => {
                let refusals = self.candidates.indexes.iter().filter_map(|i| {
                    let reason = clone.refusal(i)?;
                    // That is the answer: there can be no such index.
                    let answered = reason.contains("IMMUTABLE");
                    (!answered)
                        .then(|| format!("{} {}: {reason}", i.definition.table, i.definition))
                });
                let refused: Vec<String> = refusals.collect();
                let example = refused.first()?;
                let what =
                    format!("candidate indexes that the clone could not build, e.g. {example}");
                let gap = Gap::new(Part::Planner, what).effect("they had no part in the choice");
                return Some(gap.count(refused.len()));
            }
            Means::Hypopg(_) => "hypopg",
            Means::Arithmetic => "arithmetic",
        };
        let example = self.unproven.first()?;
        let gap = Gap::new(
            Part::Planner,
            format!(
                "candidate indexes that {name} cannot judge (no btrees, or on expressions), e.g. {} {example}",
                example.table
            ),
        );
        let gap = gap.effect("they had no part in the choice");
        Some(gap.count(self.unproven.len()).close("--planner clone"))
    }
}

/// Whether there are existing indexes to ask about.
fn has_questions(snapshot: &Snapshot, workload: &Workload) -> bool {
    let costly = || costly(snapshot, workload, days(snapshot), &[]);
    !superfluous(snapshot).is_empty() || !costly().is_empty()
}

/// Those of the asked indexes that somebody can judge, and where they stood.
struct Able<'a> {
    indexes: Vec<&'a Hypothetical>,
    positions: Vec<usize>,
}

impl<'a> Able<'a> {
    fn of(indexes: &[&'a Hypothetical], is_able: impl Fn(&Hypothetical) -> bool) -> Self {
        let able = indexes.iter().enumerate().filter(|(_, i)| is_able(i));
        let (positions, indexes) = able.map(|(position, &index)| (position, index)).unzip();
        Self { indexes, positions }
    }

    /// The answer in the positions of the question.
    fn placed(&self, mut cost: Cost) -> Cost {
        for used in &mut cost.used {
            *used = self.positions[*used];
        }
        (cost.plan).name_hypothetical(&|node| node.hypothetical.map(|p| self.positions[p]));
        cost
    }
}

fn hypopg<'a>(snapshot: &Snapshot, connection: &'a Connection, schema: &str) -> Hypopg<'a> {
    let cpu_operator_cost = snapshot.server.number("cpu_operator_cost", 0.0025);
    Hypopg::new(connection, schema, cpu_operator_cost)
}

fn hypopg_or_failure<'a>(
    snapshot: &Snapshot,
    connection: Option<&'a Connection>,
) -> Result<Means<'a>, Failure> {
    let database = &snapshot.server.database;
    match (connection, snapshot.server.extensions.get("hypopg")) {
        (Some(connection), Some(extension)) => Ok(Means::Hypopg(hypopg(
            snapshot,
            connection,
            &extension.schema,
        ))),
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

//! Who answers a probe, and how: a statistics clone, `HypoPG` on the target, or arithmetic.

mod means;

use std::collections::{BTreeMap, BTreeSet};

use super::Failure;
use super::advice::days;
use crate::advisor::candidates::Candidates;
use crate::advisor::catalog_advice::superfluous;
use crate::advisor::costly::costly;
use crate::advisor::estimate::Question;
use crate::model::gap::{Gap, Part};
use crate::model::index::{Index, IndexDefinition};
use crate::model::snapshot::Snapshot;
use crate::model::whatif::{Cost, Hypothetical, Source};
use crate::pg::error::{Error, Kind};
use crate::pg::explain::Explainable;
use crate::query::workload::{Usual, Workload};
pub(super) use means::Asking;
use means::{Means, Who};

/// The chosen source of costs.
pub(crate) struct Planner<'a> {
    snapshot: &'a Snapshot,
    workload: &'a Workload,
    means: Means<'a>,
    /// Queries that the server refused to plan, with its words: arithmetic answers all their probes, so that the costs of one
    /// query always come from one source.
    refused: BTreeMap<usize, String>,
    /// Queries that the server has planned.
    planned: BTreeSet<usize>,
    candidates: &'a Candidates,
    /// Candidates that only a server with such an index can judge.
    unproven: BTreeSet<&'a IndexDefinition>,
    /// Whether nothing is written while it is asked.
    pub(super) quiet: bool,
    /// Questions answered.
    asked: usize,
    /// What arithmetic has prepared for each way in which a query runs, so that its next probe is quick.
    questions: BTreeMap<(usize, usize), Question<'a>>,
}

impl<'a> Planner<'a> {
    /// Makes ready whom `ask` names.
    pub(crate) async fn new(
        workload: &'a Workload,
        candidates: &'a Candidates,
        ask: Asking<'a>,
    ) -> Result<Self, Failure> {
        let (snapshot, quiet) = (ask.snapshot, ask.quiet);
        let has_drops = !workload.queries.is_empty() && needs_questions(snapshot, workload);
        // Without a question there is nobody to ask.
        let has_questions = has_drops || !candidates.indexes.is_empty();
        let mut means = ask.means(has_questions).await?;
        means.build(&candidates.indexes).await?;
        // Whose shapes come from the server's plans, their costs must.
        let by_plan = workload.queries.iter().enumerate();
        let by_plan = by_plan.filter(|(_, q)| q.unread.is_some() && means.is_server());
        Ok(Self {
            snapshot,
            workload,
            refused: BTreeMap::new(),
            planned: by_plan.map(|(position, _)| position).collect(),
            candidates,
            unproven: (candidates.indexes.iter().zip(&candidates.unproven))
                .filter(|(_, unproven)| **unproven)
                .map(|(index, _)| &index.definition)
                .collect(),
            quiet,
            asked: 0,
            questions: BTreeMap::new(),
            means,
        })
    }

    /// Ends what was started for the answers.
    pub(crate) async fn stop(self) {
        self.means.stop().await;
    }

    /// Who speaks.
    pub(crate) fn source(&self) -> Source {
        match self.means.who {
            Who::Clone(_) => Source::Clone,
            Who::Hypopg(_) => Source::Hypopg,
            Who::Arithmetic => Source::Estimate,
        }
    }

    /// How many questions were put to it.
    pub(crate) fn asked(&self) -> usize {
        self.asked
    }

    /// Why not a better one.
    pub(crate) fn why(&self) -> &str {
        &self.means.why
    }

    /// Whether a server has planned a query.
    pub(crate) fn has_planned(&self, query: usize) -> bool {
        self.planned.contains(&query)
    }

    /// What could not be asked.
    pub(crate) fn gaps(&self) -> Vec<Gap> {
        let mut gaps = self.means.gaps.clone();
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
        let answer = match &self.means.who {
            Who::Arithmetic => return Ok(Ok(self.estimate(query, way, indexes, dropped))),
            // Only newer versions of it can hide an index, by oid and for a whole session.
            Who::Hypopg(_) if !dropped.is_empty() => {
                return Ok(Err("hypopg was not asked about dropped indexes".into()));
            }
            Who::Hypopg(_) | Who::Clone(_) => self.server(&statement, indexes, dropped).await,
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

    /// What a server says, unless the deadline comes before.
    async fn server(
        &mut self,
        statement: &Explainable<'_>,
        indexes: &[&'a Hypothetical],
        dropped: &[&Index],
    ) -> Option<Result<Cost, Error>> {
        let (unproven, deadline) = (&self.unproven, self.means.deadline);
        match &mut self.means.who {
            Who::Arithmetic => None,
            Who::Hypopg(hypopg) => {
                let able = Able::of(indexes, |i| !unproven.contains(&i.definition));
                // Always waited for: what it has made in the session has to be taken away again.
                let answer = hypopg.cost(statement, &able.indexes).await;
                Some(answer.map(|cost| able.placed(cost)))
            }
            Who::Clone(clone) => {
                let able = Able::of(indexes, |i| clone.refusal(i).is_none());
                let answer = clone.cost_without(statement, &able.indexes, dropped);
                let answer = deadline.bound(answer).await;
                answer.map(|answer| answer.map(|cost| able.placed(cost)))
            }
        }
    }

    /// What a server says of a query's generic plan, made without any values; nothing where none plans it.
    pub(crate) async fn generic(
        &mut self,
        query: usize,
        indexes: &[&'a Hypothetical],
    ) -> Result<Option<Cost>, Failure> {
        if !self.planned.contains(&query) {
            return Ok(None);
        }
        self.asked += 1;
        let query = &self.workload.queries[query];
        let statement = Explainable {
            text: &query.text,
            parameters: query.parameters,
            search_path: &query.search_path,
        };
        match self.server(&statement, indexes, &[]).await {
            Some(Err(error)) if error.kind == Kind::Lost => Err(error.into()),
            answer => Ok(answer.and_then(Result::ok)),
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
            Question::new(shape, asked.kind, asked.page, snapshot)
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
        let name = match &self.means.who {
            Who::Clone(clone) => {
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
            Who::Hypopg(_) => "hypopg",
            Who::Arithmetic => "arithmetic",
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
fn needs_questions(snapshot: &Snapshot, workload: &Workload) -> bool {
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

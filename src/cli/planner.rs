//! Who answers a probe: `HypoPG` on the target, or arithmetic; chosen once, with the reason kept for the report.

use std::collections::{BTreeMap, BTreeSet};

use super::advice::PlannerChoice;
use super::{Exit, Failure};
use crate::advisor::estimate::Question;
use crate::model::gap::{Gap, Part};
use crate::model::snapshot::Snapshot;
use crate::model::whatif::{Cost, Hypothetical, Source};
use crate::pg::connect::Connection;
use crate::pg::error::Kind;
use crate::pg::explain::Explainable;
use crate::pg::hypopg::Hypopg;
use crate::query::workload::Workload;

/// The chosen source of costs.
pub(crate) struct Planner<'a> {
    snapshot: &'a Snapshot,
    workload: &'a Workload,
    hypopg: Option<Hypopg<'a>>,
    why: String,
    gap: Option<Gap>,
    /// Queries that the server refused to plan, with its words: arithmetic answers all their probes, so that the costs of one
    /// query always come from one source.
    refused: BTreeMap<usize, String>,
    /// Queries that the server has planned.
    planned: BTreeSet<usize>,
    /// What arithmetic has prepared for a query, so that its next probe is quick.
    questions: BTreeMap<usize, Question<'a>>,
}

/// What `--planner` and the target come to: `HypoPG` or not, and why not.
struct Means<'a> {
    hypopg: Option<Hypopg<'a>>,
    why: &'static str,
    gap: Option<Gap>,
}

impl<'a> Planner<'a> {
    /// Chooses by `--planner` and what the target has.
    pub(crate) fn choose(
        snapshot: &'a Snapshot,
        workload: &'a Workload,
        connection: Option<&'a Connection>,
        choice: PlannerChoice,
    ) -> Result<Self, Failure> {
        let Means { hypopg, why, gap } = means(snapshot, connection, choice)?;
        Ok(Self {
            snapshot,
            workload,
            hypopg,
            why: why.to_owned(),
            gap,
            refused: BTreeMap::new(),
            planned: BTreeSet::new(),
            questions: BTreeMap::new(),
        })
    }

    /// Who speaks.
    pub(crate) fn source(&self) -> Source {
        if self.hypopg.is_some() {
            Source::Hypopg
        } else {
            Source::Estimate
        }
    }

    /// Why not a better one.
    pub(crate) fn why(&self) -> &str {
        &self.why
    }

    /// What could not be asked.
    pub(crate) fn gaps(&self) -> Vec<Gap> {
        let mut gaps: Vec<Gap> = self.gap.iter().cloned().collect();
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

    /// Answers one probe; the inner error is about this query, the outer one about everything.
    pub(crate) async fn cost(
        &mut self,
        query: usize,
        indexes: &[&'a Hypothetical],
    ) -> Result<Result<Cost, String>, Failure> {
        let Some(hypopg) = self
            .hypopg
            .as_ref()
            .filter(|_| !self.refused.contains_key(&query))
        else {
            return Ok(Ok(self.estimate(query, indexes)));
        };
        let asked = &self.workload.queries[query];
        let statement = Explainable {
            text: &asked.usual.text,
            parameters: asked.usual.parameters,
            search_path: &asked.search_path,
        };
        match hypopg.cost(&statement, indexes).await {
            Ok(cost) => {
                self.planned.insert(query);
                Ok(Ok(cost))
            }
            Err(error) if error.kind == Kind::Lost => Err(error.into()),
            // Costs of two sources do not compare: a query that was planned before and is refused now is given up.
            Err(error) if self.planned.contains(&query) => Ok(Err(error.message)),
            Err(error) => {
                self.refused.insert(query, error.message);
                Ok(Ok(self.estimate(query, indexes)))
            }
        }
    }

    fn estimate(&mut self, query: usize, indexes: &[&'a Hypothetical]) -> Cost {
        let (snapshot, asked) = (self.snapshot, &self.workload.queries[query]);
        let question = self.questions.entry(query).or_insert_with(|| {
            Question::new(&asked.shape, asked.kind, asked.rows_per_call, snapshot)
        });
        question.cost(indexes)
    }
}

fn means<'a>(
    snapshot: &Snapshot,
    connection: Option<&'a Connection>,
    choice: PlannerChoice,
) -> Result<Means<'a>, Failure> {
    let arithmetic = |why, gap| {
        Ok(Means {
            hypopg: None,
            why,
            gap,
        })
    };
    let database = &snapshot.server.database;
    match (choice, connection, snapshot.server.extensions.get("hypopg")) {
        (PlannerChoice::Estimate, _, _) => arithmetic("asked for by --planner estimate", None),
        (_, Some(connection), Some(extension)) => {
            let cpu_operator_cost = snapshot.server.number("cpu_operator_cost", 0.0025);
            let hypopg = Hypopg::new(connection, &extension.schema, cpu_operator_cost);
            Ok(Means {
                hypopg: Some(hypopg),
                why: "",
                gap: None,
            })
        }
        (PlannerChoice::Hypopg, None, _) => Err(Failure::new(
            Exit::Usage,
            "--planner hypopg needs a live database, not a snapshot file",
        )
        .hint("--planner estimate, or connect to the database")),
        (PlannerChoice::Hypopg, Some(_), None) => Err(Failure::new(
            Exit::Usage,
            format!("hypopg is not installed in database {database}"),
        )
        .hint("CREATE EXTENSION hypopg; or --planner estimate")),
        (PlannerChoice::Auto, None, _) => arithmetic("a snapshot file has no planner to ask", None),
        (PlannerChoice::Auto, Some(_), None) => {
            let gap = Gap::new(
                Part::Planner,
                format!("hypopg is not installed in database {database}"),
            )
            .effect("costs are arithmetic over the statistics, not the planner's own");
            let available = snapshot
                .server
                .available_extensions
                .iter()
                .any(|e| e == "hypopg");
            let gap = if available {
                gap.close("CREATE EXTENSION hypopg;")
            } else {
                gap
            };
            arithmetic("hypopg is not installed on the target", Some(gap))
        }
    }
}

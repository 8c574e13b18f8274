//! Who answers a probe: `HypoPG` on the target, or arithmetic; chosen once, with the reason kept for the report.

use std::collections::BTreeMap;

use super::advice::PlannerChoice;
use super::{Exit, Failure};
use crate::advisor::estimate::estimate;
use crate::model::gap::{Gap, Part};
use crate::model::snapshot::Snapshot;
use crate::model::whatif::{Cost, Hypothetical, Source};
use crate::pg::connect::Connection;
use crate::pg::error::Kind;
use crate::pg::explain::Explainable;
use crate::pg::hypopg::Hypopg;
use crate::query::paging::with_usual_page;
use crate::query::workload::Query;

/// The chosen source of costs.
pub(crate) struct Planner<'a> {
    hypopg: Option<Hypopg<'a>>,
    why: String,
    gap: Option<Gap>,
    /// Queries that the server refused to plan, with its words: arithmetic answers all their probes, so that the costs of one
    /// query always come from one source.
    refused: BTreeMap<usize, String>,
    /// Queries that the server has planned.
    planned: Vec<bool>,
}

impl<'a> Planner<'a> {
    /// Chooses by `--planner` and what the target has.
    pub(crate) fn choose(
        snapshot: &Snapshot,
        connection: Option<&'a Connection>,
        choice: PlannerChoice,
    ) -> Result<Self, Failure> {
        let extension = snapshot.server.extensions.get("hypopg");
        let chosen = |hypopg, why: &str, gap| {
            Ok(Self {
                hypopg,
                why: why.to_owned(),
                gap,
                refused: BTreeMap::new(),
                planned: Vec::new(),
            })
        };
        match (choice, connection, extension) {
            (PlannerChoice::Estimate, _, _) => {
                chosen(None, "asked for by --planner estimate", None)
            }
            (_, Some(connection), Some(extension)) => {
                let hypopg = Hypopg::new(
                    connection,
                    &extension.schema,
                    snapshot.server.number("cpu_operator_cost", 0.0025),
                );
                chosen(Some(hypopg), "", None)
            }
            (PlannerChoice::Hypopg, None, _) => Err(Failure::new(
                Exit::Usage,
                "--planner hypopg needs a live database, not a snapshot file",
            )
            .hint("--planner estimate, or connect to the database")),
            (PlannerChoice::Hypopg, Some(_), None) => Err(Failure::new(
                Exit::Usage,
                format!(
                    "hypopg is not installed in database {}",
                    snapshot.server.database
                ),
            )
            .hint("CREATE EXTENSION hypopg; or --planner estimate")),
            (PlannerChoice::Auto, None, _) => {
                chosen(None, "a snapshot file has no planner to ask", None)
            }
            (PlannerChoice::Auto, Some(_), None) => {
                let available = snapshot
                    .server
                    .available_extensions
                    .iter()
                    .any(|e| e == "hypopg");
                let mut gap = Gap::new(
                    Part::Planner,
                    format!(
                        "hypopg is not installed in database {}",
                        snapshot.server.database
                    ),
                )
                .effect("costs are arithmetic over the statistics, not the planner's own");
                gap = if available {
                    gap.close("CREATE EXTENSION hypopg")
                } else {
                    gap
                };
                chosen(None, "hypopg is not installed on the target", Some(gap))
            }
        }
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

    /// Answers one probe; the inner error is about this statement, the outer one about everything.
    pub(crate) async fn cost(
        &mut self,
        snapshot: &Snapshot,
        number: usize,
        query: &Query,
        indexes: &[&Hypothetical],
    ) -> Result<Result<Cost, String>, Failure> {
        let Some(hypopg) = &self.hypopg else {
            return Ok(Ok(estimate(query, snapshot, indexes)));
        };
        if self.refused.contains_key(&number) {
            return Ok(Ok(estimate(query, snapshot, indexes)));
        }
        let (text, parameters) = with_usual_page(&query.text, query.rows_per_call);
        let statement = Explainable {
            text: &text,
            parameters,
            search_path: &query.search_path,
        };
        match hypopg.cost(&statement, indexes).await {
            Ok(cost) => {
                if self.planned.len() <= number {
                    self.planned.resize(number + 1, false);
                }
                self.planned[number] = true;
                Ok(Ok(cost))
            }
            Err(error) if error.kind == Kind::Lost => Err(error.into()),
            // Costs of two sources do not compare: a query that was planned before and is refused now is given up.
            Err(error) if self.planned.get(number) == Some(&true) => Ok(Err(error.message)),
            Err(error) => {
                self.refused.insert(number, error.message);
                Ok(Ok(estimate(query, snapshot, indexes)))
            }
        }
    }
}

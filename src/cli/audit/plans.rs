//! The plans of an audit: by the server, or by a clone of a snapshot, and what rules find in them.

use super::super::Failure;
use super::super::clone::{cache, installation};
use super::Executed;
use crate::advisor::size::heights;
use crate::audit::load::{Audited, audited};
use crate::model::explained::Explained;
use crate::model::gap::{Gap, Part};
use crate::model::snapshot::Snapshot;
use crate::pg::clone::StatisticsClone;
use crate::pg::connect::Connection;
use crate::pg::error::{Error, Kind};
use crate::pg::explain::{Depth, Explainable, explained};
use crate::query::sent::{Sent, SentStatements};
use crate::query::workload::{Query, Workload};

/// Who plans.
pub(super) enum Plans<'c> {
    /// The observed server.
    Server(&'c Connection),
    /// A statistics clone of a snapshot file.
    Clone(Box<StatisticsClone>),
    /// Nobody, and why.
    Nobody(String),
}

impl Plans<'_> {
    /// Those of a snapshot file: a clone, where one can be had.
    pub(super) async fn of_snapshot(snapshot: &Snapshot) -> Self {
        let clone = async {
            let installation = installation(snapshot)?;
            let (heights, cache) = (heights(snapshot), cache());
            let clone =
                StatisticsClone::hydrate(snapshot, &heights, &installation, cache.as_deref());
            Ok::<_, Failure>(Box::new(clone.await?))
        };
        match clone.await {
            Ok(clone) => Self::Clone(clone),
            Err(why) => Self::Nobody(why.message().to_owned()),
        }
    }

    /// Ends what was started for it.
    pub(super) async fn end(self) {
        if let Self::Clone(clone) = self {
            clone.stop().await;
        }
    }

    async fn explained(&mut self, statement: &Explainable<'_>) -> Result<String, Error> {
        match self {
            Self::Server(connection) => explained(connection, statement, Depth::Planned).await,
            Self::Clone(clone) => clone.explained(statement).await,
            Self::Nobody(why) => Err(Error::new(Kind::Config, why.clone())),
        }
    }
}

/// Each statement with what rules find in its plan; what could not be planned is a gap.
pub(super) async fn statements(
    plans: &mut Plans<'_>,
    snapshot: &Snapshot,
    load: &Workload,
    executed: Vec<Executed>,
    sent: Option<&SentStatements<'_>>,
) -> Result<(Vec<Audited>, Option<Gap>), Failure> {
    let timed = load.coverage.timed;
    let total = load.coverage.total;
    let total = if total > 0.0 {
        total
    } else {
        load.queries.iter().map(|q| q.load(timed)).sum()
    };
    let (mut all, mut refused) = (Vec::new(), Vec::new());
    let mut executed = executed.into_iter();
    for query in &load.queries {
        let (execution, executed) = executed
            .next()
            .map_or((None, None), |(e, plan)| (Some(e), plan));
        let mut sent = sent.and_then(|sent| sent.of(query, snapshot));
        let plan = match executed {
            Some(plan) => {
                // It was executed with values of its own.
                sent = None;
                Ok(plan)
            }
            None => planned(plans, query, sent.as_ref()).await?,
        };
        // What a log shows in another way than the server takes it is no help.
        let plan = match plan {
            Err(_) if sent.take().is_some() => planned(plans, query, None).await?,
            plan => plan,
        };
        let plan = plan.map_err(|why| refused.push(why)).ok();
        let of_it = audited(query, plan.as_ref(), load, snapshot, total);
        let one = of_it.with(execution);
        all.push(Audited {
            values: sent.map(|sent| sent.origin()),
            ..one
        });
    }
    let gap = refused.first().map(|example| {
        let what = match plans {
            Plans::Server(_) => {
                format!("statements that the server would not plan, e.g.: {example}")
            }
            Plans::Clone(_) => format!("statements that the clone would not plan, e.g.: {example}"),
            Plans::Nobody(why) => format!("there is no plan of the statements: {why}"),
        };
        Gap::new(Part::Planner, what)
            .effect("no rule has looked at their plans")
            .count(refused.len())
    });
    Ok((all, gap))
}

/// Its plan with the values it was sent with, else with its usual ones, not executed; the inner error is about this statement.
async fn planned(
    plans: &mut Plans<'_>,
    query: &Query,
    sent: Option<&Sent>,
) -> Result<Result<Explained, String>, Failure> {
    let usual = query.ways().max_by(|a, b| a.0.total_cmp(&b.0));
    let usual = sent
        .map(|sent| &sent.usual)
        .or(usual.map(|(_, usual, _)| usual));
    let (text, parameters) = usual.map_or((query.text.as_str(), query.parameters), |usual| {
        (usual.text.as_str(), usual.parameters)
    });
    let statement = Explainable {
        text,
        parameters,
        search_path: &query.search_path,
    };
    match plans.explained(&statement).await {
        Ok(output) => Ok(Explained::read(&output).map(|mut plan| {
            if let Some(sent) = sent {
                sent.mask(&mut plan);
            }
            plan
        })),
        Err(error) if error.kind == Kind::Lost => Err(error.into()),
        Err(error) => Ok(Err(error.message)),
    }
}

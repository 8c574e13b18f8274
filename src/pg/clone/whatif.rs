//! Questions to a clone: candidate indexes are built once, hidden, and shown for the questions that ask for them; existing
//! ones are hidden for those that ask what happens without them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::model::index::Index;
use crate::model::plan::Plan;
use crate::model::whatif::{Cost, Hypothetical};
use crate::pg::clone::StatisticsClone;
use crate::pg::error::{Error, Kind};
use crate::pg::explain::Explainable;

impl StatisticsClone {
    /// Cost of a statement if these indexes existed.
    ///
    /// # Errors
    /// As the server says: the statement or an index is beyond the clone, the server is gone.
    pub async fn cost(
        &mut self,
        statement: &Explainable<'_>,
        indexes: &[&Hypothetical],
    ) -> Result<Cost, Error> {
        self.cost_without(statement, indexes, &[]).await
    }

    /// The same if `dropped`, which exist, did not.
    ///
    /// # Errors
    /// As `cost`, and when the clone has no such index.
    pub async fn cost_without(
        &mut self,
        statement: &Explainable<'_>,
        indexes: &[&Hypothetical],
        dropped: &[&Index],
    ) -> Result<Cost, Error> {
        self.build(indexes).await?;
        let refused = |reason: String| Err(Error::new(Kind::Query, reason));
        let mut toggled = BTreeSet::new();
        for index in indexes {
            let candidate = &self.candidates[&index.definition];
            if let Some(reason) = &candidate.refused {
                return refused(reason.clone());
            }
            toggled.extend(candidate.oids.iter().copied());
        }
        for index in dropped {
            let Some(family) = self
                .existing
                .get(&(index.schema.clone(), index.name.clone()))
            else {
                return refused(format!("the clone lacks index {}", index.qualified()));
            };
            toggled.extend(family);
        }
        let explain = statement.explain(self.version_num);
        let mut plan = self.plan(statement, &explain, toggled).await?;
        plan.name_hypothetical(&|node| {
            let definition = self.names.get(node.index_name.as_ref()?)?;
            indexes.iter().position(|i| i.definition == *definition)
        });
        Ok(Cost {
            total: plan.total_cost,
            used: plan.used(),
            plan,
            ..Cost::default()
        })
    }

    /// The verbose plan of a statement with the indexes that there are.
    ///
    /// # Errors
    /// As the server says.
    pub async fn explain(&mut self, statement: &Explainable<'_>) -> Result<Plan, Error> {
        let explain = statement.explain_verbose(self.version_num);
        self.plan(statement, &explain, BTreeSet::new()).await
    }

    /// The JSON text of EXPLAIN of a statement with the indexes that there are, with the settings that change plans.
    ///
    /// # Errors
    /// As the server says.
    pub async fn explained(&mut self, statement: &Explainable<'_>) -> Result<String, Error> {
        let explain = statement.explain_whole(self.version_num);
        self.output(statement, &explain, BTreeSet::new()).await
    }

    async fn plan(
        &mut self,
        statement: &Explainable<'_>,
        explain: &str,
        toggled: BTreeSet<u32>,
    ) -> Result<Plan, Error> {
        let output = self.output(statement, explain, toggled).await?;
        Plan::from_explain_json(&output).map_err(|message| Error::new(Kind::Query, message))
    }

    async fn output(
        &mut self,
        statement: &Explainable<'_>,
        explain: &str,
        toggled: BTreeSet<u32>,
    ) -> Result<String, Error> {
        let mut sql = format!("BEGIN;{}", statement.settings(self.version_num));
        if toggled != self.toggled {
            let changed = toggled.symmetric_difference(&self.toggled);
            let changed: Vec<String> = changed.map(u32::to_string).collect();
            let _ = write!(
                sql,
                "SELECT pgperf_clone.toggle('{{{}}}');",
                changed.join(",")
            );
        }
        sql.push_str(explain);
        // All in one, because each round trip costs as much as planning a simple statement. The text may end with a comment.
        sql.push_str("\n;DEALLOCATE ALL;COMMIT");
        let answer = self.session.last(&sql).await;
        if answer.is_err() {
            self.session.run("ROLLBACK; DEALLOCATE ALL").await?;
        }
        let lines = answer?;
        self.toggled = toggled;
        Ok(lines.join("\n"))
    }
}

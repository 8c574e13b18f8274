//! What-if by `HypoPG` on the target: the real planner, with the one thing put right that `HypoPG` does not know.
//!
//! `HypoPG` gives the planner `tree_height = -1`, so a hypothetical btree is cheaper than the same real one by
//! `(height + 1) · 50 · cpu_operator_cost` for each descent (`btcostestimate` in `selfuncs.c`): nothing in one lookup, a
//! factor of four in a nested loop of many. `correction` adds it back, and where it matters the plan is compared with the
//! best one without nested loops, which the planner might have preferred had it known.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::model::ident::{quote_ident, quote_literal};
use crate::model::plan::Plan;
use crate::model::whatif::{Cost, Hypothetical};
use crate::pg::connect::{BEGIN, Connection, ResultSet};
use crate::pg::error::{Error, Kind};
use crate::pg::explain::{Explainable, MARKER, PREPARED, plan_of};

/// A correction above this share of the cost makes it worth asking for the plan without nested loops.
const WORTH_ASKING: f64 = 0.02;

/// A session of the target with the extension.
pub struct Hypopg<'a> {
    connection: &'a Connection,
    /// Schema of the extension.
    schema: String,
    cpu_operator_cost: f64,
}

impl<'a> Hypopg<'a> {
    /// `schema` is where the extension lives, `cpu_operator_cost` the server's setting.
    #[must_use]
    pub fn new(connection: &'a Connection, schema: &str, cpu_operator_cost: f64) -> Self {
        Self {
            connection,
            schema: schema.to_owned(),
            cpu_operator_cost,
        }
    }

    /// Cost of a statement if these indexes existed. One transaction, rolled into nothing: the hypothetical indexes live in
    /// the session's memory and are reset before it ends, also after an error.
    ///
    /// # Errors
    /// As the server says: the statement cannot be planned, a table is locked, the connection is lost.
    pub async fn cost(
        &self,
        statement: &Explainable<'_>,
        indexes: &[&Hypothetical],
    ) -> Result<Cost, Error> {
        let version = self.connection.server_version_num();
        let begin = format!(
            "{BEGIN};{}{}SAVEPOINT pgperf;",
            statement.settings(version),
            self.create(indexes)
        );
        let asked = self.ask(statement, &begin, indexes).await;
        let prepared = statement.is_prepared(version);
        let ended = match &asked {
            Ok(_) => {
                let deallocate = if prepared {
                    format!("DEALLOCATE {PREPARED};")
                } else {
                    String::new()
                };
                let reset = if indexes.is_empty() {
                    String::new()
                } else {
                    self.reset()
                };
                self.connection
                    .simple(&format!("{reset}{deallocate}COMMIT"))
                    .await
            }
            Err(error) if error.kind == Kind::Lost => return asked,
            Err(_) => self.clean_up(prepared).await,
        };
        ended.and(asked)
    }

    async fn ask(
        &self,
        statement: &Explainable<'_>,
        begin: &str,
        indexes: &[&Hypothetical],
    ) -> Result<Cost, Error> {
        let version = self.connection.server_version_num();
        let explain = statement.explain(version);
        let results = self.connection.simple(&format!("{begin}{explain}")).await?;
        let names = names(&results, indexes.len())?;
        let plan = plan_of(&results)?;
        let extra = correction(&plan, &names, indexes, self.cpu_operator_cost);
        let mut cost = cost(plan, &names, extra);
        if extra > WORTH_ASKING * cost.total {
            let again = if statement.is_prepared(version) {
                format!("DEALLOCATE {PREPARED};")
            } else {
                String::new()
            };
            let results = self
                .connection
                .simple(&format!("SET LOCAL enable_nestloop = off;{again}{explain}"))
                .await?;
            let flat = plan_of(&results)?;
            let extra = correction(&flat, &names, indexes, self.cpu_operator_cost);
            let flat = self::cost(flat, &names, extra);
            if flat.total < cost.total {
                cost = flat;
            }
        }
        Ok(cost)
    }

    /// After an error: back to the savepoint, reset, forget the prepared statement if there is one, end the transaction.
    async fn clean_up(&self, prepared: bool) -> Result<Vec<ResultSet>, Error> {
        let reset = format!(
            "ROLLBACK TO SAVEPOINT pgperf;{}SAVEPOINT pgperf",
            self.reset()
        );
        let undone = self.connection.simple(&reset).await;
        if undone.is_ok() && prepared {
            // PREPARE is not transactional; it fails here when PREPARE itself had failed.
            let _ = self
                .connection
                .simple(&format!("DEALLOCATE {PREPARED}"))
                .await;
        }
        self.connection.simple("ROLLBACK").await
    }

    fn function(&self, name: &str) -> String {
        format!("{}.{name}", quote_ident(&self.schema))
    }

    fn reset(&self) -> String {
        format!("SELECT {MARKER} {}();", self.function("hypopg_reset"))
    }

    /// Creates the hypothetical indexes in order; the result has their generated names.
    fn create(&self, indexes: &[&Hypothetical]) -> String {
        // A session of our own has none but ours, which are reset at once; one that a pooler lends may have a stranger's.
        let mut sql = if self.connection.is_pooled() {
            self.reset()
        } else {
            String::new()
        };
        if !indexes.is_empty() {
            let ddl: Vec<String> = indexes
                .iter()
                .map(|i| {
                    quote_literal(&format!(
                        "CREATE INDEX ON {} {}",
                        i.definition.table, i.definition
                    ))
                })
                .collect();
            let _ = write!(
                sql,
                "SELECT {MARKER} d.n AS hypopg_n, h.indexname FROM unnest(ARRAY[{}]::text[]) WITH ORDINALITY AS d(ddl, n), \
                 LATERAL {}(d.ddl) AS h ORDER BY d.n;",
                ddl.join(","),
                self.function("hypopg_create_index"),
            );
        }
        sql
    }
}

/// Generated names of the hypothetical indexes, to their positions.
fn names(results: &[ResultSet], expected: usize) -> Result<HashMap<String, usize>, Error> {
    let created = results
        .iter()
        .find(|r| r.columns.first().is_some_and(|c| c == "hypopg_n"));
    let names: HashMap<String, usize> = created
        .iter()
        .flat_map(|r| r.rows.iter())
        .enumerate()
        .filter_map(|(position, row)| Some((row.get(1)?.clone()?, position)))
        .collect();
    if names.len() == expected {
        Ok(names)
    } else {
        Err(Error::new(
            Kind::Query,
            format!(
                "hypopg created {} of {expected} hypothetical indexes",
                names.len()
            ),
        ))
    }
}

fn cost(mut plan: Plan, names: &HashMap<String, usize>, extra: f64) -> Cost {
    plan.name_hypothetical(&|node| names.get(node.index_name.as_ref()?).copied());
    Cost {
        total: plan.total_cost + extra,
        used: plan.used(),
        plan,
        ..Cost::default()
    }
}

/// What the plan would cost more if the planner knew the height of the hypothetical indexes.
fn correction(
    plan: &Plan,
    names: &HashMap<String, usize>,
    indexes: &[&Hypothetical],
    cpu_operator_cost: f64,
) -> f64 {
    let height = |node: &Plan| {
        let position = node.index_name.as_ref().and_then(|name| names.get(name))?;
        indexes
            .get(*position)
            .filter(|i| i.definition.method == "btree")
            .map(|i| i.tree_height)
    };
    descents(plan, 1.0, &height) * 50.0 * cpu_operator_cost
}

/// Sum over the index scans below a node of executions × (height + 1). `loops` is how often the node runs.
fn descents(node: &Plan, loops: f64, height: &dyn Fn(&Plan) -> Option<f64>) -> f64 {
    let own = height(node).map_or(0.0, |h| loops.max(1.0) * (h + 1.0));
    let outer_rows = node
        .plans
        .iter()
        .find(|p| relationship(p) == "Outer")
        .map_or(1.0, |p| p.plan_rows);
    let below = node.plans.iter().map(|child| {
        let times = match (node.node_type.as_str(), relationship(child)) {
            ("Nested Loop", "Inner") => loops * outer_rows.max(1.0),
            (_, "SubPlan") => loops * node.plan_rows.max(1.0),
            (_, "InitPlan") => 1.0,
            ("Limit", _) => loops * limited_share(node, child),
            // A cache in front of the inner side: its cost shows the share of look-ups that the planner expects to miss.
            ("Memoize", _) => {
                loops * (node.total_cost / child.total_cost.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0)
            }
            _ => loops,
        };
        descents(child, times, height)
    });
    own + below.sum::<f64>()
}

fn relationship(plan: &Plan) -> &str {
    plan.parent_relationship.as_deref().unwrap_or("")
}

/// Share of its child's work that a Limit lets happen.
fn limited_share(limit: &Plan, child: &Plan) -> f64 {
    let run = child.total_cost - child.startup_cost;
    if run <= 0.0 {
        1.0
    } else {
        ((limit.total_cost - child.startup_cost) / run).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ident::QualifiedName;
    use crate::model::index::{IndexDefinition, IndexKey};

    fn index(height: f64) -> Hypothetical {
        let definition = IndexDefinition {
            table_oid: 1,
            table: QualifiedName::new("public", "orders"),
            method: "btree".into(),
            keys: vec![IndexKey::column("o_orderkey")],
            include: vec![],
            predicate: None,
            unique: false,
        };
        Hypothetical {
            definition,
            pages: 400.0,
            tree_height: height,
        }
    }

    fn node(kind: &str, relationship: &str, rows: f64, plans: Vec<Plan>) -> Plan {
        Plan {
            node_type: kind.into(),
            parent_relationship: Some(relationship.into()),
            plan_rows: rows,
            total_cost: 100.0,
            plans,
            ..Plan::default()
        }
    }

    #[test]
    fn a_descent_is_charged_once_for_each_outer_row() {
        let scan = |relationship| Plan {
            index_name: Some("<1>i".into()),
            ..node("Index Scan", relationship, 1.0, vec![])
        };
        let names = HashMap::from([("<1>i".to_owned(), 0)]);
        let index = index(1.0);
        let alone = scan("");
        assert!(
            (correction(&alone, &names, &[&index], 0.0025) - 0.25).abs() < 1e-9,
            "0.125 × (1 + 1)"
        );
        let looped = node(
            "Nested Loop",
            "",
            600_000.0,
            vec![node("Seq Scan", "Outer", 600_000.0, vec![]), scan("Inner")],
        );
        assert!((correction(&looped, &names, &[&index], 0.0025) - 150_000.0).abs() < 1e-6);
        let real = Plan {
            index_name: Some("orders_pkey".into()),
            ..alone
        };
        assert!(
            correction(&real, &names, &[&index], 0.0025).abs() < 1e-12,
            "a real index is priced right already"
        );
    }
}

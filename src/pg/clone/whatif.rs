//! Questions to a clone: candidate indexes are built once, hidden, and shown for the questions that ask for them; existing
//! ones are hidden for those that ask what happens without them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::model::ident::{quote_ident, quote_literal};
use crate::model::index::Index;
use crate::model::plan::Plan;
use crate::model::whatif::{Cost, Hypothetical};
use crate::pg::clone::build::run_once;
use crate::pg::clone::lengths::{Heap, unwritten, whole};
use crate::pg::clone::{DATABASE, ROLE, StatisticsClone, files, schema::Step};
use crate::pg::error::{Error, Kind};
use crate::pg::explain::Explainable;
use crate::pg::local::Session;

/// Longest name of the server's, bytes.
const NAME_MAX: usize = 63;

/// A candidate that is built in the clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Candidate {
    /// The index, and those of the partitions.
    pub(super) oids: Vec<u32>,
    /// Why it could not be built.
    pub(super) refused: Option<String>,
}

/// An index of a candidate, as the clone made it.
struct Built {
    oid: u32,
    name: String,
    /// Name of the candidate that it belongs to.
    root: String,
    path: Option<String>,
    is_btree: bool,
    schema: String,
    table: String,
}

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
        let plan = self.plan(statement, toggled).await?;
        let mut used = BTreeSet::new();
        plan.visit(&mut |node| {
            let definition = node
                .index_name
                .as_ref()
                .and_then(|name| self.names.get(name));
            used.extend(
                indexes
                    .iter()
                    .position(|i| Some(&i.definition) == definition),
            );
        });
        Ok(Cost {
            total: plan.total_cost,
            used: used.into_iter().collect(),
            plan,
        })
    }

    async fn plan(
        &mut self,
        statement: &Explainable<'_>,
        toggled: BTreeSet<u32>,
    ) -> Result<Plan, Error> {
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
        sql.push_str(&statement.explain(self.version_num));
        let answer = self.session.last(&sql).await;
        let end = match &answer {
            Ok(_) => "DEALLOCATE ALL; COMMIT",
            Err(_) => "ROLLBACK; DEALLOCATE ALL",
        };
        self.session.run(end).await?;
        let lines = answer?;
        self.toggled = toggled;
        Plan::from_explain_json(&lines.join("\n"))
            .map_err(|message| Error::new(Kind::Query, message))
    }

    /// Builds those of the candidates that are not there yet, all at once: the fewer times the better.
    ///
    /// # Errors
    /// When the server is gone or the disk is full. A candidate that the server refuses is remembered as such.
    pub async fn build(&mut self, indexes: &[&Hypothetical]) -> Result<(), Error> {
        let mut new: BTreeMap<String, &Hypothetical> = BTreeMap::new();
        for index in indexes {
            let known = self.candidates.contains_key(&index.definition)
                || new.values().any(|i| i.definition == index.definition);
            if !known {
                let number = self.candidates.len() + new.len();
                new.insert(name(number, index), index);
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        let heaps = self.heaps_of(&new);
        for heap in &heaps {
            files::empty(&heap.path)
                .map_err(|e| unwritten(&heap.path.display().to_string(), &e))?;
        }
        let refused = self.create(&new).await?;
        let built = self.built(&new).await?;
        let mut figures: Vec<serde_json::Value> = heaps.iter().map(|h| h.figures.clone()).collect();
        figures.extend(self.lengthen(&new, &built)?);
        for heap in &heaps {
            files::extend(&heap.path, heap.pages)
                .map_err(|e| unwritten(&heap.path.display().to_string(), &e))?;
        }
        let oids: Vec<String> = built.iter().map(|b| b.oid.to_string()).collect();
        let figures = serde_json::Value::from(figures).to_string();
        self.superuser
            .run(&format!(
                "INSERT INTO pgperf_clone.toggled SELECT unnest('{{{0}}}'::oid[]); \
                 UPDATE pg_catalog.pg_index SET indisvalid = false WHERE indexrelid = ANY('{{{0}}}'::oid[]); \
                 SELECT pgperf_clone.figures({1})",
                oids.join(","),
                quote_literal(&figures)
            ))
            .await?;
        for (name, index) in new {
            let mut candidate = Candidate {
                oids: Vec::new(),
                refused: refused.get(&name).cloned(),
            };
            for part in built.iter().filter(|b| b.root == name) {
                candidate.oids.push(part.oid);
                self.names
                    .insert(part.name.clone(), index.definition.clone());
            }
            self.candidates.insert(index.definition.clone(), candidate);
        }
        Ok(())
    }

    /// Heaps that an index is about to be built on: of the tables, or of their partitions.
    fn heaps_of(&self, new: &BTreeMap<String, &Hypothetical>) -> Vec<Heap> {
        let tables: BTreeSet<_> = new
            .values()
            .map(|i| (&i.definition.table.schema, &i.definition.table.name))
            .collect();
        let whole = |key: &(String, String)| tables.contains(&(&key.0, &key.1));
        let partitioned = tables
            .iter()
            .any(|(s, n)| !self.heaps.contains_key(&((*s).clone(), (*n).clone())));
        (self.heaps.iter())
            // Which partitions a table has only the server knows; emptying all costs little.
            .filter(|(key, _)| partitioned || whole(key))
            .map(|(_, heap)| heap.clone())
            .collect()
    }

    /// Runs the CREATE INDEX statements, in a session that has not seen the heaps' lengths; what was refused, by name.
    async fn create(
        &self,
        new: &BTreeMap<String, &Hypothetical>,
    ) -> Result<BTreeMap<String, String>, Error> {
        let session = Session::open(&self.server.conninfo_as(ROLE, DATABASE)).await?;
        session
            .run(&format!("SET search_path = {}", self.search_path))
            .await?;
        let steps: Vec<Step> = (new.iter())
            .map(|(name, index)| Step {
                object: name.clone(),
                sql: format!(
                    "CREATE INDEX {} ON {} {}",
                    quote_ident(name),
                    index.definition.table,
                    index.definition
                ),
            })
            .collect();
        let failed = run_once(&session, &steps).await?;
        Ok(failed
            .into_iter()
            .map(|(step, reason)| (step.object, reason))
            .collect())
    }

    /// What was built, partitions' indexes included; these get names that show what they are.
    async fn built(&self, new: &BTreeMap<String, &Hypothetical>) -> Result<Vec<Built>, Error> {
        let names: Vec<String> = new.keys().map(|n| quote_literal(n)).collect();
        let list = names.join(",");
        let superuser = Session::open(&self.server.conninfo(DATABASE)).await?;
        let family = format!(
            "WITH RECURSIVE family AS (SELECT oid, relname AS root FROM pg_class WHERE relkind IN ('i', 'I') AND relname = ANY(ARRAY[{list}]) \
             UNION ALL SELECT h.inhrelid, f.root FROM family f JOIN pg_inherits h ON h.inhparent = f.oid)"
        );
        superuser
            .run(&format!(
                "SET allow_system_table_mods = on; {family} UPDATE pg_class c SET relname = left(split_part(f.root, '>', 1) || '>' || c.relname, {NAME_MAX}) \
                 FROM family f WHERE c.oid = f.oid AND c.relname <> f.root"
            ))
            .await?;
        let sql = format!(
            "{family} SELECT json_build_array(c.oid::int8, c.relname, f.root, pg_relation_filepath(c.oid), m.amname = 'btree', n.nspname, t.relname) \
             FROM family f JOIN pg_class c ON c.oid = f.oid JOIN pg_am m ON m.oid = c.relam JOIN pg_index i ON i.indexrelid = c.oid \
             JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace"
        );
        let rows = superuser.column(&sql).await?;
        let read = |row: &String| {
            let (oid, name, root, path, is_btree, schema, table) =
                serde_json::from_str(row).ok()?;
            Some(Built {
                oid,
                name,
                root,
                path,
                is_btree,
                schema,
                table,
            })
        };
        Ok(rows.iter().filter_map(read).collect())
    }

    /// Gives the new indexes their lengths and heights; their figures for `pg_class`.
    fn lengthen(
        &self,
        new: &BTreeMap<String, &Hypothetical>,
        built: &[Built],
    ) -> Result<Vec<serde_json::Value>, Error> {
        let rows_of = |b: &Built| {
            let heap = self.heaps.get(&(b.schema.clone(), b.table.clone()));
            heap.and_then(|h| h.figures["reltuples"].as_f64())
                .unwrap_or(0.0)
                .max(0.0)
        };
        let mut figures = Vec::new();
        for part in built {
            let (Some(path), Some(index)) = (&part.path, new.get(&part.root)) else {
                continue;
            };
            let all: f64 = built
                .iter()
                .filter(|b| b.root == part.root && b.path.is_some())
                .map(rows_of)
                .sum();
            let share = if all > 0.0 { rows_of(part) / all } else { 1.0 };
            let pages = whole((index.pages * share).ceil().max(2.0));
            let path = self.server.socket_dir().join(path);
            let grown = if part.is_btree {
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a tree is a few levels high"
                )]
                let height = index.tree_height.clamp(0.0, 16.0) as u32;
                files::grow_btree(&path, height, pages)
            } else {
                files::extend(&path, pages)
            };
            grown.map_err(|e| unwritten(&path.display().to_string(), &e))?;
            figures.push(serde_json::json!({
                "schema": part.schema, "relation": part.name,
                "reltuples": rows_of(part), "relpages": pages, "relallvisible": 0,
            }));
        }
        Ok(figures)
    }
}

/// `<3>orders_status_idx`: no user's index is named so, and a reader sees what it is.
fn name(number: usize, index: &Hypothetical) -> String {
    let mut name = format!("<{number}>{}", index.definition.default_name());
    while name.len() > NAME_MAX {
        name.pop();
    }
    name
}

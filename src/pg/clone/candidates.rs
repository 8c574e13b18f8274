//! Candidate indexes in a clone: real ones of any access method, built while the heap's file is empty, then hidden.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::gap::{Gap, Part};
use crate::model::ident::{quote_ident, quote_literal};
use crate::model::index::{IndexKey, KeyOf};
use crate::model::whatif::Hypothetical;
use crate::pg::clone::build::run_once;
use crate::pg::clone::lengths::{Heap, unwritten, whole};
use crate::pg::clone::rebuild::restore_in;
use crate::pg::clone::{DATABASE, ROLE, StatisticsClone, expression, files, schema::Step};
use crate::pg::error::Error;
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
    /// Why a candidate could not be built here, if it was tried and could not.
    #[must_use]
    pub fn refusal(&self, index: &Hypothetical) -> Option<&str> {
        self.candidates.get(&index.definition)?.refused.as_deref()
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
        let shares = self.shares(&new).await?;
        let heaps = self.heaps_of(&new);
        for heap in &heaps {
            files::empty(&heap.path)
                .map_err(|e| unwritten(&heap.path.display().to_string(), &e))?;
        }
        let refused = self.create(&new).await?;
        let built = self.built(&new).await?;
        let mut figures: Vec<serde_json::Value> = heaps.iter().map(|h| h.figures.clone()).collect();
        figures.extend(self.lengthen(&new, &built, &shares)?);
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
        self.guess(&new, &built).await?;
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

    /// Which share of its table's rows each partial index holds, by the server's own reckoning.
    async fn shares(
        &self,
        new: &BTreeMap<String, &Hypothetical>,
    ) -> Result<BTreeMap<String, f64>, Error> {
        let mut shares = BTreeMap::new();
        let partial = |i: &&Hypothetical| i.definition.predicate.is_some();
        if !new.values().any(partial) {
            return Ok(shares);
        }
        let session = Session::open(&self.server.conninfo_as(ROLE, DATABASE)).await?;
        session
            .run(&format!("SET search_path = {}", self.search_path))
            .await?;
        for (name, index) in new {
            let Some(predicate) = &index.definition.predicate else {
                continue;
            };
            let all = format!("SELECT FROM {}", index.definition.table);
            let some = format!("{all} WHERE {predicate}");
            let (some, all) = (rows(&session, &some).await, rows(&session, &all).await);
            // What the server does not understand, it will not build.
            if let (Ok(Some(some)), Ok(Some(all))) = (some, all) {
                shares.insert(name.clone(), (some / all.max(1.0)).min(1.0));
            }
        }
        Ok(shares)
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

    /// Gives the expressions among the keys statistics, as ANALYZE would after the build.
    async fn guess(
        &mut self,
        new: &BTreeMap<String, &Hypothetical>,
        built: &[Built],
    ) -> Result<(), Error> {
        let is_expression = |key: &IndexKey| matches!(key.of, KeyOf::Expression(_));
        let new: Vec<(&String, &&Hypothetical)> = (new.iter())
            .filter(|(_, index)| index.definition.keys.iter().any(is_expression))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        let session = expression::session(&self.server, &self.search_path).await?;
        let (mut rows, mut unknown) = (Vec::new(), Vec::new());
        for (name, index) in new {
            let relations = built.iter().filter(|b| b.root == *name);
            let relations: Vec<_> = relations
                .map(|b| (b.schema.as_str(), b.name.as_str()))
                .collect();
            let guessed = expression::keys(&session, &index.definition, &relations).await?;
            rows.extend(guessed.rows);
            unknown.extend(guessed.unknown);
        }
        unknown.extend(restore_in(&self.superuser, rows).await?);
        if let Some(example) = unknown.first() {
            self.gaps.push(
                Gap::new(
                    Part::ColumnStats,
                    format!(
                        "nothing tells how often the values of expressions occur, e.g. {example}"
                    ),
                )
                .effect(
                    "what an index on them saves rests on the planner's guess of 0.5 % of the rows",
                )
                .count(unknown.len()),
            );
        }
        Ok(())
    }

    /// Gives the new indexes their lengths and heights; their figures for `pg_class`.
    fn lengthen(
        &self,
        new: &BTreeMap<String, &Hypothetical>,
        built: &[Built],
        shares: &BTreeMap<String, f64>,
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
            let held = shares.get(&part.root).copied().unwrap_or(1.0);
            figures.push(serde_json::json!({
                "schema": part.schema, "relation": part.name,
                "reltuples": (held * rows_of(part)).round(), "relpages": pages, "relallvisible": 0,
            }));
        }
        Ok(figures)
    }
}

/// Rows that the planner expects of a query.
async fn rows(session: &Session, query: &str) -> Result<Option<f64>, Error> {
    let plan = session
        .column(&format!("EXPLAIN (FORMAT JSON) {query}"))
        .await?;
    let plan = plan.first().and_then(|text| {
        let plan: serde_json::Value = serde_json::from_str(text).ok()?;
        plan[0]["Plan"]["Plan Rows"].as_f64()
    });
    Ok(plan)
}

/// `<3>orders_status_idx`: no user's index is named so, and a reader sees what it is.
fn name(number: usize, index: &Hypothetical) -> String {
    let mut name = format!("<{number}>{}", index.definition.default_name());
    while name.len() > NAME_MAX {
        name.pop();
    }
    name
}

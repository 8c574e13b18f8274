//! Which indexes could help each statement: by rule from its Shape, never by permutation.
//!
//! For every use of a table the conditions are put into groups (the words are those of `CockroachDB`'s `indexrec`, see also
//! Meta's AIM for sharing prefixes between statements):
//!
//! 1. **EQ**: equality columns, those that most of the load compares first, so that statements share prefixes. What is joined to
//!    a constant is compared with it; what finds no fewer rows than another column is left out (`finders`).
//! 2. **R**: range columns; a btree uses one, as the last key it searches by.
//! 3. **J**: columns joined by equality to a relation that can be the outer side.
//! 4. **O**: ORDER BY, GROUP BY, DISTINCT, `min`/`max` columns with their directions.
//! 5. **S**: everything else that is read, for INCLUDE.
//!
//! and combined: EQ, EQ+R, EQ+O, EQ+O+R, J, EQ+J, J+EQ, EQ+J+R, O (when there is no EQ), single
//! columns of EQ and R, the same with S included where an index-only scan is realistic, and the arms of each OR. A column
//! inside a call, a cast or a document path is a key as that expression (`expressions::expression_key`). Of `(a, b) > (…)` what
//! is searched by is `a`; the ORDER BY that comes with it makes `(a, b)` of it. More rules: 6 to 8 and 10 to 12 in `special`
//! (GIN, GiST, BRIN, several columns of these, the nearest rows, hash), 9 in `partial`.
//!
//! What exists already, or is the prefix of an index that exists, is left out; so are tables too small to matter, columns
//! around a unique key (but a J that is unique in a table too large to be hashed comes with S, which saves look-ups the way to the
//! table), and orders that a LIMIT could make the planner follow for too long (see `combinations`, `keys`).

mod comfort;
mod covering;
mod declined;

use std::collections::{BTreeMap, BTreeSet};

use crate::advisor::expressions::{is_unproven, spelled};
use crate::advisor::finders::{needed, rows_by_equality, share_searched};
use crate::advisor::keys::{Groups, groups};
use crate::advisor::partial::{partial, parts};
use crate::advisor::size::{hypothetical, hypothetical_in};
use crate::advisor::special::hash::{compared_otherwise, hashes};
use crate::advisor::special::special;
use crate::advisor::usual::{borne_out, rows_counted};
use crate::advisor::value_classes::is_guessed;
use crate::model::catalog::Table;
use crate::model::index::{IndexDefinition, IndexKey};
use crate::model::snapshot::Snapshot;
use crate::model::whatif::Hypothetical;
use crate::query::shape::{Operator, Predicate, Shape};
use crate::query::workload::{Query, Workload};
use comfort::{is_comfort, only_covers};
use covering::covering;

/// Below this many pages (128 kB) a table is read in one go whatever indexes it has.
pub const TINY_PAGES: f64 = 16.0;

/// So many rows are read sooner than an index that is no btree pays for the writes it slows down.
const FEW_ROWS: f64 = 100.0;

/// Limits of candidate generation.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidateOptions {
    /// Most key columns of one index.
    pub max_columns: usize,
    /// Most pages that an index with INCLUDE columns may take, as a share of its table's.
    pub covering_share: f64,
    /// Most rows that such an index may have to give a statement, as a share of the table's.
    pub covering_rows: f64,
}

impl CandidateOptions {
    /// Where a budget limits the space anyway, a covering index may be as large as it likes.
    #[must_use]
    pub fn within_budget() -> Self {
        Self {
            covering_share: f64::INFINITY,
            covering_rows: f64::INFINITY,
            ..Self::default()
        }
    }
}

impl Default for CandidateOptions {
    fn default() -> Self {
        // An index that holds more than a third of its table is a second table: it is written, cached and backed up twice.
        // One of which a tenth is read at a time is used like one.
        Self {
            max_columns: 4,
            covering_share: 1.0 / 3.0,
            covering_rows: 0.1,
        }
    }
}

/// The candidates of a workload.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Candidates {
    /// All of them, each once, in a fixed order.
    pub indexes: Vec<Hypothetical>,
    /// For each query of the workload the positions of those that its planner should be offered, sorted.
    pub of_query: Vec<Vec<usize>>,
    /// For each query without candidates: why; also for one with candidates how a condition that none of them serves would have
    /// to be written.
    pub declined: Vec<Option<String>>,
    /// For each query whether how many rows a condition keeps is a guess: the bound of a range is a parameter or computed at run
    /// time, or nobody knows how often which value of a skewed column is asked for.
    pub guessed: Vec<bool>,
    /// For each query whether the planner has to take a mean over the values of a skewed column, of which the rare ones are asked
    /// for by an index and the common one by none, because there is no value to ask it with (else: `Query::classes`).
    pub skewed: Vec<bool>,
    /// For each query the columns that it searches by, where the rows that it returned bear out how many its conditions are taken to
    /// keep; else none.
    pub borne_out: Vec<BTreeSet<String>>,
    /// For each candidate whether it is mere comfort: it widens an index that exists, or holds INCLUDE columns.
    pub widens: Vec<bool>,
    /// For each candidate whether it finds nothing that an index that exists does not find as well, so that it only helps a statement
    /// that reads no column beside those that it holds.
    pub only_covers: Vec<bool>,
    /// For each candidate whether it takes a server that builds it to know what it is worth, or whether it can be built at all:
    /// what is no btree, or has an expression that may be mutable.
    pub unproven: Vec<bool>,
}

/// Generates the candidates of every query.
#[must_use]
pub fn candidates(
    workload: &Workload,
    snapshot: &Snapshot,
    options: &CandidateOptions,
) -> Candidates {
    let catalog = Catalog::new(workload, snapshot);
    let mut numbers: BTreeMap<IndexDefinition, usize> = BTreeMap::new();
    let mut found = Candidates::default();
    for query in &workload.queries {
        let mut mine = BTreeSet::new();
        let mut declined = BTreeSet::new();
        for relation in 0..query.shape.relations.len() {
            match catalog.indexable(query, relation) {
                Err(reason) => _ = declined.insert(reason),
                Ok(table) => {
                    for definition in catalog.definitions(query, relation, table, options) {
                        let number = *numbers.entry(definition).or_insert_with_key(|definition| {
                            let existing = catalog.existing(table);
                            found.indexes.push(
                                hypothetical_in(definition, snapshot)
                                    .unwrap_or_else(|| hypothetical(definition, table)),
                            );
                            found.widens.push(is_comfort(definition, table, &existing));
                            found
                                .only_covers
                                .push(only_covers(definition, table, &existing));
                            found.unproven.push(is_unproven(definition, table));
                            found.indexes.len() - 1
                        });
                        mine.insert(number);
                    }
                }
            }
        }
        let declined = declined::reason(query, snapshot, mine.is_empty(), &declined);
        found.of_query.push(mine.into_iter().collect());
        found.declined.push(declined);
        found
            .guessed
            .push(guesses_a_range(&query.shape) || is_guessed(query));
        found
            .skewed
            .push(query.classes.is_empty() && is_skewed(&query.shape, snapshot));
        found.borne_out.push(borne_out(query, snapshot));
    }
    found
}

/// Whether a range is compared with something unknown: the planner then takes a third of the rows, whatever is asked.
fn guesses_a_range(shape: &Shape) -> bool {
    let one_sided = |p: &Predicate| {
        matches!(
            p.operator,
            Operator::Lt | Operator::Le | Operator::Gt | Operator::Ge
        ) && p.operand.is_unknown()
    };
    shape
        .relations
        .iter()
        .any(|r| r.predicates.iter().any(one_sided))
}

/// Whether a column is compared with an unknown value of which one is more frequent than all others together.
fn is_skewed(shape: &Shape, snapshot: &Snapshot) -> bool {
    shape.relations.iter().any(|relation| {
        let table = snapshot.table(relation.table_oid);
        let frequent = |name: &str| {
            let stats = table?.column(name)?.stats.as_ref()?;
            stats.most_common_freqs.as_ref()?.first().copied()
        };
        let unknown = (relation.predicates.iter())
            .filter(|p| p.operator == Operator::Eq && p.operand.is_unknown());
        unknown
            .filter_map(|p| frequent(&p.column))
            .any(|share| share > 0.5 && share < 1.0)
    })
}

/// The snapshot seen with the whole workload in mind.
struct Catalog<'a> {
    snapshot: &'a Snapshot,
    /// Load of the statements that compare (table, column) by equality, for the order of EQ columns.
    usage: BTreeMap<(u32, &'a str), f64>,
    /// Tables that some statement names.
    named: BTreeSet<u32>,
    /// Columns that some statement does more with than compare them by `=`.
    otherwise: BTreeSet<(u32, String)>,
}

impl<'a> Catalog<'a> {
    fn new(workload: &'a Workload, snapshot: &'a Snapshot) -> Self {
        let mut usage = BTreeMap::new();
        let mut named = BTreeSet::new();
        for query in &workload.queries {
            let mut columns = BTreeSet::new();
            for relation in &query.shape.relations {
                named.insert(relation.table_oid);
                for predicate in relation
                    .predicates
                    .iter()
                    .filter(|p| p.operator.is_equality() && p.expression.is_none())
                {
                    columns.insert((relation.table_oid, predicate.column.as_str()));
                }
            }
            for join in query.shape.joins.iter().filter(|j| j.equality) {
                for side in [&join.left, &join.right] {
                    columns.insert((
                        query.shape.relations[side.relation].table_oid,
                        side.column.as_str(),
                    ));
                }
            }
            for column in columns {
                *usage.entry(column).or_insert(0.0) += query.total_ms.unwrap_or(query.calls);
            }
        }
        Self {
            snapshot,
            usage,
            named,
            otherwise: compared_otherwise(workload, snapshot),
        }
    }

    /// The table on which indexes for a relation belong, or why there is none. A partition hands over to the partitioned
    /// parent when the workload names that too: an index there serves both.
    fn indexable(&self, query: &Query, relation: usize) -> Result<&'a Table, String> {
        let oid = query.shape.relations[relation].table_oid;
        let own = self
            .snapshot
            .table(oid)
            .ok_or_else(|| format!("table {oid} is not in the snapshot"))?;
        let root = self.snapshot.root_of(own);
        let table = if self.named.contains(&root.oid) {
            root
        } else {
            own
        };
        if !table.can_have_indexes() {
            return Err(format!("{} cannot have indexes", table.qualified()));
        }
        if table.persistence == "t" {
            return Err(format!("{} is a temporary table", table.qualified()));
        }
        if let Some(extension) = &table.extension {
            return Err(format!(
                "{} belongs to extension {extension}",
                table.qualified()
            ));
        }
        if table.rows() <= 0.0 {
            return Err(format!(
                "{} is empty or was never analyzed",
                table.qualified()
            ));
        }
        if table.relpages < TINY_PAGES && table.reltuples > 0.0 {
            return Err(format!(
                "{} is too small for an index to matter ({} pages)",
                table.qualified(),
                table.relpages
            ));
        }
        Ok(table)
    }

    /// Definitions for one use of a table that are new: no twin and no prefix of an index that exists.
    fn definitions(
        &self,
        query: &Query,
        relation: usize,
        table: &'a Table,
        options: &CandidateOptions,
    ) -> Vec<IndexDefinition> {
        let rank = |column: &str| self.usage.get(&(table.oid, column)).copied().unwrap_or(0.0);
        let mut definitions = Vec::new();
        let unique: Vec<BTreeSet<&str>> = self
            .snapshot
            .indexes_of(table.oid)
            .filter(|i| i.usable() && i.definition.unique && i.definition.predicate.is_none())
            .filter(|i| i.definition.keys.iter().all(|k| k.column_name().is_some()))
            .map(|i| i.definition.key_columns().collect())
            .collect();
        let used = &query.shape.relations[relation];
        let parts = parts(query, relation, table, self.snapshot);
        let counted = rows_counted(query, self.snapshot);
        let work_mem = self.snapshot.server.number("work_mem", 4096.0) * 1024.0;
        let beyond_hashing = table.relpages * 8192.0 > work_mem;
        let needed = |eq| needed(eq, used, table, self.snapshot, counted);
        for groups in groups(query, relation, table, &rank, &unique, &needed) {
            for keys in combinations(&groups, table, &unique, options.max_columns, beyond_hashing) {
                let plain = definition(table, keys, Vec::new());
                definitions.extend(parts.iter().filter_map(|part| partial(&plain, part)));
                if let Some(include) = covering(&groups, &plain, used, table)
                    && share_searched(used, &plain, table) <= options.covering_rows
                {
                    definitions.push(IndexDefinition {
                        include,
                        ..plain.clone()
                    });
                }
                definitions.push(plain);
            }
        }
        for part in &parts {
            if definitions.iter().all(|d| !part.is_of(d)) {
                definitions.extend(part.alone(table, self.snapshot));
            }
        }
        // A definition with the same keys comes from several combinations once the column of a part is taken out.
        let mut seen = BTreeSet::new();
        definitions.retain(|d| seen.insert(d.clone()));
        if rows_by_equality(used, table) > FEW_ROWS {
            let most = options.max_columns;
            definitions.extend(special(query, relation, table, self.snapshot, most));
        }
        let existing = self.existing(table);
        let too_large = |d: &IndexDefinition| {
            !d.include.is_empty()
                && hypothetical(d, table).pages > options.covering_share * table.relpages
        };
        definitions.retain(|d| !too_large(d));
        let root = self.snapshot.root_of(table).oid;
        let otherwise = |column: &str| self.otherwise.contains(&(root, column.to_owned()));
        let hashes = hashes(used, table, self.snapshot, &otherwise, &definitions);
        definitions.extend(hashes);
        let exists = |d: &IndexDefinition| {
            let d = spelled(d, table);
            existing.iter().any(|e| d.is_prefix_of(e))
        };
        definitions.retain(|d| !exists(d));
        definitions
    }

    /// The indexes of a table that can be used, with expressions spelled as ours are.
    fn existing(&self, table: &Table) -> Vec<IndexDefinition> {
        let usable = self
            .snapshot
            .indexes_of(table.oid)
            .filter(|i| i.usable() && !i.incomplete);
        usable.map(|i| spelled(&i.definition, table)).collect()
    }
}

fn definition(table: &Table, keys: Vec<IndexKey>, include: Vec<String>) -> IndexDefinition {
    IndexDefinition {
        table_oid: table.oid,
        table: table.qualified(),
        method: "btree".into(),
        keys,
        include,
        predicate: None,
        unique: false,
    }
}

/// The key lists of the module's second list, each at most `max_columns` wide, without repetition.
fn combinations(
    groups: &Groups,
    table: &Table,
    unique: &[BTreeSet<&str>],
    max_columns: usize,
    beyond_hashing: bool,
) -> Vec<Vec<IndexKey>> {
    let Groups {
        eq,
        range,
        joins,
        orders,
        ..
    } = groups;
    let eq = &selective(eq, table, max_columns);
    let mut lists: Vec<Vec<IndexKey>> = Vec::new();
    let mut add = |parts: &[&[IndexKey]]| {
        let keys = concat(parts, max_columns);
        if !keys.is_empty() && !lists.contains(&keys) {
            lists.push(keys);
        }
    };
    add(&[eq]);
    for width in 1..eq.len() {
        add(&[&eq[..width]]);
    }
    for key in eq {
        add(&[std::slice::from_ref(key)]);
    }
    for r in range.chunks(1) {
        add(&[eq, r]);
        // The same trap as with the order alone, below.
        let sorts = orders
            .iter()
            .any(|o| o.first().map(|k| &k.of) == r.first().map(|k| &k.of));
        if eq.is_empty() || !sorts {
            add(&[r]);
        }
        // With two equality columns the range may matter more than the second one.
        for key in eq {
            add(&[std::slice::from_ref(key), r]);
        }
    }
    for order in orders {
        add(&[eq, order]);
        for r in range.chunks(1) {
            add(&[eq, order, r]);
        }
        // The order alone, where equality could be searched by too, would tempt the planner into reading on and on for the
        // few rows that match: the trap of ORDER BY with LIMIT. So it is only offered where there is no equality.
        if eq.is_empty() {
            add(&[order]);
        }
        for key in eq {
            add(&[std::slice::from_ref(key), order]);
        }
    }
    for join in joins {
        let is_unique = |parts: &[&[IndexKey]]| {
            let keys = parts.iter().copied().flatten();
            let names: BTreeSet<&str> = keys.filter_map(IndexKey::column_name).collect();
            unique.iter().any(|set| set.is_subset(&names))
        };
        // A unique index finds the one row already; more columns in front of it or behind it find no fewer. But where each row
        // of the other side is looked up, one with all that is read saves each the way to the table. A table that fits into
        // memory is hashed instead.
        if is_unique(&[eq, join]) {
            if beyond_hashing && is_unique(&[join]) {
                add(&[join]);
            }
            continue;
        }
        add(&[join]);
        for key in join {
            add(&[std::slice::from_ref(key)]);
        }
        add(&[eq, join]);
        add(&[join, eq]);
        for r in range.chunks(1) {
            add(&[join, r]);
            add(&[eq, join, r]);
        }
    }
    lists
}

/// The columns of EQ, at most as many as an index may have: of more, the most selective are kept, in their order.
fn selective(eq: &[IndexKey], table: &Table, max_columns: usize) -> Vec<IndexKey> {
    let rows = table.rows().max(1.0);
    let distinct = |key: &IndexKey| {
        let column = key.column_name().and_then(|name| table.column(name));
        column
            .and_then(|c| c.stats.as_ref())
            .map_or(rows.sqrt(), |s| s.distinct(rows))
    };
    let mut kept = eq.to_vec();
    while kept.len() > max_columns {
        let least =
            (0..kept.len()).min_by(|&a, &b| distinct(&kept[a]).total_cmp(&distinct(&kept[b])));
        kept.remove(least.unwrap_or(0));
    }
    kept
}

/// Joins the parts, a column at its first place only, cut to the limit.
fn concat(parts: &[&[IndexKey]], max_columns: usize) -> Vec<IndexKey> {
    let mut keys: Vec<IndexKey> = Vec::new();
    for key in parts.iter().copied().flatten() {
        if keys.len() < max_columns && !keys.iter().any(|k| k.of == key.of) {
            keys.push(key.clone());
        }
    }
    keys
}

#[cfg(test)]
mod tests;

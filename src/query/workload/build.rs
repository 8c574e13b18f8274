//! Statements + catalog → Workload.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::model::snapshot::Snapshot;
use crate::model::statement::{Source, Statement};
use crate::query::analyse::{Analysed, analyse, analyse_prepared};
use crate::query::catalog::Catalog;
use crate::query::lexer::{Kind, Token};
use crate::query::parse::Prepared;
use crate::query::shape::Shape;
use crate::query::usual::usual_text;
use crate::query::workload::{
    Coverage, Query, QueryKind, Reason, Skipped, Usual, Variant, Workload,
};

/// The comment that pgperf puts into every statement of its own.
const OWN: &str = "/* pgperf */";

/// So many of a statement's texts are looked at, or a log of look-ups would be read key by key.
const MOST_VARIANTS: usize = 20;

/// What to leave out. The default takes the 1,000 most expensive statements, however cheap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkloadOptions {
    /// Fewest executions.
    pub min_calls: f64,
    /// Least total execution time, ms. Statements without times are not cut by it.
    pub min_total_ms: f64,
    /// Most statements.
    pub top: Option<usize>,
    /// Stop when so much of the load is covered, 0 to 1.
    pub share: Option<f64>,
}

impl Default for WorkloadOptions {
    fn default() -> Self {
        Self {
            min_calls: 0.0,
            min_total_ms: 0.0,
            top: Some(1_000),
            share: None,
        }
    }
}

/// Finds out what each statement of a Snapshot means, puts those that are the same together, and orders them by what they
/// cost: total time, then calls, then fingerprint.
#[must_use]
pub fn workload(snapshot: &Snapshot, options: &WorkloadOptions) -> Workload {
    let catalog = Catalog::new(snapshot);
    let mut skipped = Vec::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut by_key: HashMap<(u64, Vec<bool>, Vec<String>), usize> = HashMap::new();
    for (position, statement) in snapshot.statements.iter().enumerate() {
        match classify(snapshot, statement) {
            // Extensions ask the catalogs from inside their functions; that is no load that an index could serve.
            Err(Reason::Nested) if reads_no_table(statement, &catalog) => skipped.push(Skipped {
                statement: position,
                reason: Reason::NoTables,
            }),
            Err(reason) => skipped.push(Skipped {
                statement: position,
                reason,
            }),
            Ok((text, fingerprint, booleans)) => {
                let path = search_path(snapshot, statement);
                let group = *by_key
                    .entry((fingerprint, booleans, path.clone()))
                    .or_insert_with(|| {
                        groups.push(Group::new(text, fingerprint, path));
                        groups.len() - 1
                    });
                groups[group].add(position, statement, text);
            }
        }
    }
    let mut queries = Vec::new();
    let mut unread = Vec::new();
    for group in groups {
        match group.analyse(&catalog) {
            Ok(analysed) => {
                let variants = group.variants(snapshot, &catalog);
                queries.push(group.query(analysed, variants));
            }
            Err(reason) => {
                skipped.extend(group.skipped(&reason));
                unread.extend(group.unread(reason));
            }
        }
    }
    let mut workload = finish(snapshot, options, queries, skipped);
    workload.unread = worth_a_plan(unread, snapshot, options, &workload.queries);
    workload
}

/// Orders, cuts and counts what was found.
pub(super) fn finish(
    snapshot: &Snapshot,
    options: &WorkloadOptions,
    mut queries: Vec<Query>,
    mut skipped: Vec<Skipped>,
) -> Workload {
    queries.sort_by(dearest_first);
    cut(&mut queries, &mut skipped, options, snapshot);
    skipped.sort_by_key(|s| s.statement);
    let coverage = coverage(snapshot, &queries, &skipped);
    Workload {
        queries,
        unread: Vec::new(),
        skipped,
        coverage,
    }
}

fn dearest_first(a: &Query, b: &Query) -> Ordering {
    (b.total_ms
        .unwrap_or(0.0)
        .total_cmp(&a.total_ms.unwrap_or(0.0)))
    .then(b.calls.total_cmp(&a.calls))
    .then(a.fingerprint.cmp(&b.fingerprint))
    .then(a.search_path.cmp(&b.search_path))
}

/// Those of the unread that would not fall below the cut if they were read, dearest first.
fn worth_a_plan(
    mut unread: Vec<Query>,
    snapshot: &Snapshot,
    options: &WorkloadOptions,
    queries: &[Query],
) -> Vec<Query> {
    // Where strings may end elsewhere than here, a text that nobody parsed could be more than one statement.
    let strings = snapshot.server.settings.get("standard_conforming_strings");
    if strings.is_some_and(|s| s.setting == "off") {
        return Vec::new();
    }
    unread.sort_by(dearest_first);
    let top = options.top.unwrap_or(usize::MAX);
    (unread.into_iter().enumerate())
        .filter(|(dearer, query)| {
            let read = queries.partition_point(|q| dearest_first(q, query) == Ordering::Less);
            !is_small(query, options) && dearer + read < top
        })
        .map(|(_, query)| query)
        .collect()
}

/// Whether figures are times: some statement has one.
fn is_timed(snapshot: &Snapshot) -> bool {
    let mut statements = snapshot.statements.iter();
    statements.any(|s| s.total_exec_time.is_some())
}

/// The truth values that stand in a text. Statements that differ in one ask for different parts of a table, each with an index
/// of its own, although they share a fingerprint: `pg_stat_statements` keeps no such values.
fn booleans(prepared: &Prepared<'_>) -> Vec<bool> {
    let truth = |token: &Token<'_>| {
        let word = match token.kind {
            Kind::String => token.text.trim_matches('\''),
            Kind::Word => &token.text,
            _ => return None,
        };
        let is = |text: &str| word.eq_ignore_ascii_case(text);
        match token.kind {
            Kind::String if word == "t" => Some(true),
            Kind::String if word == "f" => Some(false),
            _ if is("true") => Some(true),
            _ if is("false") => Some(false),
            _ => None,
        }
    };
    prepared.code().filter_map(truth).collect()
}

/// Rows that are the same statement.
struct Group<'a> {
    text: &'a str,
    fingerprint: u64,
    /// What the row whose text is taken cost: the most expensive one stands for all.
    text_ms: f64,
    path: Vec<String>,
    members: Vec<usize>,
    calls: f64,
    total_ms: Option<f64>,
    rows: f64,
}

#[allow(
    clippy::cast_precision_loss,
    reason = "counts beyond 2^52 are no use as weights anyway"
)]
fn number(count: i64) -> f64 {
    count as f64
}

impl<'a> Group<'a> {
    fn new(text: &'a str, fingerprint: u64, path: Vec<String>) -> Self {
        Self {
            text,
            fingerprint,
            text_ms: f64::NEG_INFINITY,
            path,
            members: Vec::new(),
            calls: 0.0,
            total_ms: None,
            rows: 0.0,
        }
    }

    fn add(&mut self, position: usize, statement: &Statement, text: &'a str) {
        let ms = statement.total_exec_time.unwrap_or(0.0);
        if ms > self.text_ms {
            self.text_ms = ms;
            self.text = text;
        }
        self.members.push(position);
        self.calls += number(statement.calls);
        self.rows += number(statement.rows);
        if let Some(ms) = statement.total_exec_time {
            *self.total_ms.get_or_insert(0.0) += ms;
        }
    }

    fn analyse(&self, catalog: &Catalog<'_>) -> Result<Analysed, Reason> {
        let prepared = Prepared::new(self.text).map_err(|e| e.reason(self.text))?;
        analyse_prepared(&prepared, self.text, self.fingerprint, catalog, &self.path)
    }

    /// The other texts among its members, most executed first.
    fn variants(&self, snapshot: &Snapshot, catalog: &Catalog<'_>) -> Vec<Variant> {
        let mut calls: BTreeMap<&str, f64> = BTreeMap::new();
        for statement in self.members.iter().map(|&m| &snapshot.statements[m]) {
            let text = statement.query.as_deref().unwrap_or_default();
            *calls.entry(text).or_insert(0.0) += number(statement.calls);
        }
        calls.remove(self.text);
        let mut texts: Vec<(&str, f64)> = calls.into_iter().collect();
        texts.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
        texts.truncate(MOST_VARIANTS);
        let variant = |(text, calls)| {
            let analysed = analyse(text, catalog, &self.path).ok()?;
            Some(Variant {
                text: analysed.text,
                calls,
                shape: analysed.shape,
            })
        };
        texts.into_iter().filter_map(variant).collect()
    }

    /// As a query without a shape, if its text was not understood and the server can be asked about it.
    fn unread(self, reason: Reason) -> Option<Query> {
        let Reason::Unparsed(why) = reason else {
            return None;
        };
        let prepared = Prepared::new(self.text).ok()?;
        if !prepared.is_one_statement() {
            return None;
        }
        let analysed = Analysed {
            text: prepared.text(),
            parameters: prepared.parameters(),
            fingerprint: self.fingerprint,
            kind: QueryKind::Select,
            shape: Shape::default(),
        };
        Some(Query {
            unread: Some(why),
            ..self.query(analysed, Vec::new())
        })
    }

    fn query(self, analysed: Analysed, variants: Vec<Variant>) -> Query {
        let rows_per_call = if self.calls > 0.0 {
            self.rows / self.calls
        } else {
            0.0
        };
        let (text, parameters) = usual_text(&analysed.text, rows_per_call, &BTreeMap::new());
        Query {
            usual: Usual {
                text,
                parameters,
                assumed: Vec::new(),
            },
            classes: Vec::new(),
            variants,
            text: analysed.text,
            parameters: analysed.parameters,
            fingerprint: analysed.fingerprint,
            kind: analysed.kind,
            members: self.members,
            calls: self.calls,
            total_ms: self.total_ms,
            rows_per_call,
            page: rows_per_call,
            search_path: self.path,
            shape: analysed.shape,
            unread: None,
        }
    }

    fn skipped(&self, reason: &Reason) -> impl Iterator<Item = Skipped> {
        all_skipped(&self.members, reason)
    }
}

/// All rows of a statement, left out for one reason.
pub(super) fn all_skipped(members: &[usize], reason: &Reason) -> impl Iterator<Item = Skipped> {
    (members.iter()).map(|&statement| Skipped {
        statement,
        reason: reason.clone(),
    })
}

/// Text, fingerprint and truth values of a statement worth parsing, or why it is not.
fn classify<'s>(
    snapshot: &Snapshot,
    statement: &'s Statement,
) -> Result<(&'s str, u64, Vec<bool>), Reason> {
    let server = &snapshot.server;
    if statement.dbid != 0 && server.database_oid != 0 && statement.dbid != server.database_oid {
        return Err(Reason::OtherDatabase);
    }
    let text = match statement.query.as_deref() {
        None | Some("" | "<insufficient privilege>") => return Err(Reason::NoText),
        Some(text) => text,
    };
    if text.contains(OWN) {
        return Err(Reason::Own);
    }
    if statement.source == Source::PgStatActivity
        && is_cut(text, server.number("track_activity_query_size", 1024.0))
    {
        return Err(Reason::Truncated);
    }
    let prepared = Prepared::new(text).map_err(|e| e.reason(text))?;
    if !prepared.is_query() {
        return Err(Reason::Utility);
    }
    if prepared.is_foreign_key_check() {
        return Err(Reason::ForeignKeyCheck);
    }
    if statement.source == Source::PgStatStatements && !statement.toplevel {
        return Err(Reason::Nested);
    }
    Ok((text, prepared.fingerprint(), booleans(&prepared)))
}

fn reads_no_table(statement: &Statement, catalog: &Catalog<'_>) -> bool {
    let text = statement.query.as_deref().unwrap_or("");
    matches!(analyse(text, catalog, &[]), Err(Reason::NoTables))
}

/// `pg_stat_activity` keeps one byte less than `track_activity_query_size`, cut before a character that does not fit whole.
fn is_cut(text: &str, size: f64) -> bool {
    const WIDEST_CHARACTER: f64 = 4.0;
    #[allow(
        clippy::cast_precision_loss,
        reason = "texts are shorter than 2^52 bytes"
    )]
    let length = text.len() as f64;
    length >= size - WIDEST_CHARACTER
}

/// The schemas in which the statement's role finds unqualified names. A role's own setting is taken as it is; `$user` in it
/// stands for a schema named like the role, which is not known here, and is left out.
fn search_path(snapshot: &Snapshot, statement: &Statement) -> Vec<String> {
    let server = &snapshot.server;
    let paths = &server.role_search_paths;
    let own = (statement.source == Source::PgStatStatements)
        .then(|| paths.get(&statement.userid).or_else(|| paths.get(&0)))
        .flatten();
    let path = own.unwrap_or(&server.search_path);
    path.iter()
        .filter(|s| *s != "$user" && *s != "\"$user\"")
        .cloned()
        .collect()
}

/// Whether a query is too small to be looked at, whatever others are.
fn is_small(query: &Query, options: &WorkloadOptions) -> bool {
    query.calls < options.min_calls || query.total_ms.is_some_and(|ms| ms < options.min_total_ms)
}

/// Leaves out what is below the cut; the queries are in order.
fn cut(
    queries: &mut Vec<Query>,
    skipped: &mut Vec<Skipped>,
    options: &WorkloadOptions,
    snapshot: &Snapshot,
) {
    let timed = is_timed(snapshot);
    let weight = |q: &Query| weight_of(&q.members, snapshot, timed);
    let left_out = (skipped.iter())
        .filter(|s| s.reason == Reason::BelowCut)
        .map(|s| weight_of(&[s.statement], snapshot, timed));
    let all = (queries.iter().map(weight).chain(left_out)).fold(0.0, |sum, w| sum + w);
    let (mut kept, mut covered) = (0_usize, 0.0);
    queries.retain(|query| {
        let enough = options.top.is_some_and(|top| kept >= top)
            || options
                .share
                .is_some_and(|share| kept > 0 && covered >= share * all);
        if enough || is_small(query, options) {
            skipped.extend(all_skipped(&query.members, &Reason::BelowCut));
            return false;
        }
        kept += 1;
        covered += weight(query);
        true
    });
}

/// Load of some rows: their time, ms, or their calls where there are no times.
fn weight_of(statements: &[usize], snapshot: &Snapshot, timed: bool) -> f64 {
    let weight = |&position: &usize| {
        let statement = &snapshot.statements[position];
        if timed {
            statement.total_exec_time.unwrap_or(0.0)
        } else {
            number(statement.calls)
        }
    };
    // Not `sum`, which is -0 for nothing.
    (statements.iter().map(weight)).fold(0.0, |sum, w| sum + w)
}

fn coverage(snapshot: &Snapshot, queries: &[Query], skipped: &[Skipped]) -> Coverage {
    let members = |queries: &mut dyn Iterator<Item = &Query>| -> Vec<usize> {
        queries.flat_map(|q| q.members.iter().copied()).collect()
    };
    let analysed = members(&mut queries.iter());
    let by_plan = members(&mut queries.iter().filter(|q| q.unread.is_some()));
    let missed: Vec<usize> = (skipped.iter())
        .filter(|s| !s.reason.is_harmless())
        .map(|s| s.statement)
        .collect();
    let timed = is_timed(snapshot);
    let analysed_total = weight_of(&analysed, snapshot, timed);
    Coverage {
        statements: analysed.len() + missed.len(),
        analysed: analysed.len(),
        by_plan: by_plan.len(),
        total: analysed_total + weight_of(&missed, snapshot, timed),
        analysed_total,
        timed,
    }
}

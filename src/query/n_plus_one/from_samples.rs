//! N+1 from counters: a statement that is called once for each row that another gives, whatever the traffic does.
//!
//! One interval shows that the numbers are alike, which they may be by chance; several, in which traffic differs, show whether
//! the one follows the other. And only where a foreign key (or a name) leads from the one's rows to the other is a pair looked
//! at: of some hundred statements, some always rise alike.

use crate::model::catalog::Table;
use crate::model::redact::without_literals;
use crate::model::snapshot::Snapshot;
use crate::query::analyse::{Analysed, analyse};
use crate::query::catalog::{Catalog, Found};
use crate::query::n_plus_one::access::{Access, What, access};
use crate::query::n_plus_one::deltas::{Delta, Sample, Series, series, total};
use crate::query::n_plus_one::fix::fix;
use crate::query::n_plus_one::link::{Link, is_key, link};
use crate::query::n_plus_one::{Kind, NPlusOne, Origin, POSSIBLE, Side, Spared, certainty, sort};
use crate::query::parse::Prepared;
use crate::query::workload::QueryKind;

/// Fewest executions of a child: below, there is little to save.
pub(super) const MIN_CALLS: f64 = 100.0;

/// Fewest executions of a parent, and rows that it gives each time.
const MIN_PARENT_CALLS: f64 = 5.0;
const MIN_PARENT_ROWS: f64 = 2.0;

/// Fewest executions of the child for each of the parent: below, it is asked once for each page.
const MIN_PER_PARENT: f64 = 2.0;

/// Fewest intervals in which something happened that tell more than one does.
pub(super) const INTERVALS: usize = 4;

/// Counters never show the loop itself: no more certainty than this comes from them.
const MOST: f64 = 0.8;

/// The same, when there are too few intervals to see one follow the other. It is below what counts as likely.
const MOST_OF_FEW: f64 = 0.6;

/// Judges two or more samples, oldest first; `snapshot` has the tables.
#[must_use]
pub fn from_samples(snapshot: &Snapshot, samples: &[Sample<'_>]) -> Vec<NPlusOne> {
    let series = series(samples, snapshot.server.database_oid);
    let all = total(&series);
    let catalog = Catalog::new(snapshot);
    let parents: Vec<Parent<'_>> = (series.iter())
        .filter_map(|s| parent(&catalog, s))
        .collect();
    let mut found: Vec<NPlusOne> = (series.iter())
        .filter(|s| s.total.calls >= MIN_CALLS)
        .filter_map(|child| judged(&catalog, child, &parents, all))
        .collect();
    sort(&mut found);
    found
}

/// A statement that gives rows for which others may be run.
struct Parent<'a> {
    series: &'a Series<'a>,
    tables: Vec<&'a Table>,
    writes: bool,
    text: &'a str,
}

fn path(snapshot: &Snapshot, userid: u32) -> Vec<String> {
    let server = &snapshot.server;
    let paths = &server.role_search_paths;
    let own = paths.get(&userid).or_else(|| paths.get(&0));
    let path = own.unwrap_or(&server.search_path).iter();
    path.filter(|s| !s.contains("$user")).cloned().collect()
}

fn parent<'a>(catalog: &Catalog<'a>, series: &'a Series<'a>) -> Option<Parent<'a>> {
    let total = series.total;
    if total.calls < MIN_PARENT_CALLS {
        return None;
    }
    let snapshot = catalog.snapshot;
    let text = series.statement.query.as_deref()?;
    let path = path(snapshot, series.statement.userid);
    let (tables, writes) = match analyse(text, catalog, &path) {
        Ok(Analysed {
            kind: QueryKind::Select,
            shape,
            ..
        }) => {
            let oids = shape.relations.iter().map(|r| r.table_oid);
            (oids.filter_map(|oid| snapshot.table(oid)).collect(), false)
        }
        Ok(_) => return None,
        // `INSERT … VALUES` of a row that others refer to.
        Err(_) => {
            let access = access(text).filter(|a| a.what == What::Insert)?;
            (vec![table(catalog, &access, &path)?], true)
        }
    };
    let rows = if writes { 1.0 } else { MIN_PARENT_ROWS };
    (total.rows / total.calls >= rows * 0.99).then_some(Parent {
        series,
        tables,
        writes,
        text,
    })
}

fn table<'s>(catalog: &Catalog<'s>, access: &Access, path: &[String]) -> Option<&'s Table> {
    match catalog.find(access.schema.as_deref(), &access.table, path) {
        Found::Table(found) => Some(found.table),
        _ => None,
    }
}

/// The best parent of a child, if one is good enough.
fn judged(
    catalog: &Catalog<'_>,
    child: &Series<'_>,
    parents: &[Parent<'_>],
    all: Delta,
) -> Option<NPlusOne> {
    let text = child.statement.query.as_deref()?;
    let access = access(text)?;
    let snapshot = catalog.snapshot;
    let table = table(catalog, &access, &path(snapshot, child.statement.userid))?;
    let same_role = |p: &&Parent<'_>| {
        p.series.statement.userid == child.statement.userid
            && p.series.statement.queryid != child.statement.queryid
    };
    let mut best: Option<(Judgement, Link, &Parent<'_>)> = None;
    for parent in parents.iter().filter(same_role) {
        // Rows that are inserted are followed by other inserts, not by questions.
        if parent.writes && access.what != What::Insert {
            continue;
        }
        for of_parent in &parent.tables {
            let Some(link) = link(snapshot, table, &access, of_parent) else {
                continue;
            };
            let key = access.what == What::Insert
                || is_key(snapshot, table, &access.equals)
                || !link.to_one;
            let pair = Pair {
                child,
                parent: parent.series,
                link: &link,
                key,
                share: child.total.calls / all.calls,
                writes: parent.writes,
            };
            let Some(judgement) = judge(&pair, &table.name) else {
                continue;
            };
            if best
                .as_ref()
                .is_none_or(|(b, ..)| judgement.score > b.score)
            {
                best = Some((judgement, link, parent));
            }
        }
    }
    let (judgement, link, parent) = best?;
    let kind = kind(&access, link.to_one);
    let side = |text: &str, series: &Series<'_>| Side {
        text: without_literals(text),
        queryid: series.statement.queryid,
        fingerprint: Prepared::new(text).map_or(0, |p| p.fingerprint()),
        calls: series.total.calls,
    };
    let spared = (child.total.calls - parent.series.total.calls).max(0.0);
    let saved_ms = spared * child.total.ms / child.total.calls;
    Some(NPlusOne {
        kind,
        table: access.table.clone(),
        column: Some(link.child_column.clone()),
        child: side(text, child),
        parent: Some(side(parent.text, parent.series)),
        certainty: certainty(judgement.score)?,
        score: judgement.score,
        reasons: judgement.reasons,
        per_parent: child.total.calls / parent.series.total.calls,
        round_trips: spared,
        saved_ms,
        spared: Spared::new(spared, all.calls, saved_ms, all.ms),
        origins: vec![Origin::Counters],
        fix: fix(
            &without_literals(text),
            &access,
            kind,
            Some((snapshot, table)),
            Some(&link),
        ),
    })
}

/// What is done for each row.
pub(super) fn kind(access: &Access, to_one: bool) -> Kind {
    match access.what {
        What::Insert => Kind::Insert,
        What::Update => Kind::Update,
        What::Delete => Kind::Delete,
        What::Read if access.aggregate => Kind::Aggregate,
        What::Read if to_one => Kind::BelongsTo,
        What::Read if access.limited => Kind::FirstOfMany,
        What::Read => Kind::HasMany,
    }
}

struct Pair<'a> {
    child: &'a Series<'a>,
    parent: &'a Series<'a>,
    link: &'a Link,
    /// The child finds its rows by a key or a reference.
    key: bool,
    /// The child's share of all executions.
    share: f64,
    /// The parent inserts: its rows are its executions.
    writes: bool,
}

struct Judgement {
    score: f64,
    reasons: Vec<String>,
}

impl Judgement {
    fn add(&mut self, weight: f64, reason: String) {
        self.score += weight;
        self.reasons.push(reason);
    }
}

/// How sure it is that the one follows the other; `None` = it does not.
fn judge(pair: &Pair<'_>, table: &str) -> Option<Judgement> {
    let (child, parent) = (pair.child.total, pair.parent.total);
    let per_parent = child.calls / parent.calls;
    let per_row = child.calls / parent.rows;
    if per_parent < MIN_PER_PARENT {
        return None;
    }
    let mut judgement = Judgement {
        // One table, found by the value of a column.
        score: 0.2,
        reasons: Vec::new(),
    };
    ratio(pair, per_parent, per_row, &mut judgement)?;
    let by = if pair.link.certain {
        judgement.score += 0.15;
        "a foreign key or the key"
    } else {
        judgement.score += 0.08;
        "the name of the column"
    };
    judgement.reasons.push(format!(
        "{by} leads from {} of the parent's rows to {table}.{}",
        pair.link.parent_column, pair.link.child_column
    ));
    let one_row = child.rows / child.calls <= 1.05 || !pair.link.to_one;
    if pair.key && one_row {
        judgement.score += 0.1;
    }
    if pair.share >= 0.1 {
        let share = format!("it is {:.0} % of all executions", 100.0 * pair.share);
        judgement.add(0.05, share);
    }
    let most = follows(pair, per_parent, &mut judgement)?;
    judgement.score = judgement.score.min(most);
    (judgement.score >= POSSIBLE).then_some(judgement)
}

/// What the totals say; `None` = they do not fit.
fn ratio(pair: &Pair<'_>, per_parent: f64, per_row: f64, judgement: &mut Judgement) -> Option<()> {
    if pair.writes {
        if per_parent < 3.0 {
            return None;
        }
        let reason =
            format!("{per_parent:.1} rows are inserted for each row of the parent, one by one");
        judgement.add(0.2, reason);
    } else {
        let weight = match per_row {
            r if (0.8..=1.2).contains(&r) => 0.2,
            // Rows that were read before are remembered, or not all are shown.
            r if (0.2..0.8).contains(&r) => 0.1,
            r if (1.2..=3.0).contains(&r) => 0.05,
            _ => return None,
        };
        let reason = format!("it is run {per_row:.2} times for each row that the parent gives");
        judgement.add(weight, reason);
    }
    if per_parent >= 5.0 {
        let reason = format!("that is {per_parent:.1} times for each execution of the parent");
        judgement.add(0.05, reason);
    }
    Some(())
}

/// What the intervals say; gives the most that can be believed, `None` = nothing.
fn follows(pair: &Pair<'_>, per_parent: f64, judgement: &mut Judgement) -> Option<f64> {
    let both = pair.child.deltas.iter().zip(&pair.parent.deltas);
    let known: Vec<(Delta, Delta)> = both
        .filter_map(|(c, p)| Some(((*c)?, (*p)?)))
        .filter(|(c, p)| c.calls > 0.0 || p.calls > 0.0)
        .collect();
    if known.len() < INTERVALS {
        judgement.reasons.push(format!(
            "there are too few samples ({} with traffic between them) to see whether one follows the other",
            known.len()
        ));
        return Some(MOST_OF_FEW);
    }
    let calls: Vec<f64> = known.iter().map(|(c, _)| c.calls).collect();
    let rows: Vec<f64> = known.iter().map(|(_, p)| p.rows).collect();
    let together = correlation(&calls, &rows);
    let alone = known
        .iter()
        .filter(|(c, p)| p.calls == 0.0 && c.calls > 0.0)
        .count();
    #[expect(clippy::cast_precision_loss, reason = "a number of samples")]
    let alone = alone as f64 / known.len() as f64;
    if alone >= 0.3 {
        let reason = format!(
            "in {:.0} % of the time it is run without the parent",
            100.0 * alone
        );
        judgement.add(-0.25, reason);
    }
    match together {
        Some(r) if r >= 0.95 => {
            judgement.add(
                0.2,
                format!("both rise and fall together (correlation {r:.3})"),
            );
        }
        Some(r) if r >= 0.85 => {
            judgement.add(
                0.1,
                format!("both mostly rise and fall together (correlation {r:.2})"),
            );
        }
        // Whatever the totals are, the one does not follow the other.
        Some(r) if r < 0.5 => return None,
        // Traffic is even: it says nothing.
        _ => {}
    }
    Some(match fan_out(&known) {
        Shape::PerCall => return None,
        // A list of always as many rows (a page) looks like so many questions for each list.
        Shape::Either if per_parent < 10.0 && !pair.writes => MOST_OF_FEW,
        _ if together.is_none() => MOST_OF_FEW,
        _ => MOST,
    })
}

/// What the number of executions depends on.
enum Shape {
    /// On how often the parent is executed: the program asks so many questions each time.
    PerCall,
    /// On the rows that it gives.
    PerRow,
    /// It cannot be told: the parent always gives as many.
    Either,
}

fn fan_out(known: &[(Delta, Delta)]) -> Shape {
    let spread = |of: fn(&Delta) -> f64| {
        let ratios: Vec<f64> = (known.iter())
            .filter(|(c, p)| c.calls > 0.0 && of(p) > 0.0)
            .map(|(c, p)| c.calls / of(p))
            .collect();
        variation(&ratios)
    };
    let (by_call, by_row) = (spread(|d| d.calls), spread(|d| d.rows));
    if by_row > 0.05 && by_call < 0.5 * by_row {
        Shape::PerCall
    } else if by_call > 0.05 && by_row < 0.5 * by_call {
        Shape::PerRow
    } else {
        Shape::Either
    }
}

/// Standard deviation over mean; 0 for less than two numbers.
pub(super) fn variation(numbers: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a length")]
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    if count < 2.0 || mean <= 0.0 {
        return 0.0;
    }
    let squares = numbers.iter().map(|n| (n - mean).powi(2)).sum::<f64>();
    (squares / (count - 1.0)).sqrt() / mean
}

/// Pearson's; `None` if one of both hardly changes.
fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a length")]
    let count = a.len() as f64;
    let mean = |numbers: &[f64]| numbers.iter().sum::<f64>() / count;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
        a.iter()
            .zip(b)
            .map(|(x, y)| f(x - mean_a, y - mean_b))
            .sum()
    };
    let (both, one, other) = (sum(&|x, y| x * y), sum(&|x, _| x * x), sum(&|_, y| y * y));
    let even = |squares: f64, mean: f64| (squares / count).sqrt() < 0.05 * mean.abs();
    (!even(one, mean_a) && !even(other, mean_b)).then(|| both / (one * other).sqrt())
}

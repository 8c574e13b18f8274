//! N+1 from loops that a log shows.

use crate::model::catalog::Table;
use crate::model::snapshot::Snapshot;
use crate::query::catalog::{Catalog, Found};
use crate::query::n_plus_one::access::{Access, What, access};
use crate::query::n_plus_one::fix::fix;
use crate::query::n_plus_one::from_samples::{kind, variation};
use crate::query::n_plus_one::link::{Link, is_key, link};
use crate::query::n_plus_one::repeats::Loop;
use crate::query::n_plus_one::runs::{Known, Loops};
use crate::query::n_plus_one::{NPlusOne, Origin, Side, Spared, again, certainty, sort};
use crate::query::parse::Prepared;

/// Fewest loops that show something; fewer do if they are long.
pub(super) const FEWEST_RUNS: u32 = 3;
pub(super) const LONG: f64 = 50.0;

/// A loop of always the same length below this is a page that asks so many questions.
const FAN_OUT: f64 = 10.0;

/// Fewest writes one after another: a few belong to what one request does.
const FEWEST_WRITES: f64 = 20.0;

/// Judges the loops of a log that was read to its end; `snapshot` has the tables, if they are known.
#[must_use]
pub fn from_loops(loops: &Loops, snapshot: Option<&Snapshot>) -> Vec<NPlusOne> {
    let catalog = snapshot.map(Catalog::new);
    let mut found: Vec<NPlusOne> = (loops.found.iter())
        .filter_map(|(child, found)| judged(loops, *child, found, catalog.as_ref()))
        .collect();
    // What is told as a loop is not told again.
    let repeated = again::repeated(loops, catalog.as_ref()).into_iter();
    let told: Vec<NPlusOne> = repeated
        .filter(|r| found.iter().all(|f| f.child.text != r.child.text))
        .collect();
    found.extend(told);
    sort(&mut found);
    found
}

/// What the catalog says of the two statements.
struct Tables<'s> {
    child: &'s Table,
    link: Option<Link>,
}

fn judged(
    loops: &Loops,
    child: usize,
    found: &Loop,
    catalog: Option<&Catalog<'_>>,
) -> Option<NPlusOne> {
    let statement = &loops.known[child];
    let access = access(&statement.text)?;
    let parents = found.parents();
    let with_tables = |id: &usize| {
        let parent = &loops.known[*id];
        (
            parent,
            catalog.and_then(|c| tables(c, &access, Some(parent))),
        )
    };
    // The one that a foreign key leads from, if there is one.
    let certain = |tables: &Option<Tables<'_>>| {
        let link = tables.as_ref().and_then(|t| t.link.as_ref());
        link.map_or(0, |link| 1 + u8::from(link.certain))
    };
    let best = (parents.iter().map(with_tables)).reduce(|best, other| {
        if certain(&other.1) > certain(&best.1) {
            other
        } else {
            best
        }
    });
    let (of_parent, tables) = match best {
        Some((parent, tables)) => (Some(parent), tables),
        None => (None, catalog.and_then(|c| tables(c, &access, None))),
    };
    let (mut score, mut reasons) = judge(found, &access, of_parent.is_some(), tables.as_ref())?;
    if 2 * statement.blind > statement.calls {
        score -= 0.2;
        reasons.push(
            "its values are not logged: whether they differ is not known (log_parameter_max_length)"
                .to_owned(),
        );
    }
    let link = tables.as_ref().and_then(|t| t.link.as_ref());
    let known = (catalog.map(|c| c.snapshot)).zip(tables.as_ref().map(|t| t.child));
    // Without tables, `id` is taken for the key.
    let to_one = match (link, known) {
        (Some(link), _) => link.to_one,
        (None, Some((snapshot, table))) => is_key(snapshot, table, &access.equals),
        (None, None) => access.equals.iter().any(|c| c == "id"),
    };
    let kind = kind(&access, to_one);
    let spared = (found.executions - found.parents).max(0.0);
    let mean_ms = found.ms / found.executions.max(1.0);
    Some(NPlusOne {
        kind,
        table: access.table.clone(),
        column: (link.map(|l| l.child_column.clone())).or_else(|| access.equals.last().cloned()),
        child: side(statement),
        parent: of_parent.map(side),
        score,
        certainty: certainty(score)?,
        reasons,
        per_parent: found.executions / found.parents.max(1.0),
        round_trips: spared,
        saved_ms: spared * (found.pause() + mean_ms),
        spared: Spared::new(spared, loops.executions, spared * mean_ms, loops.ms),
        origins: vec![Origin::Logs],
        fix: fix(&statement.text, &access, kind, known, link),
    })
}

/// A statement of the log.
pub(super) fn side(known: &Known) -> Side {
    #[expect(clippy::cast_precision_loss, reason = "lines of a log")]
    let calls = known.calls as f64;
    Side {
        text: known.text.clone(),
        queryid: known.query_id,
        fingerprint: Prepared::new(&known.text).map_or(0, |p| p.fingerprint()),
        calls,
    }
}

/// Resolves the tables. A log does not tell the search path of a session; the server's is taken.
fn tables<'s>(
    catalog: &Catalog<'s>,
    access: &Access,
    parent: Option<&Known>,
) -> Option<Tables<'s>> {
    let snapshot = catalog.snapshot;
    let path = search_path(snapshot);
    let Found::Table(child) = catalog.find(access.schema.as_deref(), &access.table, &path) else {
        return None;
    };
    let mut parents: Vec<&Table> = Vec::new();
    if let Some(parent) = parent {
        if let Ok(analysed) = crate::query::analyse::analyse(&parent.text, catalog, &path) {
            let oids = analysed.shape.relations.iter().map(|r| r.table_oid);
            parents.extend(oids.filter_map(|oid| snapshot.table(oid)));
        } else if let Some(inserted) = super::access::access(&parent.text)
            && let Found::Table(found) =
                catalog.find(inserted.schema.as_deref(), &inserted.table, &path)
        {
            parents.push(found.table);
        }
    }
    let links = parents
        .iter()
        .filter_map(|p| link(snapshot, child.table, access, p));
    Some(Tables {
        child: child.table,
        link: links.max_by_key(|l| l.certain),
    })
}

/// The schemas in which the names of a log are looked up.
pub(super) fn search_path(snapshot: &Snapshot) -> Vec<String> {
    let path = snapshot.server.search_path.iter();
    path.filter(|s| !s.contains("$user")).cloned().collect()
}

/// How sure it is, and why; `None` = it is something else.
fn judge(
    found: &Loop,
    access: &Access,
    has_parent: bool,
    tables: Option<&Tables<'_>>,
) -> Option<(f64, Vec<String>)> {
    let mut lengths = found.lengths.clone();
    lengths.sort_by(f64::total_cmp);
    let median = *lengths.get(lengths.len() / 2)?;
    let varies = variation(&found.lengths) >= 0.2 && found.runs >= FEWEST_RUNS;
    let reads = access.what == What::Read;
    let is_loop = (found.runs >= FEWEST_RUNS || median >= LONG)
        // For each row of nothing: jobs, or a program that makes its own list.
        && (has_parent || !reads)
        && (varies || median >= FAN_OUT)
        && (reads || median >= FEWEST_WRITES)
        && found.distinct() >= 0.5;
    if !is_loop {
        return None;
    }
    let mut score: f64 = 0.5;
    let mut reasons = vec![if found.runs == 1 {
        format!(
            "it was run {median:.0} times, one after another, for rows of {}",
            access.table
        )
    } else {
        format!(
            "in {} places it is run again and again for rows of {}, {median:.0} times in the median one",
            found.runs, access.table
        )
    }];
    if found.close() >= 0.8 {
        score += 0.15;
        reasons.push("nothing much else is run in between".to_owned());
    }
    if varies {
        score += 0.15;
        let (least, most) = (lengths[0], lengths[lengths.len() - 1]);
        reasons.push(format!(
            "how many times differs from {least:.0} to {most:.0}, so that it depends on data"
        ));
    } else {
        score += 0.1;
        reasons.push("it is always about as many, as for a page of so many rows".to_owned());
    }
    if has_parent {
        score += 0.1;
        reasons.push("the same other statement comes before it, as its list would".to_owned());
    }
    if let Some(link) = tables.and_then(|t| t.link.as_ref()) {
        score += if link.certain { 0.1 } else { 0.05 };
        reasons.push(format!(
            "{} of the parent's rows leads to {}.{}",
            link.parent_column, access.table, link.child_column
        ));
    }
    if found.distinct() < 0.8 {
        score -= 0.3;
        reasons.push(format!(
            "only {:.0} % of the values are new: the same rows are read again",
            100.0 * found.distinct()
        ));
    }
    Some((score.min(0.98), reasons))
}

//! Sentences that several formats share. Each is one line, without trailing period, and safe to print.

use std::fmt::Write as _;

use crate::advisor::recommendation::{
    Action, Confidence, Generic, Helped, Misjudged, Recommendation,
};
use crate::advisor::time_model::{Calibration, Slowness};
use crate::model::change::Change;
use crate::model::gap::Gap;
use crate::model::unit::{Bytes, CostUnits, Count, Millis, Percent, Utc};
use crate::model::whatif::Source;
use crate::query::workload::Assumed;
use crate::report::plain::{one_line, sql_line};
use crate::report::{Outcome, Report, SkippedGroup};

/// Reasons for leaving statements out that are listed one by one.
const REASONS_SHOWN: usize = 4;

/// A number of things.
#[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 statements")]
pub(super) fn number(n: usize) -> Count {
    Count(n as f64)
}

/// "1 statement", "1,234 statements".
pub(super) fn counted(n: usize, noun: &str) -> String {
    format!("{} {noun}{}", number(n), if n == 1 { "" } else { "s" })
}

/// "1 execution", "12,345 executions".
pub(super) fn executions(calls: f64) -> String {
    let one = (calls - 1.0).abs() < 0.5;
    format!("{} execution{}", Count(calls), if one { "" } else { "s" })
}

/// "70×": how many times cheaper; a dash when it cannot be said.
pub(super) fn ratio(before: f64, after: f64) -> String {
    let ratio = before / after;
    match ratio {
        r if !r.is_finite() || r < 0.0 => "-".into(),
        r if r < 9.95 => format!("{r:.1}×"),
        r => format!("{}×", Count(r)),
    }
}

/// "71,534 → 8.44 (8,476×)".
pub(super) fn costs(before: f64, after: f64) -> String {
    format!(
        "{} → {} ({})",
        CostUnits(before),
        CostUnits(after),
        ratio(before, after)
    )
}

/// The server, and when it was seen.
pub(super) fn server(report: &Report) -> String {
    let target = &report.target;
    let mut text = if target.server_version.is_empty() {
        "PostgreSQL of unknown version".into()
    } else {
        format!("PostgreSQL {}", one_line(&target.server_version))
    };
    let _ = write!(text, ", seen {}", Utc(target.taken_at));
    if let Some(file) = &target.snapshot {
        let _ = write!(text, ", from snapshot {}", one_line(file));
    }
    text
}

/// Who answered the what-if questions, and what such an answer is worth.
pub(super) fn planner(report: &Report) -> String {
    let Some(planner) = &report.planner else {
        return "not asked".into();
    };
    let worth = match planner.source {
        Source::Hypopg => "the server's own planner with hypothetical indexes",
        Source::Clone => "the real planner on a local copy of schema and statistics",
        Source::Estimate => {
            "arithmetic over the statistics, no planner was asked: costs are estimates"
        }
    };
    let mut text = format!(
        "{}: {worth} ({})",
        planner.source.name(),
        counted(planner.probes, "question")
    );
    if !planner.why.is_empty() {
        let _ = write!(text, "; {}", sentence(&planner.why));
    }
    if let Some(calibration) = planner.calibration.as_ref().filter(|c| c.apart) {
        let _ = write!(text, "; {}", calibrated(calibration));
    }
    text
}

/// What was learnt of the server's speed: "plans are timed as 37 statements ran here: index reads take 2.1 times as long …".
fn calibrated(calibration: &Calibration) -> String {
    let statements = counted(calibration.statements, "statement");
    let Slowness {
        sequential,
        index,
        processing,
        ..
    } = calibration.slowness;
    format!(
        "plans are timed as {statements} ran here: beside sequential reads, index reads take {:.1} times and joins, sorts and \
         groups {:.1} times as long as on the usual server (modelled times off by a factor of {:.1} instead of {:.1})",
        index / sequential,
        processing / sequential,
        calibration.off[1],
        calibration.off[0]
    )
}

/// How much of the load was analysed.
pub(super) fn analysed(report: &Report) -> String {
    let coverage = &report.coverage;
    if coverage.statements == 0 {
        return "no statement on a user table was seen".into();
    }
    let by_plan = match coverage.by_plan {
        0 => String::new(),
        some => format!(", {} by plan", number(some)),
    };
    let of = format!(
        "{} of {}{by_plan}",
        number(coverage.analysed),
        counted(coverage.statements, "statement")
    );
    let window = match report.target.statements_window_s {
        Some(seconds) => format!(", counted over {}", Millis(seconds * 1000.0)),
        None => String::new(),
    };
    if coverage.total <= 0.0 {
        return format!("{of}{window}");
    }
    let total = if coverage.timed {
        format!("{} of execution time", Millis(coverage.total))
    } else {
        executions(coverage.total)
    };
    format!("{} of {total} ({of}{window})", Percent(coverage.share()))
}

/// Statements that were left out although an index might help them; `None` when there are none.
pub(super) fn left_out(report: &Report) -> Option<String> {
    groups(report.skipped.iter().filter(|g| !g.harmless))
}

/// Statements on which an index advisor has nothing to say; `None` when there are none.
pub(super) fn not_counted(report: &Report) -> Option<String> {
    groups(report.skipped.iter().filter(|g| g.harmless))
}

/// "12 statements: 7 text not visible (42 s), 3 …".
fn groups<'a>(groups: impl Iterator<Item = &'a SkippedGroup>) -> Option<String> {
    let groups: Vec<_> = groups.filter(|g| g.statements > 0).collect();
    let all: usize = groups.iter().map(|g| g.statements).sum();
    let mut parts: Vec<String> = groups
        .iter()
        .take(REASONS_SHOWN)
        .map(|g| group(g))
        .collect();
    let more: usize = groups
        .iter()
        .skip(REASONS_SHOWN)
        .map(|g| g.statements)
        .sum();
    if more > 0 {
        parts.push(format!("{} for other reasons", number(more)));
    }
    (all > 0).then(|| format!("{}: {}", counted(all, "statement"), parts.join(", ")))
}

fn group(group: &SkippedGroup) -> String {
    let text = format!("{} {}", number(group.statements), one_line(&group.reason));
    match group.total_ms {
        Some(ms) if ms > 0.0 => format!("{text} ({})", Millis(ms)),
        _ => text,
    }
}

/// The verdict when there is no advice; `None` when there is.
pub(super) fn verdict(report: &Report) -> Option<String> {
    let analysed = counted(report.coverage.analysed, "analysed statement");
    let considered = match report.summary.candidates {
        0 => "no index on their columns is missing".into(),
        1 => "the only candidate index is not worth its price".into(),
        n => format!("none of {} candidate indexes is worth its price", number(n)),
    };
    let text = match report.outcome() {
        Outcome::Advice => return None,
        Outcome::NothingToAdvise => {
            format!("Nothing to advise: all was seen, {analysed}, and {considered}")
        }
        Outcome::NothingToAdviseInPart => format!(
            "Nothing to advise for what was seen: {analysed}, and {considered}. But not all was seen"
        ),
        Outcome::NoStatements => "Nothing to analyse: no statement has read or changed a user table since the statistics \
             were reset. Let the application run for a while, then ask again"
            .into(),
        Outcome::CouldNotLook if report.coverage.statements == 0 => {
            "Could not look: no statement was visible. This says nothing about the database".into()
        }
        Outcome::CouldNotLook if report.coverage.analysed == 0 => format!(
            "Could not look: none of {} was analysed. This says nothing about the database",
            counted(report.coverage.statements, "statement")
        ),
        Outcome::CouldNotLook => {
            "Could not look: there was no planner to ask. This says nothing about the database"
                .into()
        }
    };
    Some(text)
}

/// The limits on the number of new indexes, and what came of them; `None` when there are none.
pub(super) fn limits(report: &Report) -> Option<String> {
    let summary = &report.summary;
    let new = |most: usize| {
        let indexes = if most == 1 { "index" } else { "indexes" };
        format!("at most {} new {indexes}", number(most))
    };
    let on_one = |most: usize| format!("{} on one table", new(most));
    let limits = [
        summary.max_indexes.map(new),
        summary.max_indexes_per_table.map(on_one),
    ];
    let limits: Vec<String> = limits.into_iter().flatten().collect();
    let beyond = match summary.beyond_limits {
        0 => String::new(),
        n => format!("; no room for {} more on foreign keys", number(n)),
    };
    (!limits.is_empty()).then(|| limits.join(", ") + &beyond)
}

/// "1. [P0] Create an index on shop.orders".
pub(super) fn numbered(recommendation: &Recommendation) -> String {
    let (rank, priority) = (recommendation.rank, recommendation.priority);
    format!("{rank}. [{priority}] {}", heading(recommendation))
}

/// "Create an index on shop.orders".
fn heading(recommendation: &Recommendation) -> String {
    let table = recommendation.definition.table.to_string();
    let verb = match recommendation.action {
        Action::Create => "Create an index on",
        Action::Replace => "Replace an index on",
        Action::Drop => "Drop an index on",
        Action::Reindex => "Rebuild an index on",
        Action::Analyze => "Analyze",
        Action::Statistics => "Create statistics on columns of",
        Action::Set => return setting(recommendation),
    };
    format!("{verb} {}", sql_line(&table))
}

/// "Change jit, for the whole server".
fn setting(recommendation: &Recommendation) -> String {
    let name = recommendation.changes.iter().find_map(|c| match c {
        Change::Set { name, .. } => Some(one_line(name)),
        _ => None,
    });
    let name = name.unwrap_or_else(|| "a setting".into());
    format!("Change {name}, for the whole server")
}

/// What it brings: time when times are known, else cost.
pub(super) fn saves(recommendation: &Recommendation) -> Option<String> {
    let benefit = &recommendation.benefit;
    let share = Percent(benefit.load_share_saved);
    let costs = costs(benefit.cost_before, benefit.cost_after);
    match benefit.ms_per_day_saved {
        Some(ms) if ms > 0.0 => Some(format!(
            "{} per day, {share} of the analysed load; cost {costs}",
            Millis(ms)
        )),
        _ if benefit.cost_before > 0.0 && benefit.cost_after < benefit.cost_before => {
            let saved = Percent(1.0 - benefit.cost_after / benefit.cost_before);
            Some(format!(
                "{saved} of the cost of what it helps; cost {costs}"
            ))
        }
        _ => None,
    }
}

/// Its size: what is added or what is freed.
pub(super) fn size(recommendation: &Recommendation) -> String {
    let size = Bytes(recommendation.size_bytes);
    if recommendation.action == Action::Drop {
        return format!("frees {size}");
    }
    if recommendation.replaced.is_empty() {
        return size.to_string();
    }
    let freed = recommendation.size_bytes - recommendation.net_size_bytes();
    let net = match recommendation.net_size_bytes() {
        net if net < 0.0 => format!("{} less", Bytes(-net)),
        net => format!("{} more", Bytes(net)),
    };
    format!("{size}; what is dropped then frees {}: {net}", Bytes(freed))
}

/// What was taken for a parameter, and what would have been taken without the rows that were counted.
fn assumed(assumed: &Assumed) -> String {
    let calls = assumed.calls.map_or_else(String::new, |share| {
        format!(" in {} of the calls", Percent(share))
    });
    let why = if assumed.counted {
        "as the rows returned say"
    } else {
        "how often which value is asked for is not known"
    };
    format!(
        "values: {} taken to keep {} of the table{calls}, {why} (unknown values: {})",
        assumed.column,
        Percent(assumed.share),
        Percent(assumed.generic)
    )
}

/// What the figures of a statement rest on beside its text, one line each.
pub(super) fn notes(statement: &Helped) -> Vec<String> {
    let unread = (statement.unread.iter()).map(|why| {
        format!("SQL not understood ({why}): read off its plan, asked with its own text")
    });
    let assumed = statement.assumed.iter().map(assumed);
    let generic = statement.generic.iter().map(generic);
    let notes = unread.chain(assumed).chain(generic);
    notes.map(|note| one_line(&note)).collect()
}

/// That a prepared statement may not use the index, and what makes it.
fn generic(generic: &Generic) -> String {
    format!(
        "prepared: from its sixth execution in a session on it may keep a plan made without values, which costs {} and does not \
         use the index ({}); SET plan_cache_mode = force_custom_plan in its sessions prevents that",
        CostUnits(generic.cost),
        generic.plan
    )
}

/// Rows counted against rows expected of one statement: "100 rows counted, 1 expected (100×)".
pub(super) fn misjudged(misjudged: &Misjudged) -> String {
    format!(
        "{} rows counted, {} expected ({})",
        Count(misjudged.rows_counted),
        Count(misjudged.rows_expected),
        ratio(misjudged.rows_counted, misjudged.rows_expected)
    )
}

/// The price of keeping it up to date.
pub(super) fn writes(recommendation: &Recommendation) -> String {
    match recommendation.benefit.write_ms_per_day {
        None => "price unknown: no write figures were seen".into(),
        Some(0.0) => "no price: no writes were seen that would touch it".into(),
        Some(ms) if recommendation.action == Action::Drop => {
            format!("{} per day less", Millis(ms.abs()))
        }
        Some(ms) if ms < 0.0 => format!("{} per day less", Millis(-ms)),
        Some(ms) => format!("{} per day more", Millis(ms)),
    }
}

/// What was not seen, and what is lost by it.
pub(super) fn gap(gap: &Gap) -> String {
    let what = sentence(&gap.what);
    match &gap.effect {
        Some(effect) => format!("{what}. {}", capitalised(&sentence(effect))),
        None => what,
    }
}

fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(rest).collect()
    })
}

/// A sentence of the core on one line, without its trailing period.
pub(super) fn sentence(text: &str) -> String {
    let line = one_line(text);
    line.strip_suffix('.').unwrap_or(&line).to_owned()
}

/// How sure the advice is, and why.
pub(super) fn confidence(recommendation: &Recommendation) -> String {
    let level = match recommendation.confidence {
        Confidence::High => "high",
        Confidence::Medium => "medium",
        Confidence::Low => "low, try it on a staging server first",
    };
    because(level, &recommendation.confidence_reason)
}

/// How urgent it is, and why.
pub(super) fn priority(recommendation: &Recommendation) -> String {
    let level = recommendation.priority.to_string();
    because(&level, &recommendation.priority_reason)
}

fn because(level: &str, reason: &str) -> String {
    if reason.is_empty() {
        level.to_owned()
    } else {
        format!("{level}: {}", sentence(reason))
    }
}

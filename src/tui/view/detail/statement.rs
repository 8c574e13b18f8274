//! A statement: its text, what it counted, who runs it now, its plan with findings and advice.

use super::sql;
use super::{Line, fact, plain, title};
use crate::model::sample::{StatementCounters, StatementKey};
use crate::tui::app::{App, Explained};
use crate::tui::column::Level;
use crate::tui::text::{BLOCK, age, bytes, clean, clean_lines, count, number, percent};
use crate::tui::theme::Part;
use crate::tui::tracks::{Mode, Point, amount, seconds};

pub(super) fn lines(app: &App, key: &StatementKey, width: usize) -> Vec<Line> {
    let mut lines = vec![heading(app, key)];
    let text = key.queryid.and_then(|id| app.texts.get(&id));
    match text {
        Some(text) => lines.extend(sql::lines(text, width)),
        None => lines.push(plain("its text is not known")),
    }
    lines.push(Vec::new());
    lines.extend(counters(app, key, width));
    lines.extend(history(app, key, width));
    lines.extend(running(app, key));
    lines.push(Vec::new());
    lines.extend(explained(app, key));
    lines
}

/// Which statement it is, and whose.
pub(in crate::tui::view) fn heading(app: &App, key: &StatementKey) -> Line {
    let id = key
        .queryid
        .map_or_else(|| "hidden".to_owned(), |id| id.to_string());
    let place = if key.toplevel {
        ""
    } else {
        ", inside a function"
    };
    let who = format!(
        " {}@{}{place}",
        clean(&app.role(key.userid)),
        clean(&app.database(key.dbid))
    );
    vec![(format!("queryid {id}"), Part::Title), (who, Part::Plain)]
}

/// The counters of the three modes beside each other.
fn counters(app: &App, key: &StatementKey, width: usize) -> Vec<Line> {
    let track = &app.tracks.statements;
    let statements = app
        .sample
        .as_ref()
        .and_then(|sample| sample.statements.read());
    let now = app.sample.as_ref().map_or(0.0, |sample| sample.pulse.at);
    let entry = statements.and_then(|all| all.entries.iter().find(|entry| entry.key == *key));
    let since = entry
        .and_then(|entry| entry.since)
        .or(statements.and_then(|all| all.reset));
    let cumulative = since.map(|since| now - since);
    let modes = [Mode::Interval, Mode::SinceStart, Mode::Cumulative];
    let columns: Vec<(StatementCounters, Option<f64>)> = modes
        .iter()
        .map(|mode| {
            let is_missing = *mode != Mode::Cumulative && !track.has_interval();
            let seconds = seconds(track, *mode, cumulative).filter(|_| !is_missing);
            let counted = if is_missing {
                StatementCounters::default()
            } else {
                amount(track, key, *mode).counted
            };
            (counted, seconds)
        })
        .collect();
    let span = |mode: Mode| match (mode, cumulative) {
        (Mode::Interval, _) => age(track.seconds),
        (Mode::SinceStart, _) => age(track.age()),
        (Mode::Cumulative, Some(seconds)) => age(seconds),
        (Mode::Cumulative, None) => "?".to_owned(),
    };
    let mut lines = vec![vec![
        (format!("  {:<14}", ""), Part::Faint),
        (
            format!("{:>16}", format!("last {}", span(Mode::Interval))),
            Part::Head,
        ),
        (
            format!("{:>18}", format!("since start {}", span(Mode::SinceStart))),
            Part::Head,
        ),
        (
            format!("{:>20}", format!("since reset {}", span(Mode::Cumulative))),
            Part::Head,
        ),
    ]];
    for (name, of) in FACTS {
        let mut line = vec![(format!("  {name:<14}"), Part::Faint)];
        for ((counted, seconds), room) in columns.iter().zip([16, 18, 20]) {
            line.push((format!("{:>room$}", of(counted, *seconds)), Part::Plain));
        }
        lines.push(line);
    }
    if let Some(entry) = entry
        && width > 40
    {
        let spread = format!(
            "longest {} ms, standard deviation {} ms, since the server counts it",
            number(entry.max_exec_time),
            number(entry.stddev_exec_time)
        );
        lines.push(fact("spread", spread));
    }
    lines
}

type Fact = fn(&StatementCounters, Option<f64>) -> String;

/// What is told of each mode.
const FACTS: &[(&str, Fact)] = &[
    ("calls", |c, _| count(c.calls)),
    ("calls/s", |c, s| rate(c.calls, s)),
    ("sessions (AAS)", |c, s| rate(c.total_exec_time / 1000.0, s)),
    ("mean ms", |c, _| ratio(c.total_exec_time, c.calls)),
    ("rows/call", |c, _| ratio(c.rows, c.calls)),
    ("hit %", |c, _| {
        share(c.shared_blks_hit, c.shared_blks_hit + c.shared_blks_read)
    }),
    ("read", |c, _| bytes(c.shared_blks_read * BLOCK)),
    ("dirtied", |c, _| bytes(c.shared_blks_dirtied * BLOCK)),
    ("temp written", |c, _| bytes(c.temp_blks_written * BLOCK)),
    ("WAL", |c, _| bytes(c.wal_bytes)),
    ("I/O time %", |c, _| share(c.blk_time, c.total_exec_time)),
    ("planning %", |c, _| {
        share(c.total_plan_time, c.total_exec_time + c.total_plan_time)
    }),
    ("JIT %", |c, _| share(c.jit_time, c.total_exec_time)),
];

fn rate(amount: f64, seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "-".to_owned(), |seconds| number(amount / seconds))
}

fn ratio(amount: f64, of: f64) -> String {
    if of > 0.0 {
        number(amount / of)
    } else {
        "-".to_owned()
    }
}

fn share(amount: f64, of: f64) -> String {
    if of > 0.0 {
        percent((amount / of).min(1.0))
    } else {
        "-".to_owned()
    }
}

/// Curves of calls and mean times.
fn history(app: &App, key: &StatementKey, width: usize) -> Vec<Line> {
    let Some(points) = app
        .tracks
        .history
        .get(key)
        .filter(|points| points.len() > 1)
    else {
        return Vec::new();
    };
    let room = width.saturating_sub(40).clamp(10, 60);
    let curve = |of: fn(&Point) -> f32| {
        let values: Vec<f32> = points
            .iter()
            .skip(points.len().saturating_sub(room))
            .map(of)
            .collect();
        let most = values.iter().copied().fold(0.0, f32::max);
        (bars(&values, most, app.options.ascii), most)
    };
    let (calls, most_calls) = curve(|point| point.calls);
    let (mean, most_mean) = curve(|point| point.mean);
    vec![
        fact(
            "calls/s",
            format!("{calls}  at most {}", number(f64::from(most_calls))),
        ),
        fact(
            "mean ms",
            format!("{mean}  at most {}", number(f64::from(most_mean))),
        ),
    ]
}

/// A curve, highest at `most`.
fn bars(values: &[f32], most: f32, ascii: bool) -> String {
    let bars: &[char] = if ascii {
        &['_', '.', ':', '|']
    } else {
        &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a height of at most eight"
    )]
    let bar = |value: &f32| {
        let share = if most > 0.0 { value / most } else { 0.0 };
        let height = (share.clamp(0.0, 1.0) * (bars.len() - 1) as f32).round();
        bars[height as usize]
    };
    values.iter().map(bar).collect()
}

/// Sessions that run it now.
fn running(app: &App, key: &StatementKey) -> Vec<Line> {
    let (Some(id), Some(sample)) = (key.queryid, &app.sample) else {
        return Vec::new();
    };
    let sessions = sample.activity.read().into_iter().flatten();
    let of_it: Vec<String> = sessions
        .filter(|session| session.query_id == Some(id) && session.is_active())
        .map(|session| {
            let since = session
                .query_start
                .map_or(0.0, |start| sample.pulse.at - start);
            format!("{} (for {})", session.pid, age(since))
        })
        .collect();
    if of_it.is_empty() {
        return Vec::new();
    }
    vec![fact("runs now in", of_it.join(", "))]
}

/// The plan, or why there is none.
fn explained(app: &App, key: &StatementKey) -> Vec<Line> {
    match app.explained.get(key) {
        None => vec![vec![
            ("e".to_owned(), Part::Key),
            (
                " shows its plan, findings and index advice; nothing is executed".to_owned(),
                Part::Plain,
            ),
        ]],
        Some(Explained::Waiting) => vec![plain("the planner is being asked …")],
        Some(Explained::Done(Err(why))) => vec![vec![
            ("no plan: ".to_owned(), Part::At(Level::Warn)),
            (clean(why), Part::Plain),
        ]],
        Some(Explained::Done(Ok(explanation))) => {
            let mut lines = vec![title("Plan, findings and advice")];
            lines.extend(clean_lines(&explanation.page).into_iter().map(plain));
            if !explanation.ddl.is_empty() {
                lines.push(vec![
                    ("Y".to_owned(), Part::Key),
                    (" copies the DDL, ".to_owned(), Part::Plain),
                    ("w".to_owned(), Part::Key),
                    (
                        " saves it to a file; nothing was executed".to_owned(),
                        Part::Plain,
                    ),
                ]);
            }
            lines
        }
    }
}

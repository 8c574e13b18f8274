//! The lines at the top: the server, its load, what it keeps open, and the tabs.

use ratatui::layout::Rect;

use super::pen::Pen;
use crate::model::sample::Sample;
use crate::tui::app::{App, Link};
use crate::tui::column::Level;
use crate::tui::screens::SCREENS;
use crate::tui::text::{age, bytes, clean, clock, count, number, percent};
use crate::tui::theme::Part;
use crate::tui::tracks::{Class, Mode, Waits, amount, seconds};

/// The titles of the tabs, from the widest to the narrowest form.
const TABS: &[[&str; 9]] = &[
    [
        "Queries",
        "Activity",
        "Locks",
        "Tables",
        "Indexes",
        "I/O",
        "Progress",
        "Advice",
        "Databases",
    ],
    [
        "Query", "Activ", "Locks", "Table", "Index", "I/O", "Progr", "Advice", "DB",
    ],
    ["Qu", "Act", "Lck", "Tbl", "Idx", "I/O", "Prg", "Adv", "DB"],
];

type Word = (String, Part);

fn plain(text: impl Into<String>) -> Word {
    (text.into(), Part::Plain)
}

fn faint(text: &str) -> Word {
    (text.to_owned(), Part::Faint)
}

fn at(text: impl Into<String>, level: Level) -> Word {
    (text.into(), Part::At(level))
}

/// Its lines.
pub(super) const HEIGHT: u16 = 4;

pub(super) fn draw(app: &App, pen: &mut Pen<'_>, area: Rect) {
    let end = area.right();
    let right = title_right(app);
    let length = right
        .iter()
        .map(|(word, _)| word.chars().count())
        .sum::<usize>();
    let length = u16::try_from(length).unwrap_or(0);
    let title = title(app);
    pen.words(area.x, area.y, end.saturating_sub(length + 1), &title);
    pen.words(end.saturating_sub(length), area.y, end, &right);
    if let Some(sample) = &app.sample {
        let mut words = sessions(app, sample);
        words.extend(throughput(app, sample));
        pen.words(area.x, area.y + 1, end, &words);
        let at = pen.words(area.x, area.y + 2, end, &kept(app, sample));
        let room = usize::from(end.saturating_sub(at + 7)).min(60);
        if room >= 10 {
            let words = [faint("  load "), plain(spark(app, room))];
            pen.words(at, area.y + 2, end, &words);
        }
    }
    tabs(app, pen, area);
}

fn title(app: &App) -> Vec<Word> {
    let mut words = vec![
        ("pgperf top".to_owned(), Part::Title),
        plain(format!("  {}", clean(&app.options.target))),
    ];
    if let Some(sample) = &app.sample {
        let pulse = &sample.pulse;
        let role = if pulse.in_recovery {
            "standby"
        } else {
            "primary"
        };
        let version = pulse.version.split(' ').next().unwrap_or_default();
        let up = age(pulse.at - pulse.postmaster_start);
        words.push(plain(format!("  PG {} {role}  up {up}", clean(version))));
    }
    words
}

fn title_right(app: &App) -> Vec<Word> {
    let mut words = Vec::new();
    match &app.link {
        Link::Connecting => words.push(at("connecting … ", Level::Warn)),
        Link::Lost(_, until) => {
            let left = (until - app.now).max(0.0);
            words.push(at(
                format!("CONNECTION LOST, again in {left:.0} s "),
                Level::Alarm,
            ));
        }
        Link::Live => {}
    }
    if let Some(since) = app.paused {
        words.push(at(
            format!("PAUSED +{} ", age(app.now - since)),
            Level::Warn,
        ));
    }
    match app.slowed {
        Some(seconds) => {
            words.push(at(
                format!("slow server: {}s→{seconds:.1}s ", app.options.interval),
                Level::Warn,
            ));
        }
        None => words.push(faint(&format!("every {}s ", app.options.interval))),
    }
    if let Some(sample) = &app.sample {
        words.push(plain(clock(sample.pulse.at)));
    }
    let troubles = app.troubles().len();
    if troubles > 0 {
        words.push(at(format!(" !{troubles}"), Level::Warn));
    }
    words
}

/// The oldest transaction, what it keeps from VACUUM, WAL, how full `pg_stat_statements` is.
fn kept(app: &App, sample: &Sample) -> Vec<Word> {
    let all = sample.activity.read().map_or(&[][..], Vec::as_slice);
    let clients = all.iter().filter(|session| session.is_client());
    let starts = clients.filter_map(|session| session.xact_start);
    let oldest = starts.reduce(f64::min);
    let seconds = oldest.map(|start| (sample.pulse.at - start).max(0.0));
    let level = match seconds {
        Some(s) if s >= 600.0 => Level::Alarm,
        Some(s) if s >= 60.0 => Level::Warn,
        _ => Level::Calm,
    };
    let oldest = seconds.map_or_else(|| "-".to_owned(), age);
    let xmin = all.iter().filter_map(|session| session.xmin_age);
    let xmin = xmin.fold(0.0, f64::max);
    let mut words = vec![
        faint("oldest xact "),
        at(oldest, level),
        faint("  xmin age "),
        at(
            count(xmin),
            if xmin >= 1e6 {
                Level::Warn
            } else {
                Level::Calm
            },
        ),
    ];
    if let Some(rate) = app.tracks.wal_rate {
        words.push(faint("  WAL "));
        words.push(plain(format!("{}/s", bytes(rate))));
    }
    if let Some(statements) = sample.statements.read()
        && let Some(max) = statements.max
    {
        let fill = statements.entries.len() + statements.hidden.saturating_sub(1);
        let is_full = app.tracks.evicted > 0;
        let evicted = if is_full { " EVICTS" } else { "" };
        words.push(faint("  pgss "));
        let level = if is_full { Level::Warn } else { Level::Calm };
        words.push(at(format!("{fill}/{max:.0}{evicted}"), level));
    }
    words
}

fn sessions(app: &App, sample: &Sample) -> Vec<Word> {
    let mut words = vec![faint("conn ")];
    let Some(sessions) = sample.activity.read() else {
        words.push(at("?", Level::Warn));
        return words;
    };
    let clients: Vec<_> = sessions
        .iter()
        .filter(|session| session.is_client())
        .collect();
    let used = f64::from(u32::try_from(clients.len()).unwrap_or(u32::MAX)) + 1.0;
    let max = sample.pulse.max_connections;
    let level = match used / max.max(1.0) {
        share if share >= 0.95 => Level::Alarm,
        share if share >= 0.8 => Level::Warn,
        _ => Level::Calm,
    };
    words.push(at(format!("{used:.0}/{max:.0}"), level));
    let waits = app.tracks.waits.back().copied().unwrap_or_default();
    let hidden = clients
        .iter()
        .filter(|session| session.state.is_none())
        .count();
    words.push(faint("  AAS "));
    let unsure = if hidden > 0 { "≥" } else { "" };
    words.push(plain(format!("{unsure}{}", waits.active())));
    words.extend(classes(waits));
    let idle = clients
        .iter()
        .filter(|session| session.is_idle_in_transaction())
        .count();
    if idle > 0 {
        words.push(faint("  idle-tx "));
        words.push(at(idle.to_string(), Level::Warn));
    }
    words
}

fn level(class: Class) -> Level {
    match class {
        Class::Lock => Level::Warn,
        Class::Cpu | Class::Io | Class::Other => Level::Calm,
    }
}

/// `(cpu 3 io 1 lock 2)`.
fn classes(waits: Waits) -> Vec<Word> {
    let some = Class::ALL.map(|class| (class.name(), waits.count(class), level(class)));
    let some = some.into_iter().filter(|(_, count, _)| *count > 0);
    let mut words = Vec::new();
    for (name, count, level) in some {
        let open = if words.is_empty() { " (" } else { " " };
        words.push(faint(&format!("{open}{name} ")));
        words.push(at(count.to_string(), level));
    }
    if !words.is_empty() {
        words.push(faint(")"));
    }
    words
}

fn throughput(app: &App, sample: &Sample) -> Vec<Word> {
    let track = &app.tracks.databases;
    let Some(seconds) = seconds(track, Mode::Interval, None) else {
        return Vec::new();
    };
    let mut sums = [0.0; 5];
    for database in &sample.databases {
        let counted = amount(track, &database.oid, Mode::Interval).counted;
        let own = [
            counted.xact_commit,
            counted.xact_rollback,
            counted.blks_hit,
            counted.blks_read,
            counted.temp_bytes,
        ];
        for (sum, own) in sums.iter_mut().zip(own) {
            *sum += own;
        }
    }
    let [commits, rollbacks, hits, reads, temp] = sums;
    let transactions = commits + rollbacks;
    let mut words = vec![faint("  tps "), plain(number(transactions / seconds))];
    if rollbacks > 0.0 {
        let share = rollbacks / transactions;
        words.push(faint(" rb "));
        let level = if share >= 0.1 {
            Level::Warn
        } else {
            Level::Calm
        };
        words.push(at(format!("{}%", percent(share)), level));
    }
    if hits + reads > 0.0 {
        words.push(faint("  hit "));
        words.push(plain(format!("{}%", percent(hits / (hits + reads)))));
    }
    if temp > 0.0 {
        words.push(faint("  temp "));
        words.push(at(format!("{}/s", bytes(temp / seconds)), Level::Warn));
    }
    words
}

/// Active sessions over the last samples, newest at the right.
fn spark(app: &App, width: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const PLAIN: [char; 8] = ['_', '_', '.', '.', ':', ':', '|', '|'];
    let bars = if app.options.ascii { PLAIN } else { BARS };
    let waits = &app.tracks.waits;
    let shown = waits.iter().skip(waits.len().saturating_sub(width));
    let most = shown.clone().map(Waits::active).max().unwrap_or(0).max(1);
    let bar = |waits: &Waits| {
        let height = (waits.active() * 7 + most / 2) / most;
        bars[usize::try_from(height.min(7)).unwrap_or(0)]
    };
    shown.map(bar).collect()
}

/// The tabs in the widest form that fits.
fn tab_words(app: &App, width: u16) -> Vec<Word> {
    let words = |titles: &[&str; 9]| -> Vec<Word> {
        let word = |(at, title): (usize, &&str)| {
            let badge = SCREENS[at].badge.map_or(0, |badge| badge(app));
            let badge = if badge > 0 {
                format!("({badge})")
            } else {
                String::new()
            };
            let part = if at == app.screen {
                Part::Selected
            } else {
                Part::Plain
            };
            (format!(" {} {title}{badge} ", at + 1), part)
        };
        titles.iter().enumerate().map(word).collect()
    };
    let fits = |words: &Vec<Word>| {
        let length: usize = words.iter().map(|(word, _)| word.chars().count()).sum();
        length <= usize::from(width)
    };
    let mut forms: Vec<Vec<Word>> = TABS.iter().map(words).collect();
    let fitting = forms.iter().position(fits).unwrap_or(forms.len() - 1);
    forms.swap_remove(fitting)
}

fn tabs(app: &App, pen: &mut Pen<'_>, area: Rect) {
    let words = tab_words(app, area.width);
    pen.words(area.x, area.y + 3, area.right(), &words);
}

/// The screen whose tab is at that column.
pub(super) fn tab_at(app: &App, x: u16) -> Option<usize> {
    let mut end = 0;
    tab_words(app, app.size.0).iter().position(|(word, _)| {
        end += word.chars().count();
        usize::from(x) < end
    })
}

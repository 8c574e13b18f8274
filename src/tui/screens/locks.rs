//! Locks: who waits for whom, as trees. At the roots are those who hold up the others and wait for nobody.

use std::collections::{BTreeMap, BTreeSet};

use super::activity::{state, wait};
use crate::model::delta::Origin;
use crate::model::sample::{Activity, LockWait, Sample, Wants};
use crate::tui::app::App;
use crate::tui::column::{Column, Format, Level, Row, RowKey, Rows, Value};
use crate::tui::screens::{Preview, Screen};

pub(super) const SCREEN: Screen = Screen {
    name: "locks",
    columns: COLUMNS,
    frozen: 1,
    sort: None,
    wants: Wants::NOTHING,
    is_momentary: true,
    preview: Preview::Statement,
    rows,
    badge: Some(waiting),
};

const COLUMNS: &[Column] = &[
    Column::new(
        "tree",
        "SESSION",
        16,
        Format::Text,
        99,
        "process; below it those that wait for it",
    ),
    Column::new(
        "blocks",
        "BLOCKS",
        6,
        Format::Count,
        80,
        "how many sessions wait for it, also behind others",
    )
    .level(blocks),
    Column::new("user", "USER", 10, Format::Text, 60, "role"),
    Column::new("db", "DB", 10, Format::Text, 50, "database"),
    Column::new("state", "STATE", 11, Format::Text, 75, "what it does"),
    Column::new(
        "mode",
        "MODE",
        20,
        Format::Text,
        65,
        "the lock that it waits for",
    ),
    Column::new(
        "relation",
        "ON",
        18,
        Format::Text,
        70,
        "what the lock is on",
    ),
    Column::new(
        "waits",
        "WAITS",
        8,
        Format::Age,
        78,
        "for how long it waits for it (14+)",
    )
    .level(waits),
    Column::new("xact", "XACT", 8, Format::Age, 77, "age of its transaction"),
    Column::new("wait", "WAIT", 20, Format::Text, 20, "what it waits for"),
    Column::new(
        "query",
        "QUERY",
        20,
        Format::Text,
        100,
        "its statement, or the last one",
    ),
];

fn blocks(count: f64) -> Level {
    if count >= 1.0 {
        Level::Warn
    } else {
        Level::Calm
    }
}

fn waits(seconds: f64) -> Level {
    match seconds {
        s if s >= 60.0 => Level::Alarm,
        s if s >= 5.0 => Level::Warn,
        _ => Level::Calm,
    }
}

/// How many sessions wait for a lock.
fn waiting(app: &App) -> usize {
    let sessions = app.sample.as_ref().and_then(|s| s.activity.read());
    sessions.map_or(0, |all| {
        all.iter().filter(|s| !s.blocked_by.is_empty()).count()
    })
}

fn rows(app: &App) -> Rows {
    let Some(sample) = &app.sample else {
        return super::unread(None);
    };
    let trouble = sample.activity.trouble().or(sample.locks.trouble());
    if let Some(why) = trouble {
        return Rows::Unseen(format!("could not look: {why}"));
    }
    let tree = tree(sample);
    if tree.is_empty() {
        return Rows::Nothing("no session waits for a lock of another".to_owned());
    }
    let rows = tree.iter().map(|node| row(app, sample, node));
    Rows::Some(rows.collect())
}

/// A session in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    pid: i32,
    depth: usize,
    /// Whether it is in a circle, which the server will break (deadlock).
    circle: bool,
    /// Sessions below it.
    below: usize,
}

/// The trees, roots by how many wait for them. Who waits for several stands below the first.
fn tree(sample: &Sample) -> Vec<Node> {
    let sessions = sample.activity.read().map_or(&[][..], Vec::as_slice);
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    let mut waiting = BTreeSet::new();
    for session in sessions {
        if let Some(first) = session.blocked_by.first() {
            children.entry(*first).or_default().push(session.pid);
            waiting.insert(session.pid);
        }
    }
    let mut roots: Vec<i32> = children
        .keys()
        .copied()
        .filter(|pid| !waiting.contains(pid))
        .collect();
    let (mut nodes, mut seen) = (Vec::new(), BTreeSet::new());
    roots.sort_by_key(|pid| {
        (
            std::cmp::Reverse(size(*pid, &children, &mut BTreeSet::new())),
            *pid,
        )
    });
    for root in roots {
        grow(root, 0, false, &children, &mut seen, &mut nodes);
    }
    // Circles have no root.
    for pid in waiting {
        if !seen.contains(&pid) {
            grow(pid, 0, true, &children, &mut seen, &mut nodes);
        }
    }
    nodes
}

fn grow(
    pid: i32,
    depth: usize,
    circle: bool,
    children: &BTreeMap<i32, Vec<i32>>,
    seen: &mut BTreeSet<i32>,
    nodes: &mut Vec<Node>,
) {
    if !seen.insert(pid) {
        return;
    }
    nodes.push(Node {
        pid,
        depth,
        circle,
        below: size(pid, children, &mut BTreeSet::new()) - 1,
    });
    for child in children.get(&pid).into_iter().flatten() {
        grow(*child, depth + 1, circle, children, seen, nodes);
    }
}

/// A session and those below it.
fn size(pid: i32, children: &BTreeMap<i32, Vec<i32>>, seen: &mut BTreeSet<i32>) -> usize {
    if !seen.insert(pid) {
        return 0;
    }
    let below = children.get(&pid).into_iter().flatten();
    1 + below
        .map(|child| size(*child, children, seen))
        .sum::<usize>()
}

fn row(app: &App, sample: &Sample, node: &Node) -> Row {
    let sessions = sample.activity.read().map_or(&[][..], Vec::as_slice);
    // A prepared transaction holds locks and has no session.
    let nobody = Activity {
        pid: node.pid,
        state: (node.pid == 0).then(|| "prepared".to_owned()),
        ..Activity::default()
    };
    let session = sessions
        .iter()
        .find(|s| s.pid == node.pid)
        .unwrap_or(&nobody);
    let locks = sample.locks.read().into_iter().flatten();
    let lock = locks.into_iter().find(|lock| lock.pid == node.pid);
    let now = sample.pulse.at;
    let since = |start: Option<f64>| Value::number(start.map(|start| (now - start).max(0.0)));
    let text = |text: Option<String>| text.map_or(Value::Missing, Value::text);
    let branch = match (node.depth, app.options.ascii) {
        (0, _) => String::new(),
        (depth, true) => format!("{}`- ", "   ".repeat(depth - 1)),
        (depth, false) => format!("{}└─ ", "   ".repeat(depth - 1)),
    };
    let circle = if node.circle { " (circle)" } else { "" };
    let start = session.backend_start_text.clone().unwrap_or_default();
    Row {
        key: RowKey::Session(node.pid, start),
        values: vec![
            Value::Text(format!("{branch}{}{circle}", node.pid).into()),
            Value::number(
                (node.below > 0).then(|| f64::from(u32::try_from(node.below).unwrap_or(u32::MAX))),
            ),
            Value::some(session.user.as_ref()),
            Value::some(session.database.as_ref()),
            text(state(session).map(str::to_owned)),
            text(lock.map(|lock| lock.mode.clone())),
            text(lock.map(on)),
            since(lock.and_then(|lock| lock.waitstart)),
            since(session.xact_start),
            text(wait(session)),
            Value::some(session.query.as_ref()),
        ],
        origin: Origin::Exact,
    }
}

/// What a lock is on.
fn on(lock: &LockWait) -> String {
    let relation = lock.relation.clone();
    relation.unwrap_or_else(|| lock.locktype.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::Panel;

    /// The tree of who waits for whom: "1 2(1) 3(2)".
    fn told(waits: &[(i32, &[i32])]) -> String {
        let session = |(pid, blocked_by): &(i32, &[i32])| Activity {
            pid: *pid,
            blocked_by: blocked_by.to_vec(),
            ..Activity::default()
        };
        let sample = Sample {
            activity: Panel::Read(waits.iter().map(session).collect()),
            ..Sample::default()
        };
        let node = |node: &Node| format!("{}{}:{}", "-".repeat(node.depth), node.pid, node.below);
        tree(&sample).iter().map(node).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn those_who_wait_stand_below_those_whom_they_wait_for() {
        assert_eq!(told(&[(1, &[]), (2, &[])]), "");
        assert_eq!(
            told(&[(1, &[]), (2, &[1]), (3, &[2, 1]), (4, &[1])]),
            "1:3 -2:1 --3:0 -4:0"
        );
        // The root that most wait for is first.
        assert_eq!(
            told(&[(1, &[]), (2, &[1]), (5, &[]), (6, &[5]), (7, &[5])]),
            "5:2 -6:0 -7:0 1:1 -2:0"
        );
        // Whoever holds it may not be there: a prepared transaction is 0.
        assert_eq!(told(&[(2, &[0])]), "0:1 -2:0");
        // A deadlock, before the server sees it.
        assert_eq!(told(&[(1, &[2]), (2, &[1])]), "1:1 -2:1");
    }
}

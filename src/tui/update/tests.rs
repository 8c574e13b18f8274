//! Keys and samples, and what comes of them.

use super::*;
use crate::model::sample::{Panel, Wants};
use crate::tui::app::Explained;
use crate::tui::message::Explanation;
use crate::tui::testing::{START, app, keys, sample, statement};
use crate::tui::tracks::Mode;

/// The query ids that are shown, from the top.
fn shown(app: &App) -> Vec<i64> {
    let id = |key: &RowKey| match key {
        RowKey::Statement(key) => key.queryid,
        _ => None,
    };
    app.grid
        .rows
        .iter()
        .filter_map(|row| id(&row.key))
        .collect()
}

fn selected(app: &App) -> Option<i64> {
    match app.look().selected.as_ref()? {
        RowKey::Statement(key) => key.queryid,
        _ => None,
    }
}

#[test]
fn the_cursor_stays_with_its_row() {
    let mut app = app((120, 40));
    assert_eq!(shown(&app), [1, 2, 4, 3]);
    keys(&mut app, "jj");
    assert_eq!(selected(&app), Some(4));
    // The order turns, and the cursor goes with it.
    keys(&mut app, "r");
    assert_eq!(shown(&app), [3, 4, 2, 1]);
    assert_eq!((selected(&app), app.look().cursor), (Some(4), 1));
    // Its row is gone: it stays where it was.
    let mut next = sample(3.0);
    if let Panel::Read(statements) = &mut next.statements {
        statements
            .entries
            .retain(|entry| entry.key.queryid != Some(4));
    }
    update(&mut app, Message::Sample(Box::new(next)));
    assert_eq!((selected(&app), app.look().cursor), (Some(2), 1));
    keys(&mut app, "G");
    assert_eq!(selected(&app), Some(1));
    keys(&mut app, "gk");
    assert_eq!(selected(&app), Some(3));
}

#[test]
fn what_is_pressed_where() {
    let mut app = app((120, 40));
    for (pressed, layers, quits) in [
        ("?", 1, false),
        ("?", 0, false),
        ("?", 1, false),
        ("q", 0, false),
        ("\u{1b}", 0, false),
        ("\n", 1, false),
        ("!", 2, false),
        ("\u{1b}", 1, false),
        ("\u{1b}", 0, false),
        ("\u{1b}", 0, false),
        ("Q", 0, false),
        ("q", 0, true),
    ] {
        let effects = keys(&mut app, pressed);
        assert_eq!(app.layers.len(), layers, "{pressed:?}");
        assert_eq!(effects.contains(&Effect::Quit), quits, "{pressed:?}");
    }
}

#[test]
fn a_filter_works_while_it_is_typed() {
    let mut app = app((120, 40));
    keys(&mut app, "/sum");
    assert_eq!(shown(&app), [2]);
    // Keys are text now.
    assert!(!keys(&mut app, "q").contains(&Effect::Quit));
    assert_eq!(shown(&app), [0; 0]);
    update(&mut app, Message::Key(Key::Backspace));
    keys(&mut app, "\n");
    assert_eq!((shown(&app), app.filter.text.as_str()), (vec![2], "sum"));
    keys(&mut app, "\u{1b}");
    assert_eq!(shown(&app).len(), 4);
    keys(&mut app, "/");
    update(&mut app, Message::Paste("calls>100\nq".into()));
    assert_eq!(shown(&app), [1]);
    keys(&mut app, "\n\u{1b}u");
    assert_eq!(app.filter.text, "user:app");
}

#[test]
fn a_picture_that_stands_still_goes_on_counting() {
    let mut app = app((120, 40));
    keys(&mut app, " ");
    let before = app.grid.clone();
    let mut next = sample(3.0);
    if let Panel::Read(statements) = &mut next.statements {
        statements.entries.push(statement(9, 500.0, 80.0));
    }
    update(&mut app, Message::Sample(Box::new(next)));
    assert_eq!(app.grid, before);
    keys(&mut app, " ");
    assert_eq!(shown(&app)[0], 9);
}

#[test]
fn amounts_are_of_the_interval_since_the_start_or_since_the_reset() {
    let mut app = app((120, 40));
    let calls = |app: &App| match app.grid.rows[0].values[2] {
        crate::tui::column::Value::Number(rate) => rate,
        _ => f64::NAN,
    };
    assert!((calls(&app) - 812.0).abs() < 1e-9);
    keys(&mut app, "m");
    assert_eq!(app.mode, Mode::SinceStart);
    assert!((calls(&app) - 812.0).abs() < 1e-9);
    keys(&mut app, "m");
    // Statement 5 has counted before, and statement 2 the most of them all.
    assert_eq!(shown(&app).len(), 5);
    keys(&mut app, "mx");
    update(&mut app, Message::Sample(Box::new(sample(3.0))));
    keys(&mut app, "m");
    assert!((app.tracks.statements.age() - 2.0).abs() < 1e-9);
}

#[test]
fn each_screen_wants_what_it_shows() {
    let mut app = app((120, 40));
    let wants = |effects: &[Effect]| {
        effects.iter().find_map(|effect| match effect {
            Effect::Collect(wants, _) => Some(*wants),
            _ => None,
        })
    };
    let queries = Wants {
        statements: true,
        ..Wants::NOTHING
    };
    let nothing = Wants::NOTHING;
    for (key, expected) in [
        ("2", nothing),
        (
            "4",
            Wants {
                tables: true,
                ..nothing
            },
        ),
        (
            "5",
            Wants {
                indexes: true,
                ..nothing
            },
        ),
        (
            "6",
            Wants {
                io: true,
                ..nothing
            },
        ),
        (
            "7",
            Wants {
                progress: true,
                ..nothing
            },
        ),
        (
            "9",
            Wants {
                replication: true,
                ..nothing
            },
        ),
        ("1", queries),
    ] {
        assert_eq!(wants(&keys(&mut app, key)), Some(expected), "{key}");
    }
    // A table's page has its indexes and statements.
    keys(&mut app, "4");
    let expected = Wants {
        tables: true,
        indexes: true,
        ..queries
    };
    assert_eq!(wants(&keys(&mut app, "\n")), Some(expected));
    assert_eq!(wants(&keys(&mut app, "+")), Some(expected));
    assert!((app.options.interval - 5.0).abs() < 1e-9);
    // So does the one that lies below the table in a large terminal.
    keys(&mut app, "q");
    let large = update(&mut app, Message::Resize(200, 60));
    let tables = Wants {
        tables: true,
        indexes: true,
        ..nothing
    };
    assert_eq!(wants(&large), Some(tables));
    assert_eq!(wants(&update(&mut app, Message::Resize(201, 60))), None);
    let small = Wants {
        tables: true,
        ..nothing
    };
    assert_eq!(
        wants(&update(&mut app, Message::Resize(80, 24))),
        Some(small)
    );
}

#[test]
fn down_from_the_load_to_the_ddl() {
    let mut app = app((120, 40));
    let effects = keys(&mut app, "\n");
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::Explain {
            key, text, analyze, ..
        } => Some((*key, text.clone(), *analyze)),
        _ => None,
    });
    let (key, text, analyze) = asked.expect("it is explained");
    assert!(text.starts_with("SELECT * FROM orders") && !analyze);
    // It is asked once.
    assert_eq!(keys(&mut app, "e"), []);
    assert_eq!(keys(&mut app, "Y"), []);
    let explanation = Explanation {
        page: "plan".into(),
        ddl: vec!["CREATE INDEX ON orders (customer_id);".into()],
    };
    update(&mut app, Message::Explained(key, Ok(explanation)));
    assert_eq!(
        keys(&mut app, "Y"),
        [Effect::Copy("CREATE INDEX ON orders (customer_id);".into())]
    );
    assert_eq!(
        keys(&mut app, "w"),
        [Effect::Save(
            "sql",
            "CREATE INDEX ON orders (customer_id);\n".into()
        )]
    );
    assert_eq!(keys(&mut app, "y"), [Effect::Copy(text)]);
    // Executing has to be allowed.
    assert_eq!(keys(&mut app, "E"), []);
    app.options.allow_analyze = true;
    let effects = keys(&mut app, "E");
    assert!(
        matches!(&effects[..], [Effect::Explain { analyze: true, .. }]),
        "{effects:?}"
    );
}

#[test]
fn what_cannot_be_planned_here_says_why() {
    let mut app = app((120, 40));
    let mut next = sample(3.0);
    if let Panel::Read(statements) = &mut next.statements {
        for entry in &mut statements.entries {
            entry.key.dbid = 6;
        }
    }
    update(&mut app, Message::Sample(Box::new(next)));
    let effects = keys(&mut app, "\n");
    assert!(!effects.iter().any(|e| matches!(e, Effect::Explain { .. })));
    let why = app
        .explained
        .values()
        .find_map(|explained| match explained {
            Explained::Done(Err(why)) => Some(why.clone()),
            _ => None,
        });
    assert_eq!(
        why.as_deref(),
        Some("it runs in database 6, and pgperf is connected to shop")
    );
}

#[test]
fn sessions_are_left_alone_unless_y_is_pressed() {
    let mut app = app((120, 40));
    keys(&mut app, "2");
    let pids: Vec<i32> = app
        .grid
        .rows
        .iter()
        .map(|row| match row.key {
            RowKey::Session(pid, _) => pid,
            _ => 0,
        })
        .collect();
    assert_eq!(pids.len(), 3, "the idle one is left out");
    let pid = pids[0];
    for other in ["n", "\n", "\u{1b}", "q", "K", " "] {
        keys(&mut app, "K");
        assert_eq!(keys(&mut app, other), [], "{other:?}");
        assert!(app.layers.is_empty(), "{other:?}");
    }
    keys(&mut app, "K");
    let backend_start = format!("start of {pid}");
    assert_eq!(
        keys(&mut app, "y"),
        [Effect::Signal {
            pid,
            backend_start,
            terminate: true
        }]
    );
    app.options.read_only = true;
    assert_eq!(keys(&mut app, "C"), []);
    assert!(app.layers.is_empty());
    // On other screens there is none to be asked about.
    app.options.read_only = false;
    keys(&mut app, "4C");
    assert!(app.layers.is_empty());
}

#[test]
fn texts_are_asked_for_when_they_are_missed() {
    let mut app = app((120, 40));
    let mut next = sample(3.0);
    if let Panel::Read(statements) = &mut next.statements {
        statements.entries.push(statement(77, 500.0, 8.0));
        statements.entries.push(statement(78, 0.0, 8.0));
    }
    assert_eq!(
        update(&mut app, Message::Sample(Box::new(next.clone()))),
        [Effect::Texts(vec![77, 78])]
    );
    let texts = [(77, "select 77".to_owned()), (78, "select 78".to_owned())].into();
    update(&mut app, Message::Texts(texts));
    next.pulse.at += 2.0;
    assert_eq!(update(&mut app, Message::Sample(Box::new(next))), []);
}

#[test]
fn resets_evictions_and_restarts_are_told() {
    let mut app = app((120, 40));
    let mut next = sample(3.0);
    if let Panel::Read(statements) = &mut next.statements {
        statements.reset = Some(START + 5.0);
        statements.dealloc = Some(3);
    }
    next.pulse.postmaster_start = START + 4.0;
    update(&mut app, Message::Sample(Box::new(next)));
    let told: Vec<&str> = app.events.iter().map(|(_, what)| what.as_str()).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(
        told[0].contains("started at")
            && told[1].contains("was reset at")
            && told[2].contains("evicted entries 3 times"),
        "{told:?}"
    );
    // All that the entries have now was counted since the reset.
    let calls = app
        .tracks
        .statements
        .interval
        .values()
        .map(|delta| delta.counted.calls);
    assert!(calls.sum::<f64>() > 5000.0);
}

#[test]
fn another_view_of_the_server_begins_anew() {
    let mut app = app((120, 40));
    let mut next = sample(3.0);
    next.pulse.sees_all = false;
    update(&mut app, Message::Sample(Box::new(next)));
    assert!(!app.tracks.statements.has_interval());
}

#[test]
fn the_mouse_presses_tabs_heads_and_rows() {
    let mut app = app((120, 40));
    // The second row, twice: its details.
    update(&mut app, Message::Click(30, 7));
    assert_eq!((selected(&app), app.layers.len()), (Some(2), 0));
    update(&mut app, Message::Click(30, 7));
    assert_eq!(app.layers.len(), 1);
    // What lies above is not pressed through, but for the tabs.
    update(&mut app, Message::Click(30, 8));
    assert_eq!((selected(&app), app.layers.len()), (Some(2), 1));
    keys(&mut app, "q");
    // CALLS/s, and again the other way.
    update(&mut app, Message::Click(18, 5));
    assert_eq!(shown(&app), [1, 4, 2, 3]);
    update(&mut app, Message::Click(18, 5));
    assert_eq!(shown(&app), [3, 2, 4, 1]);
    update(&mut app, Message::Wheel(3));
    assert_eq!(app.look().cursor, 3);
    for (place, expected) in [
        ((60, 30), "queries"),
        ((14, 3), "activity"),
        ((2, 3), "queries"),
        ((119, 3), "queries"),
    ] {
        update(&mut app, Message::Click(place.0, place.1));
        assert_eq!(app.screen().name, expected, "{place:?}");
    }
}

#[test]
fn what_was_not_asked_for_is_kept() {
    let later = || {
        let mut app = app((120, 40));
        let before = shown(&app);
        for ticks in [3.0, 4.0] {
            let mut next = sample(ticks);
            next.statements = Panel::Unread;
            update(&mut app, Message::Sample(Box::new(next)));
        }
        assert_eq!(shown(&app), before);
        app
    };
    // The next interval is as long as it was.
    let mut app = later();
    update(&mut app, Message::Sample(Box::new(sample(5.0))));
    let seconds = app.tracks.statements.seconds;
    assert!((seconds - 6.0).abs() < 1e-9, "{seconds}");
    assert!(app.events.is_empty(), "{:?}", app.events);
    // A reset in it is noticed.
    let mut app = later();
    let mut next = sample(5.0);
    if let Panel::Read(statements) = &mut next.statements {
        statements.reset = Some(START + 9.0);
    }
    update(&mut app, Message::Sample(Box::new(next)));
    let is_told = |what: &str| app.events.iter().any(|(_, event)| event.contains(what));
    assert!(is_told("was reset"), "{:?}", app.events);
}

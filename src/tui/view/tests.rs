//! Screens as text and styles, at several sizes and in every state.

use std::fmt::Write as _;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::{Color, Modifier};

use super::view;
use crate::model::sample::{Panel, Sample, Statements};
use crate::tui::app::{App, Options};
use crate::tui::message::{Advice, Effect, Explanation, Message};
use crate::tui::testing::{START, app, keys, sample};
use crate::tui::update::update;

/// The picture, and under it the styles that are not plain, a letter each.
fn picture(app: &App) -> String {
    let mut terminal = Terminal::new(TestBackend::new(app.size.0, app.size.1)).unwrap();
    terminal.draw(|frame| view(app, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let mut page = String::new();
    for y in 0..app.size.1 {
        let line: String = (0..app.size.0).map(|x| buffer[(x, y)].symbol()).collect();
        let _ = writeln!(page, "{}", line.trim_end());
    }
    page.push_str("styles\n");
    for y in 0..app.size.1 {
        let style = |x: u16| {
            let cell = &buffer[(x, y)];
            match (cell.fg, cell.modifier) {
                (_, m) if m.contains(Modifier::REVERSED) => 'R',
                (_, m) if m.contains(Modifier::DIM) => 'd',
                (Color::Red, _) => '!',
                (Color::Yellow, _) => 'w',
                (Color::DarkGray, _) => 'f',
                (Color::Cyan, _) => 'k',
                (Color::Blue, _) => 's',
                (Color::Green, _) => 'l',
                (_, m) if m.contains(Modifier::BOLD | Modifier::UNDERLINED) => 'U',
                (_, m) if m.contains(Modifier::UNDERLINED) => 'u',
                (_, m) if m.contains(Modifier::BOLD) => 'b',
                _ => ' ',
            }
        };
        let line: String = (0..app.size.0).map(style).collect();
        let _ = writeln!(page, "{}", line.trim_end());
    }
    page
}

/// Compares with `testdata/screens/<name>.txt`; `UPDATE_EXPECT=1` writes it.
fn check(name: &str, app: &App) {
    let path = format!("{}/testdata/screens/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let picture = picture(app);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::create_dir_all(std::path::Path::new(&path).parent().unwrap()).unwrap();
        std::fs::write(&path, &picture).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        picture == expected,
        "{name} differs from {path}; UPDATE_EXPECT=1 writes it:\n{picture}"
    );
}

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

#[test]
fn every_screen_at_every_size() {
    for size in SIZES {
        for (number, screen) in crate::tui::screens::SCREENS.iter().enumerate() {
            let mut app = app(size);
            keys(&mut app, &(number + 1).to_string());
            // What is read for this screen alone has come twice by now.
            check(&format!("{}-{}x{}", screen.name, size.0, size.1), &app);
        }
    }
}

#[test]
fn what_lies_above_at_every_size() {
    for size in SIZES {
        for (name, pressed) in [
            ("help", "?"),
            ("messages", "!"),
            ("columns", "c"),
            ("filter", "/orders"),
            ("statement", "\n"),
            ("session", "2j\n"),
            ("confirm", "2jK"),
            ("table", "4\n"),
            ("index", "5\n"),
        ] {
            let mut app = app(size);
            keys(&mut app, pressed);
            check(&format!("{name}-{}x{}", size.0, size.1), &app);
        }
    }
}

#[test]
fn a_statement_with_its_plan_and_advice() {
    let mut app = app((120, 40));
    keys(&mut app, "\n");
    let Some(crate::tui::column::RowKey::Statement(key)) = app.look().selected.clone() else {
        panic!("no statement is selected");
    };
    let explanation = Explanation {
        page: "Seq Scan on orders  90 ms\n  find  seq-scan: reads 500,000 rows to return 3\n"
            .into(),
        ddl: vec!["CREATE INDEX CONCURRENTLY ON orders (customer_id);".into()],
    };
    update(&mut app, Message::Explained(key, Ok(explanation)));
    check("explained-120x40", &app);
}

#[test]
fn advice_that_came() {
    let mut app = app((120, 40));
    keys(&mut app, "8");
    let advice = Advice {
        action: "create".into(),
        object: "public.orders".into(),
        what: "index orders_customer_id_created_at_idx".into(),
        priority: "P1".into(),
        saves_ms_per_day: Some(4.7e6),
        saves_share: Some(0.41),
        size_bytes: Some(4e7),
        confidence: "high".into(),
        ddl: "CREATE INDEX CONCURRENTLY ON public.orders (customer_id, created_at DESC);".into(),
        reasons: vec!["reads 3 rows instead of 500,000".into()],
    };
    let finding = Advice {
        action: "look".into(),
        object: "public.orders".into(),
        priority: "medium".into(),
        what: "Many rows of the table are dead".into(),
        reasons: vec![
            "200,000 of 700,000 rows are dead".into(),
            "VACUUM it, and look who holds it up".into(),
        ],
        ..Advice::default()
    };
    update(&mut app, Message::Advised(Ok(vec![advice, finding])));
    check("advised-120x40", &app);
    keys(&mut app, "\n");
    check("advised-detail-120x40", &app);
    keys(&mut app, "q");
    let saved = keys(&mut app, "w");
    let only = "CREATE INDEX CONCURRENTLY ON public.orders (customer_id, created_at DESC);\n";
    assert_eq!(saved, [Effect::Save("sql", only.into())]);
    // What has no statement copies none.
    assert_eq!(keys(&mut app, "jY"), []);
}

#[test]
fn states_in_which_something_is_missing() {
    let fresh = |size| {
        let options = Options {
            target: "app@prod-1".into(),
            ..Options::default()
        };
        App::new(options, START, size)
    };
    for size in SIZES {
        let of = |name: &str| format!("{name}-{}x{}", size.0, size.1);
        let mut app = fresh(size);
        app.regrid();
        check(&of("connecting"), &app);

        let mut empty = sample(0.0);
        empty.statements = Panel::Read(Statements::default());
        update(&mut app, Message::Sample(Box::new(empty)));
        check(&of("empty"), &app);

        let mut app = fresh(size);
        let mut bare = sample(0.0);
        let why = "pg_stat_statements is not installed in database shop: CREATE EXTENSION pg_stat_statements";
        bare.statements = Panel::Failed(why.into());
        update(&mut app, Message::Sample(Box::new(bare)));
        check(&of("no-extension"), &app);

        let mut app = fresh(size);
        for ticks in [0.0, 1.0] {
            update(&mut app, Message::Sample(Box::new(unprivileged(ticks))));
        }
        check(&of("no-privilege"), &app);
        keys(&mut app, "2");
        check(&of("no-privilege-activity"), &app);

        let mut app = self::app(size);
        update(
            &mut app,
            Message::Lost(
                "terminating connection due to administrator command".into(),
                4.0,
            ),
        );
        check(&of("reconnecting"), &app);

        let mut app = self::app(size);
        keys(&mut app, " ");
        update(&mut app, Message::Clock(START + 12.0));
        update(&mut app, Message::Slowed(5.0));
        check(&of("paused"), &app);

        let mut app = self::app(size);
        keys(&mut app, "/nothing has this\n");
        check(&of("filtered-out"), &app);
    }
}

/// As a role without `pg_read_all_stats` sees it.
fn unprivileged(ticks: f64) -> Sample {
    let mut sample = sample(ticks);
    sample.pulse.sees_all = false;
    if let Panel::Read(statements) = &mut sample.statements {
        statements.hidden = 4;
        statements.entries.truncate(2);
        statements.entries[1].key.queryid = None;
    }
    if let Panel::Read(sessions) = &mut sample.activity {
        for session in sessions.iter_mut().skip(1) {
            session.state = None;
            session.query = None;
            session.xact_start = None;
            session.wait_event_type = None;
            session.wait_event = None;
            session.blocked_by.clear();
        }
    }
    sample
}

#[test]
fn a_terminal_that_is_too_small_says_so() {
    for size in [(40, 10), (59, 24), (80, 11), (1, 1), (0, 0)] {
        let mut app = app(size);
        keys(&mut app, "2\n?q");
        let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
        terminal.draw(|frame| view(&app, frame)).unwrap();
    }
    check("too-small-40x10", &app((40, 10)));
}

#[test]
fn in_ascii_and_without_colours() {
    let mut app = app((120, 40));
    app.options.ascii = true;
    app.options.theme = crate::tui::theme::Theme::Mono;
    keys(&mut app, "3");
    check("ascii-locks-120x40", &app);
    let picture = picture(&app);
    assert!(picture.is_ascii(), "{picture}");
    let (_, styles) = picture.split_once("styles\n").unwrap();
    assert!(!styles.contains(['!', 'w', 'k', 'f', 's', 'l']), "{styles}");
    keys(&mut app, "1\n");
    assert!(self::picture(&app).is_ascii());
}

#[test]
fn the_age_of_what_was_not_asked_for_is_told() {
    let mut app = app((120, 40));
    assert!(!picture(&app).contains(" old"));
    for ticks in [3.0, 4.0] {
        let mut next = sample(ticks);
        next.statements = Panel::Unread;
        update(&mut app, Message::Sample(Box::new(next)));
    }
    assert!(
        picture(&app).contains("last interval, 4.0s old"),
        "{}",
        picture(&app)
    );
    keys(&mut app, "4");
    assert!(!picture(&app).contains(" old"), "{}", picture(&app));
}

#[test]
fn every_screen_fits_every_size() {
    for (width, height) in [
        (60, 12),
        (61, 21),
        (79, 22),
        (100, 31),
        (159, 45),
        (160, 44),
        (160, 46),
        (300, 99),
    ] {
        for key in "123456789".chars() {
            let mut app = app((width, height));
            keys(&mut app, &key.to_string());
            assert_eq!(
                picture(&app).lines().count(),
                usize::from(height) * 2 + 1,
                "{key} {width}x{height}"
            );
        }
    }
}

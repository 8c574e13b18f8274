//! Every report format against its expected bytes in `testdata/expected/`, on reports built here: the good case with names
//! and texts that attack a terminal, and each of the empty cases, which must never look alike.
//! `UPDATE_EXPECT=1 cargo test --test report` rewrites the expected files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[path = "report/fixtures.rs"]
mod fixtures;

use pgperf::report::{Format, Outcome, Report, Style, Summary, render};

use fixtures::{fixtures, nothing_to_advise, three};

fn expect(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/expected")
        .join(name);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, actual).expect("a writable testdata");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == actual,
        "{name} differs; UPDATE_EXPECT=1 cargo test --test report accepts it:\n{actual}"
    );
}

fn columns(width: usize) -> Style {
    Style {
        width,
        colour: false,
    }
}

#[test]
fn text_at_three_widths() {
    for (name, report, _) in fixtures() {
        for width in [60, 80, 120] {
            expect(
                &format!("report_{name}_{width}.txt"),
                &render(&report, Format::Text, columns(width)),
            );
        }
    }
}

#[test]
fn json_and_sql() {
    for (name, report, _) in fixtures() {
        for format in [Format::Json, Format::Sql] {
            expect(
                &format!("report_{name}.{format}"),
                &render(&report, format, Style::default()),
            );
        }
    }
}

#[test]
fn empty_reports_do_not_look_alike() {
    let mut verdicts = BTreeSet::new();
    for (name, report, outcome) in fixtures() {
        assert_eq!(report.outcome(), outcome, "{name}");
        let text = render(&report, Format::Text, columns(1000));
        let verdict = text
            .lines()
            .find(|l| l.starts_with("Nothing") || l.starts_with("Could not"));
        assert_eq!(verdict.is_none(), outcome == Outcome::Advice, "{name}");
        let blind = verdict.is_some_and(|v| v.starts_with("Could not look"));
        assert_eq!(blind, outcome == Outcome::CouldNotLook, "{name}");
        verdicts.insert(verdict.map(str::to_owned));
    }
    assert_eq!(verdicts.len(), fixtures().len());
}

#[test]
fn asked_without_a_planner_is_not_nothing_found() {
    let report = Report {
        planner: None,
        ..nothing_to_advise()
    };
    assert_eq!(report.outcome(), Outcome::CouldNotLook);
    let nothing_to_ask = Report {
        summary: Summary::default(),
        ..report
    };
    assert_eq!(nothing_to_ask.outcome(), Outcome::NothingToAdvise);
}

#[test]
fn no_byte_of_the_database_reaches_the_terminal_as_a_command() {
    let active = |c: char| c.is_control() || c == '\u{202e}';
    for (name, report, _) in fixtures() {
        for format in Format::ALL {
            let text = render(&report, format, Style::default());
            assert!(
                text.ends_with('\n') && !text.ends_with("\n\n"),
                "{name} {format}"
            );
            for line in text.lines() {
                assert!(!line.contains(active), "{name} {format}: {line:?}");
                assert_eq!(line.trim_end(), line, "{name} {format}");
            }
        }
    }
}

#[test]
fn only_ddl_and_commands_run_over_the_line() {
    for (name, report, _) in fixtures() {
        for width in [60, 80, 120] {
            for line in render(&report, Format::Text, columns(width)).lines() {
                let pasted = ["CREATE ", "DROP ", "ANALYZE ", "ALTER ", "GRANT "]
                    .iter()
                    .any(|verb| line.trim_start().starts_with(verb));
                assert!(
                    pasted || tabled::grid::util::string::get_string_width(line) <= width,
                    "{name} at {width}: {line}"
                );
            }
        }
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    let plain = render(&three(), Format::Text, Style::default());
    let style = Style {
        colour: true,
        ..Style::default()
    };
    let mut painted = render(&three(), Format::Text, style);
    assert_ne!(painted, plain);
    for code in ["0", "1", "32", "33"] {
        painted = painted.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(painted, plain);
}

/// Every line of a script is a comment or exactly one of our statements.
#[test]
fn no_text_breaks_out_of_a_comment() {
    let script = render(&three(), Format::Sql, Style::default());
    let statements: Vec<&str> = script
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with("--"))
        .collect();
    assert_eq!(
        statements,
        [
            "CREATE INDEX CONCURRENTLY orders_customer_id_created_at_idx ON public.orders (customer_id, created_at);",
            r#"CREATE INDEX CONCURRENTLY U&"we""ird; drop table x_Größe_new\000Aline\001B[31m\\_idx" ON "My Schema"."we""ird; drop table x" ("Größe", U&"new\000Aline\001B[31m\\");"#,
            r#"DROP INDEX CONCURRENTLY "My Schema".U&"old\202E";"#,
            "DROP INDEX CONCURRENTLY public.orders_status_idx;",
            r#"CREATE STATISTICS "My Schema".U&"stat\001B" (dependencies) ON "Größe", U&"new\000Aline\001B[31m\\" FROM "My Schema"."we""ird; drop table x";"#,
            r#"ANALYZE "My Schema"."we""ird; drop table x";"#,
            r#"ANALYZE "My Schema"."we""ird; drop table x";"#,
        ]
    );
}

#[test]
fn json_keeps_its_contract() {
    let text = render(&three(), Format::Json, Style::default());
    let json: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    let present = |object: &serde_json::Value, keys: &str| {
        for key in keys.split_whitespace() {
            assert!(object.get(key).is_some_and(|v| !v.is_null()), "{key}");
        }
    };
    present(
        &json,
        "schema_version tool target planner coverage gaps outcome summary",
    );
    let first = &json["recommendations"][0];
    present(
        first,
        "action ddl undo_ddl schema table index method columns include size_bytes benefit statements \
         confidence confidence_reason rank priority priority_reason effort risk reason",
    );
    assert!(first.get("predicate").is_some());
    present(
        &first["benefit"],
        "cost_before cost_after ms_per_day_saved write_ms_per_day",
    );
    let statement = &first["statements"][0];
    present(
        statement,
        "queryid calls cost_before cost_after plan_before plan_after",
    );
    assert_eq!(statement["queryid"], i64::MIN.to_string());
    assert_eq!(first["statements"].as_array().map(Vec::len), Some(7));
}

#[test]
fn odd_numbers_do_not_harm() {
    let mut report = three();
    for odd in [f64::NAN, f64::INFINITY, -1.0, 0.0, f64::MAX] {
        let first = &mut report.recommendations[0];
        first.size_bytes = odd;
        first.benefit.cost_after = odd;
        first.benefit.ms_per_day_saved = Some(odd);
        first.statements[0].calls = odd;
        report.target.taken_at = odd;
        report.coverage.total = odd;
        let json = render(&report, Format::Json, Style::default());
        assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
        for format in [Format::Text, Format::Sql] {
            assert!(render(&report, format, Style::default()).contains("orders_status_idx"));
        }
    }
}

#[test]
fn formats_are_named() {
    for format in Format::ALL {
        assert_eq!(format.name().parse(), Ok(format));
    }
    assert_eq!(
        "xml".parse::<Format>(),
        Err("unknown format \"xml\": choose one of text, json, sql".into())
    );
}

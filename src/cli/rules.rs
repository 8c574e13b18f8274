//! `pgperf rules`: what pgperf looks for, and the page of each rule.

use clap::Args;

use super::output::{style, to_stdout};
use super::{Exit, Failure};
use crate::audit::rules::{RULES, Rule, rule};
use crate::report::wrap;

/// Columns of a page at most.
const READABLE: usize = 100;

/// Options of `pgperf rules`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct RulesArgs {
    /// The rule whose page is wanted.
    #[arg(value_name = "ID")]
    id: Option<String>,
}

/// Runs it.
pub(crate) fn run(args: &RulesArgs) -> Result<Exit, Failure> {
    let text = match &args.id {
        None => list(),
        Some(id) => page(rule(id).ok_or_else(|| unknown(id))?),
    };
    to_stdout(&text)?;
    Ok(Exit::Clean)
}

/// All of them, a line each.
fn list() -> String {
    let longest = RULES.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let line = |rule: &&Rule| format!("{:longest$}  {}\n", rule.id, rule.title);
    RULES.iter().map(line).collect()
}

/// The page of a rule, as wide as the terminal, but not wider than is read with ease.
fn page(rule: &Rule) -> String {
    let columns = style().width.min(READABLE);
    let mut page = format!("{}: {}\n", rule.id, rule.title);
    for paragraph in rule.page.trim_end().split("\n\n") {
        page.push('\n');
        for line in wrap(&paragraph.replace('\n', " "), columns) {
            page.push_str(&line);
            page.push('\n');
        }
    }
    page
}

fn unknown(id: &str) -> Failure {
    let near = RULES.iter().map(|rule| (distance(id, rule.id), rule.id));
    let nearest = near.min();
    let hint = match nearest {
        Some((distance, near)) if distance <= 1 + id.len() / 3 => format!("pgperf rules {near}"),
        _ => "pgperf rules lists them".into(),
    };
    Failure::new(Exit::Usage, format!("no rule is called {id}")).hint(hint)
}

/// How many letters have to be put in, taken out or changed to get from one word to the other (Levenshtein 1966).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let change = before + usize::from(letter != *other);
            before = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(before + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_as_far_apart_as_letters_change() {
        for (a, b, expected) in [
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("sort-disc", "sort-disk", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn every_rule_has_a_page_and_a_name_of_its_own() {
        for (at, rule) in RULES.iter().enumerate() {
            let later = &RULES[at + 1..];
            assert!(later.iter().all(|other| other.id != rule.id), "{}", rule.id);
            let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(rule.id.chars().all(kebab), "{}", rule.id);
            assert!(
                !rule.title.ends_with('.') && rule.title.len() > 10,
                "{}",
                rule.id
            );
            for part in ["Told by: ", "Do: ", "All right when: "] {
                assert!(rule.page.contains(part), "{}: no “{part}”", rule.id);
            }
        }
    }

    #[test]
    fn a_mistyped_name_is_put_right() {
        let told = unknown("sort-disc").to_string();
        assert!(told.contains("try: pgperf rules sort-disk"), "{told}");
        let told = unknown("zzzzzzzzzzzzzz").to_string();
        assert!(told.contains("pgperf rules lists them"), "{told}");
    }

    /// The catalog that the labelled statements of `testdata/statements` are judged with, written down as a snapshot for
    /// `tests/corpus`; `UPDATE_EXPECT=1` writes it.
    #[test]
    fn the_catalog_of_the_labelled_statements_is_that_of_their_schema() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/statements");
        let schema = std::fs::read_to_string(folder.join("schema.sql")).unwrap();
        let snapshot = crate::query::testing::catalog(&schema);
        let file = folder.join("snapshot.json");
        if std::env::var("UPDATE_EXPECT").is_ok() {
            let text = serde_json::to_string(&snapshot).unwrap() + "\n";
            std::fs::write(&file, text).unwrap();
        }
        let written = std::fs::read_to_string(&file).unwrap_or_default();
        let written: Option<crate::model::snapshot::Snapshot> = serde_json::from_str(&written).ok();
        assert!(
            written.is_some_and(|written| written == snapshot),
            "schema.sql has changed: UPDATE_EXPECT=1 cargo test --lib -- labelled_statements"
        );
    }
}

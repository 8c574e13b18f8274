//! The labelled statements of `testdata/statements`: each with the findings that must be made, and no others.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pgperf::audit::finding::Finding;
use pgperf::audit::rules::of_text;
use pgperf::audit::text::{Cost, Text};
use pgperf::model::snapshot::Snapshot;
use pgperf::query::facts::Read;

use super::table::Scores;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/statements")
}

/// A statement and what is said of it.
struct Case {
    head: Vec<String>,
    text: String,
}

impl Case {
    fn all() -> Vec<Self> {
        let files = fs::read_dir(folder()).unwrap();
        let mut files: Vec<PathBuf> = (files.map(|file| file.unwrap().path()))
            .filter(|path| path.extension().is_some_and(|e| e == "sql"))
            .filter(|path| path.file_stem().is_some_and(|name| name != "schema"))
            .collect();
        files.sort();
        let texts: Vec<String> = files
            .iter()
            .map(|file| fs::read_to_string(file).unwrap())
            .collect();
        let parts = texts.iter().flat_map(|text| text.split("\n\n"));
        let case = |part: &str| {
            let lines = part.trim().lines().map(str::to_owned);
            let (head, text): (Vec<String>, Vec<String>) =
                lines.partition(|line| line.starts_with("-- "));
            Self {
                head,
                text: text.join("\n"),
            }
        };
        parts.map(case).collect()
    }

    fn says(&self, name: &str) -> Option<&str> {
        let label = format!("-- {name}: ");
        self.head
            .iter()
            .find_map(|line| line.strip_prefix(label.as_str()))
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.says(name).map(|text| text.parse().unwrap())
    }

    fn expected(&self) -> BTreeSet<String> {
        let rules = self
            .says("expect")
            .unwrap_or_else(|| panic!("no label: {}", self.text));
        let rules = rules.split(", ").filter(|rule| *rule != "nothing");
        rules.map(str::to_owned).collect()
    }

    /// What is said of severity and rewriting and is otherwise.
    fn differences(&self, found: &[Finding]) -> Vec<String> {
        let rewrites: Vec<&str> = found
            .iter()
            .filter_map(|f| f.fix.rewrite.as_deref())
            .collect();
        let mut wrong = Vec::new();
        for rewrite in &rewrites {
            if Read::new(rewrite).is_err() {
                wrong.push(format!("{}\n  cannot be read: {rewrite}", self.text));
            }
        }
        let right = match self.says("rewrite") {
            Some("none") => rewrites.is_empty(),
            Some(wanted) => rewrites.contains(&wanted),
            None => true,
        };
        if !right {
            wrong.push(format!("{}\n  rewritten as {rewrites:#?}", self.text));
        }
        let severity = found.first().map_or("none", |f| f.severity.name());
        if self
            .says("severity")
            .is_some_and(|wanted| wanted != severity)
        {
            wrong.push(format!("{}\n  is {severity}", self.text));
        }
        wrong
    }
}

/// Judges all statements.
pub(super) fn judge(scores: &mut Scores) {
    let text = fs::read_to_string(folder().join("snapshot.json")).unwrap();
    let snapshot: Snapshot = serde_json::from_str(&text).unwrap();
    for case in Case::all() {
        let read = Read::new(&case.text).unwrap_or_else(|e| panic!("{e:?}: {}", case.text));
        let found = of_text(&Text {
            read: &read,
            snapshot: (case.says("catalog") != Some("none")).then_some(&snapshot),
            cost: Cost {
                calls: case.number("calls"),
                mean_ms: case.number("mean"),
                rows_per_call: case.number("rows"),
                share: case.number("share").unwrap_or(0.0),
            },
        });
        let expected = case.expected();
        let ids: BTreeSet<String> = found.iter().map(|f| f.rule.to_owned()).collect();
        scores.add(&ids, &expected);
        scores.mistakes.extend(case.differences(&found));
        if expected != ids {
            scores.mistakes.push(format!(
                "{}\n  expected {expected:?}, found {found:#?}",
                case.text
            ));
        }
    }
}

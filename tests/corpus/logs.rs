//! The recorded logs of `testdata/logs`, of all forms and versions, without any server: what is found in them, and what is not.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pgperf::audit::repeated::repeated;
use pgperf::cli::logs::{LogOptions, loops_of_logs};
use pgperf::model::snapshot::Snapshot;
use pgperf::query::n_plus_one::from_loops;

use super::log_scenario::{Program, folder};
use super::table::Scores;

/// What is found in a log, as "rule table", sorted; with what was said.
fn found(path: &Path, tables: Option<&Snapshot>) -> (Vec<String>, String) {
    // The form of the others is guessed.
    let unusual = path.to_string_lossy().contains(".17.");
    let options = LogOptions {
        given: unusual.then(|| "%m [%p] %q%u@%d %c %v %x %a ".to_owned()),
        database: "app".to_owned(),
        ..LogOptions::default()
    };
    let path = [path.to_owned()];
    let (loops, read) = loops_of_logs(&path, &options).unwrap();
    let found = repeated(&from_loops(&loops, tables));
    let mut told: Vec<String> = (found.iter())
        .map(|f| format!("{} {}", f.finding.rule, f.case.table))
        .collect();
    told.sort();
    (told, format!("{read:?} {found:#?}"))
}

/// The recorded logs of a program.
fn recorded(program: &Program) -> Vec<PathBuf> {
    let files = fs::read_dir(folder().join("recorded")).unwrap();
    let begin = format!("{}.", program.name);
    let mut all: Vec<PathBuf> = (files.map(|file| file.unwrap().path()))
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with(&begin)
        })
        .collect();
    all.sort();
    all
}

/// Judges all logs, with what is known of the tables and without.
pub(super) fn judge(scores: &mut Scores) {
    let text = fs::read_to_string(folder().join("snapshot.json")).unwrap();
    let tables: Snapshot = serde_json::from_str(&text).unwrap();
    for program in Program::all() {
        let expected = program.expected();
        let logs = recorded(&program);
        assert!(logs.len() >= 6, "{}: {} logs", program.name, logs.len());
        for path in logs {
            for known in [Some(&tables), None] {
                let (told, why) = found(&path, known);
                let set = |told: &[String]| told.iter().cloned().collect::<BTreeSet<_>>();
                scores.add(&set(&told), &set(&expected));
                if told != expected {
                    let tables = if known.is_some() { "with" } else { "without" };
                    scores.mistakes.push(format!(
                        "{} {tables} tables: found {told:?}, expected {expected:?}\n{why}",
                        path.display()
                    ));
                }
            }
        }
    }
}

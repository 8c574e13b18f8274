//! The scenarios of `testdata/plans`: a statement each, with the rules that its plan is to be found by.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pgperf::audit::rules::of_plan;
use pgperf::audit::view::View;
use pgperf::model::explained::Explained;
use pgperf::model::snapshot::Snapshot;

/// Where they are.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/plans")
}

/// A statement with what is to be found in its plan.
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Scenario {
    /// All of them, by name.
    pub(crate) fn all() -> Vec<Self> {
        let files = fs::read_dir(folder()).unwrap();
        let mut all: Vec<Self> = (files.map(|file| file.unwrap().path()))
            .filter(|path| path.extension().is_some_and(|e| e == "sql"))
            .map(|path| Self {
                name: path.file_stem().unwrap().to_string_lossy().into_owned(),
                text: fs::read_to_string(&path).unwrap(),
            })
            .filter(|scenario| scenario.name != "schema")
            .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// The value of a line "-- name: value".
    pub(crate) fn says(&self, name: &str) -> Option<&str> {
        let label = format!("-- {name}: ");
        self.text.lines().find_map(|line| line.strip_prefix(&label))
    }

    /// The first version that it runs on.
    pub(crate) fn since(&self) -> u32 {
        self.says("since")
            .map_or(0, |version| version.parse().unwrap())
    }

    /// The rules that apply on a version: "-- expect: a, b"; "-- expect 14+: a" for the versions from there on.
    pub(crate) fn expected(&self, major: u32) -> BTreeSet<&str> {
        let since = (13..=major).rev();
        let since = since.map(|version| self.says(&format!("expect {version}+")));
        let rules = since.flatten().next().or_else(|| self.says("expect"));
        let rules = rules.unwrap_or("").split(',').map(str::trim);
        rules
            .filter(|rule| !rule.is_empty() && *rule != "nothing")
            .collect()
    }

    /// The rules that apply to what EXPLAIN printed, with what they say.
    pub(crate) fn found(
        &self,
        output: &str,
        snapshot: &Snapshot,
    ) -> (BTreeSet<&'static str>, String) {
        let explained = Explained::read(output).unwrap_or_else(|e| panic!("{}: {e}", self.name));
        let found = of_plan(&View::new(&explained, Some(snapshot)));
        let rules = found.iter().map(|finding| finding.rule).collect();
        (rules, format!("{found:#?}"))
    }
}

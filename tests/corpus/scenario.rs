//! The scenarios of `testdata/plans`: a statement each, with the rules that its plan is to be found by.

use std::fs;
use std::path::{Path, PathBuf};

use pgperf::audit::exclusive::exclusive;
use pgperf::model::explained::{Explained, Node};

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
}

/// What nodes took by themselves is, together, what the root took: within 1 %, and what the rounding of each loop's time to
/// microseconds may hide.
pub(crate) fn sums_to_the_root(place: &str, output: &str, rounding: f64) {
    let explained = Explained::read(output).unwrap_or_else(|e| panic!("{place}: {e}"));
    let all = exclusive(&explained);
    let loops: f64 = explained
        .nodes
        .iter()
        .map(|node| node.count("Actual Loops"))
        .sum();
    let figures = [
        ("time", &all.time, rounding * loops),
        ("blocks", &all.blocks, 0.0),
        ("read", &all.read, 0.0),
        ("temp", &all.temp, 0.0),
    ];
    for (name, split, hidden) in figures {
        let root = split.inclusive[0];
        let sum = split.own.iter().sum::<f64>() - split.outside;
        // A value that was waited for longer than its reader took: seen when a busy machine stops one between two looks at the clock.
        let waited = if hidden > 0.0 { split.clamped } else { 0.0 };
        let most = (0.01 * root).max(0.02).max(hidden + waited);
        assert!(
            (sum - root).abs() <= most,
            "{place}: {name} {sum} of {root}"
        );
    }
}

/// The two forms of a plan are the same, but for what another execution changes: times, memory, which blocks were in memory.
pub(crate) fn same_plan(place: &str, json: &str, text: &str) {
    let [json, text] = [json, text].map(|output| Explained::read(output).unwrap());
    let names = |plan: &Explained| -> Vec<(Option<usize>, String)> {
        plan.nodes
            .iter()
            .map(|node| (node.parent, node.name()))
            .collect()
    };
    assert_eq!(names(&json), names(&text), "{place}");
    for (a, b) in json.nodes.iter().zip(&text.nodes) {
        for name in b.properties.keys().filter(|name| !varies(name)) {
            let told = |node: &Node| match node.number(name) {
                Some(number) => format!("{number}"),
                // 13 says Member where later versions, and we, say Outer.
                None => format!("{:?}", node.properties.get(name)).replace("Member", "Outer"),
            };
            assert_eq!(told(a), told(b), "{place}: {name} of {}", a.name());
        }
    }
}

/// Whether another execution may tell something else, or text has no word for it.
fn varies(name: &str) -> bool {
    const OF_EXECUTION: &[&str] = &[
        "Actual",
        "Batches",
        "Blocks",
        "Buckets",
        "Cache Evictions",
        "Cache Hits",
        "Cache Misses",
        "Cache Overflows",
        "Disk Usage",
        "Groups",
        "Heap Fetches",
        "Launched",
        "Memory",
        "Removed",
        "Searches",
        "Sort Method",
        "Space",
        "Storage",
        "Time",
        "Workers",
    ];
    const ONLY_JSON: &[&str] = &["Inner Unique", "Parallel Aware", "Async Capable"];
    OF_EXECUTION.iter().any(|word| name.contains(word)) || ONLY_JSON.contains(&name)
}

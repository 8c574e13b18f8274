//! The programs of `testdata/logs`, with what is to be found in the logs of them.

use std::fs;
use std::path::{Path, PathBuf};

/// Where they are.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/logs")
}

/// A program.
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Program {
    /// All of them, by name.
    pub(crate) fn all() -> Vec<Self> {
        let files = fs::read_dir(folder()).unwrap();
        let mut all: Vec<Self> = (files.map(|file| file.unwrap().path()))
            .filter(|path| path.extension().is_some_and(|e| e == "txt"))
            .map(|path| Self {
                name: path.file_stem().unwrap().to_string_lossy().into_owned(),
                text: fs::read_to_string(&path).unwrap(),
            })
            .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// The value of a line "name: value" at the beginning.
    pub(crate) fn says(&self, name: &str) -> Option<&str> {
        let (head, _) = self.text.split_once("\n\n")?;
        let label = format!("{name}: ");
        head.lines().find_map(|line| line.strip_prefix(&label))
    }

    /// What is to be found: "rule table", sorted.
    pub(crate) fn expected(&self) -> Vec<String> {
        let expected = self.says("expect").unwrap().split("; ");
        let mut all: Vec<String> = expected
            .filter(|e| *e != "nothing")
            .map(str::to_owned)
            .collect();
        all.sort();
        all
    }
}

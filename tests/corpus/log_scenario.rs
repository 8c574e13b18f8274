//! The scenarios of `testdata/logs`: what a program sends, request by request, with what is to be found in the log of it.

use std::fs;
use std::path::{Path, PathBuf};

/// Where they are.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/logs")
}

/// A program.
pub(crate) struct Program {
    pub(crate) name: String,
    text: String,
}

/// A statement as it is sent: its text, and values for its parameters.
pub(crate) struct Sent {
    pub(crate) sql: String,
    pub(crate) values: Vec<String>,
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

    /// Its requests: between two of them it waits.
    pub(crate) fn requests(&self) -> Vec<Vec<Sent>> {
        let (_, body) = self.text.split_once("\n\n").unwrap();
        let lines: Vec<&str> = body.lines().collect();
        let sizes = self.says("requests").unwrap().split(' ');
        let mut row = 0;
        (sizes.zip(0..))
            .map(|(size, request)| {
                let mut sent = Vec::new();
                let size = size.parse().unwrap();
                let mut at = 0;
                while at < lines.len() {
                    let Some(times) = lines[at].strip_prefix("each") else {
                        sent.push(Sent::new(lines[at], size, request, row));
                        at += 1;
                        continue;
                    };
                    let end = at + lines[at..].iter().position(|l| *l == "end").unwrap();
                    let times = times.trim().parse().unwrap_or(size);
                    for turn in 0..times {
                        let body = lines[at + 1..end].iter();
                        sent.extend(body.map(|line| Sent::new(line, size, request, row + turn)));
                    }
                    at = end + 1;
                }
                row += size;
                sent
            })
            .collect()
    }
}

impl Sent {
    /// A line with its places filled in: `{n}` rows of the request, `{r17}` a number of the request, `{i}` the row, `{i%7}` one of
    /// seven numbers by the row, `{i+7}` the row and seven.
    fn new(line: &str, size: i64, request: i64, row: i64) -> Self {
        let mut text = String::new();
        let mut rest = line;
        while let Some((before, after)) = rest.split_once('{') {
            let (place, after) = after.split_once('}').unwrap();
            let number = match place.as_bytes() {
                b"n" => size,
                b"r17" => 1 + request * 17 % 150,
                b"i" => 1 + row,
                [b'i', b'%', ..] => 1 + row % place[2..].parse::<i64>().unwrap(),
                [b'i', b'+', ..] => 1 + row + place[2..].parse::<i64>().unwrap(),
                _ => panic!("{place}"),
            };
            text = format!("{text}{before}{number}");
            rest = after;
        }
        text.push_str(rest);
        let mut parts = text.split(" | ").map(str::to_owned);
        Self {
            sql: parts.next().unwrap(),
            values: parts.collect(),
        }
    }
}

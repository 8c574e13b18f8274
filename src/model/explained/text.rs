//! Reads a plan as text: what `EXPLAIN` prints by default, what psql frames and `auto_explain` logs, what people paste.
//!
//! The properties get the names that they have in JSON, so that nothing else has to know in which form a plan came. A property
//! belongs to the node whose line was the last one: `EXPLAIN` prints what it says of a node before those below it.

mod heading;
mod property;

use serde_json::{Map, Value};

use super::Explained;
use heading::Heading;

/// Whether a text is a plan in text form rather than in JSON: some line has a node's figures, or looks like the first line of a
/// plan without costs.
#[must_use]
pub fn looks_like_text(input: &str) -> bool {
    let figures = |line: &str| {
        [
            "(cost=",
            "(actual time=",
            "(actual rows=",
            "(never executed)",
        ]
        .iter()
        .any(|f| line.contains(f))
    };
    let json = |line: &str| line.trim_start().starts_with(['{', '[', '"']);
    let mut lines = input.lines().map(unframed);
    lines.any(|line| !json(&line) && (figures(&line) || line.trim_start().starts_with("->  ")))
}

/// Reads it.
pub(super) fn read(input: &str) -> Result<Explained, String> {
    let mut reader = Reader::default();
    for (number, line) in input.lines().enumerate() {
        let line = unframed(line);
        if !line.trim().is_empty() && !reader.line(&line) {
            break;
        }
        // No plan that a person looks at is that large.
        if reader.explained.nodes.len() > 50_000 || number > 1_000_000 {
            return Err("more than 50,000 nodes or a million lines".into());
        }
    }
    if reader.explained.nodes.is_empty() {
        return Err("no line looks like a node of a plan: \"Seq Scan on t  (cost=…)\"".into());
    }
    Ok(reader.explained)
}

/// A line without what surrounds it: tabs, psql's frame and `+`, quotation marks.
fn unframed(line: &str) -> String {
    let mut line = line.replace('\t', "        ");
    for frame in ['│', '|', '║'] {
        let edge = line.trim_start();
        if let Some(inside) = edge.strip_prefix(frame) {
            line = inside.to_owned();
        }
        if let Some(inside) = line.trim_end().strip_suffix(frame) {
            line = inside.to_owned();
        }
    }
    let end = line.trim_end();
    let end = end.strip_suffix(" +").unwrap_or(end);
    let end = end.strip_suffix('↵').unwrap_or(end);
    let quoted = end.trim_start().starts_with('"') && end.ends_with('"') && end.len() > 1;
    if quoted {
        return end.trim().trim_matches('"').to_owned();
    }
    end.to_owned()
}

/// Which part of the output a line is in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Before,
    Tree,
    Planning,
    Jit,
    After,
}

#[derive(Debug, Default)]
struct Reader {
    explained: Explained,
    part: Part,
    /// The open nodes: column of the arrow, position.
    open: Vec<(usize, usize)>,
    /// Which subquery the next node is the plan of.
    subplan: Option<String>,
    /// Column of the root.
    margin: usize,
    /// The property that a wrapped line would go on with.
    last: Option<String>,
    /// Column of the worker that the node was told of last: what stands right of it is said of the worker.
    worker: Option<usize>,
}

impl Reader {
    /// Takes a line; whether more may come.
    fn line(&mut self, line: &str) -> bool {
        let column = line.len() - line.trim_start().len();
        let text = line.trim();
        if let Some(heading) = Heading::read(text, self.part == Part::Before) {
            if self.part != Part::Before && !heading.arrow {
                // A second plan begins.
                return false;
            }
            self.node(column, heading);
        } else if self.part == Part::Before {
            self.before(text);
        } else if is_foot(text) {
            return false;
        } else if self.part == Part::Tree && column > self.margin {
            self.inside(column, text);
        } else {
            self.beside(text);
        }
        true
    }

    /// What `auto_explain` says above the plan.
    fn before(&mut self, text: &str) {
        if let Some(query) = text.strip_prefix("Query Text: ") {
            self.explained
                .properties
                .insert("Query Text".into(), query.into());
            self.last = Some("Query Text".into());
        } else if let Some(parameters) = text.strip_prefix("Query Parameters: ") {
            let parameters = parameters.into();
            self.explained
                .properties
                .insert("Query Parameters".into(), parameters);
            self.last = None;
        } else if self.last.as_deref() == Some("Query Text")
            && let Some(Value::String(query)) = self.explained.properties.get_mut("Query Text")
        {
            query.push('\n');
            query.push_str(text);
        }
    }

    fn node(&mut self, column: usize, heading: Heading) {
        if self.part == Part::Before {
            (self.margin, self.part) = (column, Part::Tree);
        }
        while self.open.len() > 1 && self.open.last().is_some_and(|(c, _)| *c >= column) {
            self.open.pop();
        }
        let parent = self.open.last().map(|(_, position)| *position);
        let mut properties = heading.properties;
        let relationship = match (&self.subplan, parent) {
            (Some(name), _) if name.starts_with("SubPlan") => Some("SubPlan"),
            (Some(_), _) => Some("InitPlan"),
            (None, Some(parent)) => Some(self.relationship(parent)),
            (None, None) => None,
        };
        if let Some(relationship) = relationship {
            properties.insert("Parent Relationship".into(), relationship.into());
        }
        if let Some(name) = self.subplan.take() {
            properties.insert("Subplan Name".into(), name.into());
        }
        let position = self.explained.add(parent, properties);
        self.open.push((column, position));
        self.last = None;
        self.worker = None;
    }

    /// What the next node below one is to it.
    fn relationship(&self, parent: usize) -> &'static str {
        let parent = &self.explained.nodes[parent];
        let before = parent.children.iter().filter(|&&child| {
            let relationship = self.explained.nodes[child].text("Parent Relationship");
            !matches!(relationship, Some("InitPlan" | "SubPlan"))
        });
        match (parent.node_type(), before.count()) {
            ("Append" | "Merge Append" | "BitmapAnd" | "BitmapOr", _) => "Member",
            ("Subquery Scan", _) => "Subquery",
            (_, 0) => "Outer",
            _ => "Inner",
        }
    }

    /// A line of the node that was opened last.
    fn inside(&mut self, column: usize, text: &str) {
        let begins = |word: &str| text.starts_with(word);
        let label = begins("InitPlan ") || begins("SubPlan ") || begins("CTE ");
        if label && !text.contains(": ") {
            self.subplan = Some(text.to_owned());
            self.last = None;
            return;
        }
        let Some((_, position)) = self.open.last() else {
            return;
        };
        let node = &mut self.explained.nodes[*position];
        if self.worker.is_some_and(|worker| column > worker) {
            property::of_worker(text, &mut node.properties);
            return;
        }
        self.worker = text.starts_with("Worker ").then_some(column);
        if let Some(name) = property::read(text, &mut node.properties) {
            self.last = Some(name);
        } else if let Some(last) = &self.last {
            property::go_on(last, text, &mut node.properties);
        }
    }

    /// A line below the tree.
    fn beside(&mut self, text: &str) {
        let properties = &mut self.explained.properties;
        match text {
            "Planning:" => self.part = Part::Planning,
            "JIT:" => self.part = Part::Jit,
            _ if text.starts_with("Trigger ") => {
                self.part = Part::After;
                if let Some(trigger) = trigger(text) {
                    let all = properties
                        .entry("Triggers")
                        .or_insert_with(|| Value::Array(vec![]));
                    if let Value::Array(all) = all {
                        all.push(trigger);
                    }
                }
            }
            _ if text.starts_with("Settings: ") => {
                self.part = Part::After;
                properties.insert("Settings".into(), settings(text));
            }
            _ if self.part == Part::Planning && text.starts_with("Buffers: ") => {
                let mut planning = Map::new();
                property::read(text, &mut planning);
                properties.insert("Planning".into(), Value::Object(planning));
            }
            _ if self.part == Part::Jit && text.starts_with("Timing: ") => {
                let total = text
                    .split("Total ")
                    .nth(1)
                    .and_then(property::leading_number);
                let total = serde_json::json!({"Timing": {"Total": total}});
                properties.insert("JIT".into(), total);
            }
            _ => {
                if !matches!(self.part, Part::Jit | Part::Planning) || text.contains("Time: ") {
                    self.part = Part::After;
                    property::read(text, properties);
                }
            }
        }
    }
}

/// "(12 rows)" and what else can stand below a plan.
fn is_foot(text: &str) -> bool {
    let rows = text.starts_with('(') && (text.ends_with(" rows)") || text == "(1 row)");
    let frame = text.chars().all(|c| "-─└┘┴+—=═".contains(c));
    rows || frame || text.starts_with("Time: ")
}

/// "Trigger RI_… for constraint c on t: time=1.234 calls=5".
fn trigger(text: &str) -> Option<Value> {
    let (name, figures) = text.strip_prefix("Trigger ")?.rsplit_once(": ")?;
    let figure = |label: &str| {
        let (_, rest) = figures.split_once(label)?;
        property::leading_number(rest)
    };
    let (name, relation) = match name.rsplit_once(" on ") {
        Some((name, relation)) => (name, Some(relation)),
        None => (name, None),
    };
    let (name, constraint) = match name.split_once("for constraint ") {
        Some((name, constraint)) => (name.trim_end(), Some(constraint)),
        None => (name, None),
    };
    let mut object = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        object.extend(value.map(|v| (key.to_owned(), v)));
    };
    put("Trigger Name", (!name.is_empty()).then(|| name.into()));
    put("Constraint Name", constraint.map(Into::into));
    put("Relation", relation.map(Into::into));
    put("Time", figure("time=").map(Into::into));
    put("Calls", figure("calls=").map(Into::into));
    Some(Value::Object(object))
}

/// `Settings: work_mem = '64MB', jit = 'off'`.
fn settings(text: &str) -> Value {
    let mut all = Map::new();
    let mut rest = text.strip_prefix("Settings: ").unwrap_or(text);
    while let Some((name, tail)) = rest.split_once(" = '") {
        let Some((value, tail)) = tail.split_once('\'') else {
            break;
        };
        let name = name.trim_start_matches([',', ' ']);
        all.insert(name.to_owned(), value.into());
        rest = tail;
    }
    Value::Object(all)
}

#[cfg(test)]
mod tests;

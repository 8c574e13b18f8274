//! What EXPLAIN printed of one statement, whole: every property under `PostgreSQL`'s own name, whatever the version.
//!
//! [`crate::model::plan::Plan`] holds what what-if questions need of a plan, thousands of times a run; this holds what a person
//! would look at, once. Properties are kept as a map because there are more than a hundred of them, each version adds some, and a
//! rule that reads `"Heap Fetches"` is as clear as a field of that name. Numbers of all versions are read as [`f64`]: from 18 on
//! `Actual Rows` has decimals.

mod json;
mod text;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub use text::looks_like_text;

use crate::model::plan::Plan;

/// No plan has a figure beyond this: what is read is a damaged text, and would make sums that are no numbers.
const LARGEST: f64 = 1e18;

/// A figure of a plan.
fn figure(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| number.abs() <= LARGEST)
}

/// One statement's EXPLAIN output.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Explained {
    /// The nodes of the tree, each before those below it: the first is the root.
    pub nodes: Vec<Node>,
    /// Properties beside the tree: `Planning Time`, `Execution Time`, `Settings`, `JIT`, `Triggers`, `Query Text`, …
    pub properties: Map<String, Value>,
}

/// One node of a plan.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Node {
    /// Position of the node above; `None` for the root.
    pub parent: Option<usize>,
    /// Positions of the nodes below, outer first.
    pub children: Vec<usize>,
    /// What EXPLAIN says of it, but for the nodes below: `Node Type`, `Total Cost`, `Actual Rows`, `Filter`, …
    pub properties: Map<String, Value>,
}

/// A trigger that ran with the statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Trigger {
    /// Its name.
    pub name: String,
    /// The constraint that it enforces, if it does.
    pub constraint: Option<String>,
    /// Its table, where that is told.
    pub relation: Option<String>,
    /// All its time, ms.
    pub time: f64,
    /// How often it ran.
    pub calls: f64,
}

/// What a worker process of a node did (VERBOSE).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worker {
    /// Milliseconds of each loop.
    pub total_time: f64,
    /// Rows of each loop.
    pub rows: f64,
    /// Loops.
    pub loops: f64,
}

impl Explained {
    /// Reads what EXPLAIN printed, as JSON or as text, with what psql, a log line or a mail program put around it. The first plan
    /// is given where a rule made several of a statement.
    ///
    /// # Errors
    /// Says what was found instead of a plan, and where.
    pub fn read(input: &str) -> Result<Self, String> {
        if looks_like_text(input) {
            text::read(input)
        } else {
            json::read(input)
        }
    }

    /// The fields that what-if questions read; `None` of a damaged plan.
    #[must_use]
    pub fn plan(&self) -> Option<Plan> {
        let mut below: Vec<Vec<Value>> = vec![Vec::new(); self.nodes.len()];
        // Those below come after those above.
        for (at, node) in self.nodes.iter().enumerate().rev() {
            let mut properties = node.properties.clone();
            let mut plans = std::mem::take(&mut below[at]);
            plans.reverse();
            properties.insert("Plans".to_owned(), Value::Array(plans));
            match node.parent {
                Some(parent) => below[parent].push(Value::Object(properties)),
                None => return serde_json::from_value(Value::Object(properties)).ok(),
            }
        }
        None
    }

    /// The node on top.
    #[must_use]
    pub fn root(&self) -> &Node {
        &self.nodes[0]
    }

    /// Whether it was executed (ANALYZE), with figures.
    #[must_use]
    pub fn is_analyzed(&self) -> bool {
        self.root().number("Actual Loops").is_some()
    }

    /// Whether nodes were timed (not TIMING OFF).
    #[must_use]
    pub fn is_timed(&self) -> bool {
        self.root().number("Actual Total Time").is_some()
    }

    /// Whether blocks were counted (BUFFERS).
    #[must_use]
    pub fn has_buffers(&self) -> bool {
        self.root().number("Shared Hit Blocks").is_some()
    }

    /// A number beside the tree.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        self.properties.get(name).and_then(figure)
    }

    /// Time of planning, ms.
    #[must_use]
    pub fn planning_time(&self) -> Option<f64> {
        self.number("Planning Time")
    }

    /// Time of execution, ms; triggers and the start and end of the executor are in it, and not in the root's time.
    #[must_use]
    pub fn execution_time(&self) -> Option<f64> {
        self.number("Execution Time")
    }

    /// Settings that are not the default and change plans (SETTINGS).
    #[must_use]
    pub fn settings(&self) -> BTreeMap<&str, &str> {
        let settings = self.properties.get("Settings").and_then(Value::as_object);
        let pairs = settings.into_iter().flatten();
        pairs
            .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
            .collect()
    }

    /// Triggers that ran.
    #[must_use]
    pub fn triggers(&self) -> Vec<Trigger> {
        let all = self.properties.get("Triggers").and_then(Value::as_array);
        let trigger = |value: &Value| {
            let text = |name: &str| value.get(name)?.as_str().map(ToOwned::to_owned);
            let number = |name: &str| value.get(name).and_then(figure);
            Some(Trigger {
                name: text("Trigger Name").or_else(|| text("Constraint Name"))?,
                constraint: text("Constraint Name"),
                relation: text("Relation"),
                time: number("Time").unwrap_or(0.0),
                calls: number("Calls").unwrap_or(0.0),
            })
        };
        all.into_iter().flatten().filter_map(trigger).collect()
    }

    /// Milliseconds that just-in-time compilation took of the execution.
    #[must_use]
    pub fn jit_time(&self) -> Option<f64> {
        self.properties
            .get("JIT")?
            .get("Timing")?
            .get("Total")?
            .as_f64()
    }

    /// Positions of a node and all below it, each before those below it.
    #[must_use]
    pub fn subtree(&self, node: usize) -> Vec<usize> {
        let mut all = vec![node];
        let mut at = 0;
        while at < all.len() {
            all.extend(&self.nodes[all[at]].children);
            at += 1;
        }
        all
    }

    /// The nodes above one, nearest first.
    pub fn ancestors(&self, node: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.nodes[node].parent, |&above| self.nodes[above].parent)
    }

    /// How far below the root a node is.
    #[must_use]
    pub fn depth(&self, node: usize) -> usize {
        self.ancestors(node).count()
    }

    /// Puts a node in; the position it got.
    fn add(&mut self, parent: Option<usize>, properties: Map<String, Value>) -> usize {
        let position = self.nodes.len();
        self.nodes.push(Node {
            parent,
            children: Vec::new(),
            properties,
        });
        if let Some(parent) = parent {
            self.nodes[parent].children.push(position);
        }
        position
    }
}

impl Node {
    /// A number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        self.properties.get(name).and_then(figure)
    }

    /// A number that is 0 where it is not told.
    #[must_use]
    pub fn count(&self, name: &str) -> f64 {
        self.number(name).unwrap_or(0.0)
    }

    /// A text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.properties.get(name).and_then(Value::as_str)
    }

    /// A list of texts: `Sort Key`, `Group Key`, `Output`.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<&str> {
        let list = self.properties.get(name).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// Every text and every member of a list that it is told by, but for its names.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        const NAMES: [&str; 4] = ["Node Type", "Subplan Name", "Alias", "Parent Relationship"];
        let told = self
            .properties
            .iter()
            .filter(|(name, _)| !NAMES.contains(&name.as_str()));
        told.flat_map(|(_, value)| match value {
            Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
            Value::String(text) => vec![text.as_str()],
            _ => Vec::new(),
        })
    }

    /// Whether something is said to be so.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.properties.get(name).and_then(Value::as_bool) == Some(true)
    }

    /// `Seq Scan`, `Nested Loop`, `Aggregate`, …: the name in JSON, whatever the text calls it.
    #[must_use]
    pub fn node_type(&self) -> &str {
        self.text("Node Type").unwrap_or("")
    }

    /// As text plans name it: `Parallel Seq Scan on orders o`, `Hash Left Join`, `HashAggregate`.
    #[must_use]
    pub fn name(&self) -> String {
        let mut name = String::new();
        if self.is("Parallel Aware") {
            name.push_str("Parallel ");
        }
        if let Some(mode @ ("Partial" | "Finalize")) = self.text("Partial Mode") {
            name = name + mode + " ";
        }
        name.push_str(&self.kind());
        if self.text("Scan Direction") == Some("Backward") {
            name.push_str(" Backward");
        }
        match (self.text("Index Name"), self.node_type()) {
            (Some(index), "Bitmap Index Scan") => name = name + " on " + index,
            (Some(index), _) => name = name + " using " + index,
            (None, _) => {}
        }
        let target = self.relation().or(self.text("CTE Name"));
        let target = target.or(self.text("Function Name")).or(self.text("Alias"));
        if let Some(target) = target {
            name = name + " on " + target;
            if let Some(alias) = self.text("Alias").filter(|alias| *alias != target) {
                name = name + " " + alias;
            }
        }
        name
    }

    /// The kind of node, joins and aggregates as text plans call them.
    fn kind(&self) -> String {
        let join = self.text("Join Type").filter(|join| *join != "Inner");
        match (self.node_type(), join, self.text("Strategy")) {
            ("Nested Loop", Some(join), _) => format!("Nested Loop {join} Join"),
            ("Hash Join", Some(join), _) => format!("Hash {join} Join"),
            ("Merge Join", Some(join), _) => format!("Merge {join} Join"),
            ("Aggregate", _, Some("Sorted")) => "GroupAggregate".into(),
            ("Aggregate", _, Some("Hashed")) => "HashAggregate".into(),
            ("Aggregate", _, Some("Mixed")) => "MixedAggregate".into(),
            ("SetOp", _, Some("Hashed")) => {
                format!("HashSetOp {}", self.text("Command").unwrap_or(""))
            }
            ("SetOp", ..) => format!("SetOp {}", self.text("Command").unwrap_or("")),
            ("ModifyTable", ..) => self.text("Operation").unwrap_or("ModifyTable").into(),
            (other, ..) => other.into(),
        }
    }

    /// Scanned table, without schema.
    #[must_use]
    pub fn relation(&self) -> Option<&str> {
        self.text("Relation Name")
    }

    /// How often it was executed, over all processes; 1 where it was only planned.
    #[must_use]
    pub fn loops(&self) -> f64 {
        self.number("Actual Loops").unwrap_or(1.0)
    }

    /// Whether it was executed not once.
    #[must_use]
    pub fn is_never_executed(&self) -> bool {
        self.number("Actual Loops") == Some(0.0)
    }

    /// Rows that it gave in all its executions; `None` where it was only planned.
    #[must_use]
    pub fn rows(&self) -> Option<f64> {
        Some(self.number("Actual Rows")? * self.loops())
    }

    /// Rows that the planner expected of each execution.
    #[must_use]
    pub fn plan_rows(&self) -> f64 {
        self.count("Plan Rows")
    }

    /// Rows that a condition threw away in all executions, by the name of the figure: `Rows Removed by Filter`.
    #[must_use]
    pub fn removed(&self, name: &str) -> f64 {
        self.count(name) * self.loops()
    }

    /// Blocks that it and those below it took from shared buffers or from outside.
    #[must_use]
    pub fn shared_blocks(&self) -> f64 {
        self.count("Shared Hit Blocks") + self.count("Shared Read Blocks")
    }

    /// The members of a list of objects (`Workers`), each with its own properties.
    pub fn each(&self, name: &str) -> impl Iterator<Item = Self> {
        let list = self.properties.get(name).and_then(Value::as_array);
        let objects = list.into_iter().flatten().filter_map(Value::as_object);
        objects.map(|properties| Self {
            properties: properties.clone(),
            ..Self::default()
        })
    }

    /// What each worker did, where it is told.
    #[must_use]
    pub fn workers(&self) -> Vec<Worker> {
        let workers = self.properties.get("Workers").and_then(Value::as_array);
        let worker = |value: &Value| {
            let number = |name: &str| value.get(name).and_then(figure);
            Some(Worker {
                total_time: number("Actual Total Time")?,
                rows: number("Actual Rows").unwrap_or(0.0),
                loops: number("Actual Loops").unwrap_or(1.0),
            })
        };
        workers.into_iter().flatten().filter_map(worker).collect()
    }
}

//! What each node of a plan took by itself: times and blocks are printed with those of everything below, per loop, per process
//! and, for subqueries, at the wrong node.
//!
//! - *Loops*: a time is that of one loop, and loops are counted over all processes. The time that passed is that of the slowest
//!   process where VERBOSE tells of each, else a fair share; `loops` bounds how many processes ran a node at all.
//! - *Gather*: what is below ran in the launched workers and the leader at once.
//! - *`InitPlan`*: is printed below one node and runs when another one first needs its value: that one waited for it.
//! - *CTE*: is printed below one node and runs while its scans ask for rows: they waited, each in proportion to its own time. What
//!   no scan asked for (a writing CTE that nobody reads) ran outside of the tree.
//! - *`SubPlan`*: is part of the node that holds it.
//!
//! Blocks and I/O times are totals of all loops and processes already; the tree is the same. Σ of all nodes and of what ran outside
//! is the root's total: where what is below a node took longer than the node, it shares what the node took (`clamped` has the rest).

use crate::model::explained::{Explained, Node};

/// What each node took by itself, by its position.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Exclusive {
    /// Milliseconds that passed.
    pub time: Split,
    /// Shared blocks, from the buffers or from outside.
    pub blocks: Split,
    /// Shared blocks from outside.
    pub read: Split,
    /// Blocks of temporary files, read or written.
    pub temp: Split,
    /// Milliseconds of waiting for shared blocks to be read, of all processes together.
    pub io: Split,
}

/// A figure, split among the nodes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Split {
    /// With everything below.
    pub inclusive: Vec<f64>,
    /// By itself.
    pub own: Vec<f64>,
    /// What belongs to no node above it: of CTEs that nobody reads.
    pub outside: f64,
    /// What nodes took beyond what the one above them took: a sign of rounding, or of branches that ran at once.
    pub clamped: f64,
}

/// Splits all figures of a plan. Where it was not executed they are 0.
#[must_use]
pub fn exclusive(explained: &Explained) -> Exclusive {
    let tree = Tree::new(explained);
    let counted = |names: &[&str]| {
        let figure = |node: &Node| names.iter().map(|name| node.count(name)).sum();
        tree.split(explained.nodes.iter().map(figure).collect())
    };
    Exclusive {
        time: tree.split(tree.times()),
        blocks: counted(&["Shared Hit Blocks", "Shared Read Blocks"]),
        read: counted(&["Shared Read Blocks"]),
        temp: counted(&["Temp Read Blocks", "Temp Written Blocks"]),
        // Renamed in 17; no version has both.
        io: counted(&["I/O Read Time", "Shared I/O Read Time"]),
    }
}

/// Who waited for a subquery that is printed elsewhere.
enum Waiting {
    /// The nodes that can have evaluated it first, the likeliest first.
    First(Vec<usize>),
    /// All of them, each for its part.
    Share(Vec<usize>),
}

struct Tree<'a> {
    explained: &'a Explained,
    /// Processes that each node ran in.
    processes: Vec<f64>,
    /// `InitPlan`s and CTEs, with who waited for them.
    elsewhere: Vec<(usize, Waiting)>,
}

impl<'a> Tree<'a> {
    fn new(explained: &'a Explained) -> Self {
        let mut processes = vec![1.0; explained.nodes.len()];
        for (position, node) in explained.nodes.iter().enumerate() {
            let Some(parent) = node.parent else { continue };
            let above = &explained.nodes[parent];
            processes[position] = if is_init_plan(node) {
                1.0
            } else if is_gather(above) {
                let leader = if above.is("Single Copy") { 0.0 } else { 1.0 };
                (above.count("Workers Launched") + leader).max(1.0)
            } else {
                processes[parent]
            };
        }
        let mut tree = Self {
            explained,
            processes,
            elsewhere: Vec::new(),
        };
        // The innermost first: one may wait for another.
        for position in (0..explained.nodes.len()).rev() {
            let node = &explained.nodes[position];
            if is_init_plan(node) {
                let name = node.text("Subplan Name").unwrap_or("");
                let waiting = match name.strip_prefix("CTE ") {
                    Some(name) => Waiting::Share(tree.scans(name, position)),
                    None => Waiting::First(tree.users(name, position)),
                };
                tree.elsewhere.push((position, waiting));
            }
        }
        tree
    }

    /// The time that passed in each node with all below.
    fn times(&self) -> Vec<f64> {
        let passed = |(position, node): (usize, &Node)| {
            let loops = node.count("Actual Loops");
            let all = node.count("Actual Total Time") * loops;
            let processes = self.processes[position];
            if processes <= 1.0 || loops <= 0.0 {
                return all;
            }
            let workers: Vec<f64> = (node.workers().iter())
                .map(|w| w.total_time * w.loops)
                .collect();
            if workers.is_empty() {
                return all / processes.min(loops);
            }
            let leader = (all - workers.iter().sum::<f64>()).max(0.0);
            workers.into_iter().fold(leader, f64::max)
        };
        self.explained
            .nodes
            .iter()
            .enumerate()
            .map(passed)
            .collect()
    }

    fn split(&self, inclusive: Vec<f64>) -> Split {
        let nodes = &self.explained.nodes;
        // Less than nothing is a damaged figure.
        let inclusive: Vec<f64> = inclusive
            .into_iter()
            .map(|figure| figure.max(0.0))
            .collect();
        let mut own = inclusive.clone();
        // What is below a node cannot have taken longer than the node: branches that ran at once in several processes, and loops whose
        // times were rounded up, share what it took.
        let mut scale = vec![1.0; nodes.len()];
        let mut clamped = 0.0;
        for (position, node) in nodes.iter().enumerate() {
            let below = node
                .children
                .iter()
                .filter(|&&child| !is_init_plan(&nodes[child]));
            let taken: f64 = below.clone().map(|&child| inclusive[child]).sum();
            let most = inclusive[position];
            let shared = if taken > most { most / taken } else { 1.0 };
            own[position] = scale[position] * (most - taken * shared);
            clamped += scale[position] * (taken - taken * shared);
            for &child in below {
                scale[child] = scale[position] * shared;
            }
        }
        let mut outside = 0.0;
        for (position, waiting) in &self.elsewhere {
            let total = inclusive[*position];
            match waiting {
                Waiting::First(users) => {
                    let enough = users.iter().find(|&&user| own[user] >= total);
                    let printed = nodes[*position].parent.unwrap_or(0);
                    let user = enough.or(users.first()).copied().unwrap_or(printed);
                    own[user] -= total;
                }
                Waiting::Share(scans) => {
                    let waited: f64 = scans.iter().map(|&scan| own[scan].max(0.0)).sum();
                    let taken = total.min(waited);
                    for &scan in scans {
                        if waited > 0.0 {
                            own[scan] -= taken * own[scan].max(0.0) / waited;
                        }
                    }
                    outside += total - taken;
                }
            }
        }
        for figure in &mut own {
            if *figure < 0.0 {
                clamped -= *figure;
                *figure = 0.0;
            }
        }
        Split {
            inclusive,
            own,
            outside,
            clamped,
        }
    }

    /// The scans of a CTE outside of itself.
    fn scans(&self, cte: &str, position: usize) -> Vec<usize> {
        let inside = self.explained.subtree(position);
        let nodes = self.explained.nodes.iter().enumerate();
        let reads =
            |node: &Node| node.node_type() == "CTE Scan" && node.text("CTE Name") == Some(cte);
        let scans = nodes.filter(|(at, node)| reads(node) && !inside.contains(at));
        scans.map(|(at, _)| at).collect()
    }

    /// Nodes that can have evaluated an `InitPlan` first: those that name its value, in the order of execution. A Gather evaluates
    /// what its workers need before it starts them.
    fn users(&self, name: &str, position: usize) -> Vec<usize> {
        let inside = self.explained.subtree(position);
        let values = values(name);
        let nodes = self.explained.nodes.iter().enumerate();
        let named = nodes.filter(|(at, node)| {
            !inside.contains(at) && !node.is_never_executed() && mentions(node, &values)
        });
        let mut users: Vec<usize> = named.map(|(at, _)| at).collect();
        let evaluates = |at: &usize| {
            let node = &self.explained.nodes[*at];
            is_gather(node) && !node.list("Params Evaluated").is_empty()
        };
        if let Some(gather) = users.iter().position(evaluates) {
            return vec![users[gather]];
        }
        for user in &mut users {
            let above = self.explained.ancestors(*user);
            let gathers = above.filter(|&at| is_gather(&self.explained.nodes[at]));
            *user = gathers.last().unwrap_or(*user);
        }
        // What is deepest is asked for a row first.
        users.sort_by_key(|&at| std::cmp::Reverse(self.explained.depth(at)));
        users.dedup();
        users
    }
}

fn is_gather(node: &Node) -> bool {
    matches!(node.node_type(), "Gather" | "Gather Merge")
}

/// Whether it is printed where it does not run.
fn is_init_plan(node: &Node) -> bool {
    node.text("Parent Relationship") == Some("InitPlan")
}

/// How expressions name the value of an `InitPlan`: `$0` of `InitPlan 1 (returns $0)` up to 16, `InitPlan 1` from 17 on.
fn values(name: &str) -> Vec<String> {
    match name.split_once(" (returns ") {
        Some((_, returned)) => {
            let names = returned.trim_end_matches(')').split(',');
            names.map(|n| n.trim().to_owned()).collect()
        }
        None => vec![name.to_owned()],
    }
}

/// Whether some property of a node names one of the values, and not a longer name that begins with it.
fn mentions(node: &Node, values: &[String]) -> bool {
    let in_text = |text: &str| {
        values.iter().any(|value| {
            let mut at = text.match_indices(value.as_str());
            at.any(|(at, _)| !text[at + value.len()..].starts_with(|c: char| c.is_ascii_digit()))
        })
    };
    node.texts().any(in_text)
}

#[cfg(test)]
mod tests;

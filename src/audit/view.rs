//! A plan as rules look at it: with what each node took by itself, and what is known of the tables and of the statement.

use crate::audit::exclusive::{Exclusive, exclusive};
use crate::model::catalog::Table;
use crate::model::explained::{Explained, Node};
use crate::model::index::Index;
use crate::model::snapshot::Snapshot;

/// Least time that is worth a word, ms.
const LEAST_MS: f64 = 1.0;
/// Least share of the statement's time, or of its cost where it was not timed.
const LEAST_SHARE: f64 = 0.05;
/// So many blocks are worth a word whatever the time, if they are so large a share of all.
const MANY_BLOCKS: f64 = 1000.0;
const MUCH_OF_BLOCKS: f64 = 0.2;

/// A plan, looked at.
#[derive(Debug)]
pub struct View<'a> {
    /// The plan.
    pub explained: &'a Explained,
    /// What each node took.
    pub exclusive: Exclusive,
    /// What is known of the database.
    pub snapshot: Option<&'a Snapshot>,
    /// Cost of each node without those below.
    costs: Vec<f64>,
}

impl<'a> View<'a> {
    /// Looks at a plan.
    #[must_use]
    pub fn new(explained: &'a Explained, snapshot: Option<&'a Snapshot>) -> Self {
        Self {
            exclusive: exclusive(explained),
            costs: costs(explained),
            explained,
            snapshot,
        }
    }

    /// The nodes of these types, with their positions, but for those that were never executed.
    pub fn nodes(&self, types: &[&str]) -> impl Iterator<Item = (usize, &'a Node)> {
        let of_them = |node: &Node| types.is_empty() || types.contains(&node.node_type());
        let nodes = self.explained.nodes.iter().enumerate();
        nodes.filter(move |(_, node)| of_them(node) && !node.is_never_executed())
    }

    /// Milliseconds of the whole statement, where it was timed.
    #[must_use]
    pub fn total_ms(&self) -> Option<f64> {
        let root = self.exclusive.time.inclusive.first().copied();
        let root = root.filter(|_| self.explained.is_timed());
        self.explained.execution_time().or(root)
    }

    /// Share of the statement's time that a node took by itself; of its cost where it was not timed.
    #[must_use]
    pub fn share(&self, node: usize) -> f64 {
        match self.total_ms().filter(|_| self.explained.is_timed()) {
            Some(total) => part(self.exclusive.time.own[node], total),
            None => part(self.costs[node], self.costs.iter().sum()),
        }
    }

    /// Cost of a node without those below.
    #[must_use]
    pub fn cost(&self, node: usize) -> f64 {
        self.costs[node]
    }

    /// The same with all below it.
    #[must_use]
    pub fn subtree_share(&self, node: usize) -> f64 {
        let all = self.explained.subtree(node);
        all.into_iter().map(|n| self.share(n)).sum::<f64>().min(1.0)
    }

    /// Whether what a node took by itself is worth a person's time.
    #[must_use]
    pub fn matters(&self, node: usize) -> bool {
        self.is_noticed(self.share(node), self.exclusive.blocks.own[node])
    }

    /// The same of a node with all below it.
    #[must_use]
    pub fn subtree_matters(&self, node: usize) -> bool {
        self.is_noticed(
            self.subtree_share(node),
            self.exclusive.blocks.inclusive[node],
        )
    }

    fn is_noticed(&self, share: f64, blocks: f64) -> bool {
        let all = self
            .exclusive
            .blocks
            .inclusive
            .first()
            .copied()
            .unwrap_or(0.0);
        if blocks >= MANY_BLOCKS && blocks >= MUCH_OF_BLOCKS * all {
            return true;
        }
        let total = self.total_ms().filter(|_| self.explained.is_timed());
        share >= LEAST_SHARE && total.is_none_or(|total| share * total >= LEAST_MS)
    }

    /// The table that a node scans, if it is known.
    #[must_use]
    pub fn table(&self, node: usize) -> Option<&'a Table> {
        let node = &self.explained.nodes[node];
        let (name, schema) = (node.relation()?, node.text("Schema"));
        let mut tables = self.snapshot?.tables.iter().filter(|t| {
            let own = t.qualified();
            own.name == name && schema.is_none_or(|s| own.schema == s)
        });
        let first = tables.next();
        // Of two with the name nobody knows which is meant.
        first.filter(|_| tables.next().is_none())
    }

    /// The index of that name on the table that a node scans, if it is known.
    #[must_use]
    pub fn index(&self, node: usize, name: &str) -> Option<&'a Index> {
        let table = self.table(node)?;
        let mut indexes = self.snapshot?.indexes_of(table.oid);
        indexes.find(|index| index.name == name)
    }

    /// How a node is named to people: "Seq Scan on orders o".
    #[must_use]
    pub fn name(&self, node: usize) -> String {
        self.explained.nodes[node].name()
    }
}

/// A part as a share, 0 of nothing.
fn part(part: f64, whole: f64) -> f64 {
    if whole > 0.0 {
        (part / whole).clamp(0.0, 1.0)
    } else {
        0.0
    }
}

/// What each node costs without those below: subqueries are in the cost of the node that holds them, as are children, with the
/// loops that the planner expects of the inner side of a nested loop left out, which no plan tells.
fn costs(explained: &Explained) -> Vec<f64> {
    let cost = |node: &Node| node.count("Total Cost");
    let own = |node: &Node| {
        let below = node
            .children
            .iter()
            .map(|&child| cost(&explained.nodes[child]));
        (cost(node) - below.sum::<f64>()).max(0.0)
    };
    explained.nodes.iter().map(own).collect()
}

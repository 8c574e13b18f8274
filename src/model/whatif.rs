//! What-if questions and their answers: what would this statement cost if these indexes existed?

use serde::{Deserialize, Serialize};

use crate::model::index::IndexDefinition;
use crate::model::plan::Plan;
use crate::model::unit::Percent;

/// An index that does not exist, with the size it would have by our own model (`advisor::size`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hypothetical {
    /// What it would be.
    pub definition: IndexDefinition,
    /// 8 kB pages it would take.
    pub pages: f64,
    /// Levels above the leaves: 0 for a single page. The planner charges a descent by it, HypoPG does not know it.
    pub tree_height: f64,
}

impl Hypothetical {
    /// Size in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> f64 {
        self.pages * 8192.0
    }
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// `HypoPG` on the target: the real planner, costs corrected for tree height.
    Hypopg,
    /// A statistics clone: the real planner on a local server.
    Clone,
    /// Arithmetic over the statistics: no planner was asked.
    Estimate,
}

impl Source {
    /// As it is named in options and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hypopg => "hypopg",
            Self::Clone => "clone",
            Self::Estimate => "estimate",
        }
    }
}

/// The answer: planner units, comparable only with answers of the same source for the same statement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Total cost of the statement.
    pub total: f64,
    /// Positions, in the asked list of indexes, of those that the plan uses; sorted.
    pub used: Vec<usize>,
    /// The plan behind it; an estimate gives a sketch of one. Of several the one of most executions.
    pub plan: Plan,
    /// Where the statement is asked with values that behave unlike each other: the plan of each class of them, with its share of
    /// the executions. Empty = `plan` is all there is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<(f64, Plan)>,
}

impl Cost {
    /// The cost of a statement that runs in several ways, each with its share of the executions: their mean.
    #[must_use]
    pub fn mean(mut ways: Vec<(f64, Self)>) -> Self {
        if ways.len() == 1
            && let Some((_, only)) = ways.pop()
        {
            return only;
        }
        let mut used: Vec<usize> = ways.iter().flat_map(|(_, w)| w.used.clone()).collect();
        used.sort_unstable();
        used.dedup();
        let usual = ways.iter().max_by(|a, b| a.0.total_cmp(&b.0));
        Self {
            total: ways.iter().map(|(share, way)| share * way.total).sum(),
            used,
            plan: usual.map(|(_, way)| way.plan.clone()).unwrap_or_default(),
            classes: (ways.into_iter())
                .map(|(share, way)| (share, way.plan))
                .collect(),
        }
    }

    /// Its plans, each with its share of the executions.
    pub fn plans(&self) -> impl Iterator<Item = (f64, &Plan)> {
        let one = self.classes.is_empty().then_some((1.0, &self.plan));
        one.into_iter()
            .chain(self.classes.iter().map(|(share, plan)| (*share, plan)))
    }

    /// Its plans in one line: "Seq Scan on orders", "80 %: Index Scan using … on orders; 20 %: Seq Scan on orders".
    #[must_use]
    pub fn outline(&self) -> String {
        let mut outlines: Vec<(f64, String)> = Vec::new();
        for (share, plan) in self.plans() {
            let outline = plan.outline();
            match outlines.iter_mut().find(|(_, o)| *o == outline) {
                Some(same) => same.0 += share,
                None => outlines.push((share, outline)),
            }
        }
        if let [(_, only)] = outlines.as_slice() {
            return only.clone();
        }
        outlines.sort_by(|a, b| b.0.total_cmp(&a.0));
        let part = |(share, outline): &(f64, String)| format!("{}: {outline}", Percent(*share));
        let parts: Vec<String> = outlines.iter().map(part).collect();
        parts.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(total: f64, node: &str, used: &[usize]) -> Cost {
        let plan = Plan {
            node_type: node.into(),
            ..Plan::default()
        };
        Cost {
            total,
            used: used.to_vec(),
            plan,
            ..Cost::default()
        }
    }

    #[test]
    fn several_ways_cost_their_mean() {
        let index = way(10.0, "Index Scan", &[2]);
        assert_eq!(Cost::mean(vec![(1.0, index.clone())]), index);
        let cost = Cost::mean(vec![
            (0.25, way(1000.0, "Seq Scan", &[])),
            (0.5, index),
            (0.25, way(10.0, "Index Scan", &[0, 2])),
        ]);
        assert_eq!((cost.total, cost.used.as_slice()), (257.5, &[0, 2][..]));
        assert_eq!(cost.plan.node_type, "Index Scan");
        assert_eq!(cost.outline(), "75.0 %: Index Scan; 25.0 %: Seq Scan");
        let same = vec![
            (0.5, way(1.0, "Seq Scan", &[])),
            (0.5, way(3.0, "Seq Scan", &[])),
        ];
        assert_eq!(Cost::mean(same).outline(), "Seq Scan");
    }
}

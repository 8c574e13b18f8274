//! A plan as `EXPLAIN (FORMAT JSON)` gives it: the fields that analysis reads, of every server version.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// A plan tree node. Keys that are not named here are ignored; a key that a version lacks is `None` or 0.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plan {
    /// `Seq Scan`, `Index Only Scan`, `Nested Loop`, …
    #[serde(rename = "Node Type")]
    pub node_type: String,
    /// `Outer`, `Inner`, `InitPlan`, `SubPlan`, `Member`, `Subquery`.
    #[serde(
        rename = "Parent Relationship",
        skip_serializing_if = "Option::is_none"
    )]
    pub parent_relationship: Option<String>,
    /// Which of the statement's subqueries this is the plan of: `SubPlan 1`, `InitPlan 1 (returns $0)`, `CTE recent`.
    #[serde(rename = "Subplan Name", skip_serializing_if = "Option::is_none")]
    pub subplan_name: Option<String>,
    /// What a `ModifyTable` does: `Insert`, `Update`, `Delete`, `Merge`.
    #[serde(rename = "Operation", skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Schema of the relation (VERBOSE).
    #[serde(rename = "Schema", skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Scanned relation, without schema.
    #[serde(rename = "Relation Name", skip_serializing_if = "Option::is_none")]
    pub relation_name: Option<String>,
    /// Its alias in the statement.
    #[serde(rename = "Alias", skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Used index, without schema; a hypothetical one has `HypoPG`'s generated name.
    #[serde(rename = "Index Name", skip_serializing_if = "Option::is_none")]
    pub index_name: Option<String>,
    /// `Inner`, `Left`, `Semi`, …
    #[serde(rename = "Join Type", skip_serializing_if = "Option::is_none")]
    pub join_type: Option<String>,
    /// Cost before the first row.
    #[serde(rename = "Startup Cost")]
    pub startup_cost: f64,
    /// Cost of all rows.
    #[serde(rename = "Total Cost")]
    pub total_cost: f64,
    /// Estimated rows per execution.
    #[serde(rename = "Plan Rows")]
    pub plan_rows: f64,
    /// Estimated width, bytes.
    #[serde(rename = "Plan Width")]
    pub plan_width: f64,
    /// Condition that the index evaluates.
    #[serde(rename = "Index Cond", skip_serializing_if = "Option::is_none")]
    pub index_cond: Option<String>,
    /// Condition of a bitmap scan, checked again on each row of a page that is remembered as a whole.
    #[serde(rename = "Recheck Cond", skip_serializing_if = "Option::is_none")]
    pub recheck_cond: Option<String>,
    /// Condition evaluated on each row.
    #[serde(rename = "Filter", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Hash join condition.
    #[serde(rename = "Hash Cond", skip_serializing_if = "Option::is_none")]
    pub hash_cond: Option<String>,
    /// Merge join condition.
    #[serde(rename = "Merge Cond", skip_serializing_if = "Option::is_none")]
    pub merge_cond: Option<String>,
    /// Join condition evaluated on each pair.
    #[serde(rename = "Join Filter", skip_serializing_if = "Option::is_none")]
    pub join_filter: Option<String>,
    /// Sort keys.
    #[serde(rename = "Sort Key", skip_serializing_if = "Vec::is_empty")]
    pub sort_key: Vec<String>,
    /// Keys that the input is already sorted by (Incremental Sort).
    #[serde(rename = "Presorted Key", skip_serializing_if = "Vec::is_empty")]
    pub presorted_key: Vec<String>,
    /// Keys of grouping; none for grouping sets and for an aggregate over everything.
    #[serde(rename = "Group Key", skip_serializing_if = "Vec::is_empty")]
    pub group_key: Vec<String>,
    /// Which part of an aggregation shared among processes it is: `Simple`, `Partial`, `Finalize`.
    #[serde(rename = "Partial Mode", skip_serializing_if = "Option::is_none")]
    pub partial_mode: Option<String>,
    /// How rows are grouped (`Plain`, `Sorted`, `Hashed`, `Mixed`) or combined.
    #[serde(rename = "Strategy", skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// Whether several processes share the node's work.
    #[serde(rename = "Parallel Aware", skip_serializing_if = "is_false")]
    pub parallel_aware: bool,
    /// Processes beside the leader (Gather).
    #[serde(rename = "Workers Planned", skip_serializing_if = "Option::is_none")]
    pub workers_planned: Option<f64>,
    /// Position, in the asked list of indexes, of the hypothetical index that the node reads; set by who answers a probe.
    #[serde(skip)]
    pub hypothetical: Option<usize>,
    /// Children, outer first.
    #[serde(rename = "Plans", skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<Plan>,
}

impl Plan {
    /// Reads the JSON text of EXPLAIN. A statement that a rule rewrote into several has several plans: the first is given.
    ///
    /// # Errors
    /// Says what was found instead when the text is no such JSON.
    pub fn from_explain_json(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Entry {
            #[serde(rename = "Plan")]
            plan: Plan,
        }
        let entries: Vec<Entry> =
            serde_json::from_str(text).map_err(|e| format!("unreadable EXPLAIN output: {e}"))?;
        entries
            .into_iter()
            .next()
            .map(|e| e.plan)
            .ok_or_else(|| "EXPLAIN gave no plan (the statement rewrites to nothing)".into())
    }

    /// The positions of the hypothetical indexes that it reads, sorted.
    #[must_use]
    pub fn used(&self) -> Vec<usize> {
        let mut used = BTreeSet::new();
        self.visit(&mut |node| used.extend(node.hypothetical));
        used.into_iter().collect()
    }

    /// Names the hypothetical index of each node, itself and below, by `position`.
    pub fn name_hypothetical(&mut self, position: &impl Fn(&Self) -> Option<usize>) {
        self.hypothetical = position(self);
        for child in &mut self.plans {
            child.name_hypothetical(position);
        }
    }

    /// Visits the node and all below it, parents first.
    pub fn visit<'a>(&'a self, visit: &mut impl FnMut(&'a Plan)) {
        visit(self);
        for child in &self.plans {
            child.visit(visit);
        }
    }

    /// One line that shows how relations are reached: `Limit > Nested Loop (Index Scan orders_idx on orders, Seq Scan on items)`.
    #[must_use]
    pub fn outline(&self) -> String {
        let mut text = self.node_type.clone();
        if let Some(index) = &self.index_name {
            let _ = write!(text, " using {index}");
        }
        if let Some(relation) = &self.relation_name {
            let _ = write!(text, " on {relation}");
        }
        match self.plans.as_slice() {
            [] => {}
            [only] => {
                let _ = write!(text, " > {}", only.outline());
            }
            several => {
                let inner: Vec<String> = several.iter().map(Self::outline).collect();
                let _ = write!(text, " ({})", inner.join(", "));
            }
        }
        text
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_explain_prints_and_outlines_it() {
        let plan = Plan::from_explain_json(
            r#"[{"Plan": {"Node Type": "Limit", "Total Cost": 8.4, "Plan Rows": 1, "New Key In 19": true, "Plans": [
                {"Node Type": "Index Scan", "Index Name": "i", "Relation Name": "t", "Alias": "x", "Total Cost": 8.4}]}}]"#,
        )
        .unwrap();
        assert_eq!(plan.outline(), "Limit > Index Scan using i on t");
        assert!((plan.total_cost - 8.4).abs() < 1e-9);
        assert!(
            Plan::from_explain_json("Utility")
                .unwrap_err()
                .contains("unreadable")
        );
    }
}

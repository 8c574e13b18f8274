//! The best set at each budget: what space buys, and where it stops to buy much.

use serde::Serialize;

/// What one budget buys.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// The budget, bytes; `None` = as much as is of any use.
    pub budget_bytes: Option<f64>,
    /// What the set takes of it, bytes.
    pub size_bytes: f64,
    /// The indexes: table and definition.
    pub indexes: Vec<String>,
    /// Share of the analysed load that they save.
    pub load_share_saved: f64,
    /// See `Choice::gap`.
    pub gap: f64,
    /// Whether the curve bends most here.
    pub knee: bool,
}

/// Most budgets that are tried, each half of the one before.
pub const STEPS: usize = 8;

/// Marks the step that is farthest above the straight line from the smallest set to the largest (Satopää et al., "Finding a
/// Kneedle in a Haystack", 2011). Two points have none.
pub fn mark_knee(steps: &mut [Step]) {
    let (Some(largest), Some(smallest)) = (steps.first(), steps.last()) else {
        return;
    };
    let (size, saved) = (largest.size_bytes, largest.load_share_saved);
    let (from_size, from_saved) = (smallest.size_bytes, smallest.load_share_saved);
    let above = |step: &Step| {
        let along = (step.size_bytes - from_size) / (size - from_size);
        let up = (step.load_share_saved - from_saved) / (saved - from_saved);
        up - along
    };
    let farthest = (steps.iter().enumerate())
        .map(|(position, step)| (above(step), position))
        .filter(|(height, _)| height.is_finite() && *height > 0.0)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((_, position)) = farthest {
        steps[position].knee = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knee(points: &[(f64, f64)]) -> Option<usize> {
        let step = |&(size_bytes, load_share_saved): &(f64, f64)| Step {
            budget_bytes: None,
            size_bytes,
            indexes: vec![],
            load_share_saved,
            gap: 0.0,
            knee: false,
        };
        let mut steps: Vec<Step> = points.iter().map(step).collect();
        mark_knee(&mut steps);
        steps.iter().position(|s| s.knee)
    }

    #[test]
    fn the_knee_is_where_more_space_stops_to_pay() {
        let curve = [
            (800.0, 0.80),
            (400.0, 0.78),
            (200.0, 0.75),
            (100.0, 0.40),
            (50.0, 0.20),
        ];
        assert_eq!(knee(&curve), Some(2));
        assert_eq!(knee(&[(800.0, 0.8), (400.0, 0.4)]), None, "a straight line");
        assert_eq!(knee(&[(8.0, 0.5)]), None);
        assert_eq!(knee(&[]), None);
    }
}

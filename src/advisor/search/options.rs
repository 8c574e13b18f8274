//! What the search must respect: budget, limits, bars, caps.

/// What the search must respect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SearchOptions {
    /// Most bytes that all new indexes may take.
    pub budget_bytes: Option<f64>,
    /// Most new indexes.
    pub max_indexes: Option<usize>,
    /// Most new indexes on one table.
    pub max_indexes_per_table: Option<usize>,
    /// Least share of the whole load that an index must save.
    pub min_load_share: f64,
    /// Least share of the cost of the statements it helps that an index must save.
    pub min_saving: f64,
    /// The same for an index that only widens one that exists.
    pub min_saving_widening: f64,
    /// Least share of its cost that a statement must save to count as helped, where the planner guesses how many rows a range
    /// has: a smaller gain would rest on the guess.
    pub least_by_guess: f64,
    /// What narrowing an index may lose, as a share of its gain (and see `tolerated` for each statement).
    pub narrowing_loss: f64,
    /// By what share of its time a statement may get slower, by planner cost or modelled time, unless its loss is below
    /// `min_load_share` of the load.
    pub max_regression: f64,
}

/// Azure's automatic tuning draws the line at the same share.
const MAX_REGRESSION: f64 = 0.1;

impl SearchOptions {
    /// Without a budget an index must be worth having: the bars are those of a careful administrator (Azure's tuner asks
    /// 20 %, dexter 50 %, which misses much; here a tenth, and a third for widening what is there).
    #[must_use]
    pub fn unlimited() -> Self {
        Self {
            budget_bytes: None,
            max_indexes: None,
            max_indexes_per_table: None,
            min_load_share: 0.001,
            min_saving: 0.1,
            min_saving_widening: 0.33,
            least_by_guess: 0.5,
            narrowing_loss: 0.05,
            max_regression: MAX_REGRESSION,
        }
    }

    /// For statements that somebody picked: each is meant, so a small gain is told as well.
    #[must_use]
    pub fn picked() -> Self {
        Self {
            min_saving: 0.05,
            least_by_guess: 0.02,
            ..Self::unlimited()
        }
    }

    /// With a budget the space is given, and the question is only how to use it best.
    #[must_use]
    pub fn within(budget_bytes: f64) -> Self {
        Self {
            budget_bytes: Some(budget_bytes),
            max_indexes: None,
            max_indexes_per_table: None,
            min_load_share: 0.001,
            min_saving: 0.03,
            min_saving_widening: 0.03,
            least_by_guess: 0.02,
            narrowing_loss: 0.005,
            max_regression: MAX_REGRESSION,
        }
    }
}

//! What is known so far: for each query the configurations asked, what the plan used of them, and what it cost.
//!
//! One answer says more than it was asked: if the planner was offered C' and used only U', then every configuration C with
//! U' ⊆ C ⊆ C' gives the same plan at the same cost, because it was the cheapest of more choices and is still there. Half of
//! the what-if calls of bottom-up algorithms are saved by asking top-down and looking answers up that way.

use crate::advisor::time_model;
use crate::model::whatif::Cost;

/// A set of candidates, as sorted positions.
pub type Configuration = Vec<usize>;

/// One answered what-if question.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What was offered.
    pub offered: Configuration,
    /// What the plan used of it.
    pub used: Configuration,
    /// Total cost, by which the planner prefers one plan to another.
    pub cost: f64,
    /// Milliseconds that the plan would take (`time_model`); by its cost where nobody said.
    pub ms: f64,
    /// Outline of the plan.
    pub plan: String,
}

impl Answer {
    /// What one execution counts for: between planner cost and modelled time, both of which err (see `BY_TIME`). Only its
    /// ratio to that of another answer to the same query means something.
    #[must_use]
    pub fn load(&self) -> f64 {
        let (cost, ms) = (self.cost.max(LEAST), self.ms.max(LEAST));
        cost.powf(1.0 - BY_TIME) * ms.powf(BY_TIME)
    }

    /// By which factor a query at least slows down against `base`: by planner cost, or by more than the modelled times can err.
    #[must_use]
    pub fn slowdown(&self, base: &Self) -> f64 {
        let times = self.ms.max(LEAST) / base.ms.max(LEAST) / time_model::ERROR;
        times.max(self.cost.max(LEAST) / base.cost.max(LEAST))
    }
}

/// Weight of the modelled time in the load of an answer, the rest being the planner's cost: the geometric mean of both. The
/// model alone is nearer to real times on the server it was made on (`benches/time`); the cost speaks for what the model does
/// not know, other machines among it.
const BY_TIME: f64 = 0.5;
const LEAST: f64 = 1e-9;

/// All answers for one query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answers(Vec<Answer>);

impl Answers {
    /// Keeps the answer to a question in which the candidates `offered` were hypothetical; `ms` is how long its plan would take.
    pub fn add(&mut self, offered: Configuration, cost: &Cost, ms: Option<f64>) {
        let used = cost
            .used
            .iter()
            .filter_map(|&position| offered.get(position).copied())
            .collect();
        self.0.push(Answer {
            used,
            offered,
            cost: cost.total,
            ms: ms.unwrap_or(cost.total * time_model::MS_PER_UNIT),
            plan: cost.outline(),
        });
    }

    /// The answer for a configuration, asked or implied.
    #[must_use]
    pub fn get(&self, configuration: &[usize]) -> Option<&Answer> {
        self.0
            .iter()
            .find(|a| is_subset(&a.used, configuration) && is_subset(configuration, &a.offered))
    }

    /// The best cost that is certainly reachable with a configuration: of the answers whose used part it holds. (The time may be
    /// another one: it is the planner who chooses.)
    #[must_use]
    pub fn at_most(&self, configuration: &[usize]) -> Option<&Answer> {
        self.0
            .iter()
            .filter(|a| is_subset(&a.used, configuration))
            .min_by(|a, b| a.cost.total_cmp(&b.cost))
    }

    /// The least load of an execution that any answer showed.
    #[must_use]
    pub fn least(&self) -> Option<f64> {
        self.0.iter().map(Answer::load).min_by(f64::total_cmp)
    }

    /// All answers, in the order they came.
    #[must_use]
    pub fn all(&self) -> &[Answer] {
        &self.0
    }
}

/// Whether sorted `small` is contained in sorted `large`.
#[must_use]
pub fn is_subset(small: &[usize], large: &[usize]) -> bool {
    let mut rest = large.iter();
    small.iter().all(|s| rest.any(|l| l == s))
}

/// Union of two sorted sets.
#[must_use]
pub fn union(a: &[usize], b: &[usize]) -> Configuration {
    let mut all: Vec<usize> = a.iter().chain(b).copied().collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// `a` without the members of `b`.
#[must_use]
pub fn minus(a: &[usize], b: &[usize]) -> Configuration {
    a.iter().filter(|x| !b.contains(x)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(offered: &[usize], used: &[usize], total: f64) -> Answers {
        let mut answers = Answers::default();
        let used = used
            .iter()
            .map(|u| offered.iter().position(|o| o == u).unwrap())
            .collect();
        answers.add(
            offered.to_vec(),
            &Cost {
                total,
                used,
                ..Cost::default()
            },
            None,
        );
        answers
    }

    #[test]
    fn an_answer_implies_those_between_used_and_offered() {
        let answers = answered(&[1, 2, 3, 7], &[2], 10.0);
        for implied in [&[2][..], &[2, 3], &[1, 2, 3, 7]] {
            assert!(answers.get(implied).is_some(), "{implied:?}");
        }
        for open in [&[][..], &[1, 3], &[2, 9]] {
            assert!(answers.get(open).is_none(), "{open:?}");
        }
        assert!(
            answers.at_most(&[2, 9]).is_some(),
            "a configuration with the used index costs no more"
        );
    }

    #[test]
    fn sets() {
        assert!(is_subset(&[], &[]) && is_subset(&[2], &[1, 2]) && !is_subset(&[1, 3], &[1, 2]));
        assert_eq!(union(&[1, 3], &[2, 3]), [1, 2, 3]);
        assert_eq!(minus(&[1, 2, 3], &[2]), [1, 3]);
    }
}

//! How often each rule was right, over all that is labelled: one table.

use std::collections::{BTreeMap, BTreeSet};

use pgperf::audit::rules::{Check, RULES, Rule, rule};

/// How often a rule applied as it should, where it should not, and not where it should.
#[derive(Default, Clone, Copy)]
struct Score {
    right: usize,
    wrong: usize,
    missed: usize,
}

/// The scores of the rules over one kind of labelled things.
#[derive(Default)]
pub(super) struct Scores {
    rules: BTreeMap<String, Score>,
    judged: usize,
    negatives: usize,
    pub(super) mistakes: Vec<String>,
}

impl Scores {
    /// Counts what was found in one thing: rules, each with what it is about behind it where that is labelled too.
    pub(super) fn add(&mut self, found: &BTreeSet<String>, expected: &BTreeSet<String>) {
        self.judged += 1;
        self.negatives += usize::from(expected.is_empty());
        for label in found.union(expected) {
            let id = label.split(' ').next().unwrap_or_default();
            assert!(rule(id).is_some(), "no rule is called {id}");
            let score = self.rules.entry(id.to_owned()).or_default();
            match (found.contains(label), expected.contains(label)) {
                (true, true) => score.right += 1,
                (true, false) => score.wrong += 1,
                _ => score.missed += 1,
            }
        }
    }

    /// At least a third has nothing to be found, and all is as it should be.
    pub(super) fn check(&self, what: &str) {
        assert!(self.mistakes.is_empty(), "{}", self.mistakes.join("\n"));
        assert!(
            3 * self.negatives >= self.judged,
            "{} of {} {what} are negatives",
            self.negatives,
            self.judged
        );
    }
}

/// Prints the table of all, and checks that each rule is shown by something.
#[expect(
    clippy::print_stdout,
    reason = "the figures are to be seen with --nocapture"
)]
#[expect(clippy::cast_precision_loss, reason = "counts of plans")]
pub(super) fn print(kinds: &[(&str, &Scores)]) {
    for (what, scores) in kinds {
        println!(
            "{} {what}, {} without a finding",
            scores.judged, scores.negatives
        );
    }
    println!(
        "{:<28} {:<10} {:>6} {:>6} {:>6}  precision  recall",
        "rule", "shown by", "right", "wrong", "missed"
    );
    let mut unseen = Vec::new();
    let labelled = |rule: &&&Rule| {
        matches!(
            rule.check,
            Check::Plan(_) | Check::Sql(_) | Check::Repeated(_)
        )
    };
    for rule in RULES.iter().filter(labelled) {
        let shown = kinds.iter().filter_map(|(what, scores)| {
            let score = scores.rules.get(rule.id).copied()?;
            Some((*what, score))
        });
        let shown: Vec<(&str, Score)> = shown.collect();
        for (what, score) in &shown {
            let share = |of: usize| 100.0 * score.right as f64 / (score.right + of).max(1) as f64;
            let (precision, recall) = (share(score.wrong), share(score.missed));
            println!(
                "{:<28} {what:<10} {:>6} {:>6} {:>6}  {precision:>7.0} % {recall:>5.0} %",
                rule.id, score.right, score.wrong, score.missed
            );
        }
        if shown.iter().all(|(_, score)| score.right == 0) {
            unseen.push(rule.id);
        }
    }
    assert!(unseen.is_empty(), "nothing shows {unseen:?}");
}

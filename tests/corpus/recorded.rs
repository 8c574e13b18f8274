//! The recorded plans of `testdata/plans`, without any server: what the rules find in them, self times, and both forms of a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use pgperf::audit::rules::{Check, RULES, Rule, of_plan, rule};
use pgperf::audit::view::View;
use pgperf::model::explained::Explained;
use pgperf::model::snapshot::Snapshot;

use super::scenario::{Scenario, folder, same_plan, sums_to_the_root};

impl Scenario {
    /// The rules that apply on a version: "-- expect: a, b"; "-- expect 14+: a" for the versions from there on.
    fn expected(&self, major: u32) -> BTreeSet<&str> {
        let since = (13..=major).rev();
        let since = since.map(|version| self.says(&format!("expect {version}+")));
        let rules = since.flatten().next().or_else(|| self.says("expect"));
        let rules = rules.unwrap_or("").split(',').map(str::trim);
        rules
            .filter(|rule| !rule.is_empty() && *rule != "nothing")
            .collect()
    }

    /// The rules that apply to what EXPLAIN printed, with what they say.
    fn found(&self, output: &str, snapshot: &Snapshot) -> (BTreeSet<&'static str>, String) {
        let explained = Explained::read(output).unwrap_or_else(|e| panic!("{}: {e}", self.name));
        let found = of_plan(&View::new(&explained, Some(snapshot)));
        let rules = found.iter().map(|finding| finding.rule).collect();
        (rules, format!("{found:#?}"))
    }
}

/// One recorded plan.
struct Recorded {
    scenario: usize,
    major: u32,
    form: String,
    output: String,
}

impl Recorded {
    fn place(&self, scenarios: &[Scenario]) -> String {
        let name = &scenarios[self.scenario].name;
        format!("{name}.{}.{}", self.major, self.form)
    }
}

/// All recorded plans.
fn recorded(scenarios: &[Scenario]) -> Vec<Recorded> {
    let mut all = Vec::new();
    for (position, scenario) in scenarios.iter().enumerate() {
        for major in scenario.since().max(13)..=18 {
            for form in ["json", "txt"] {
                let file = folder().join(format!("recorded/{}.{major}.{form}", scenario.name));
                if let Ok(output) = fs::read_to_string(file) {
                    all.push(Recorded {
                        scenario: position,
                        major,
                        form: form.to_owned(),
                        output,
                    });
                }
            }
        }
    }
    all
}

fn snapshot() -> Snapshot {
    let text = fs::read_to_string(folder().join("recorded/snapshot.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// How often a rule applied as it should, where it should not, and not where it should.
#[derive(Default)]
struct Score {
    right: usize,
    wrong: usize,
    missed: usize,
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "the figures are to be seen with --nocapture"
)]
#[expect(clippy::cast_precision_loss, reason = "counts of plans")]
fn every_rule_finds_what_it_should_and_nothing_else() {
    let scenarios = Scenario::all();
    let snapshot = snapshot();
    let mut scores: BTreeMap<&str, Score> = BTreeMap::new();
    let (mut mistakes, mut negatives) = (Vec::new(), 0);
    let all = recorded(&scenarios);
    for plan in &all {
        let scenario = &scenarios[plan.scenario];
        let expected = scenario.expected(plan.major);
        for id in &expected {
            assert!(rule(id).is_some(), "{}: no rule {id}", scenario.name);
        }
        negatives += usize::from(expected.is_empty());
        let (found, _) = scenario.found(&plan.output, &snapshot);
        let found: BTreeSet<&str> = found;
        for id in found.union(&expected) {
            let score = scores.entry(id).or_default();
            match (found.contains(id), expected.contains(id)) {
                (true, true) => score.right += 1,
                (true, false) => score.wrong += 1,
                _ => score.missed += 1,
            }
        }
        if found != expected {
            let place = plan.place(&scenarios);
            mistakes.push(format!("{place}: found {found:?}, expected {expected:?}"));
        }
    }
    println!("{} plans, {negatives} without a finding", all.len());
    println!(
        "{:<28} {:>6} {:>6} {:>6}  precision  recall",
        "rule", "right", "wrong", "missed"
    );
    let of_plans = |rule: &&&Rule| matches!(rule.check, Check::Plan(_));
    for rule in RULES.iter().filter(of_plans) {
        let score = scores.entry(rule.id).or_default();
        let share = |of: usize| 100.0 * score.right as f64 / (score.right + of).max(1) as f64;
        let (precision, recall) = (share(score.wrong), share(score.missed));
        println!(
            "{:<28} {:>6} {:>6} {:>6}  {precision:>7.0} % {recall:>5.0} %",
            rule.id, score.right, score.wrong, score.missed
        );
        assert!(score.right > 0, "{}: no recorded plan shows it", rule.id);
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    assert!(
        3 * negatives >= all.len(),
        "{negatives} of {} plans are negatives",
        all.len()
    );
}

#[test]
fn what_nodes_took_sums_to_the_root() {
    let scenarios = Scenario::all();
    for plan in recorded(&scenarios) {
        sums_to_the_root(&plan.place(&scenarios), &plan.output, 0.0);
    }
}

#[test]
fn the_plan_as_text_is_the_plan_as_json() {
    let scenarios = Scenario::all();
    let all = recorded(&scenarios);
    for text in all.iter().filter(|plan| plan.form == "txt") {
        let place = text.place(&scenarios);
        let same = |plan: &&Recorded| {
            plan.form == "json" && plan.scenario == text.scenario && plan.major == text.major
        };
        let json = all.iter().find(same).unwrap();
        same_plan(&place, &json.output, &text.output);
    }
}

//! The recorded plans of `testdata/plans`, without any server: what the rules find in them, self times, and both forms of a plan.

use std::collections::BTreeSet;
use std::fs;

use pgperf::audit::rules::of_plan;
use pgperf::audit::view::View;
use pgperf::model::explained::Explained;
use pgperf::model::snapshot::Snapshot;

use super::scenario::{Scenario, folder, same_plan, sums_to_the_root};
use super::table::Scores;

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

/// Judges all recorded plans.
pub(super) fn judge(scores: &mut Scores) {
    let scenarios = Scenario::all();
    let snapshot = snapshot();
    for plan in &recorded(&scenarios) {
        let scenario = &scenarios[plan.scenario];
        let expected = scenario.expected(plan.major);
        let (found, _) = scenario.found(&plan.output, &snapshot);
        let names = |rules: &BTreeSet<&str>| rules.iter().map(|id| (*id).to_owned()).collect();
        scores.add(&names(&found), &names(&expected));
        if found != expected {
            let place = plan.place(&scenarios);
            let mistake = format!("{place}: found {found:?}, expected {expected:?}");
            scores.mistakes.push(mistake);
        }
    }
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

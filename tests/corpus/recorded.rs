//! The recorded plans of `testdata/plans`, without any server: what the rules find in them, self times, and both forms of a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use pgperf::audit::exclusive::exclusive;
use pgperf::audit::rules::{RULES, rule};
use pgperf::model::explained::{Explained, Node};
use pgperf::model::snapshot::Snapshot;

use super::scenario::{Scenario, folder};

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
    for rule in RULES {
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
        let place = plan.place(&scenarios);
        let explained = Explained::read(&plan.output).unwrap();
        let all = exclusive(&explained);
        let figures = [
            ("time", &all.time),
            ("blocks", &all.blocks),
            ("read", &all.read),
            ("temp", &all.temp),
        ];
        for (name, split) in figures {
            let root = split.inclusive[0];
            let sum = split.own.iter().sum::<f64>() - split.outside;
            let off = (sum - root).abs();
            assert!(
                off <= (0.01 * root).max(0.02),
                "{place}: {name} {sum} of {root}"
            );
        }
    }
}

/// But for what another execution changes: times, memory, which blocks were in memory.
#[test]
fn the_plan_as_text_is_the_plan_as_json() {
    /// Text has no word for these.
    const ONLY_JSON: &[&str] = &["Inner Unique", "Parallel Aware", "Async Capable"];
    // 13 says Member where later versions, and we, say Outer.
    let beside = |a: &str, b: &str| a == b || (a, b) == ("Member", "Outer");
    let scenarios = Scenario::all();
    let all = recorded(&scenarios);
    for text in all.iter().filter(|plan| plan.form == "txt") {
        let place = text.place(&scenarios);
        let same = |plan: &&Recorded| {
            plan.form == "json" && plan.scenario == text.scenario && plan.major == text.major
        };
        let json = all.iter().find(same).unwrap();
        let [json, text] = [json, text].map(|plan| Explained::read(&plan.output).unwrap());
        assert_eq!(json.nodes.len(), text.nodes.len(), "{place}");
        for (a, b) in json.nodes.iter().zip(&text.nodes) {
            assert_eq!(a.parent, b.parent, "{place}: {} {}", a.name(), b.name());
            assert_eq!(a.name(), b.name(), "{place}");
            for (name, value) in &b.properties {
                let varies = [
                    "Time",
                    "Heap Fetches",
                    "Blocks",
                    "Memory",
                    "Workers",
                    "Actual",
                    "Launched",
                    "Storage",
                ];
                if varies.iter().any(|word| name.contains(word))
                    || ONLY_JSON.contains(&name.as_str())
                {
                    continue;
                }
                if name == "Parent Relationship" {
                    let of = |node: &Node| node.text(name).unwrap_or("").to_owned();
                    assert!(beside(&of(a), &of(b)), "{place}: {}", a.name());
                    continue;
                }
                let same = match (a.number(name), value.as_f64()) {
                    (Some(a), Some(b)) => (a - b).abs() < 1e-9,
                    _ => a.properties.get(name) == Some(value),
                };
                assert!(
                    same,
                    "{place}: {name} of {}: {:?} {value}",
                    a.name(),
                    a.properties.get(name)
                );
            }
        }
    }
}

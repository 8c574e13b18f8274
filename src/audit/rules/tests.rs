//! The labelled statements of `testdata/statements`: each with the findings that must be made, and no others.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::audit::finding::Finding;
use crate::audit::rules::{Check, RULES, of_text, rule};
use crate::audit::text::{Cost, Text};
use crate::query::facts::Read;
use crate::query::testing::catalog;

const SCHEMA: &str = include_str!("../../../testdata/statements/schema.sql");
const FILES: &[&str] = &[
    include_str!("../../../testdata/statements/conditions.sql"),
    include_str!("../../../testdata/statements/joins.sql"),
    include_str!("../../../testdata/statements/lists.sql"),
    include_str!("../../../testdata/statements/outputs.sql"),
    include_str!("../../../testdata/statements/paging.sql"),
    include_str!("../../../testdata/statements/subqueries.sql"),
    include_str!("../../../testdata/statements/writes.sql"),
];

/// A statement and what is said of it.
struct Case {
    head: Vec<&'static str>,
    text: String,
}

impl Case {
    fn all() -> Vec<Self> {
        let parts = FILES.iter().flat_map(|file| file.split("\n\n"));
        let case = |part: &'static str| {
            let (head, text): (Vec<&str>, Vec<&str>) = part
                .trim()
                .lines()
                .partition(|line| line.starts_with("-- "));
            Self {
                head,
                text: text.join("\n"),
            }
        };
        parts.map(case).collect()
    }

    fn says(&self, name: &str) -> Option<&'static str> {
        let label = format!("-- {name}: ");
        self.head
            .iter()
            .find_map(|line| line.strip_prefix(label.as_str()))
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.says(name).map(|text| text.parse().unwrap())
    }

    fn expected(&self) -> BTreeSet<&'static str> {
        let rules = self
            .says("expect")
            .unwrap_or_else(|| panic!("no label: {}", self.text));
        let rules = rules.split(", ").filter(|rule| *rule != "nothing");
        rules
            .inspect(|id| assert!(rule(id).is_some(), "no rule {id}"))
            .collect()
    }
}

impl Case {
    /// What is said of severity and rewriting and is otherwise.
    fn differences(&self, found: &[Finding]) -> Vec<String> {
        let rewrites: Vec<&str> = found
            .iter()
            .filter_map(|f| f.fix.rewrite.as_deref())
            .collect();
        let mut wrong = Vec::new();
        for rewrite in &rewrites {
            if Read::new(rewrite).is_err() {
                wrong.push(format!("{}\n  cannot be read: {rewrite}", self.text));
            }
        }
        let right = match self.says("rewrite") {
            Some("none") => rewrites.is_empty(),
            Some(wanted) => rewrites.contains(&wanted),
            None => true,
        };
        if !right {
            wrong.push(format!("{}\n  rewritten as {rewrites:#?}", self.text));
        }
        let severity = found.first().map_or("none", |f| f.severity.name());
        if self
            .says("severity")
            .is_some_and(|wanted| wanted != severity)
        {
            wrong.push(format!("{}\n  is {severity}", self.text));
        }
        wrong
    }
}

#[test]
fn every_rule_finds_what_it_should_in_texts_and_nothing_else() {
    let snapshot = catalog(SCHEMA);
    // Right, wrong, missed.
    let mut scores: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    let (mut mistakes, mut negatives) = (Vec::new(), 0);
    let all = Case::all();
    for case in &all {
        let read = Read::new(&case.text).unwrap_or_else(|e| panic!("{e:?}: {}", case.text));
        let found = of_text(&Text {
            read: &read,
            snapshot: (case.says("catalog") != Some("none")).then_some(&snapshot),
            cost: Cost {
                calls: case.number("calls"),
                rows_per_call: case.number("rows"),
                share: case.number("share").unwrap_or(0.0),
                ..Cost::default()
            },
        });
        let (expected, ids) = (
            case.expected(),
            found.iter().map(|f| f.rule).collect::<BTreeSet<_>>(),
        );
        negatives += usize::from(expected.is_empty());
        mistakes.extend(case.differences(&found));
        for (at, rules) in [
            (0, expected.intersection(&ids)),
            (1, ids.intersection(&ids)),
            (2, expected.intersection(&expected)),
        ] {
            let counted =
                rules.filter(|id| at == 0 || !(expected.contains(*id) && ids.contains(*id)));
            counted.for_each(|id| scores.entry(id).or_default()[at] += 1);
        }
        if expected != ids {
            mistakes.push(format!(
                "{}\n  expected {expected:?}, found {found:#?}",
                case.text
            ));
        }
    }
    let mut table = String::from("rule: right, wrong, missed, precision, recall\n");
    let of_texts = RULES
        .iter()
        .filter(|rule| matches!(rule.check, Check::Sql(_)));
    for rule in of_texts {
        let [right, wrong, missed] = scores.get(rule.id).copied().unwrap_or_default();
        let share = |other: usize| 100 * right / (right + other).max(1);
        let (precision, recall) = (share(wrong), share(missed));
        let id = rule.id;
        let _ = writeln!(
            table,
            "{id}: {right}, {wrong}, {missed}, {precision} %, {recall} %"
        );
        if right == 0 {
            mistakes.push(format!("{}: no statement shows it", rule.id));
        }
    }
    assert!(mistakes.is_empty(), "{table}{}", mistakes.join("\n"));
    let count = all.len();
    assert!(
        3 * negatives >= count,
        "{negatives} of {count} have nothing to find"
    );
}

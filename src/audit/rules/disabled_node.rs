//! `disabled-node`: the plan uses what a setting forbids.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::explained::Node;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "disabled-node",
    title: "The plan uses a kind of node that a setting disables",
    page: "\
enable_seqscan = off and its like forbid nothing: they make a kind of node look as expensive as can be, so that it is taken only where there is no
other way. If it is in the plan all the same, the setting did nothing here, and the costs of the plan say nothing.

Told by: Disabled is true (18 and later), or the cost is 10,000,000,000 and more (before).

Do: set it back; if it was meant to bring an index into the plan, there is none that could be used.

All right when: one tries out plans.",
    check: Check::Plan(check),
};

/// What a disabled node costs before 18, at least.
const DISABLED: f64 = 1e10;

fn check(view: &View<'_>) -> Vec<Hit> {
    let nodes = &view.explained.nodes;
    let disabled = |node: &Node| node.is("Disabled") || node.count("Total Cost") >= DISABLED;
    let off: Vec<String> = (view.explained.settings().iter())
        .filter(|(name, value)| name.starts_with("enable_") && **value == "off")
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    let all = nodes.iter().enumerate().filter(|(at, node)| {
        // Costs are passed on upwards: the lowest is it.
        let below = view.explained.subtree(*at).into_iter().skip(1);
        let mut below = below.filter(|&n| !nodes[n].is("Disabled") || !node.is("Disabled"));
        disabled(node) && (node.is("Disabled") || !below.any(|n| disabled(&nodes[n])))
    });
    let hits = all.map(|(at, node)| {
        let mut evidence = vec![if node.is("Disabled") {
            "the server says so".to_owned()
        } else {
            format!("its cost is {:.0}", node.count("Total Cost"))
        }];
        if !off.is_empty() {
            evidence.push(off.join(", "));
        }
        Hit {
            node: at,
            share: 0.0,
            least: Severity::Info,
            evidence,
            fix: "set it back (RESET): here it only hides the real costs; there is no other way to get the rows".into(),
        }
    });
    hits.collect()
}

//! `distinct-group-by`: rows that GROUP BY made distinct are made distinct again.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;
use crate::query::facts::{Form, Output};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "distinct-group-by",
    title: "DISTINCT after GROUP BY has nothing to remove",
    page: "\
A group gives one row, so that rows which hold all keys of the GROUP BY are distinct already. DISTINCT sorts or hashes them again.

Told by: SELECT DISTINCT with a GROUP BY all of whose keys are among the outputs as they are.

Do: leave out DISTINCT.

All right when: somebody reads it more easily that way; it costs a pass over the groups.",
    check: Check::Sql(check),
};

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let blocks = text.facts().blocks.iter();
    let hits = blocks.filter_map(|block| {
        let group = block.group.as_ref().filter(|_| block.grouped)?;
        let outputs: Vec<String> = block.outputs.iter().filter_map(written).collect();
        let all = group.iter().all(|key| outputs.contains(key));
        (block.form == Form::Select && block.distinct && all).then(|| TextHit {
            object: "DISTINCT".into(),
            confirmed: false,
            least: Severity::Info,
            evidence: vec![format!(
                "grouped by {}, all of them among the outputs",
                group.join(", ")
            )],
            fix: Fix::from("leave out DISTINCT"),
        })
    });
    hits.collect()
}

/// An output as its expression is written, where that can be compared.
fn written(output: &Output) -> Option<String> {
    match output {
        Output::Column(column, _) => Some(match &column.of {
            Some(of) => format!("{of}.{}", column.name),
            None => column.name.clone(),
        }),
        Output::Other(text) => Some(text.clone()),
        _ => None,
    }
}

//! For tests of rules: a plan as text and the DDL of its tables in, findings out.

use std::fmt::Write as _;

use crate::audit::rules::of_plan;
use crate::audit::view::View;
use crate::model::explained::Explained;
use crate::query::testing::catalog;

/// What one rule finds in a plan, a line for each finding: the node, the evidence, the advice and its statements.
pub(crate) fn found(rule: &str, plan: &str, ddl: &str) -> String {
    let explained = Explained::read(plan).unwrap();
    let snapshot = catalog(ddl);
    let view = View::new(&explained, Some(&snapshot));
    let mut told = String::new();
    for finding in of_plan(&view).iter().filter(|f| f.rule == rule) {
        let evidence = finding.evidence.join(" | ");
        let _ = write!(
            told,
            "{}: {evidence} => {}",
            finding.object, finding.fix.advice
        );
        for change in &finding.fix.changes {
            let _ = write!(told, "; {change}");
        }
        told.push('\n');
    }
    told
}

//! What is wrong with the database itself, for people: a rule once, and below it all that it is told of.

use crate::advisor::recommendation::Recommendation;
use crate::audit::finding::Finding;
use crate::model::change::Change;
use crate::report::page::{BOLD, Page};
use crate::report::phrase;
use crate::report::plain::{one_line, sql_line};

/// Objects of one rule that are told; programs get all.
const TOLD: usize = 10;

/// Writes them; what the advice below says with its statements is left to it.
pub(super) fn database(page: &mut Page, findings: &[Finding], advice: Option<&[Recommendation]>) {
    let findings: Vec<&Finding> = findings.iter().filter(|f| !is_advised(f, advice)).collect();
    if findings.is_empty() {
        return;
    }
    page.blank();
    page.paragraph(0, BOLD, "The database");
    for group in findings.chunk_by(|a, b| a.rule == b.rule && a.severity == b.severity) {
        page.blank();
        rule(page, group);
    }
}

/// What one rule found, most of it; what to do is told once where it is the same for all.
fn rule(page: &mut Page, group: &[&Finding]) {
    let first = group[0];
    let head = format!(
        "{}: {} ({})",
        first.severity.name(),
        first.title,
        first.rule
    );
    page.paragraph(1, "", &head);
    let told = &group[..group.len().min(TOLD)];
    let same = group.iter().all(|f| f.fix.advice == first.fix.advice);
    for finding in told {
        let evidence = format!("{}: {}", finding.object, finding.evidence.join("; "));
        let mut lines = vec![one_line(&evidence)];
        if !same {
            lines.push(format!("do: {}", one_line(&finding.fix.advice)));
        }
        page.block(1, "- ", &lines);
        if !same {
            statements(page, [finding].into_iter());
        }
    }
    if group.len() > told.len() {
        let more = phrase::counted(group.len() - told.len(), "more such finding");
        page.paragraph(3, "", &format!("and {more}, which --format json has"));
    }
    if same {
        page.block(3, "", &[format!("do: {}", one_line(&first.fix.advice))]);
        statements(page, told.iter());
    }
}

/// Their statements, each once: the settings of several are reloaded together.
fn statements<'a, 'b: 'a>(page: &mut Page, findings: impl Iterator<Item = &'a &'b Finding>) {
    let changes: Vec<&Change> = findings.flat_map(|f| &f.fix.changes).collect();
    let (last, first): (Vec<&Change>, Vec<&Change>) = changes
        .into_iter()
        .partition(|c| matches!(c, Change::Reload));
    for change in first.into_iter().chain(last.into_iter().take(1)) {
        page.verbatim(5, "", &sql_line(&change.to_string()));
    }
}

/// Takes out what the advice has disproved: it asks the planner whether statements would miss a narrow index beside the wider one.
#[must_use]
pub fn confirmed(findings: Vec<Finding>, advice: Option<&[Recommendation]>) -> Vec<Finding> {
    let holds =
        |f: &Finding| advice.is_none() || f.rule != "redundant-index" || is_advised(f, advice);
    findings.into_iter().filter(holds).collect()
}

/// Whether the advice has all its statements.
fn is_advised(finding: &Finding, advice: Option<&[Recommendation]>) -> bool {
    let changes = &finding.fix.changes;
    let advised = |advice: &[Recommendation]| {
        let mut all = advice.iter().flat_map(|r| &r.changes);
        !changes.is_empty() && changes.iter().all(|change| all.any(|c| c == change))
    };
    advice.is_some_and(advised)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::finding::{Fix, Severity};
    use crate::model::ident::QualifiedName;
    use crate::report::Style;

    fn finding(rule: &'static str, object: &str, changes: Vec<Change>) -> Finding {
        Finding {
            rule,
            severity: Severity::Low,
            title: format!("What {rule} says"),
            object: object.into(),
            node: None,
            evidence: vec!["a figure".into(), "another".into()],
            fix: Fix {
                changes,
                ..Fix::from("do it")
            },
            share: 0.0,
        }
    }

    fn told(findings: &[Finding]) -> String {
        let mut page = Page::new(Style::default());
        database(&mut page, findings, None);
        page.finish()
    }

    #[test]
    fn a_rule_is_told_once_and_settings_are_reloaded_once() {
        let set = |name: &str| {
            let set = Change::Set {
                name: name.into(),
                value: "on".into(),
            };
            finding("unsafe-settings", name, vec![set, Change::Reload])
        };
        assert_eq!(
            told(&[set("fsync"), set("full_page_writes")]),
            "
The database

 low: What unsafe-settings says (unsafe-settings)
 - fsync: a figure; another
 - full_page_writes: a figure; another
   do: do it
     ALTER SYSTEM SET fsync = 'on';
     ALTER SYSTEM SET full_page_writes = 'on';
     SELECT pg_reload_conf();
"
        );
        assert_eq!(told(&[]), "");
    }

    #[test]
    fn of_many_objects_some_are_told_and_the_rest_is_counted() {
        let many: Vec<Finding> = (0..13)
            .map(|n| finding("missing-primary-key", &format!("t{n}"), Vec::new()))
            .collect();
        let told = told(&many);
        assert!(told.contains("- t9:") && !told.contains("- t10:"), "{told}");
        assert!(told.contains("and 3 more such findings"), "{told}");
    }

    #[test]
    fn what_the_advice_does_not_bear_out_is_taken_out() {
        let drop = |name: &str| {
            vec![Change::DropIndex {
                name: QualifiedName::new("public", name),
                concurrently: true,
            }]
        };
        let found = vec![
            finding("redundant-index", "public.i", drop("i")),
            finding("duplicate-index", "public.j", drop("j")),
        ];
        assert_eq!(confirmed(found.clone(), None).len(), 2);
        let left = confirmed(found, Some(&[]));
        assert_eq!(left.len(), 1, "{left:?}");
        assert_eq!(left[0].rule, "duplicate-index");
    }
}

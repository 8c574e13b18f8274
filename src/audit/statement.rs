//! The findings of one statement: those of its plan and those of its text, each thing told once.

use crate::audit::finding::Finding;
use crate::audit::rules::{of_plan, of_text};
use crate::audit::text::Text;
use crate::audit::view::View;

/// Rules about texts, each with the rule about plans that sees the same thing where it happens: what a plan shows is told by its
/// figures, and how else to write it by the text.
const SAME: &[(&str, &str)] = &[
    ("offset-pagination", "offset-waste"),
    ("function-on-column", "non-sargable"),
    ("implicit-cast", "non-sargable"),
    ("leading-wildcard", "like-leading"),
    ("or-different-columns", "or-no-bitmap"),
    ("not-in-subquery", "not-in-subplan"),
    ("scalar-subquery-in-select", "subplan-correlated"),
    ("unjoined-relations", "cartesian"),
    ("distinct-join", "distinct-fanout"),
    ("for-update-no-limit", "lock-rows"),
];

/// What rules find in a plan and in a text, what matters most first; either may be unknown.
#[must_use]
pub fn of_statement(view: Option<&View<'_>>, text: Option<&Text<'_>>) -> Vec<Finding> {
    let mut findings = view.map_or_else(Vec::new, of_plan);
    for written in text.map_or_else(Vec::new, of_text) {
        let planned = SAME.iter().find(|(text, _)| *text == written.rule);
        let planned = planned.and_then(|(_, plan)| findings.iter_mut().find(|f| f.rule == *plan));
        match planned {
            Some(planned) => {
                planned.fix.rewrite = planned.fix.rewrite.take().or(written.fix.rewrite);
            }
            None => findings.push(written),
        }
    }
    findings.sort_by(|a, b| {
        (b.severity.cmp(&a.severity))
            .then(b.share.total_cmp(&a.share))
            .then(a.node.cmp(&b.node))
            .then(a.rule.cmp(b.rule))
    });
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::rules::rule;
    use crate::audit::text::Cost;
    use crate::model::explained::Explained;
    use crate::query::facts::Read;
    use crate::query::testing::catalog;

    const DDL: &str = "create table orders (id int primary key, created timestamp not null, note text); -- rows=1000000 pages=20000";
    const SQL: &str = "select * from orders order by created, id offset 50000 limit 10";
    const PLAN: &str = "Limit  (cost=1..2 rows=10 width=4) (actual time=90.0..90.1 rows=10 loops=1)
  ->  Sort  (cost=1..2 rows=10 width=4) (actual time=80.0..90.0 rows=50010 loops=1)
        Sort Key: created, id
        ->  Seq Scan on orders  (cost=0..1 rows=1000000 width=4) (actual time=0.1..50.0 rows=1000000 loops=1)
Execution Time: 91.0 ms";

    fn told(with_plan: bool) -> Vec<(&'static str, bool)> {
        let snapshot = catalog(DDL);
        let plan = Explained::read(PLAN).unwrap();
        let view = View::new(&plan, Some(&snapshot));
        let read = Read::new(SQL).unwrap();
        let text = Text {
            read: &read,
            snapshot: Some(&snapshot),
            cost: Cost::default(),
        };
        let found = of_statement(with_plan.then_some(&view), Some(&text));
        let pages = ["offset-waste", "offset-pagination"];
        let found = found.iter().filter(|f| pages.contains(&f.rule));
        found.map(|f| (f.rule, f.fix.rewrite.is_some())).collect()
    }

    #[test]
    fn what_a_plan_shows_is_told_once_with_the_rewrite_of_the_text() {
        assert_eq!(told(true), [("offset-waste", true)]);
        assert_eq!(told(false), [("offset-pagination", true)]);
    }

    #[test]
    fn every_named_rule_is_one() {
        for (text, plan) in SAME {
            assert!(
                rule(text).is_some() && rule(plan).is_some(),
                "{text} {plan}"
            );
        }
    }
}

//! `constraint-not-valid`: a constraint that old rows may violate.

use crate::audit::database::tables;
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, DatabaseHit, Rule};
use crate::model::catalog::ConstraintKind;
use crate::model::change::Change;
use crate::model::snapshot::Snapshot;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "constraint-not-valid",
    title: "A constraint was added NOT VALID and never validated",
    page: "\
NOT VALID adds a foreign key or CHECK without looking at the rows that are there. It is the safe way to add one to a large table, if
VALIDATE CONSTRAINT follows: until then old rows may violate it, and the planner does not rely on it.

Told by: pg_constraint.convalidated is false, and the constraint is enforced.

Do: VALIDATE CONSTRAINT reads the table once and lets reads and writes go on. If it fails, the rows that it names are wrong.

All right when: old rows are known to be exempt.",
    check: Check::Database(check),
};

fn check(snapshot: &Snapshot) -> Vec<DatabaseHit> {
    let mut hits = Vec::new();
    for table in tables(snapshot).filter(|t| t.parent_oid.is_none()) {
        let open = snapshot.constraints_of(table.oid).filter(|c| {
            matches!(c.kind, ConstraintKind::ForeignKey | ConstraintKind::Check)
                && !c.validated
                && c.enforced
        });
        hits.extend(open.map(|constraint| DatabaseHit {
            object: format!("{} of {}", constraint.name, table.qualified()),
            severity: Severity::Low,
            evidence: vec!["rows from before it was added were never checked".into()],
            fix: Fix {
                changes: vec![Change::Validate {
                    table: table.qualified(),
                    constraint: constraint.name.clone(),
                }],
                ..Fix::from("validate it: it reads the table once, and reads and writes go on")
            },
        }));
    }
    hits
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::in_database;

    const DDL: &str = "create table a (id int primary key);\ncreate table b (id int primary key, a_id int references a);";

    #[test]
    fn it_is_told_until_it_is_validated() {
        let told = |validated: bool, enforced: bool| {
            in_database("constraint-not-valid", DDL, |s| {
                for constraint in &mut s.constraints {
                    (constraint.validated, constraint.enforced) = (validated, enforced);
                }
            })
        };
        let found = told(false, true);
        assert!(
            found.contains("ALTER TABLE public.b VALIDATE CONSTRAINT"),
            "{found}"
        );
        assert_eq!(
            found.lines().count(),
            1,
            "the primary key is none of these: {found}"
        );
        assert_eq!(told(true, true), "");
        assert_eq!(told(false, false), "", "NOT ENFORCED is meant so");
    }
}

//! `trigger-time`: much of a write's time went into triggers.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::catalog::{Constraint, ConstraintKind};
use crate::model::change::Change;
use crate::model::explained::Trigger;
use crate::model::index::{IndexDefinition, IndexKey};
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Count, Millis, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "trigger-time",
    title: "Much of the time goes into triggers",
    page: "\
The tree of a plan does not show triggers; they are listed below it. Deleting a row, or updating its key, makes the server look for rows that
refer to it, in each table with a foreign key to it. A foreign key gets no index by itself: without one, every such look-up reads the whole
referring table.

Told by: a trigger took at least 10 % of the execution. Of foreign keys only those count whose referring columns have no index; where the
schema is not known, those of DELETE and UPDATE whose look-ups took a millisecond each. (The check that an inserted row refers to something uses a unique index, and has to be.)

Do: an index on the referring columns. For a trigger of one's own: what it does for each row, once for the statement (FOR EACH STATEMENT
with a transition table), or WHEN, so that it runs only where it matters.

All right when: the trigger's work is the point of the write.",
    check: Check::Plan(check),
};

/// Least share of the execution.
const SHARE: f64 = 0.1;
/// Least time, ms.
const LEAST_MS: f64 = 1.0;
/// A look-up that takes so long reads much, ms.
const SLOW: f64 = 1.0;

fn check(view: &View<'_>) -> Vec<Hit> {
    let Some(total) = view.explained.execution_time() else {
        return Vec::new();
    };
    let triggers = view.explained.triggers().into_iter();
    let hits = triggers.filter_map(|trigger| {
        let share = trigger.time / total.max(f64::MIN_POSITIVE);
        if share < SHARE || trigger.time < LEAST_MS {
            return None;
        }
        let fix = match &trigger.constraint {
            Some(constraint) => of_foreign_key(view, &trigger, constraint)?,
            None => Fix::from(format!(
                "look at what the function of {} does for each row: once for the statement (FOR EACH STATEMENT with a transition table), or WHEN, so that \
                 it runs where it matters",
                trigger.name
            )),
        };
        let name = trigger.constraint.as_deref().map_or_else(
            || format!("trigger {}", trigger.name),
            |constraint| format!("the trigger of foreign key {constraint}"),
        );
        Some(Hit {
            node: 0,
            share: share.min(1.0),
            least: Severity::Info,
            evidence: vec![format!(
                "{name} ran {} times for {}, {} each, {} of the execution",
                Count(trigger.calls),
                Millis(trigger.time),
                Millis(trigger.time / trigger.calls.max(1.0)),
                Percent(share.min(1.0))
            )],
            fix,
        })
    });
    hits.collect()
}

/// What to do about a foreign key, if its referring columns have no index.
fn of_foreign_key(view: &View<'_>, trigger: &Trigger, name: &str) -> Option<Fix> {
    let operation = view
        .explained
        .nodes
        .iter()
        .find_map(|node| node.text("Operation"));
    // Where rows come in, what they refer to is found by a unique index.
    if operation == Some("Insert") {
        return None;
    }
    let known = view.snapshot.and_then(|snapshot| {
        let mut named = snapshot
            .constraints
            .iter()
            .filter(|c| c.kind == ConstraintKind::ForeignKey && c.name == name);
        let first = named.next()?;
        named.next().is_none().then_some((snapshot, first))
    });
    let Some((snapshot, key)) = known else {
        let slow = trigger.time / trigger.calls.max(1.0) >= SLOW;
        return slow.then(|| {
            format!("an index on the columns of foreign key {name} in the table that refers: each look-up seems to read that table").into()
        });
    };
    let table = snapshot.table(key.table_oid)?;
    let mut writes = view
        .explained
        .nodes
        .iter()
        .filter(|n| n.text("Operation").is_some());
    let written = trigger
        .relation
        .as_deref()
        .or(writes.find_map(|n| n.relation()));
    // An UPDATE of the referring table checks that what it refers to is there.
    let refers = written == Some(table.name.as_str()) && key.foreign_table_oid != Some(table.oid);
    if refers || is_indexed(snapshot, key) {
        return None;
    }
    let definition = IndexDefinition {
        table_oid: table.oid,
        table: table.qualified(),
        method: "btree".to_owned(),
        keys: key.columns.iter().map(IndexKey::column).collect(),
        include: Vec::new(),
        predicate: None,
        unique: false,
    };
    let columns = key.columns.join(", ");
    Some(Fix {
        changes: vec![Change::CreateIndex {
            name: definition.default_name(),
            definition,
            concurrently: table.partition_key.is_none(),
            only: false,
        }],
        ..format!(
            "an index on {} ({columns}): without one each deleted or changed row makes the server read that whole table",
            table.qualified()
        )
        .into()
    })
}

/// Whether an index begins with the referring columns, in whatever order.
fn is_indexed(snapshot: &Snapshot, key: &Constraint) -> bool {
    snapshot.indexes_of(key.table_oid).any(|index| {
        let first = index.definition.keys.iter().take(key.columns.len());
        let first: Vec<&str> = first.filter_map(IndexKey::column_name).collect();
        let whole = index.definition.predicate.is_none() && !index.incomplete;
        let held = key
            .columns
            .iter()
            .all(|column| first.contains(&column.as_str()));
        index.usable()
            && whole
            && held
            && matches!(index.definition.method.as_str(), "btree" | "hash")
    })
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::found;

    const DDL: &str = "create table owners (id int primary key); -- rows=1000 pages=10
create table things (id int primary key, owner int not null references owners (id)); -- rows=100000 pages=500
";

    fn told(operation: &str, table: &str, ddl: &str) -> String {
        let plan = format!(
            "{operation} on {table}  (cost=0..9 rows=0 width=0) (actual time=1.0..1.0 rows=0 loops=1)
  ->  Seq Scan on {table}  (cost=0..1 rows=50 width=6) (actual time=0.1..0.2 rows=50 loops=1)
Planning Time: 0.1 ms
Trigger for constraint things_owner_fkey: time=90.000 calls=50
Execution Time: 100.0 ms"
        );
        found("trigger-time", &plan, ddl)
    }

    #[test]
    fn a_foreign_key_without_index() {
        let told = told("Delete", "owners", DDL);
        assert!(
            told.contains("ran 50 times for 90 ms, 1.80 ms each, 90.0 % of the execution"),
            "{told}"
        );
        assert!(
            told.contains("CREATE INDEX CONCURRENTLY things_owner_idx ON public.things (owner)"),
            "{told}"
        );
    }

    #[test]
    fn a_check_that_has_an_index() {
        let indexed = format!("{DDL}create index on things (owner);\n");
        assert_eq!(told("Delete", "owners", &indexed), "");
        // These look into the referenced table, by its key.
        assert_eq!(told("Update", "things", DDL), "");
        assert_eq!(told("Insert", "things", DDL), "");
    }
}

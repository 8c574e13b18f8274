//! What stands there in, what to do about it out.

use super::*;
use crate::advisor::build::{Names, build};
use crate::advisor::priority::Priority;
use crate::advisor::recommendation::{Benefit, Confidence};
use crate::model::index::IndexKey;
use crate::query::testing::catalog;

const TABLE: &str = "
    create table t (id int, email varchar, deleted timestamptz); -- rows=1000
    create index t_id_idx on t (id);
    create index t_lower_idx on t (lower(email)) where deleted is null;
";

fn index(snapshot: &Snapshot, name: &str) -> Index {
    let found = snapshot.indexes.iter().find(|i| i.name == name);
    found.expect("an index of the fixture").clone()
}

fn recommendation(
    definition: &IndexDefinition,
    changes: Vec<Change>,
    undo: Vec<Change>,
) -> Recommendation {
    Recommendation {
        action: Action::Create,
        index: QualifiedName::new("public", "t_id_idx"),
        definition: definition.clone(),
        replaced: Vec::new(),
        changes,
        undo,
        size_bytes: 0.0,
        benefit: Benefit::default(),
        statements: Vec::new(),
        misjudged: Vec::new(),
        confidence: Confidence::High,
        confidence_reason: String::new(),
        rank: 1,
        priority: Priority::default(),
        priority_reason: String::new(),
        effort: String::new(),
        risk: String::new(),
        reason: String::new(),
    }
}

fn creation(index: &Index) -> Change {
    Change::CreateIndex {
        name: index.name.clone(),
        definition: index.definition.clone(),
        concurrently: true,
        only: false,
    }
}

fn standing(index: Index, builder: Option<i32>) -> Standing {
    Standing::Index {
        index: Box::new(index),
        builder,
    }
}

/// What is decided about creating the fixture's index when this stands there.
fn about_creating(name: &str, there: impl FnOnce(Index) -> Standing) -> Decision {
    let snapshot = catalog(TABLE);
    let index = index(&snapshot, name);
    let change = creation(&index);
    let recommendation = recommendation(&index.definition, vec![change.clone()], Vec::new());
    decide(&change, &recommendation, &[there(index)], &snapshot)
}

#[test]
fn an_index_is_created_only_where_it_is_not() {
    let name = QualifiedName::new("public", "t_id_idx");
    let invalid = |index: Index| Index {
        valid: false,
        ..index
    };
    assert_eq!(
        about_creating("t_id_idx", |_| Standing::Free),
        Decision::Make
    );
    assert_eq!(
        about_creating("t_id_idx", |i| standing(i, None)),
        Decision::Skip("already there")
    );
    assert_eq!(
        about_creating("t_id_idx", |i| standing(invalid(i), None)),
        Decision::Clear(name.clone())
    );
    assert_eq!(
        about_creating("t_id_idx", |i| standing(invalid(i), Some(7))),
        Decision::Wait(7)
    );
    let bound = |i: Index| Index {
        constraint: Some("t_key".into()),
        ..invalid(i)
    };
    let refused = [
        about_creating("t_id_idx", |i| standing(bound(i), None)),
        about_creating("t_id_idx", |_| Standing::Other("a table".into())),
        about_creating("t_id_idx", |i| {
            let mut other = invalid(i);
            other.definition.keys = vec![IndexKey::column("email")];
            standing(other, None)
        }),
        about_creating("t_id_idx", |i| {
            let mut other = invalid(i);
            other.definition.unique = true;
            standing(other, None)
        }),
        about_creating("t_id_idx", |i| Standing::HalfDropped {
            table_oid: i.definition.table_oid + 1,
            builder: None,
        }),
    ];
    for decision in refused {
        assert!(matches!(decision, Decision::Refuse(_)), "{decision:?}");
    }
    assert_eq!(
        about_creating("t_id_idx", |i| Standing::HalfDropped {
            table_oid: i.definition.table_oid,
            builder: None,
        }),
        Decision::Clear(name)
    );
}

#[test]
fn expressions_are_compared_however_they_are_spelled() {
    let respelled = |predicate: &str| {
        about_creating("t_lower_idx", |mut i| {
            i.definition.keys[0].of =
                crate::model::index::KeyOf::Expression("lower((email)::text)".into());
            i.definition.predicate = Some(predicate.into());
            standing(i, None)
        })
    };
    assert_eq!(
        respelled("(deleted IS NULL)"),
        Decision::Skip("already there")
    );
    assert!(matches!(
        respelled("(deleted IS NOT NULL)"),
        Decision::Refuse(_)
    ));
}

#[test]
fn drops_wait_for_being_wanted_and_for_the_index_that_was_advised_on() {
    let snapshot = catalog(TABLE);
    let index = index(&snapshot, "t_id_idx");
    let drop = Change::DropIndex {
        name: index.qualified(),
        concurrently: true,
    };
    let mut advice = recommendation(
        &index.definition,
        vec![drop.clone()],
        vec![creation(&index)],
    );
    advice.action = Action::Drop;
    let all = [advice];
    assert_eq!(work(&all, false)[0].left, [&drop]);
    assert!(work(&all, false)[0].steps.is_empty());
    assert_eq!(work(&all, true)[0].steps, [&drop]);
    let about = |there| decide(&drop, &all[0], &[there], &snapshot);
    assert_eq!(about(standing(index.clone(), None)), Decision::Make);
    assert_eq!(about(Standing::Free), Decision::Skip("already gone"));
    let mut other = index.clone();
    other.definition.keys.push(IndexKey::column("email"));
    assert!(matches!(about(standing(other, None)), Decision::Refuse(_)));
    let identity = Index {
        replica_identity: true,
        ..index.clone()
    };
    assert!(matches!(
        about(standing(identity, None)),
        Decision::Refuse(_)
    ));
    assert_eq!(undo(&[&drop], &all[0]), [creation(&index)]);
    // What an unfinished build left is not for the user to drop, and no drop of its own.
    let again = [recommendation(
        &index.definition,
        vec![drop, creation(&index)],
        Vec::new(),
    )];
    assert_eq!(work(&again, false)[0].steps, [&creation(&index)]);
    assert!(work(&again, false)[0].left.is_empty());
}

#[test]
fn what_is_replaced_is_dropped_only_while_its_successor_stands() {
    let snapshot = catalog(TABLE);
    let old = index(&snapshot, "t_id_idx");
    let mut new = old.clone();
    new.name = "t_id_email_idx".into();
    new.definition.keys.push(IndexKey::column("email"));
    let drop = Change::DropIndex {
        name: old.qualified(),
        concurrently: true,
    };
    let back = Change::DropIndex {
        name: new.qualified(),
        concurrently: true,
    };
    let changes = vec![creation(&new), drop.clone()];
    let mut advice = recommendation(&new.definition, changes, vec![creation(&old), back.clone()]);
    advice.action = Action::Replace;
    advice.index = new.qualified();
    let all = [advice];
    assert_eq!(work(&all, false)[0].steps, [&creation(&new)]);
    assert_eq!(work(&all, false)[0].left, [&drop]);
    assert_eq!(work(&all, true)[0].steps, [&creation(&new), &drop]);
    assert_eq!(names(&drop, &all[0]), [old.qualified(), new.qualified()]);
    let about = |successor: Standing| {
        let there = [standing(old.clone(), None), successor];
        decide(&drop, &all[0], &there, &snapshot)
    };
    assert_eq!(about(standing(new.clone(), None)), Decision::Make);
    let invalid = Index {
        valid: false,
        ..new.clone()
    };
    for not_there in [Standing::Free, standing(invalid, None)] {
        assert!(matches!(about(not_there), Decision::Refuse(_)));
    }
    let made = [&creation(&new), &drop];
    assert_eq!(undo(&made, &all[0]), [creation(&old), back.clone()]);
    assert_eq!(undo(&made[..1], &all[0]), [back]);
}

#[test]
fn the_undo_of_half_a_partitioned_index_is_half_the_undo() {
    let snapshot = catalog(
        "create table p (id int) partition by hash (id);
         create table p_0 partition of p for values with (modulus 2, remainder 0);
         create table p_1 partition of p for values with (modulus 2, remainder 1);",
    );
    let table = &snapshot.tables[0];
    let definition = IndexDefinition {
        table_oid: table.oid,
        table: table.qualified(),
        method: "btree".into(),
        keys: vec![IndexKey::column("id")],
        include: vec![],
        predicate: None,
        unique: false,
    };
    let mut names = Names::new(&snapshot);
    let name = names.choose(&definition, table);
    let (changes, back) = build(&definition, &name, &mut names, &snapshot);
    let advice = recommendation(&definition, changes, back);
    let text = |count: usize| -> Vec<String> {
        let made: Vec<&Change> = advice.changes.iter().take(count).collect();
        undo(&made, &advice)
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    assert_eq!(advice.changes.len(), 5);
    assert_eq!(text(5), ["DROP INDEX public.p_id_idx;"]);
    assert_eq!(
        text(4),
        [
            "DROP INDEX CONCURRENTLY public.p_1_id_idx;",
            "DROP INDEX public.p_id_idx;"
        ]
    );
    assert_eq!(text(0), Vec::<String>::new());
    // The parent was begun by an earlier run: what is attached to it goes with it too.
    let attached: Vec<&Change> = advice.changes[1..3].iter().collect();
    assert_eq!(undo(&attached, &advice), advice.undo);
    // What was only attached was there before, and comes back.
    let found = undo(&attached[1..], &advice);
    assert_eq!(found, [advice.undo[0].clone(), advice.changes[1].clone()]);
}

#[test]
fn a_rebuild_begins_with_what_an_interrupted_one_left() {
    let snapshot = catalog(TABLE);
    let broken = Index {
        valid: false,
        ..index(&snapshot, "t_id_idx")
    };
    let change = Change::Reindex {
        name: broken.qualified(),
    };
    let advice = recommendation(&broken.definition, vec![change.clone()], Vec::new());
    let looked: Vec<String> = names(&change, &advice)
        .iter()
        .map(|n| n.name.clone())
        .collect();
    assert_eq!(looked, ["t_id_idx", "t_id_idx_ccnew", "t_id_idx_ccold"]);
    let about = |index: &Index, new: Standing| {
        let there = [standing(index.clone(), None), new, Standing::Free];
        decide(&change, &advice, &there, &snapshot)
    };
    assert_eq!(about(&broken, Standing::Free), Decision::Make);
    assert_eq!(
        about(&broken, standing(broken.clone(), None)),
        Decision::Clear(names(&change, &advice)[1].clone())
    );
    let valid = index(&snapshot, "t_id_idx");
    assert_eq!(
        about(&valid, Standing::Free),
        Decision::Skip("already valid")
    );
    assert_eq!(transient(&"ä".repeat(31), "ccnew").len(), 62);
}

#[test]
fn who_may_not_is_told_who_may() {
    let snapshot = catalog(TABLE);
    let index = index(&snapshot, "t_id_idx");
    let rights = Rights {
        table: QualifiedName::new("public", "t"),
        role: "app".into(),
        owner: "boss".into(),
        owns: false,
        creates: true,
        maintains: true,
    };
    let reindex = Change::Reindex {
        name: index.qualified(),
    };
    let (what, hint) = lacking(&creation(&index), &rights).unwrap();
    assert_eq!(what, "role app does not own public.t, whose owner is boss");
    assert!(hint.contains("connect as boss"), "{hint}");
    assert_eq!(lacking(&reindex, &rights), None);
    let owner = Rights {
        owns: true,
        creates: false,
        ..rights
    };
    let (_, hint) = lacking(&creation(&index), &owner).unwrap();
    assert_eq!(hint, "GRANT CREATE ON SCHEMA public TO app");
    assert_eq!(lacking(&reindex, &owner), None);
}

/// A setting is that of other databases too; statistics are made, and taken back by their own undo.
#[test]
fn what_is_no_index() {
    let snapshot = catalog(TABLE);
    let set = Change::Set {
        name: "random_page_cost".into(),
        value: "1.1".into(),
    };
    let name = QualifiedName::new("public", "t_stat");
    let statistics = Change::CreateStatistics {
        name: name.clone(),
        kinds: vec![],
        columns: vec!["id".into(), "email".into()],
        table: QualifiedName::new("public", "t"),
    };
    let back = Change::DropStatistics { name };
    let recommendations = [
        Recommendation {
            changes: vec![set],
            ..Recommendation::on_server(Action::Set)
        },
        Recommendation {
            changes: vec![statistics.clone()],
            undo: vec![back.clone()],
            ..Recommendation::on_table(Action::Statistics, &snapshot.tables[0])
        },
    ];
    for drops in [false, true] {
        let all = work(&recommendations, drops);
        let steps: Vec<&Change> = all.iter().flat_map(|w| w.steps.iter().copied()).collect();
        assert_eq!(steps, [&statistics]);
    }
    assert_eq!(undo(&[&statistics], &recommendations[1]), [back]);
}

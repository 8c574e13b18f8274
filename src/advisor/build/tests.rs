//! What is built where something was begun before: DDL of what exists in, DDL of what is missing out.

use super::*;
use crate::query::testing::catalog;

const EVENTS: &str = "
    create table events (id int, at date) partition by hash (id);
    create table events_0 partition of events for values with (modulus 3, remainder 0);
    create table events_1 partition of events for values with (modulus 3, remainder 1);
    create table events_2 partition of events for values with (modulus 3, remainder 2);
";

/// The DDL for an index on `(id)` of the first table.
fn ddl(snapshot: &Snapshot) -> (Vec<String>, Option<String>) {
    let (changes, _, warned) = both(snapshot);
    (changes, warned)
}

/// And what takes it back.
fn both(snapshot: &Snapshot) -> (Vec<String>, Vec<String>, Option<String>) {
    let table = &snapshot.tables[0];
    let definition = IndexDefinition {
        table_oid: table.oid,
        table: table.qualified(),
        method: "btree".into(),
        keys: vec![crate::model::index::IndexKey::column("id")],
        include: vec![],
        predicate: None,
        unique: false,
    };
    let mut names = Names::new(snapshot);
    let name = names.choose(&definition, table);
    let (changes, undo) = build(&definition, &name, &mut names, snapshot);
    let texts = |changes: &[Change]| changes.iter().map(ToString::to_string).collect();
    (texts(&changes), texts(&undo), warning(&name, &names))
}

#[test]
fn what_a_failed_build_left_is_dropped_and_keeps_its_name() {
    let table = "create table t (id int, a int); -- rows=1000\n";
    let (plain, warned) = ddl(&catalog(table));
    assert_eq!(
        plain,
        ["CREATE INDEX CONCURRENTLY t_id_idx ON public.t (id);"]
    );
    assert_eq!(warned, None);
    let (again, warned) = ddl(&catalog(&format!(
        "{table}create index mine on t (id); -- invalid=true\n"
    )));
    assert_eq!(
        again,
        [
            "DROP INDEX CONCURRENTLY public.mine;",
            "CREATE INDEX CONCURRENTLY mine ON public.t (id);"
        ]
    );
    assert!(warned.is_some());
    // Another index is in nobody's way, but for its name.
    let (other, warned) = ddl(&catalog(&format!(
        "{table}create index t_id_idx on t (a); -- invalid=true\n"
    )));
    assert_eq!(
        other,
        ["CREATE INDEX CONCURRENTLY t_id_idx1 ON public.t (id);"]
    );
    assert_eq!(warned, None);
}

#[test]
fn of_a_partitioned_index_only_what_is_missing_is_built() {
    let (whole, _) = ddl(&catalog(EVENTS));
    assert_eq!(
        whole,
        [
            "CREATE INDEX events_id_idx ON ONLY public.events (id);",
            "CREATE INDEX CONCURRENTLY events_0_id_idx ON public.events_0 (id);",
            "ALTER INDEX public.events_id_idx ATTACH PARTITION public.events_0_id_idx;",
            "CREATE INDEX CONCURRENTLY events_1_id_idx ON public.events_1 (id);",
            "ALTER INDEX public.events_id_idx ATTACH PARTITION public.events_1_id_idx;",
            "CREATE INDEX CONCURRENTLY events_2_id_idx ON public.events_2 (id);",
            "ALTER INDEX public.events_id_idx ATTACH PARTITION public.events_2_id_idx;",
        ]
    );
    let mut begun = catalog(&format!(
        "{EVENTS}create index events_id_idx on events (id); -- invalid=true
         create index events_0_id_idx on events_0 (id);
         create index events_1_id_idx on events_1 (id); -- invalid=true
         create index events_2_id_idx on events_2 (id);\n"
    ));
    let oid = |name: &str| begun.indexes.iter().find(|i| i.name == name).map(|i| i.oid);
    let parent = oid("events_id_idx");
    let attached = begun
        .indexes
        .iter()
        .position(|i| i.name == "events_0_id_idx");
    begun.indexes[attached.unwrap()].parent_oid = parent;
    let (rest, undo, _) = both(&begun);
    // What hangs under the parent goes with it; what was there before comes back.
    assert_eq!(
        undo,
        [
            "DROP INDEX public.events_id_idx;",
            "CREATE INDEX CONCURRENTLY events_2_id_idx ON public.events_2 (id);",
        ]
    );
    assert_eq!(
        rest,
        [
            "DROP INDEX CONCURRENTLY public.events_1_id_idx;",
            "CREATE INDEX CONCURRENTLY events_1_id_idx ON public.events_1 (id);",
            "ALTER INDEX public.events_id_idx ATTACH PARTITION public.events_1_id_idx;",
            "ALTER INDEX public.events_id_idx ATTACH PARTITION public.events_2_id_idx;",
        ]
    );
}

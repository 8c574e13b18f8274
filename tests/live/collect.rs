//! Collecting from real servers: every SQL file on every version, roles, weird names, locks, files.

use std::collections::BTreeMap;
use std::time::Duration;

use pgperf::model::catalog::{ConstraintKind, Table, TableKind};
use pgperf::model::gap::Gap;
use pgperf::model::index::Index;
use pgperf::model::snapshot::Snapshot;
use pgperf::pg::collect::{CollectOptions, collect};
use pgperf::pg::connect::{ConnectOptions, Connection, Target};
use tokio_postgres::Client;

use super::support;

mod gaps;
mod program;
mod variants;

const SCHEMA: &str = include_str!("collect/schema.sql");

/// A database with [`SCHEMA`] in it, and a connection to it as superuser.
async fn prepared(major: u32) -> (String, Client) {
    let conninfo = support::database(major).await;
    let client = support::client(&conninfo).await;
    // VACUUM wants to be alone, so each statement is sent for itself.
    for statement in SCHEMA.split(";\n") {
        client
            .batch_execute(statement)
            .await
            .unwrap_or_else(|error| panic!("{major}: {statement}: {error:?}"));
    }
    // Counters reach the statistics within a second.
    let counted = "select count(*) from pg_stat_all_tables where (relname, n_tup_ins) in (('never', 1000), ('part_1', 1664))";
    while client
        .query_one(counted, &[])
        .await
        .unwrap()
        .get::<_, i64>(0)
        < 2
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (conninfo, client)
}

async fn connect(conninfo: &str) -> Connection {
    let options = ConnectOptions {
        dbname: Some(conninfo.to_owned()),
        ..ConnectOptions::default()
    };
    let (target, _) = Target::resolve(&options, &|_| None).unwrap();
    Connection::open(&target).await.unwrap()
}

async fn snapshot_of(conninfo: &str) -> Snapshot {
    collect(&connect(conninfo).await, &CollectOptions::default())
        .await
        .unwrap()
}

/// The same conninfo for another role.
fn as_role(conninfo: &str, role: &str) -> String {
    conninfo.replace("user=postgres", &format!("user={role}"))
}

fn table<'a>(snapshot: &'a Snapshot, name: &str) -> &'a Table {
    let found = snapshot.tables.iter().find(|t| t.name == name);
    found.unwrap_or_else(|| panic!("no table {name}"))
}

fn index<'a>(snapshot: &'a Snapshot, name: &str) -> &'a Index {
    let found = snapshot.indexes.iter().find(|i| i.name == name);
    found.unwrap_or_else(|| panic!("no index {name}"))
}

fn gap<'a>(snapshot: &'a Snapshot, what: &str) -> &'a Gap {
    let found = snapshot.gaps.iter().find(|gap| gap.what.contains(what));
    found.unwrap_or_else(|| panic!("no gap \"{what}\" in {:#?}", snapshot.gaps))
}

/// Equal, for figures that are whole numbers.
#[track_caller]
fn same(figure: f64, expected: f64) {
    assert!((figure - expected).abs() < 0.5, "{figure}, not {expected}");
}

fn columns_of(table: &Table) -> BTreeMap<&str, String> {
    let describe = |c: &pgperf::model::catalog::Column| {
        format!(
            "{} {} {}{}{}{}",
            c.type_name,
            c.base_type,
            c.category,
            if c.btree { " btree" } else { "" },
            if c.dedup { " dedup" } else { "" },
            if c.collation_is_c { " C" } else { "" },
        )
    };
    let columns = table.columns.iter();
    columns.map(|c| (c.name.as_str(), describe(c))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_collected_alike_on_every_version() {
    for installation in support::servers() {
        let major = installation.major();
        let (conninfo, _client) = prepared(major).await;
        let snapshot = snapshot_of(&conninfo).await;
        assert_eq!(snapshot.server.major(), major);

        let columns = columns_of(table(&snapshot, "customers"));
        for (name, expected) in [
            ("id", "bigint int8 N btree dedup"),
            ("mail", "public.work_email text S btree dedup C"),
            ("mood", "public.mood mood E btree dedup"),
            ("tags", "text[] _text A btree C"),
            ("doc", "jsonb jsonb U btree"),
            ("raw", "json json U"),
            ("raws", "json[] _json A"),
            ("place", "point point G"),
            ("span", "int4range int4range R btree"),
            ("amount", "numeric(10,2) numeric N btree"),
            ("code", "character(3) bpchar S btree dedup C"),
            ("name", "character varying(20) varchar S btree dedup C"),
            ("plain", "text text S btree dedup C"),
            ("folded", "text text S btree"),
        ] {
            assert_eq!(columns[name], expected, "{major} {name}");
        }
        let customers = table(&snapshot, "customers");
        same(customers.reltuples, 1000.0);
        same(customers.fillfactor, 80.0);
        assert_eq!(customers.column("doubled").unwrap().generated, "s");
        let mood = customers.column("mood").unwrap().stats.as_ref().unwrap();
        let values = mood.most_common_vals.as_ref().unwrap();
        assert_eq!(values.len(), 3, "{major} {values:?}");
        assert_eq!(mood.most_common_freqs.as_ref().unwrap().len(), 3);
        let tags = customers.column("tags").unwrap().stats.as_ref().unwrap();
        let elements = tags.most_common_elems.as_ref().unwrap();
        assert!(elements.contains(&"quote \" comma , brace }".to_owned()));
        assert!(elements.contains(&"back\\slash".to_owned()));
        let span = customers.column("span").unwrap().stats.as_ref().unwrap();
        assert_eq!(span.range_bounds_histogram.is_some(), major >= 17);

        indexes(&snapshot, major);
        partitions(&snapshot, major);
        definitions(&snapshot, major);
        let moods = table(&snapshot, "moods");
        let definition = moods.view_definition.as_deref().unwrap();
        assert!(definition.contains("\"My Schema\".\"we\"\"ird; drop table x\""));
        assert!(definition.contains("public.customers"), "{definition}");
        assert!(table(&snapshot, "counts").view_definition.is_some());
        assert!(table(&snapshot, "pg_stat_statements").extension.is_some());

        constraints(&snapshot, major);
        let together = &snapshot.extended_stats[0];
        assert_eq!(together.columns, ["amount", "name"]);
        assert!(together.n_distinct.is_some() && together.dependencies.is_some());
        assert!(snapshot.server.settings.contains_key("random_page_cost"));

        let never = gap(
            &snapshot,
            "1 table has no column statistics, never analyzed or only while empty: public.never",
        );
        assert_eq!(never.close, ["ANALYZE public.never;"]);
        let unexpected: Vec<&Gap> = snapshot
            .gaps
            .iter()
            .filter(|gap| !gap.what.contains("never analyzed") && !gap.what.contains(" ago"))
            .filter(|gap| !gap.what.contains("counts since"))
            .collect();
        assert!(unexpected.is_empty(), "{major} {unexpected:#?}");
    }
}

#[track_caller]
fn indexes(snapshot: &Snapshot, major: u32) {
    for (name, expected) in [
        ("customers_pkey", "(id)"),
        ("customers_expression", "(lower(mail::text), (id + 1))"),
        (
            "customers_partial",
            "(mood, born DESC) INCLUDE (name) WHERE name::text <> 'secret'::text AND born IS NOT NULL",
        ),
        ("customers_gin", "USING gin (doc jsonb_path_ops)"),
        (
            "customers_options",
            "(name varchar_pattern_ops, plain COLLATE \"POSIX\" DESC NULLS LAST, born NULLS FIRST)",
        ),
        (
            "we\"ird; drop table x_select_Größe_idx",
            "(\"select\", \"Größe\" DESC)",
        ),
    ] {
        let index = index(snapshot, name);
        let shown = index.definition.to_string();
        assert_eq!(shown, expected, "{major} {name}");
        assert!(!index.incomplete && index.stats.is_some(), "{major} {name}");
    }
}

#[track_caller]
fn partitions(snapshot: &Snapshot, major: u32) {
    let part = table(snapshot, "part");
    assert_eq!(part.kind, TableKind::Partitioned);
    assert_eq!(part.partition_key.as_deref(), Some("RANGE (at)"));
    assert_eq!(part.partition_columns, ["at"]);
    same(part.reltuples, 3000.0);
    let leaves = [table(snapshot, "part_1"), table(snapshot, "part_2_a")];
    assert!(leaves.iter().all(|leaf| leaf.relpages > 5.0), "{major}");
    let sum = |of: fn(&Table) -> f64| leaves.iter().map(|leaf| of(leaf)).sum::<f64>();
    same(part.relpages, sum(|leaf| leaf.relpages));
    same(part.relallvisible, sum(|leaf| leaf.relallvisible));
    assert_eq!(part.stats.as_ref().unwrap().n_tup_ins, 3000, "{major}");
    assert!(part.columns.iter().all(|c| c.stats.is_some()), "{major}");
    assert_eq!(snapshot.root_of(table(snapshot, "part_2_a")).name, "part");
    assert!(index(snapshot, "part_at").relpages > 10.0);
}

#[track_caller]
fn definitions(snapshot: &Snapshot, major: u32) {
    let definitions = &snapshot.definitions;
    let kinds: Vec<_> = definitions
        .types
        .iter()
        .map(|t| (t.name.as_str(), t.kind.as_str()))
        .collect();
    let expected = [
        ("email", "d"),
        ("work_email", "d"),
        ("mood", "e"),
        ("pair", "c"),
    ];
    assert_eq!(kinds, expected, "{major}");
    let of = |name: &str| definitions.types.iter().find(|t| t.name == name).unwrap();
    assert_eq!(of("email").checks, ["CHECK ((VALUE ~ '@'::text))"]);
    assert_eq!(of("work_email").base_type.as_deref(), Some("public.email"));
    assert_eq!(of("mood").labels, ["sad", "ok", "happy"]);
    assert_eq!(of("pair").attributes[1].type_name, "text");
    let storage = |name: &str| {
        let oid = table(snapshot, name).oid;
        definitions.storage.iter().find(|s| s.oid == oid).unwrap()
    };
    assert_eq!(storage("customers").options, ["fillfactor=80"]);
    assert_eq!(
        storage("part_1").partition_bound.as_deref(),
        Some("FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')")
    );
    assert_eq!(
        storage("part_2_a").partition_bound.as_deref(),
        Some("DEFAULT")
    );
    let generated = definitions.generated[0].expression.as_deref();
    assert_eq!(generated, Some("(id * 2)"));
    let expressions = &definitions.expression_stats;
    let oid = index(snapshot, "customers_expression").oid;
    assert!(expressions.iter().all(|e| e.index_oid == oid), "{major}");
    assert_eq!(expressions.len(), 2, "{major}");
}

#[track_caller]
fn constraints(snapshot: &Snapshot, major: u32) {
    let oid = table(snapshot, "we\"ird; drop table x").oid;
    let of = |kind: ConstraintKind| {
        let found = snapshot.constraints_of(oid).find(|c| c.kind == kind);
        found.unwrap_or_else(|| panic!("{major}: no {kind:?}"))
    };
    assert_eq!(of(ConstraintKind::PrimaryKey).columns, ["Größe"]);
    let check = of(ConstraintKind::Check);
    assert!(check.definition.as_deref().unwrap().contains("'secret'"));
    let key = of(ConstraintKind::ForeignKey);
    assert_eq!(
        key.foreign_table_oid,
        Some(table(snapshot, "customers").oid)
    );
    assert_eq!(
        (&key.columns[..], &key.foreign_columns[..]),
        (&["customer".to_owned()][..], &["id".to_owned()][..])
    );
    assert_eq!(key.on_delete.as_deref(), Some("c"));
    let exclusion = of(ConstraintKind::Exclusion);
    assert!(exclusion.definition.is_some() && exclusion.index_oid.is_some());
    assert_eq!(snapshot.constraints_of(oid).count(), 4, "{major}");
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_come_with_figures_and_texts_but_not_our_own() {
    for installation in support::servers() {
        let major = installation.major();
        let (conninfo, client) = prepared(major).await;
        for _ in 0..3 {
            let query = "select mail from customers where id = 7";
            client.batch_execute(query).await.unwrap();
        }
        snapshot_of(&conninfo).await;
        let snapshot = snapshot_of(&conninfo).await;
        let text = "select mail from customers where id = $1";
        let found: Vec<_> = snapshot
            .statements
            .iter()
            .filter(|s| s.query.as_deref() == Some(text))
            .collect();
        assert_eq!(found.len(), 1, "{major}");
        assert_eq!((found[0].calls, found[0].rows), (3, 3), "{major}");
        assert!(found[0].total_exec_time.is_some_and(|ms| ms > 0.0));
        assert_eq!(snapshot.server.roles[&found[0].userid], "postgres");
        assert_eq!(snapshot.server.statements_dealloc.is_some(), major >= 14);
        assert_eq!(found[0].stats_since.is_some(), major >= 17);
        for statement in &snapshot.statements {
            let query = statement.query.as_deref().unwrap();
            assert!(!query.contains("row_to_json"), "{major} {query}");
        }
        let times: Vec<_> = snapshot
            .statements
            .iter()
            .map(|s| s.total_exec_time)
            .collect();
        assert!(times.windows(2).all(|w| w[0] >= w[1]), "{major}");
    }
}

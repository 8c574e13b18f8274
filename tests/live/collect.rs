//! Collecting from real servers: every SQL file on every version, roles, weird names, locks, files.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use pgperf::model::catalog::{ConstraintKind, Table, TableKind};
use pgperf::model::gap::{Gap, Part};
use pgperf::model::index::Index;
use pgperf::model::snapshot::Snapshot;
use pgperf::pg::collect::{CollectOptions, collect};
use pgperf::pg::connect::{ConnectOptions, Connection, Target};
use pgperf::pg::local::{LocalOptions, LocalServer};
use tokio_postgres::Client;

use super::support;

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

#[tokio::test(flavor = "multi_thread")]
async fn a_role_sees_less_and_every_gap_says_what_to_grant() {
    for installation in support::servers() {
        let major = installation.major();
        let (conninfo, client) = prepared(major).await;
        client
            .batch_execute(
                "do $$ begin
                     create role \"Plain Role\" login;
                     create role monitor login;
                     grant pg_monitor to monitor;
                     alter role monitor set search_path = \"$user\", \"My Schema\", public;
                 exception when duplicate_object then null;
                 end $$",
            )
            .await
            .unwrap();

        let snapshot = snapshot_of(&as_role(&conninfo, "'Plain Role'")).await;
        let hidden = gap(
            &snapshot,
            "hidden from \"Plain Role\", who may not read them",
        );
        let grant = if major >= 14 {
            "GRANT pg_read_all_data TO \"Plain Role\";"
        } else {
            "GRANT SELECT ON ALL TABLES IN SCHEMA \"My Schema\" TO \"Plain Role\";"
        };
        assert_eq!(hidden.close[0], grant);
        let texts = gap(&snapshot, "of other roles are hidden from \"Plain Role\"");
        assert_eq!(texts.close, ["GRANT pg_monitor TO \"Plain Role\";"]);
        assert!(texts.count.unwrap() > 0);
        assert!(table(&snapshot, "customers").columns[0].stats.is_none());
        assert!(!index(&snapshot, "customers_partial").incomplete);

        let snapshot = snapshot_of(&as_role(&conninfo, "monitor")).await;
        assert!(snapshot.server.reads_all_stats());
        assert!(
            !snapshot
                .gaps
                .iter()
                .any(|g| g.part == Part::Statements && g.what.contains("hidden"))
        );
        let oid = *snapshot
            .server
            .roles
            .iter()
            .find(|(_, name)| *name == "monitor")
            .unwrap()
            .0;
        assert_eq!(
            snapshot.server.role_search_paths[&oid],
            ["monitor", "My Schema", "public"]
        );

        // The command closes the gap.
        for command in &hidden.close {
            client.batch_execute(command).await.unwrap();
        }
        let snapshot = snapshot_of(&as_role(&conninfo, "'Plain Role'")).await;
        assert!(
            table(&snapshot, "customers").columns[0].stats.is_some(),
            "{major}"
        );
        assert!(
            !snapshot
                .gaps
                .iter()
                .any(|g| g.what.contains("may not read"))
        );
        // Before 14 nothing but owning the index shows what is known of its expressions, and the gap says so.
        let of_expressions = (snapshot.gaps.iter())
            .filter(|g| g.what.starts_with("statistics of expressions in"))
            .count();
        let seen = snapshot.definitions.expression_stats.len();
        assert_eq!(
            (of_expressions, seen > 0),
            if major >= 14 { (0, true) } else { (1, false) },
            "{major}"
        );
        client
            .batch_execute(&format!(
                "drop owned by \"Plain Role\"; {}",
                if major >= 14 {
                    "revoke pg_read_all_data from \"Plain Role\""
                } else {
                    ""
                }
            ))
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn locked_tables_are_left_alone() {
    for installation in support::servers() {
        let major = installation.major();
        let (conninfo, client) = prepared(major).await;
        let reader = support::client(&conninfo).await;
        reader
            .batch_execute("begin; select 1 from \"My Schema\".\"we\"\"ird; drop table x\"")
            .await
            .unwrap();
        // One lock is held; the other is awaited, behind the reader.
        client
            .batch_execute("begin; lock customers in access exclusive mode")
            .await
            .unwrap();
        let waiter = support::client(&conninfo).await;
        let waiting = tokio::spawn(async move {
            let lock =
                "begin; lock \"My Schema\".\"we\"\"ird; drop table x\" in access exclusive mode";
            waiter.batch_execute(lock).await
        });
        let watcher = support::client(&conninfo).await;
        while watcher
            .query_one(
                "select count(*) from pg_locks where not granted and mode = 'AccessExclusiveLock'",
                &[],
            )
            .await
            .unwrap()
            .get::<_, i64>(0)
            == 0
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }

        let connection = connect(&conninfo).await;
        let started = Instant::now();
        let snapshot = collect(&connection, &CollectOptions::default())
            .await
            .unwrap();
        let took = started.elapsed();
        assert!(took < Duration::from_secs(1), "{major}: {took:?}");

        let gap = gap(&snapshot, "ACCESS EXCLUSIVE lock on");
        assert!(gap.what.contains("public.customers"), "{}", gap.what);
        assert!(gap.what.contains("drop table x"), "{}", gap.what);
        for name in ["customers_expression", "customers_partial"] {
            assert!(index(&snapshot, name).incomplete, "{major} {name}");
        }
        assert!(!index(&snapshot, "customers_options").incomplete);
        assert!(table(&snapshot, "moods").view_definition.is_none());
        assert!(table(&snapshot, "customers").columns[0].stats.is_some());

        client.batch_execute("rollback").await.unwrap();
        reader.batch_execute("rollback").await.unwrap();
        waiting.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_extension_the_gap_says_how_to_get_it() {
    let installation = support::installation(15);
    let options = LocalOptions {
        settings: vec![("shared_preload_libraries".into(), "auto_explain".into())],
        ..LocalOptions::default()
    };
    let server = LocalServer::start(&installation, &options).await.unwrap();
    let conninfo = server.conninfo("postgres");
    let client = support::client(&conninfo).await;
    let commands = [
        "ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', 'pg_stat_statements';",
        "-- restart the server",
        "CREATE EXTENSION pg_stat_statements;",
    ];
    let other = support::client(&conninfo).await;
    other.batch_execute("select 'seen running'").await.unwrap();

    let snapshot = snapshot_of(&conninfo).await;
    assert_eq!(gap(&snapshot, "not installed in database").close, commands);
    // The statements that sessions run stand in.
    let running: Vec<_> = snapshot
        .statements
        .iter()
        .filter_map(|s| s.query.as_deref())
        .collect();
    assert!(running.contains(&"select 'seen running'"), "{running:?}");

    client.batch_execute(commands[2]).await.unwrap();
    let snapshot = snapshot_of(&conninfo).await;
    assert_eq!(
        gap(&snapshot, "its library is not loaded").close,
        commands[..2]
    );

    // What ALTER SYSTEM wrote is a list of two libraries, not one with a strange name.
    client.batch_execute(commands[0]).await.unwrap();
    let row = client
        .query_one("select setting from pg_file_settings where name = 'shared_preload_libraries' order by seqno desc limit 1", &[])
        .await
        .unwrap();
    assert_eq!(row.get::<_, &str>(0), "auto_explain, pg_stat_statements");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_extension_still_gives_figures() {
    let conninfo = support::database(15).await;
    let client = support::client(&conninfo).await;
    client
        .batch_execute("create schema \"We Ird\"; create extension pg_stat_statements schema \"We Ird\" version '1.7'")
        .await
        .unwrap();
    client.batch_execute("select 4711 as marked").await.unwrap();
    let snapshot = snapshot_of(&conninfo).await;
    let statement = snapshot
        .statements
        .iter()
        .find(|s| s.query.as_deref() == Some("select $1 as marked"))
        .unwrap();
    assert_eq!(statement.calls, 1);
    assert!(statement.total_exec_time.is_some() && statement.wal_bytes.is_none());
}

fn pgperf(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pgperf"))
        .args(arguments)
        .env_clear()
        .output()
        .unwrap()
}

/// A path for a file of this test, and none there yet.
fn fresh(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("pgperf-test-{}-{name}", std::process::id()));
    let _ = fs::remove_file(&path);
    path
}

fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(fs::File::open(path).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    fs::remove_file(path).unwrap();
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_file_holds_the_same_each_time_and_nothing_when_redacted() {
    for installation in support::servers() {
        let major = installation.major();
        let (conninfo, _client) = prepared(major).await;
        let take = |extra: &[&str]| {
            let path = fresh(&format!("{major}.json.gz"));
            let shown = path.to_string_lossy().into_owned();
            let mut arguments = vec!["snapshot", &conninfo, "-o", &shown];
            arguments.extend(extra);
            let output = pgperf(&arguments);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{major} {said}");
            assert!(output.stdout.is_empty());
            (unpacked(&path), said)
        };
        let (first, said) = take(&[]);
        assert!(said.contains("real column values"), "{said}");
        let (second, _) = take(&[]);
        let (first_lines, second_lines) = (lines(&first), lines(&second));
        for (i, (a, b)) in first_lines.lines().zip(second_lines.lines()).enumerate() {
            let around: Vec<_> = first_lines
                .lines()
                .skip(i.saturating_sub(8))
                .take(9)
                .collect();
            assert_eq!(a, b, "{major} {around:#?}");
        }
        assert_eq!(first_lines, second_lines, "{major}");
        assert!(first.contains("secret"));

        let (redacted, said) = take(&["--redact"]);
        assert!(said.contains("were removed"), "{said}");
        assert!(!redacted.contains("secret"), "{major}");
        let snapshot: Snapshot = serde_json::from_str(&redacted).unwrap();
        assert!(snapshot.redacted && index(&snapshot, "customers_partial").incomplete);
        // It had a number in it.
        assert!(index(&snapshot, "customers_expression").incomplete);
        assert!(!index(&snapshot, "customers_options").incomplete);
    }
}

fn lines(json: &str) -> String {
    serde_json::to_string_pretty(&timeless(json)).unwrap()
}

/// Without times, what goes on elsewhere on the server, and what the collecting itself counts as: transaction control.
fn timeless(json: &str) -> Snapshot {
    let mut snapshot: Snapshot = serde_json::from_str(json).unwrap();
    snapshot.taken_at = 0.0;
    // Transactions of other tests age every table.
    for table in &mut snapshot.tables {
        (table.xid_age, table.mxid_age) = (None, None);
    }
    snapshot.cluster = None;
    // Another test makes roles on the same server.
    snapshot.server.roles.clear();
    snapshot.server.role_search_paths.clear();
    snapshot
        .gaps
        .retain(|gap| !gap.what.contains(" ago") && !gap.what.contains("since"));
    let control = ["begin", "set", "rollback"];
    snapshot.statements.retain(|s| {
        let text = s.query.as_deref().unwrap_or_default();
        !control.iter().any(|word| text.starts_with(word))
    });
    snapshot
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_lists_gaps_with_code_0_and_no_connection_with_3() {
    let (conninfo, _client) = prepared(15).await;
    let output = pgperf(&["doctor", &conninfo]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    for line in [
        "role          postgres, superuser",
        "     do: ANALYZE public.never;",
        "     do: CREATE EXTENSION hypopg;",
    ] {
        assert!(text.lines().any(|l| l == line), "no {line:?} in\n{text}");
    }
    let output = pgperf(&["doctor", &conninfo, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["server"]["user"], "postgres");
    assert!(json["gaps"].as_array().is_some_and(|gaps| !gaps.is_empty()));

    let nowhere = conninfo.replace("dbname=", "dbname=no_such_");
    let output = pgperf(&["doctor", &nowhere]);
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("does not exist"), "{said}");
}

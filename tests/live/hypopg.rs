//! What `HypoPG` promises, corrected, against the same index really built.

use pgperf::advisor::size::hypothetical;
use pgperf::model::ident::QualifiedName;
use pgperf::model::index::{IndexDefinition, IndexKey};
use pgperf::model::whatif::Hypothetical;
use pgperf::pg::collect::{CollectOptions, collect};
use pgperf::pg::connect::{ConnectOptions, Connection, Target};
use pgperf::pg::explain::Explainable;
use pgperf::pg::hypopg::Hypopg;

use crate::live::binary::pgperf;
use crate::live::support;

async fn connection(conninfo: &str) -> Connection {
    let options = ConnectOptions {
        dbname: Some(conninfo.to_owned()),
        ..ConnectOptions::default()
    };
    let (target, _) = Target::resolve(&options, &|_| None).unwrap();
    Connection::open(&target).await.unwrap()
}

const SETUP: &str = "CREATE EXTENSION hypopg;
    CREATE TABLE orders (o_orderkey int, o_custkey int, o_total int);
    CREATE TABLE lineitem (l_orderkey int, l_partkey int, l_quantity int);
    INSERT INTO orders SELECT n, n % 10000, n % 777 FROM generate_series(1, 150000) n;
    INSERT INTO lineitem SELECT n / 4 + 1, hashint4(n) % 20000, n % 50 FROM generate_series(1, 400000) n;
    VACUUM ANALYZE; SET jit = off; ALTER DATABASE :db SET max_parallel_workers_per_gather = 0;";

/// Statements and the one index that each is asked about.
const CASES: &[(&str, &str, &str)] = &[
    (
        "SELECT * FROM orders WHERE o_orderkey = 7",
        "orders",
        "o_orderkey",
    ),
    (
        "SELECT * FROM orders WHERE o_custkey = $1",
        "orders",
        "o_custkey",
    ),
    (
        "SELECT * FROM orders ORDER BY o_orderkey LIMIT 10",
        "orders",
        "o_orderkey",
    ),
    (
        "SELECT * FROM lineitem JOIN orders ON o_orderkey = l_orderkey WHERE l_partkey = 5",
        "orders",
        "o_orderkey",
    ),
    (
        "SELECT count(*) FROM lineitem JOIN orders ON o_orderkey = l_orderkey WHERE l_quantity < 3",
        "orders",
        "o_orderkey",
    ),
];

/// The bias of an uncorrected nested loop is a factor of two and more here; corrected, the promise is within a tenth.
#[tokio::test(flavor = "multi_thread")]
async fn promised_cost_is_the_built_cost() {
    let conninfo = support::database(support::hypopg_major()).await;
    let database = conninfo
        .rsplit_once("dbname=")
        .unwrap()
        .1
        .trim_matches('\'')
        .to_owned();
    let client = support::client(&conninfo).await;
    for statement in SETUP.replace(":db", &database).split_inclusive(';') {
        client.batch_execute(statement).await.unwrap();
    }
    let connection = connection(&conninfo).await;
    let snapshot = collect(
        &connection,
        &CollectOptions {
            statements: false,
            ..CollectOptions::default()
        },
    )
    .await
    .unwrap();
    let hypopg = Hypopg::new(&connection, "public", 0.0025);
    for (text, table, column) in CASES {
        let table = snapshot
            .table_named(&QualifiedName::new("public", *table))
            .unwrap();
        let definition = IndexDefinition {
            table_oid: table.oid,
            table: table.qualified(),
            method: "btree".into(),
            keys: vec![IndexKey::column(*column)],
            include: vec![],
            predicate: None,
            unique: false,
        };
        let index: Hypothetical = hypothetical(&definition, table);
        let statement = Explainable {
            text,
            parameters: usize::from(text.contains("$1")),
            search_path: &[],
        };
        let before = hypopg.cost(&statement, &[]).await.unwrap();
        let promised = hypopg.cost(&statement, &[&index]).await.unwrap();
        client
            .batch_execute(&format!(
                "CREATE INDEX built ON {} {definition}",
                definition.table
            ))
            .await
            .unwrap();
        let built = hypopg.cost(&statement, &[]).await.unwrap();
        client.batch_execute("DROP INDEX built").await.unwrap();
        assert!(before.used.is_empty());
        let ratio = promised.total / built.total;
        assert!(
            (0.9..1.1).contains(&ratio),
            "{text}: promised {} built {} before {}",
            promised.total,
            built.total,
            before.total
        );
    }
}

/// Nothing stays in the session: neither after an answer nor after a statement that cannot be planned.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_stays_behind() {
    let conninfo = support::database(support::hypopg_major()).await;
    let client = support::client(&conninfo).await;
    client
        .batch_execute("CREATE EXTENSION hypopg; CREATE TABLE t (a int, b int)")
        .await
        .unwrap();
    let connection = connection(&conninfo).await;
    let hypopg = Hypopg::new(&connection, "public", 0.0025);
    let snapshot = collect(&connection, &CollectOptions::default())
        .await
        .unwrap();
    let table = snapshot
        .table_named(&QualifiedName::new("public", "t"))
        .unwrap();
    let definition = IndexDefinition {
        table_oid: table.oid,
        table: table.qualified(),
        method: "btree".into(),
        keys: vec![IndexKey::column("a")],
        include: vec![],
        predicate: None,
        unique: false,
    };
    let index = hypothetical(&definition, table);
    for (text, parameters, works) in [
        ("SELECT * FROM t WHERE a = $1", 1, true),
        ("SELECT * FROM t WHERE nowhere = $1", 1, false),
        ("SELECT * FROM t WHERE a = 1 AND nowhere = 2", 0, false),
        ("SELECT * FROM t WHERE a = 1", 0, true),
    ] {
        let answer = hypopg
            .cost(
                &Explainable {
                    text,
                    parameters,
                    search_path: &[],
                },
                &[&index],
            )
            .await;
        assert_eq!(answer.is_ok(), works, "{text}: {answer:?}");
        for left in [
            "SELECT count(*) FROM hypopg()",
            "SELECT count(*) FROM pg_prepared_statements",
        ] {
            let rows = connection.simple(left).await.unwrap();
            assert_eq!(
                rows[0].rows[0][0].as_deref(),
                Some("0"),
                "{left} after {text}"
            );
        }
    }
}

/// A second run sees the load of the first, not its questions, also where everything nested is counted.
#[tokio::test(flavor = "multi_thread")]
async fn own_questions_are_no_load() {
    let conninfo = support::database(support::hypopg_major()).await;
    let client = support::client(&conninfo).await;
    let setup = "CREATE EXTENSION hypopg; CREATE EXTENSION pg_stat_statements;
        CREATE TABLE t (id int, a int); INSERT INTO t SELECT n, n % 5000 FROM generate_series(1, 100000) n; ANALYZE t;
        CREATE ROLE asker LOGIN; GRANT pg_monitor, pg_read_all_data TO asker;
        ALTER ROLE asker SET pg_stat_statements.track = 'all'";
    client.batch_execute(setup).await.unwrap();
    client
        .simple_query("SELECT * FROM t WHERE a = 17")
        .await
        .unwrap();
    let target = conninfo.replace("user=postgres", "user=asker");
    let run = || {
        let run = pgperf(
            &["advise", &target, "--planner", "hypopg", "--format", "json"],
            "",
        );
        assert_eq!(run.created(), ["public.t (a)"], "{run:?}");
        run.json()["coverage"]["statements"].clone()
    };
    let first = run();
    assert_eq!(first, run());
}

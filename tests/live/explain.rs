//! `pgperf explain` and `pgperf rules`, as their user types them.

use super::binary::pgperf;
use super::support::{client, database, hypopg_major, shop};

const SLOW: &str = "select * from orders where note = 'x'";

/// The advice for one statement, on the shop.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_comes_with_its_plan_what_is_wrong_and_the_index() {
    let conninfo = shop(hypopg_major()).await;
    let sql = "SELECT id, status FROM orders WHERE store_id = 17 ORDER BY placed_at DESC, id DESC LIMIT 20";
    for planner in ["clone", "estimate"] {
        let args = [
            "explain",
            conninfo,
            "-c",
            sql,
            "--planner",
            planner,
            "--format",
            "json",
        ];
        let run = pgperf(&args, "");
        assert_eq!(run.code, Some(0), "{planner}: {run:?}");
        let report = run.json();
        assert_eq!(report["statement"], sql, "{planner}");
        assert_eq!(report["analyzed"], false, "{planner}");
        let scan = report["findings"].as_array().unwrap();
        let scan = scan.iter().find(|f| f["rule"] == "seq-scan-selective");
        let scan = scan.unwrap_or_else(|| panic!("{planner}: {report:#}"));
        let node = &report["nodes"][usize::try_from(scan["node"].as_u64().unwrap()).unwrap()];
        let name = node["name"].as_str().unwrap();
        assert!(name.ends_with("Seq Scan on orders"), "{planner}: {name}");
        let advice = run.created();
        assert_eq!(advice.len(), 1, "{planner}: {advice:?}");
        assert!(
            advice[0].starts_with("shop.orders (store_id, placed_at"),
            "{advice:?}"
        );
    }
    let run = pgperf(&["explain", conninfo, "-c", sql], "");
    for part in [
        "Seq Scan on orders [",
        "Findings",
        "Index advice",
        "CREATE INDEX CONCURRENTLY",
    ] {
        assert!(run.stdout.contains(part), "{part}: {}", run.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_comes_from_where_its_user_has_it() {
    let conninfo = database(hypopg_major()).await;
    let session = client(&conninfo).await;
    for statement in [
        "create extension pg_stat_statements",
        "create table orders (id int primary key, note text)",
        "insert into orders select n, 'note ' || n from generate_series(1, 1000) n",
        SLOW,
    ] {
        session.batch_execute(statement).await.unwrap();
    }
    let id = "select queryid::text from pg_stat_statements s join pg_database d on d.oid = s.dbid
        where datname = current_database() and query like 'select * from orders%'";
    let id: String = session.query_one(id, &[]).await.unwrap().get(0);
    let file = std::env::temp_dir().join(format!("pgperf-explain-{}.sql", std::process::id()));
    std::fs::write(&file, format!("-- a comment\n{SLOW};\n")).unwrap();
    let file = file.to_str().unwrap();
    for (from, stdin) in [
        (vec!["-c", SLOW], ""),
        (vec!["-f", file], ""),
        (vec!["-f", "-"], SLOW),
        (vec![], SLOW),
        (vec!["--queryid", &id], ""),
    ] {
        let mut args = vec!["explain", &conninfo, "--no-advice"];
        args.extend(&from);
        let run = pgperf(&args, stdin);
        assert_eq!(run.code, Some(0), "{from:?}: {run:?}");
        assert!(
            run.stdout.contains("Seq Scan on orders"),
            "{from:?}: {}",
            run.stdout
        );
        assert!(!run.stdout.contains("Index advice"), "{from:?}");
    }
    for (args, says) in [
        (
            vec!["--queryid", "77"],
            "no statement of this database has the queryid 77",
        ),
        (vec!["-c", "select 1; select 2"], "more than one statement"),
        (vec!["-c", ""], "no statement"),
        (vec!["-c", "vacuum orders"], "no SELECT, INSERT"),
        (vec!["-c", "select 'open"], "does not end"),
        (vec!["-f", "/nowhere/to/be/found"], "cannot read"),
        (
            vec!["-c", "select $1::int", "--analyze", "--allow-superuser"],
            "without values",
        ),
    ] {
        let mut all = vec!["explain", &conninfo];
        all.extend(&args);
        let run = pgperf(&all, "");
        assert_eq!(run.code, Some(2), "{args:?}: {run:?}");
        assert!(run.stderr.contains(says), "{args:?}: {}", run.stderr);
        assert!(
            run.stderr.contains("pgperf: ") && run.stdout.is_empty(),
            "{run:?}"
        );
    }
    // What the server says of it is passed on.
    let run = pgperf(&["explain", &conninfo, "-c", "select * from gone"], "");
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stderr.contains("gone"), "{run:?}");
    std::fs::remove_file(file).unwrap();
}

/// Without any server.
#[test]
fn a_recorded_plan_is_read_and_two_are_compared() {
    let recorded = |name: &str| {
        let root = env!("CARGO_MANIFEST_DIR");
        format!("{root}/testdata/plans/recorded/{name}")
    };
    let (spills, fits) = (
        recorded("sort_spills.16.json"),
        recorded("sort_in_memory.16.txt"),
    );
    let run = pgperf(&["explain", "-f", &spills], "");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("(sort-disk)"), "{}", run.stdout);
    let run = pgperf(&["explain"], &std::fs::read_to_string(&fits).unwrap());
    assert!(run.stdout.contains("No rule found anything"), "{run:?}");
    let run = pgperf(&["explain", "--compare", &spills, &fits], "");
    for line in [
        "-",
        "+",
        "Seq Scan on events",
        "Seq Scan on orders",
        "time ",
    ] {
        assert!(run.stdout.contains(line), "{line}: {}", run.stdout);
    }
    let run = pgperf(
        &["explain", "-f", "-"],
        "[{\"Plan\": {\"Node Type\": \"Sort\",",
    );
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("cut off"), "{run:?}");
}

/// A snapshot file is enough for a plan, and for the advice that goes with a recorded one.
#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_plans_and_advises() {
    let conninfo = shop(hypopg_major()).await;
    let file = std::env::temp_dir().join(format!("pgperf-explain-{}.snap", std::process::id()));
    let file = file.to_str().unwrap();
    let taken = pgperf(&["snapshot", conninfo, "-o", file], "");
    assert_eq!(taken.code, Some(0), "{taken:?}");
    let sql = "SELECT id, status FROM shop.orders WHERE store_id = 17 ORDER BY placed_at DESC, id DESC LIMIT 20";
    let session = client(conninfo).await;
    let mut recorded = String::new();
    for message in session
        .simple_query(&format!("explain {sql}"))
        .await
        .unwrap()
    {
        if let tokio_postgres::SimpleQueryMessage::Row(line) = message {
            recorded += line.get(0).unwrap();
            recorded.push('\n');
        }
    }
    let from = |more: &[&str], stdin: &str| {
        let mut args = vec!["explain", "--from", file, "--format", "json"];
        args.extend(more);
        pgperf(&args, stdin)
    };
    for (what, run, notes) in [
        ("a statement", from(&["-c", sql], ""), 0),
        (
            "behind EXPLAIN",
            from(&["-c", &format!("explain analyze {sql}")], ""),
            1,
        ),
        ("its plan", from(&[], &recorded), 1),
    ] {
        assert_eq!(run.code, Some(0), "{what}: {run:?}");
        let report = run.json();
        assert_eq!(report["analyzed"], false, "{what}");
        assert_eq!(
            report["notes"].as_array().unwrap().len(),
            notes,
            "{what}: {report:#}"
        );
        let advice = run.created();
        assert_eq!(advice.len(), 1, "{what}: {advice:?}");
        assert!(
            advice[0].starts_with("shop.orders (store_id, placed_at"),
            "{what}: {advice:?}"
        );
    }
    let of_plan = from(&[], &recorded).json();
    assert_eq!(of_plan["statement"], serde_json::Value::Null);
    assert!(
        of_plan["notes"][0]
            .as_str()
            .unwrap()
            .contains("made from its conditions: SELECT"),
        "{of_plan:#}"
    );
    for (args, says) in [
        (vec!["-c", sql, "--analyze"], "no rows to execute"),
        (vec!["-c", "select * from gone"], "gone"),
        (vec!["-c", sql, "-h", "localhost"], "cannot be used with"),
    ] {
        let run = from(&args, "");
        assert!(
            run.code != Some(0) && run.stdout.is_empty(),
            "{args:?}: {run:?}"
        );
        assert!(run.stderr.contains(says), "{args:?}: {run:?}");
    }
    std::fs::remove_file(file).unwrap();
}

#[test]
fn rules_have_pages() {
    let list = pgperf(&["rules"], "");
    assert_eq!(list.code, Some(0), "{list:?}");
    for line in list.stdout.lines() {
        let id = line.split(' ').next().unwrap();
        let page = pgperf(&["rules", id], "");
        assert!(page.stdout.starts_with(&format!("{id}: ")), "{page:?}");
    }
    assert!(list.stdout.lines().count() > 2, "{list:?}");
    let unknown = pgperf(&["rules", "sort-disc"], "");
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    assert!(
        unknown.stderr.contains("pgperf rules sort-disk"),
        "{unknown:?}"
    );
}

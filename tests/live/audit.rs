//! `pgperf audit`, as its user types it.

use super::binary::pgperf;
use super::support::{client, database, hypopg_major, shop};

#[tokio::test(flavor = "multi_thread")]
async fn the_shop_is_audited() {
    let conninfo = shop(hypopg_major()).await;
    let args = |more: &[&'static str]| {
        let mut args = vec!["audit", conninfo, "--planner", "estimate"];
        args.extend(more);
        pgperf(&args, "")
    };
    let run = args(&["--format", "json", "--fail-on", "low"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let report = run.json();
    let statements = report["statements"].as_array().unwrap();
    assert!(statements.len() > 20, "{}", statements.len());
    // The oldest pending orders are a few of many, read from end to end.
    let pending = statements.iter().find(|s| {
        let query = s["query"].as_str().unwrap();
        query.contains("status") && s["findings"][0]["rule"] == "seq-scan-selective"
    });
    let pending = pending.unwrap_or_else(|| panic!("{report:#}"));
    assert!(pending["load_share"].as_f64().unwrap() > 0.0, "{pending:#}");
    assert!(
        !report["recommendations"].as_array().unwrap().is_empty(),
        "{report:#}"
    );
    // A look-up by a primary key is as it should be.
    let looked_up = statements
        .iter()
        .filter(|s| s["plan"].as_str().is_some_and(|p| p.contains("_pkey")));
    for statement in looked_up {
        assert_eq!(
            statement["findings"].as_array().unwrap().len(),
            0,
            "{statement:#}"
        );
    }
    let run = args(&["--no-advice"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    for part in [
        "audit of database",
        "planned, not executed",
        "of the load:",
        "(seq-scan-selective)",
        "do: ",
    ] {
        assert!(run.stdout.contains(part), "{part}: {}", run.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_found_and_nothing_seen_differ() {
    let conninfo = database(hypopg_major()).await;
    let args = ["audit", &conninfo, "--no-advice"];
    let blind = pgperf(&args, "");
    assert_eq!(blind.code, Some(0), "{blind:?}");
    for part in ["could not look", "Not seen", "pg_stat_statements"] {
        assert!(blind.stdout.contains(part), "{part}: {blind:?}");
    }
    let session = client(&conninfo).await;
    for statement in [
        "create extension pg_stat_statements",
        "create table users (id int primary key, name text, note text)",
        "insert into users select n, 'name ' || n, repeat('x', 200) from generate_series(1, 50000) n",
        "vacuum analyze users",
        "select name from users where id = 77",
    ] {
        session.batch_execute(statement).await.unwrap();
    }
    let seen = pgperf(&args, "");
    assert_eq!(seen.code, Some(0), "{seen:?}");
    let told = &seen.stdout;
    assert!(
        told.contains("0 findings in 0 statements") && !told.contains("could not look"),
        "{seen:?}"
    );
    session
        .batch_execute("select id from users where name = 'name 77'")
        .await
        .unwrap();
    let found = pgperf(&args, "");
    assert!(
        found.stdout.contains("1 finding in 1 statement"),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_audited_like_its_server() {
    let conninfo = shop(hypopg_major()).await;
    let file = std::env::temp_dir().join(format!("pgperf-audit-{}.json.gz", std::process::id()));
    let path = file.to_string_lossy().into_owned();
    let saved = pgperf(&["snapshot", conninfo, "-o", &path], "");
    assert_eq!(saved.code, Some(0), "{saved:?}");
    let options = ["--no-advice", "--format", "json", "--top", "30"];
    let of = |source: &[&str]| {
        let mut args = vec!["audit"];
        args.extend(source);
        args.extend(options);
        let run = pgperf(&args, "");
        assert_eq!(run.code, Some(0), "{run:?}");
        run.json()
    };
    let (live, offline) = (of(&[conninfo]), of(&["--from", &path]));
    std::fs::remove_file(&file).unwrap();
    // What goes on there in the meantime, other tests decide.
    let lasting = |report: &serde_json::Value| -> Vec<String> {
        let findings = report["findings"].as_array().unwrap().iter();
        let named = findings.map(|f| format!("{} {}", f["rule"], f["object"]));
        let passing = |f: &String| {
            ["session", "database", "connections"]
                .iter()
                .any(|o| f.contains(o))
        };
        named.filter(|f| !passing(f)).collect()
    };
    assert_eq!(lasting(&live), lasting(&offline));
    assert!(!lasting(&live).is_empty(), "{live:#}");
    // A clone plans as the server does.
    let planned = |report: &serde_json::Value| {
        let statements = report["statements"].as_array().unwrap().clone();
        let rules = statements.iter().map(|s| {
            let found = s["findings"].as_array().unwrap().iter();
            let found: Vec<String> = found.map(|f| f["rule"].to_string()).collect();
            (s["fingerprint"].to_string(), s["plan"].to_string(), found)
        });
        rules.collect::<std::collections::BTreeSet<_>>()
    };
    let (live, offline) = (planned(&live), planned(&offline));
    let same = live.intersection(&offline).count();
    assert!(
        10 * same >= 9 * live.len(),
        "{same} of {}: {live:#?} {offline:#?}",
        live.len()
    );
    let refused = pgperf(&["audit", "--from", &path, "--analyze"], "");
    assert_eq!(refused.code, Some(2), "{refused:?}");
}

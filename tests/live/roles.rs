//! Roles that see little: no crash, gaps listed with what closes them, names quoted whatever they are.

use crate::live::binary::pgperf;
use crate::live::support;

const SETUP: &str = "CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
    CREATE TABLE secret (id int PRIMARY KEY, a int);
    INSERT INTO secret SELECT n, n % 5000 FROM generate_series(1, 100000) n; ANALYZE secret;
    SELECT * FROM secret WHERE a = 17;";

/// The same database as this role.
fn as_role(conninfo: &str, role: &str) -> String {
    conninfo.replace("user=postgres", &format!("user={role}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_with_only_pg_monitor() {
    for major in [13, 15, 18] {
        let conninfo = support::database(major).await;
        let client = support::client(&conninfo).await;
        client.batch_execute(SETUP).await.unwrap();
        client
            .batch_execute("CREATE ROLE only_monitor LOGIN; GRANT pg_monitor TO only_monitor")
            .await
            .unwrap();
        let run = pgperf(
            &[
                "advise",
                &as_role(&conninfo, "only_monitor"),
                "--format",
                "json",
            ],
            "",
        );
        assert_eq!(run.code, Some(0), "{major}: {run:?}");
        let gaps = run.json()["gaps"].to_string();
        assert!(
            gaps.contains("GRANT"),
            "{major}: column statistics of a table without SELECT are a gap: {gaps}"
        );
        let run = pgperf(&["doctor", &as_role(&conninfo, "only_monitor")], "");
        assert_eq!(run.code, Some(0), "{major}: {run:?}");
        assert!(run.stdout.contains("GRANT"), "{major}: {run:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_with_nothing() {
    for major in [13, 15, 18] {
        let conninfo = support::database(major).await;
        let client = support::client(&conninfo).await;
        client.batch_execute(SETUP).await.unwrap();
        client
            .batch_execute("CREATE ROLE nobody_special LOGIN")
            .await
            .unwrap();
        let run = pgperf(
            &[
                "advise",
                &as_role(&conninfo, "nobody_special"),
                "--format",
                "json",
            ],
            "",
        );
        assert_eq!(run.code, Some(0), "{major}: {run:?}");
        let report = run.json();
        assert_ne!(
            report["outcome"], "nothing_to_advise",
            "{major}: it could not look, which is not nothing found"
        );
        let gaps = report["gaps"].to_string();
        assert!(
            gaps.contains("GRANT pg_monitor") || gaps.contains("GRANT pg_read_all_stats"),
            "{major}: {gaps}"
        );
        assert_eq!(
            pgperf(&["doctor", &as_role(&conninfo, "nobody_special")], "").code,
            Some(0),
            "{major}"
        );
        let strict = pgperf(
            &["advise", &as_role(&conninfo, "nobody_special"), "--strict"],
            "",
        );
        assert_eq!(strict.code, Some(4), "{major}: {strict:?}");
    }
}

/// Names that break careless quoting, in statements and in DDL; the DDL is really run.
#[tokio::test(flavor = "multi_thread")]
async fn names_that_need_quotes() {
    const TABLE: &str = r#""Größe & Co"."we""ird; drop table x""#;
    let hypopg = support::hypopg_major();
    for (major, planner) in [(13, "estimate"), (hypopg, "hypopg"), (18, "estimate")] {
        let conninfo = support::database(major).await;
        let client = support::client(&conninfo).await;
        let setup = format!(
            r#"CREATE SCHEMA "Größe & Co"; CREATE TABLE {TABLE} ("Straße" int, "Mixed Case" int, "select" text);
               INSERT INTO {TABLE} SELECT n, n % 5000, 'x' FROM generate_series(1, 100000) n; ANALYZE;"#
        );
        client.batch_execute(&setup).await.unwrap();
        if planner == "hypopg" {
            client
                .batch_execute("CREATE EXTENSION hypopg")
                .await
                .unwrap();
        }
        let sql = format!(
            r#"SELECT * FROM {TABLE} WHERE "Straße" = 5; SELECT "select" FROM {TABLE} AS "T" WHERE "T"."Mixed Case" = $1;"#
        );
        let run = pgperf(
            &[
                "advise",
                &conninfo,
                "--queries",
                "-",
                "--planner",
                planner,
                "--format",
                "json",
            ],
            &sql,
        );
        assert_eq!(
            run.created(),
            [
                format!(r#"{TABLE} ("Mixed Case")"#),
                format!(r#"{TABLE} ("Straße")"#)
            ],
            "{major}: {run:?}"
        );
        for recommendation in run.json()["recommendations"].as_array().unwrap() {
            let ddl = recommendation["ddl"].as_str().unwrap();
            client
                .simple_query(ddl)
                .await
                .unwrap_or_else(|e| panic!("{major}: {ddl}: {e}"));
            let undo = recommendation["undo_ddl"].as_str().unwrap();
            client
                .simple_query(undo)
                .await
                .unwrap_or_else(|e| panic!("{major}: {undo}: {e}"));
        }
    }
}

//! The programs of `testdata/logs` on servers: what they log is read in every form, and judged alike. With `PGPERF_RECORD=1` the logs
//! of all versions are written down, for the corpus.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use flate2::Compression;
use flate2::GzBuilder;
use pgperf::audit::repeated::repeated;
use pgperf::cli::logs::{LogOptions, loops_of_logs};
use pgperf::pg::local::{LocalOptions, LocalServer};
use pgperf::query::n_plus_one::from_loops;
use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use super::log_scenario::{Program, folder};
use super::program::Sent;
use super::support::{client, installation, on_each_version, snapshot};

/// How a version logs here, and with which prefix: over all versions each form and some usual prefixes.
fn form(major: u32) -> (&'static [&'static str], &'static str) {
    match major {
        13 => (&["csvlog", "stderr"], "%m [%p] "),
        14 => (
            &["stderr"],
            "%m [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
        ),
        16 => (&["csvlog", "stderr"], "%m [%p] %q%u@%d "),
        17 => (&["stderr"], "%m [%p] %q%u@%d %c %v %x %a "),
        _ => (&["jsonlog"], "%m [%p] "),
    }
}

/// A session that waits longer than this works on something else.
const PAUSE: Duration = Duration::from_millis(70);

/// Sends a statement: by the simple protocol, or prepared if it has values.
async fn send(session: &Client, sent: &Sent) {
    if sent.values.is_empty() {
        let done = session.simple_query(&sent.sql).await;
        done.unwrap_or_else(|error| panic!("{}: {error}", sent.sql));
        return;
    }
    let statement = session.prepare(&sent.sql).await.unwrap();
    let values: Vec<Box<dyn ToSql + Sync + Send>> = (sent.values.iter().zip(statement.params()))
        .map(|(value, of_type)| -> Box<dyn ToSql + Sync + Send> {
            match *of_type {
                Type::INT8 => Box::new(value.parse::<i64>().unwrap()),
                Type::BOOL => Box::new(value == "true"),
                _ => Box::new(value.clone()),
            }
        })
        .collect();
    let values: Vec<&(dyn ToSql + Sync)> = values
        .iter()
        .map(|value| &**value as &(dyn ToSql + Sync))
        .collect();
    let done = session.query(&statement, &values).await;
    done.unwrap_or_else(|error| panic!("{}: {error}", sent.sql));
}

/// What a program leaves in the log, form by form: its name ends with version and form.
async fn logged(server: &LocalServer, program: &Program, major: u32) -> Vec<(String, Vec<u8>)> {
    let (forms, _) = form(major);
    let admin = client(&server.conninfo("postgres")).await;
    let silent = "set log_min_duration_statement = -1";
    for sql in [
        silent,
        "drop database if exists app",
        "create database app template filled",
    ] {
        admin.batch_execute(sql).await.unwrap();
    }
    let mut begins = Vec::new();
    for form in forms {
        let sql = format!(
            "select current_setting('data_directory') || '/' || pg_current_logfile('{form}')"
        );
        let path: String = admin.query_one(&sql, &[]).await.unwrap().get(0);
        begins.push((form, PathBuf::from(&path), fs::read(&path).unwrap().len()));
    }
    let session = client(&server.conninfo("app")).await;
    if let Some(setting) = program.says("set") {
        session
            .batch_execute(&format!("set {setting}"))
            .await
            .unwrap();
    }
    for request in program.requests() {
        for sent in request {
            send(&session, &sent).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
    let end = "select 'the end of it'";
    session.simple_query(end).await.unwrap();
    let mut all = Vec::new();
    for (form, path, begin) in begins {
        let read = || fs::read(&path).unwrap()[begin..].to_vec();
        let is_whole = |log: &[u8]| {
            let text = String::from_utf8_lossy(log).into_owned();
            text.split_once(end)
                .is_some_and(|(_, after)| after.contains('\n'))
        };
        for _ in 0..100 {
            if is_whole(&read()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        all.push((format!("{}.{major}.{form}", program.name), read()));
    }
    all
}

fn recording() -> bool {
    std::env::var("PGPERF_RECORD").is_ok()
}

/// Where logs are kept, or tried.
fn place(name: &str) -> PathBuf {
    if recording() {
        let recorded = folder().join("recorded");
        fs::create_dir_all(&recorded).unwrap();
        return recorded.join(format!("{name}.gz"));
    }
    std::env::temp_dir().join(format!("pgperf-{}-{name}.gz", std::process::id()))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_programs_log_is_judged_alike_in_every_form() {
    on_each_version(|major| async move {
        // Between the two ends no form has changed in a way that the recorded logs do not show.
        if !recording() && ![13, 17, 18].contains(&major) {
            return;
        }
        let (forms, prefix) = form(major);
        let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let options = LocalOptions {
            settings: vec![
                setting("logging_collector", "on"),
                setting("log_destination", &forms.join(",")),
                setting("log_min_duration_statement", "0"),
                setting("log_line_prefix", prefix),
                setting("autovacuum", "off"),
            ],
            ..LocalOptions::default()
        };
        let server = LocalServer::start(&installation(major), &options).await;
        let server = server.unwrap();
        let admin = client(&server.conninfo("postgres")).await;
        admin.batch_execute("create database filled").await.unwrap();
        {
            let filled = client(&server.conninfo("filled")).await;
            let silent = "set log_min_duration_statement = -1";
            filled.batch_execute(silent).await.unwrap();
            let schema = fs::read_to_string(folder().join("schema.sql")).unwrap();
            filled.batch_execute(&schema).await.unwrap();
        }
        // The tables are the same on all versions.
        let tables = snapshot(&server.conninfo("filled")).await;
        if recording() && major == 18 {
            let text = serde_json::to_string(&tables).unwrap();
            fs::write(folder().join("snapshot.json"), text).unwrap();
        }
        // A template that somebody is connected to cannot be copied.
        tokio::time::sleep(Duration::from_millis(200)).await;
        for program in Program::all() {
            for (name, log) in logged(&server, &program, major).await {
                let path = place(&name);
                let file = fs::File::create(&path).unwrap();
                let mut packed = GzBuilder::new().write(file, Compression::best());
                packed.write_all(&log).unwrap();
                packed.finish().unwrap();
                let options = LogOptions {
                    of_server: Some(prefix.to_owned()),
                    database: "app".to_owned(),
                    ..LogOptions::default()
                };
                let (loops, read) = loops_of_logs(std::slice::from_ref(&path), &options).unwrap();
                let found = repeated(&from_loops(&loops, Some(&tables)));
                let mut told: Vec<String> = (found.iter())
                    .map(|f| format!("{} {}", f.finding.rule, f.case.table))
                    .collect();
                told.sort();
                if recording() {
                    continue;
                }
                fs::remove_file(&path).unwrap();
                assert_eq!(told, program.expected(), "{name}: {read:?} {found:#?}");
            }
        }
        server.stop().await;
    })
    .await;
}

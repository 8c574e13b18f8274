//! `pgperf top`: in a terminal down to the DDL, through lost servers and other sizes; and its samples in pipes.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use pgperf::pg::local::LocalServer;

use super::binary::pgperf;
use super::support::{
    client, database, hypopg_major, installation, on_each_version, options, servers,
};
use super::terminal::Terminal;

/// A table without the index that the load wants.
pub(super) const SCHEMA: &str = "
create extension if not exists pg_stat_statements;
create table visits (id int primary key, customer_id int not null, note text not null);
insert into visits select n, n % 20000, repeat('x', 60) from generate_series(1, 100000) n;
analyze visits;
";

/// What is looked for on the screen.
pub(super) const STATEMENT: &str = "select note from visits where customer_id";

/// Sends the statement again and again, from a thread of its own: the tests' own wait for what they run.
pub(super) struct Load {
    goes_on: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Load {
    /// Begins, and has sent it once.
    pub(super) async fn new(conninfo: &str) -> Self {
        let sql = format!("{STATEMENT} = $1");
        client(conninfo).await.query(&sql, &[&77]).await.unwrap();
        let goes_on = Arc::new(AtomicBool::new(true));
        let (conninfo, flag) = (conninfo.to_owned(), Arc::clone(&goes_on));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                while flag.load(Ordering::Relaxed) {
                    let connected = tokio_postgres::connect(&conninfo, tokio_postgres::NoTls).await;
                    let Ok((session, connection)) = connected else {
                        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                        continue;
                    };
                    let connection = tokio::spawn(connection);
                    while flag.load(Ordering::Relaxed) && session.query(&sql, &[&77]).await.is_ok()
                    {
                    }
                    connection.abort();
                }
            });
        });
        Self { goes_on, thread }
    }

    pub(super) fn end(self) {
        self.goes_on.store(false, Ordering::Relaxed);
        self.thread.join().unwrap();
    }
}

pub(super) fn top(conninfo: &str, more: &str) -> String {
    format!(
        "{} top '{conninfo}' -i 0.5 {more}",
        env!("CARGO_BIN_EXE_pgperf")
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_load_to_the_ddl() {
    let server = LocalServer::start(&installation(hypopg_major()), &options())
        .await
        .unwrap();
    let conninfo = server.conninfo("postgres");
    client(&conninfo).await.batch_execute(SCHEMA).await.unwrap();
    let load = Load::new(&conninfo).await;
    let directory = std::env::temp_dir().join(format!("pgperf-top-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let command = format!("cd {} && {}", directory.display(), top(&conninfo, ""));
    let terminal = Terminal::run(&command, 120, 40);
    // The statement that the time goes to is the first row.
    terminal.until("the statement on top", |screen| {
        screen
            .lines()
            .nth(6)
            .is_some_and(|line| line.contains("select note from visits"))
    });
    terminal.press(&["Enter"]);
    terminal.shows("queryid");
    terminal.until("advice", |screen| {
        screen.contains("CREATE INDEX") || screen.contains("more lines below")
    });
    terminal.press(&["G"]);
    terminal.until("the DDL", |screen| {
        screen.contains("CREATE INDEX CONCURRENTLY") && screen.contains("(customer_id)")
    });
    terminal.press(&["Y"]);
    terminal.shows("copied");
    terminal.press(&["w"]);
    terminal.shows("saved to pgperf-1.sql");
    let saved = std::fs::read_to_string(directory.join("pgperf-1.sql")).unwrap();
    assert!(saved.contains("CREATE INDEX CONCURRENTLY"), "{saved}");
    assert!(saved.ends_with(";\n") && !saved.contains(";;"), "{saved}");
    // From the table to its statements.
    terminal.press(&["q", "4"]);
    terminal.shows("SEQ ROWS/s");
    terminal.until("the table", |screen| screen.contains("visits"));
    terminal.press(&["Enter"]);
    terminal.shows("visits_pkey");
    terminal.shows(STATEMENT);
    terminal.press(&["q", "8"]);
    terminal.until("advice for the load", |screen| {
        screen.contains("create") && screen.contains("visits")
    });
    terminal.press(&["q"]);
    terminal.ends(0);
    load.end();
    std::fs::remove_dir_all(&directory).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_of_the_server_and_other_sizes_are_survived() {
    let major = servers().last().unwrap().major();
    let server = LocalServer::start(&installation(major), &options())
        .await
        .unwrap();
    let conninfo = server.conninfo("postgres");
    let session = client(&conninfo).await;
    session.batch_execute(SCHEMA).await.unwrap();
    let load = Load::new(&conninfo).await;
    let terminal = Terminal::run(&top(&conninfo, ""), 120, 40);
    terminal.shows("select note from visits");
    for (width, height, expected) in [
        (80, 24, "QUERY"),
        (40, 10, "too small"),
        (200, 60, "MAX ms*"),
        (100, 30, "QUERY"),
    ] {
        terminal.resize(width, height);
        terminal.shows(expected);
    }
    // The server kills all sessions when one of its processes dies, and starts again.
    let pid: i32 = session
        .query_one("select pg_backend_pid()", &[])
        .await
        .unwrap()
        .get(0);
    let killed = Command::new("kill")
        .args(["-9", &pid.to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    terminal.until("the end of the connection", |screen| {
        screen.contains("CONNECTION LOST") || screen.contains("connected again")
    });
    terminal.until("the statement again", |screen| {
        !screen.contains("CONNECTION LOST") && screen.contains("select note from visits")
    });
    terminal.press(&["!"]);
    terminal.shows("connected again");
    terminal.press(&["q", "q"]);
    terminal.ends(0);
    load.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_and_job_control_leave_the_terminal_as_it_was() {
    let conninfo = database(servers()[0].major()).await;
    for signal in ["-TERM", "-HUP", "-INT"] {
        let terminal = Terminal::run(&top(&conninfo, ""), 80, 24);
        terminal.shows("LOAD%");
        let pid = terminal.pid_of("pgperf top");
        let killed = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(killed.success(), "{signal} {pid}");
        terminal.ends(130);
    }

    // A shell with job control: C-z stops it, fg goes on.
    let shell = "exec bash --norc --noprofile -i";
    let terminal = Terminal::open(shell, 80, 24);
    terminal.type_text(&format!(
        "PS1='ready> '; {}; stty -a; echo \"ended with $?\"\n",
        top(&conninfo, "")
    ));
    terminal.shows("LOAD%");
    terminal.press(&["C-z"]);
    terminal.shows("Stopped");
    terminal.type_text("fg\n");
    terminal.until("the screen again", |screen| {
        screen.contains("LOAD%") && !screen.contains("Stopped")
    });
    terminal.press(&["q"]);
    terminal.until("the shell", |screen| {
        screen.contains("ready> ") && !screen.contains("LOAD%")
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_cancelled_after_asking() {
    let conninfo = database(servers().last().unwrap().major()).await;
    let sleeper = client(&conninfo).await;
    let sleeping = tokio::spawn(async move {
        sleeper
            .batch_execute("select pg_sleep(600), 'sleeper'")
            .await
    });
    let terminal = Terminal::run(&top(&conninfo, "-s activity --filter sleeper"), 120, 40);
    terminal.until("the session", |screen| screen.contains("PgSleep"));
    // Whatever is not y leaves it alone.
    terminal.press(&["C"]);
    terminal.shows("Cancel the statement of session");
    terminal.press(&["n"]);
    terminal.shows("left alone");
    assert!(!sleeping.is_finished());
    terminal.press(&["C"]);
    terminal.shows("Cancel the statement of session");
    terminal.press(&["y"]);
    terminal.shows("asked the server to cancel");
    let error = sleeping.await.unwrap().unwrap_err();
    assert_eq!(
        error.code().map(tokio_postgres::error::SqlState::code),
        Some("57014")
    );
    terminal.press(&["q"]);
    terminal.ends(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_in_a_pipe_on_every_version() {
    on_each_version(|major| async move {
        let conninfo = database(major).await;
        let session = client(&conninfo).await;
        session.batch_execute(SCHEMA).await.unwrap();
        let load = Load::new(&conninfo).await;
        let run = pgperf(&["top", &conninfo, "-i", "0.5", "--filter", "visits"], "");
        assert_eq!(run.code, Some(0), "{major}: {run:?}");
        assert!(
            run.stdout.contains("LOAD%") && run.stdout.contains(STATEMENT),
            "{major}: {run:?}"
        );
        let run = pgperf(
            &[
                "top", &conninfo, "-n", "2", "-i", "0.3", "--format", "csv", "--filter", "visits",
            ],
            "",
        );
        let lines: Vec<&str> = run.stdout.lines().collect();
        assert!(
            lines[0].starts_with("at,load,aas,calls,mean"),
            "{major}: {run:?}"
        );
        assert_eq!(
            lines.iter().filter(|line| line.starts_with("at,")).count(),
            1,
            "{major}: {run:?}"
        );
        assert!(lines.len() >= 3, "{major}: {run:?}");
        for screen in [
            "activity",
            "locks",
            "tables",
            "indexes",
            "io",
            "progress",
            "databases",
        ] {
            let run = pgperf(
                &[
                    "top", &conninfo, "--once", "-i", "0.3", "-s", screen, "--format", "ndjson",
                    "--idle",
                ],
                "",
            );
            assert_eq!(run.code, Some(0), "{major}: {screen}: {run:?}");
            let sample = run.json();
            assert_eq!(sample["screen"], screen, "{major}");
            let gaps = sample["gaps"].as_array().unwrap();
            // What a version does not have is a gap; nothing else is.
            let is_known = |gap: &serde_json::Value| {
                let gap = gap.as_str().unwrap();
                gap.contains("does not have it") || gap.starts_with("no ")
            };
            assert!(gaps.iter().all(is_known), "{major}: {screen}: {gaps:?}");
        }
        let run = pgperf(
            &[
                "top", &conninfo, "--once", "-i", "0.3", "--format", "markdown", "--limit", "1",
            ],
            "",
        );
        assert!(run.stdout.contains("| LOAD% |"), "{major}: {run:?}");
        load.end();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_privileges_it_says_what_it_cannot_see() {
    on_each_version(|major| async move {
        let conninfo = database(major).await;
        let session = client(&conninfo).await;
        session.batch_execute(SCHEMA).await.unwrap();
        let role = format!("plain_{major}");
        let create = format!("drop role if exists {role}; create role {role} login");
        session.batch_execute(&create).await.unwrap();
        let load = Load::new(&conninfo).await;
        let run = pgperf(&["top", &conninfo, "-U", &role, "--once", "-i", "0.3"], "");
        assert_eq!(run.code, Some(0), "{major}: {run:?}");
        assert!(run.stdout.contains("pg_read_all_stats"), "{major}: {run:?}");
        assert!(
            run.stdout.contains("(hidden: other roles' statements"),
            "{major}: {run:?}"
        );
        assert!(!run.stdout.contains(STATEMENT), "{major}: {run:?}");
        session
            .batch_execute(&format!("grant pg_monitor to {role}"))
            .await
            .unwrap();
        let run = pgperf(&["top", &conninfo, "-U", &role, "--once", "-i", "0.3"], "");
        assert!(run.stdout.contains(STATEMENT), "{major}: {run:?}");
        load.end();
        session
            .batch_execute(&format!("drop role {role}"))
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_extension_the_other_screens_work() {
    let conninfo = database(servers()[0].major()).await;
    let run = pgperf(&["top", &conninfo, "--once", "-i", "0.3"], "");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(
        run.stdout.contains("CREATE EXTENSION pg_stat_statements"),
        "{run:?}"
    );
    let run = pgperf(
        &["top", &conninfo, "--once", "-i", "0.3", "-s", "databases"],
        "",
    );
    assert!(run.stdout.contains("postgres"), "{run:?}");
    // It is noticed when somebody makes it.
    let terminal = Terminal::run(&top(&conninfo, ""), 100, 24);
    terminal.shows("could not look: pg_stat_statements is not installed");
    let session = client(&conninfo).await;
    session
        .batch_execute("create extension pg_stat_statements")
        .await
        .unwrap();
    terminal.until("statements", |screen| !screen.contains("could not look"));
    terminal.press(&["q"]);
    terminal.ends(0);
    let run = pgperf(&["top", "host=/nowhere dbname=x", "--once"], "");
    assert_eq!(run.code, Some(3), "{run:?}");
    let run = pgperf(&["top", &conninfo, "--sort", "nothing"], "");
    assert_eq!(run.code, Some(2), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_shown_again() {
    let conninfo = database(servers().last().unwrap().major()).await;
    client(&conninfo).await.batch_execute(SCHEMA).await.unwrap();
    let load = Load::new(&conninfo).await;
    let file = std::env::temp_dir().join(format!("pgperf-{}.recording", std::process::id()));
    let path = file.to_str().unwrap();
    let run = pgperf(
        &[
            "top", &conninfo, "-n", "3", "-i", "0.3", "--record", path, "--limit", "1",
        ],
        "",
    );
    assert_eq!(run.code, Some(0), "{run:?}");
    let run = pgperf(&["top", &conninfo, "--once", "--record", path], "");
    assert_eq!(
        run.code,
        Some(2),
        "an existing file is not overwritten: {run:?}"
    );
    let terminal = Terminal::run(
        &format!("{} top --replay {path}", env!("CARGO_BIN_EXE_pgperf")),
        120,
        40,
    );
    terminal.shows("sample 1 of 4");
    terminal.press(&["Right", "Right", "Right", "Right"]);
    terminal.shows("sample 4 of 4");
    terminal.shows("select note from visits");
    terminal.press(&["Left"]);
    terminal.shows("sample 3 of 4");
    terminal.press(&["q"]);
    terminal.ends(0);
    // In a pipe: all, the first so many, the last.
    let printed = |more: &[&str]| -> Vec<f64> {
        let arguments = ["top", "--replay", path, "--format", "ndjson"];
        let run = pgperf(&[&arguments[..], more].concat(), "");
        assert_eq!(run.code, Some(0), "{more:?}: {run:?}");
        assert!(run.stdout.contains(STATEMENT), "{more:?}: {run:?}");
        let sample = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        run.stdout
            .lines()
            .map(|line| sample(line)["at"].as_f64().unwrap())
            .collect()
    };
    let all = printed(&[]);
    assert!(all.len() == 3 && all.is_sorted(), "{all:?}");
    assert_eq!(printed(&["-n", "2"]), all[..2]);
    assert_eq!(printed(&["--once"]), all[2..]);
    std::fs::remove_file(&file).unwrap();
    // What is recorded beside a screen has the others, too.
    let watching = Terminal::run(&top(&conninfo, &format!("--record {path}")), 120, 40);
    watching.shows("select note from visits");
    // Long enough for the parts that come with every fifth sample to come twice.
    watching.until("more than six samples", |screen| {
        let line = screen.lines().find_map(|line| line.split_once("  load "));
        line.is_some_and(|(_, curve)| curve.trim_end().chars().count() > 6)
    });
    watching.press(&["q"]);
    watching.ends(0);
    load.end();
    let terminal = Terminal::run(
        &format!("{} top --replay {path}", env!("CARGO_BIN_EXE_pgperf")),
        120,
        40,
    );
    let run = pgperf(
        &[
            "top", "--replay", path, "-s", "tables", "--format", "ndjson",
        ],
        "",
    );
    assert_eq!(run.code, Some(0), "{run:?}");
    let first = run.stdout.lines().next().expect("tables in a sample");
    let sample: serde_json::Value = serde_json::from_str(first).unwrap();
    assert!(
        sample["seconds"].as_f64().unwrap() > 1.5,
        "five intervals of 0.5 s: {sample}"
    );
    for (key, expected) in [("4", "visits"), ("5", "visits_pkey"), ("9", "template1")] {
        terminal.press(&[key]);
        terminal.shows(expected);
    }
    terminal.press(&["q"]);
    terminal.ends(0);
    std::fs::remove_file(&file).unwrap();
}

//! A session: who it is, what it does, whom it waits for and who waits for it.

use super::sql;
use super::{Line, fact, plain, title};
use crate::model::sample::Activity;
use crate::tui::app::App;
use crate::tui::text::{age, clean};
use crate::tui::theme::Part;

pub(super) fn lines(app: &App, pid: i32, start: &str, width: usize) -> Vec<Line> {
    let Some(session) = crate::tui::update::session(app, pid, start) else {
        return vec![plain(format!("session {pid} is gone"))];
    };
    let now = app.sample.as_ref().map_or(0.0, |sample| sample.pulse.at);
    let mut lines = vec![title(&format!("session {pid}"))];
    lines.extend(facts(session, now));
    lines.extend(locks(app, session, now));
    lines.push(Vec::new());
    match &session.query {
        Some(query) => lines.extend(sql::lines(query, width)),
        None => lines.push(plain("its statement is hidden: GRANT pg_read_all_stats")),
    }
    lines.push(Vec::new());
    if session.query_id.is_some() {
        lines.push(key("Enter", " shows the statement, its plan and advice"));
    }
    lines.push(key(
        "C",
        " cancels the statement, K terminates the session, each after asking",
    ));
    lines
}

fn key(key: &str, what: &str) -> Line {
    vec![(key.to_owned(), Part::Key), (what.to_owned(), Part::Plain)]
}

fn facts(session: &Activity, now: f64) -> Vec<Line> {
    let text = |text: Option<&String>| text.map_or_else(|| "?".to_owned(), |text| clean(text));
    let since = |start: Option<f64>| {
        start.map_or_else(|| "-".to_owned(), |start| age((now - start).max(0.0)))
    };
    let wait = match (&session.wait_event_type, &session.wait_event) {
        (Some(kind), Some(event)) => format!("{kind}: {event}"),
        _ => "nothing that the server knows of".to_owned(),
    };
    let mut lines = vec![
        fact(
            "who",
            format!(
                "{}@{}",
                text(session.user.as_ref()),
                text(session.database.as_ref())
            ),
        ),
        fact("application", text(session.application_name.as_ref())),
        fact(
            "client",
            session
                .client_addr
                .clone()
                .unwrap_or_else(|| "socket".to_owned()),
        ),
        fact("kind", text(session.backend_type.as_ref())),
        fact(
            "state",
            format!(
                "{}, for {}",
                text(session.state.as_ref()),
                since(session.state_change)
            ),
        ),
        fact("waits for", wait),
        fact("connected", format!("{} ago", since(session.backend_start))),
        fact("transaction", format!("for {}", since(session.xact_start))),
        fact("statement", format!("for {}", since(session.query_start))),
    ];
    if let Some(xmin) = session.xmin_age {
        lines.push(fact(
            "xmin age",
            format!("{xmin:.0} transactions are kept from VACUUM"),
        ));
    }
    lines
}

fn locks(app: &App, session: &Activity, now: f64) -> Vec<Line> {
    let Some(sample) = &app.sample else {
        return Vec::new();
    };
    let sessions = sample.activity.read().map_or(&[][..], Vec::as_slice);
    let who = |pid: &i32| {
        let other = sessions.iter().find(|other| other.pid == *pid);
        let what = other
            .and_then(|other| other.query.as_deref())
            .unwrap_or_default();
        let state = other
            .and_then(|other| other.state.as_deref())
            .unwrap_or("?");
        let line: String = clean(what).chars().take(100).collect();
        format!("{pid} ({}): {line}", clean(state))
    };
    let mut lines = Vec::new();
    for lock in sample
        .locks
        .read()
        .into_iter()
        .flatten()
        .filter(|lock| lock.pid == session.pid)
    {
        let on = lock.relation.as_deref().unwrap_or(&lock.locktype);
        let since = lock
            .waitstart
            .map_or_else(String::new, |since| format!(", for {}", age(now - since)));
        lines.push(fact(
            "wants",
            format!("{} on {}{since}", lock.mode, clean(on)),
        ));
    }
    lines.extend(
        session
            .blocked_by
            .iter()
            .map(|pid| fact("waits behind", who(pid))),
    );
    let behind = sessions
        .iter()
        .filter(|other| other.blocked_by.contains(&session.pid));
    lines.extend(behind.map(|other| fact("holds up", who(&other.pid))));
    lines
}

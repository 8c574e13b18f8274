//! A server made up for the tests of the dashboard, and keys to press.

use std::collections::{BTreeMap, HashMap};

use crate::model::sample::{
    Activity, DatabaseSample, DatabaseTicks, IndexCounters, IndexSample, LockWait, Panel, Progress,
    Pulse, Replication, Sample, SlotSample, StandbySample, StatementCounters, StatementKey,
    StatementSample, Statements, TableCounters, TableSample,
};
use crate::tui::app::{App, Options};
use crate::tui::keys::Key;
use crate::tui::message::{Effect, Message};
use crate::tui::update::update;

/// The server's clock in the first sample.
pub(crate) const START: f64 = 1_800_000_000.0;

/// A statement: its number is its query id.
pub(crate) fn statement(id: i64, calls: f64, mean: f64) -> StatementSample {
    StatementSample {
        key: StatementKey {
            userid: 10,
            dbid: 5,
            queryid: Some(id),
            toplevel: id != 4,
        },
        counters: StatementCounters {
            calls,
            total_exec_time: calls * mean,
            rows: calls * 2.0,
            shared_blks_hit: calls * 9.0,
            shared_blks_read: if id == 2 { calls * 6.0 } else { 0.0 },
            temp_blks_written: if id == 3 { calls } else { 0.0 },
            wal_bytes: if id == 4 { calls * 120.0 } else { 0.0 },
            ..StatementCounters::default()
        },
        since: Some(START - 9000.0),
        max_exec_time: mean * 40.0,
        stddev_exec_time: mean / 3.0,
    }
}

pub(crate) fn session(pid: i32, state: &str, query: &str) -> Activity {
    Activity {
        pid,
        database: Some("shop".into()),
        user: Some("app".into()),
        application_name: Some("web".into()),
        client_addr: Some("10.0.0.7".into()),
        backend_type: Some("client backend".into()),
        state: Some(state.into()),
        backend_start: Some(START - 100.0),
        backend_start_text: Some(format!("start of {pid}")),
        xact_start: (state != "idle").then_some(START - 70.0),
        query_start: Some(START - 3.0),
        state_change: Some(START - 3.0),
        xmin_age: (state == "active").then_some(1500.0),
        query_id: Some(1),
        query: Some(query.into()),
        ..Activity::default()
    }
}

/// A sample after that many intervals.
pub(crate) fn sample(ticks: f64) -> Sample {
    let at = START + 2.0 * ticks;
    Sample {
        pulse: pulse(at, ticks),
        databases: vec![database(ticks)],
        statements: Panel::Read(statements(ticks)),
        activity: Panel::Read(sessions()),
        locks: Panel::Read(vec![LockWait {
            pid: 4712,
            locktype: "transactionid".into(),
            mode: "ShareLock".into(),
            relation: None,
            waitstart: Some(START - 12.0),
        }]),
        tables: Panel::Read(vec![table(ticks)]),
        indexes: Panel::Read(indexes(ticks)),
        progress: Panel::Read(vec![Progress {
            pid: 4720,
            command: "VACUUM".into(),
            database: Some("shop".into()),
            relation: Some("public.orders".into()),
            phase: "scanning heap".into(),
            done: 250.0,
            total: 1000.0,
            unit: "blocks".into(),
            since: Some(START - 30.0),
        }]),
        replication: Panel::Read(replication()),
        ..Sample::default()
    }
}

fn pulse(at: f64, ticks: f64) -> Pulse {
    Pulse {
        at,
        version: "17.2".into(),
        version_num: 170_002,
        database: "shop".into(),
        user: "watcher".into(),
        postmaster_start: START - 1_047_600.0,
        max_connections: 200.0,
        wal_position: Some(ticks * 6.4e6),
        oldest_xid_age: 2e6,
        stats_reset: Some(START - 9000.0),
        sees_all: true,
        statements_max: Some(5000.0),
        ..Pulse::default()
    }
}

fn database(ticks: f64) -> DatabaseSample {
    DatabaseSample {
        oid: 5,
        name: "shop".into(),
        numbackends: 3.0,
        counters: DatabaseTicks {
            xact_commit: ticks * 2400.0,
            xact_rollback: ticks * 8.0,
            blks_hit: ticks * 9.9e4,
            blks_read: ticks * 1e3,
            ..DatabaseTicks::default()
        },
        xid_age: 2e6,
    }
}

fn statements(ticks: f64) -> Statements {
    Statements {
        entries: vec![
            statement(1, 1000.0 + ticks * 1624.0, 0.94),
            statement(2, 50.0 + ticks * 6.0, 112.4),
            statement(3, 10.0 + ticks * 2.0, 17.0),
            statement(4, 90.0 + ticks * 190.0, 0.85),
            statement(5, 7.0, 3.0),
        ],
        dealloc: Some(0),
        reset: Some(START - 9000.0),
        max: Some(5000.0),
        hidden: 0,
    }
}

fn sessions() -> Vec<Activity> {
    let mut waiting = session(4712, "active", "update orders set paid = true where id = 7");
    waiting.wait_event_type = Some("Lock".into());
    waiting.wait_event = Some("transactionid".into());
    waiting.blocked_by = vec![4711];
    vec![
        session(
            4711,
            "idle in transaction",
            "select * from orders where id = 7 for update",
        ),
        waiting,
        session(4713, "active", "select \u{1b}[31mred\n from t"),
        session(4714, "idle", "commit"),
    ]
}

fn table(ticks: f64) -> TableSample {
    TableSample {
        oid: 100,
        schema: "public".into(),
        name: "orders".into(),
        counters: TableCounters {
            seq_scan: ticks * 6.0,
            seq_tup_read: ticks * 3e6,
            idx_scan: ticks * 900.0,
            n_tup_upd: ticks * 40.0,
            n_tup_hot_upd: ticks * 30.0,
            ..TableCounters::default()
        },
        n_live_tup: 500_000.0,
        n_dead_tup: 200_000.0,
        n_mod_since_analyze: 90_000.0,
        last_vacuum: Some(START - 3600.0),
        last_analyze: None,
        size_bytes: 1e9,
    }
}

fn indexes(ticks: f64) -> Vec<IndexSample> {
    let used = IndexSample {
        oid: 101,
        table_oid: 100,
        schema: "public".into(),
        table: "orders".into(),
        name: "orders_pkey".into(),
        counters: IndexCounters {
            idx_scan: 1e6 + ticks * 900.0,
            ..IndexCounters::default()
        },
        size_bytes: 1e7,
        primary: true,
        unique: true,
        valid: true,
        last_scan: Some(START),
    };
    let unused = IndexSample {
        oid: 102,
        name: "orders_note_idx".into(),
        counters: IndexCounters::default(),
        size_bytes: 3e8,
        primary: false,
        unique: false,
        last_scan: None,
        ..used.clone()
    };
    vec![used, unused]
}

fn replication() -> Replication {
    Replication {
        standbys: vec![StandbySample {
            pid: 4730,
            name: "replica1".into(),
            state: Some("streaming".into()),
            sync_state: Some("async".into()),
            replay_lag_bytes: Some(2e9),
            replay_lag_s: Some(4.0),
            ..StandbySample::default()
        }],
        slots: vec![SlotSample {
            name: "old".into(),
            kind: "physical".into(),
            active: false,
            retained_bytes: Some(3e10),
            wal_status: Some("extended".into()),
        }],
        ..Replication::default()
    }
}

fn texts() -> HashMap<i64, String> {
    let texts = [
        (
            1,
            "SELECT * FROM orders WHERE customer_id = $1 AND status = $2 ORDER BY created_at DESC LIMIT $3",
        ),
        (
            2,
            "SELECT o.id, sum(i.qty) FROM orders o JOIN order_items i ON i.order_id = o.id GROUP BY o.id",
        ),
        (3, "SELECT * FROM reports ORDER BY day"),
        (4, "INSERT INTO events (kind, body) VALUES ($1, $2)"),
        (5, "VACUUM orders"),
    ];
    texts
        .into_iter()
        .map(|(id, text)| (id, text.to_owned()))
        .collect()
}

/// An application with three samples.
pub(crate) fn app(size: (u16, u16)) -> App {
    let options = Options {
        target: "app@prod-1".into(),
        ..Options::default()
    };
    let mut app = App::new(options, START, size);
    update(
        &mut app,
        Message::Roles(BTreeMap::from([(10, "app".to_owned())])),
    );
    update(&mut app, Message::Texts(texts()));
    for ticks in [0.0, 1.0, 2.0] {
        update(&mut app, Message::Sample(Box::new(sample(ticks))));
    }
    app
}

/// Presses keys, a character each (a line break is Enter); gives what is wanted after the last one.
pub(crate) fn keys(app: &mut App, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for c in keys.chars() {
        let key = match c {
            '\n' => Key::Enter,
            '\u{1b}' => Key::Esc,
            c => Key::Char(c),
        };
        effects = update(app, Message::Key(key));
    }
    effects
}

//! What is told as N+1 and what is not: from made-up counters and logs of programs whose habits are known.

use std::fmt::Write as _;

use crate::model::snapshot::Snapshot;
use crate::model::statement::Statement;
use crate::query::log::{Format, LogReader, Prefix};
use crate::query::n_plus_one::{
    Certainty, Kind, Loops, NPlusOne, Origin, Orm, Sample, both, from_loops, from_samples,
};
use crate::query::testing::{DATABASE, catalog};

const SCHEMA: &str = "
create table users (id bigint primary key, name text);
create table sessions (id bigint primary key, user_id bigint references users (id));
create table orders (
  id bigint primary key,
  user_id bigint references users (id),
  state text,
  total numeric(10,2)
);
create table items (id bigint primary key, order_id bigint references orders (id), sku varchar(20), tags text[]);
create table notes (id bigint primary key, order_id bigint, body text);
";

const LIST: &str = r#"SELECT "orders".* FROM "orders" WHERE "orders"."state" = $1 LIMIT $2"#;
const OWNER: &str = r#"SELECT "users".* FROM "users" WHERE "users"."id" = $1 LIMIT $2"#;
const ITEMS: &str = r#"SELECT "items".* FROM "items" WHERE "items"."order_id" = $1"#;
const COUNT: &str = r#"SELECT COUNT(*) FROM "items" WHERE "items"."order_id" = $1"#;
const NOTES: &str = r#"SELECT "notes".* FROM "notes" WHERE "notes"."order_id" = $1"#;
const SESSION: &str = r#"SELECT "sessions".* FROM "sessions" WHERE "sessions"."id" = $1"#;

/// A statement with calls and rows in each interval.
type Traffic<'a> = (&'a str, &'a [(i64, i64)]);

/// Samples of that traffic.
fn samples(traffic: &[Traffic<'_>]) -> Vec<Vec<Statement>> {
    let intervals = traffic.first().map_or(0, |(_, t)| t.len());
    let at = |interval: usize| {
        let of = |(number, (text, deltas)): (i64, &Traffic<'_>)| {
            let sum = |f: fn(&(i64, i64)) -> i64| deltas[..interval].iter().map(f).sum::<i64>();
            let calls = sum(|d| d.0) + 1000;
            Statement {
                queryid: Some(number),
                userid: 10,
                dbid: DATABASE,
                toplevel: true,
                query: Some((*text).to_owned()),
                calls,
                rows: sum(|d| d.1) + 1000,
                #[expect(clippy::cast_precision_loss, reason = "small")]
                total_exec_time: Some(calls as f64 * 0.1),
                ..Statement::default()
            }
        };
        (1..).zip(traffic).map(of).collect()
    };
    (0..=intervals).map(at).collect()
}

fn of_samples(samples: &[Vec<Statement>]) -> Vec<NPlusOne> {
    let snapshot = catalog(SCHEMA);
    let samples: Vec<Sample<'_>> = (samples.iter().zip(1_u32..))
        .map(|(statements, at)| Sample {
            taken_at: f64::from(at),
            reset: Some(0.0),
            evictions: Some(0),
            statements,
        })
        .collect();
    from_samples(&snapshot, &samples)
}

fn of_traffic(traffic: &[Traffic<'_>]) -> Vec<NPlusOne> {
    of_samples(&samples(traffic))
}

/// The children that were found, each with how sure that is.
fn told(found: &[NPlusOne]) -> Vec<(&str, Certainty)> {
    found
        .iter()
        .map(|f| (f.table.as_str(), f.certainty))
        .collect()
}

/// Lists of orders, and as many rows as they gave.
const LISTS: &[(i64, i64)] = &[
    (10, 90),
    (20, 230),
    (5, 30),
    (40, 420),
    (15, 120),
    (30, 350),
];
/// A call for each of these rows.
const EACH: &[(i64, i64)] = &[
    (90, 90),
    (230, 230),
    (30, 30),
    (420, 420),
    (120, 120),
    (350, 350),
];

#[test]
fn a_call_for_each_row_is_told_from_counters() {
    let found = of_traffic(&[(LIST, LISTS), (OWNER, EACH)]);
    assert_eq!(told(&found), [("users", Certainty::Likely)]);
    let one = &found[0];
    assert!((one.per_parent - 1240.0 / 120.0).abs() < 1e-9);
    assert!((one.round_trips - 1120.0).abs() < 1e-9);
    assert!((one.saved_ms - 112.0).abs() < 1e-6);
    assert_eq!(one.fix.orm, Some(Orm::Rails));
    assert_eq!(
        one.fix.sql.as_deref(),
        Some(r#"SELECT "users".* FROM "users" WHERE "users"."id" = ANY ($1)"#)
    );
    assert_eq!(
        one.fix.join.as_deref(),
        Some("LEFT JOIN public.users ON users.id = orders.user_id")
    );
    let parent = one.parent.as_ref().map(|p| p.text.as_str());
    assert_eq!(parent, Some(LIST));
    for (child, table) in [(ITEMS, "items"), (COUNT, "items"), (NOTES, "notes")] {
        let found = of_traffic(&[(LIST, LISTS), (child, EACH)]);
        assert_eq!(told(&found), [(table, Certainty::Likely)], "{child}");
    }
}

#[test]
fn look_alikes_among_counters_are_not_told() {
    let once: Vec<(i64, i64)> = LISTS.iter().map(|(calls, _)| (*calls, *calls)).collect();
    let thrice: Vec<(i64, i64)> = LISTS
        .iter()
        .map(|(calls, _)| (calls * 3, calls * 3))
        .collect();
    let many: Vec<(i64, i64)> = LISTS
        .iter()
        .map(|(calls, _)| (calls * 10, calls * 10))
        .collect();
    let few_rows: Vec<(i64, i64)> =
        [(10, 30), (20, 50), (5, 18), (40, 160), (15, 37), (30, 80)].to_vec();
    let unlike = &[
        (420, 420),
        (30, 30),
        (350, 350),
        (120, 120),
        (230, 230),
        (90, 90),
    ];
    let one_row: Vec<(i64, i64)> = EACH.iter().map(|(calls, _)| (*calls, *calls)).collect();
    for (case, traffic) in [
        (
            "a look-up for each request",
            vec![(LIST, LISTS), (OWNER, once.as_slice())],
        ),
        (
            "three questions for each page",
            vec![(LIST, few_rows.as_slice()), (OWNER, thrice.as_slice())],
        ),
        (
            "other traffic as large",
            vec![(LIST, LISTS), (OWNER, unlike)],
        ),
        ("jobs without a list", vec![(OWNER, EACH)]),
        (
            "no way from the one to the other",
            vec![(LIST, LISTS), (SESSION, EACH)],
        ),
        (
            "a parent of one row",
            vec![(ITEMS, one_row.as_slice()), (OWNER, EACH)],
        ),
        (
            "more than the rows explain",
            vec![
                (LIST, LISTS),
                (
                    OWNER,
                    &[
                        (900, 900),
                        (2300, 2300),
                        (300, 300),
                        (4200, 4200),
                        (1200, 1200),
                        (3500, 3500),
                    ],
                ),
            ],
        ),
        (
            "few calls",
            vec![(LIST, &[(10, 30), (8, 20)]), (OWNER, &[(30, 30), (20, 20)])],
        ),
    ] {
        let found = of_traffic(&traffic);
        assert_eq!(told(&found), [], "{case}: {found:?}");
    }
    // Ten questions for each page, and rows that differ from page to page, but are ten on average.
    let found = of_traffic(&[(LIST, LISTS), (OWNER, many.as_slice())]);
    assert!(
        found.iter().all(|f| f.certainty == Certainty::Possible),
        "{found:?}"
    );
}

#[test]
fn two_samples_alone_make_nothing_likely() {
    let found = of_traffic(&[(LIST, &[(120, 1240)]), (OWNER, &[(1240, 1240)])]);
    assert_eq!(told(&found), [("users", Certainty::Possible)]);
}

#[test]
fn resets_and_evictions_are_seen() {
    let whole = samples(&[(LIST, LISTS), (OWNER, EACH)]);
    // All counters begin again in the middle; the server of 13 does not say so.
    let mut reset = whole.clone();
    for sample in &mut reset[4..] {
        for (statement, before) in sample.iter_mut().zip(&whole[4]) {
            statement.calls -= before.calls;
            statement.rows -= before.rows;
            *statement.total_exec_time.get_or_insert_default() -=
                before.total_exec_time.unwrap_or(0.0);
        }
    }
    let found = of_samples(&reset);
    assert_eq!(told(&found), [("users", Certainty::Likely)]);
    assert!(
        (found[0].child.calls - (1240.0 - 420.0)).abs() < 1e-9,
        "{}",
        found[0].child.calls
    );
    // The child is evicted at every second sample: nothing is known of it.
    let mut evicted = whole.clone();
    for sample in evicted.iter_mut().skip(1).step_by(2) {
        sample.truncate(1);
    }
    let snapshot = catalog(SCHEMA);
    let samples: Vec<Sample<'_>> = (evicted.iter().zip(1_u32..))
        .map(|(statements, at)| Sample {
            taken_at: f64::from(at),
            reset: None,
            evictions: Some(i64::from(at)),
            statements,
        })
        .collect();
    assert_eq!(told(&from_samples(&snapshot, &samples)), []);
    assert_eq!(told(&from_samples(&snapshot, &[])), []);
    assert_eq!(told(&from_samples(&snapshot, &samples[..1])), []);
}

/// Writes the log of one session.
#[derive(Default)]
struct Log {
    text: String,
    at: f64,
    transaction: u32,
    in_block: bool,
}

impl Log {
    /// A statement that takes 0.2 ms, half a millisecond after the one before.
    fn run(&mut self, sql: &str, values: &str) {
        self.at += 0.7;
        if !self.in_block {
            self.transaction += 1;
        }
        let (second, milli) = (self.at / 1000.0, self.at % 1000.0);
        let (minute, second) = ((second / 60.0).floor(), (second % 60.0).floor());
        let head = format!(
            "2026-01-01 10:{minute:02}:{second:02}.{milli:03.0} UTC [7] 3/{} ",
            self.transaction
        );
        let name = if values.is_empty() {
            "statement"
        } else {
            "execute <unnamed>"
        };
        let _ = writeln!(self.text, "{head}LOG:  duration: 0.200 ms  {name}: {sql}");
        if !values.is_empty() {
            let _ = writeln!(self.text, "{head}DETAIL:  parameters: {values}");
        }
    }

    fn begin(&mut self) {
        self.transaction += 1;
        self.in_block = true;
        self.run("BEGIN", "");
    }

    fn commit(&mut self) {
        self.run("COMMIT", "");
        self.in_block = false;
    }

    fn pause(&mut self) {
        self.at += 300.0;
    }

    fn loops(&self) -> Loops {
        let mut loops = Loops::new(1.0);
        let mut reader = LogReader::new(Format::Stderr(Prefix::new("%m [%p] %v ")));
        let mut sink = |entry: &crate::query::log::Entry<'_>| loops.observe(entry);
        reader.feed(self.text.as_bytes(), &mut sink);
        let counts = reader.finish(&mut sink);
        assert_eq!(counts.malformed, 0);
        loops.finish();
        loops
    }

    fn judged(&self, snapshot: Option<&Snapshot>) -> Vec<NPlusOne> {
        from_loops(&self.loops(), snapshot)
    }
}

fn one(n: usize) -> String {
    format!("$1 = '{n}'")
}

#[test]
fn how_often_and_how_long_each_statement_ran() {
    let mut log = Log::default();
    log.run("select a from t where b = 1", "");
    log.run("select a from t  where b = 27 -- again", "");
    log.run("select a from t where b > 1", "");
    for value in 0..3 {
        log.run(ITEMS, &one(value));
    }
    let loops = log.loops();
    let ran: Vec<String> = (loops.ran())
        .map(|ran| {
            let times = (1000.0 * ran.total_ms, 1000.0 * ran.longest_ms);
            format!("{} {:.0} {:.0} {}", ran.calls, times.0, times.1, ran.text)
        })
        .collect();
    let expected = [
        "2 400 200 select a from t where b = $1".to_owned(),
        "1 200 200 select a from t where b > $1".to_owned(),
        format!("3 600 200 {ITEMS}"),
    ];
    assert_eq!(ran, expected);
}

#[test]
fn a_loop_is_told_from_a_log() {
    let mut log = Log::default();
    for request in 0..10 {
        log.run(SESSION, &one(request));
        // The user of the request, by the same statement as those of the list.
        log.run(OWNER, &format!("$1 = '{request}', $2 = '1'"));
        log.run(LIST, "$1 = 'open', $2 = '20'");
        for row in 0..4 + request {
            log.run(OWNER, &format!("$1 = '{}', $2 = '1'", request * 100 + row));
        }
        // Two things for each row.
        for row in 0..5 + request * 2 {
            log.run(ITEMS, &one(request * 100 + row));
            log.run(NOTES, &one(request * 100 + row));
        }
        log.pause();
    }
    let snapshot = catalog(SCHEMA);
    for snapshot in [Some(&snapshot), None] {
        let found = log.judged(snapshot);
        let mut tables = told(&found);
        tables.sort_unstable();
        let likely = |table| (table, Certainty::Likely);
        assert_eq!(tables, [likely("items"), likely("notes"), likely("users")]);
        let users = found.iter().find(|f| f.table == "users");
        assert_eq!(
            users
                .and_then(|f| f.parent.as_ref())
                .map(|p| p.text.as_str()),
            Some(LIST)
        );
        assert!((users.map_or(0.0, |f| f.per_parent) - 9.5).abs() < 1e-9);
        // 85 executions fewer, of 0.2 ms and a pause of 0.5 ms.
        let saved = users.map_or(0.0, |f| f.saved_ms);
        assert!((saved - 85.0 * 0.7).abs() < 10.0, "{saved}");
    }
}

#[test]
fn look_alikes_in_a_log_are_not_told() {
    // Requests follow each other without a pause: the session and its user are looked up again and again.
    let mut busy = Log::default();
    for request in 0..200 {
        busy.run(SESSION, &one(request));
        busy.run(OWNER, &format!("$1 = '{request}', $2 = '1'"));
        busy.run(if request % 3 == 0 { LIST } else { ITEMS }, &one(request));
    }
    // A page that always asks for six users.
    let mut page = Log::default();
    for request in 0..50 {
        page.run(LIST, "$1 = 'open', $2 = '20'");
        for row in 0..6 {
            page.run(OWNER, &format!("$1 = '{}', $2 = '1'", request * 10 + row));
        }
        page.pause();
    }
    // Jobs that each do their own work in a transaction.
    let mut jobs = Log::default();
    jobs.run(LIST, "$1 = 'open', $2 = '500'");
    for job in 0..500 {
        jobs.begin();
        jobs.run(OWNER, &format!("$1 = '{job}', $2 = '1'"));
        jobs.run(
            "UPDATE orders SET state = $2 WHERE id = $1",
            &format!("$1 = '{job}', $2 = 'done'"),
        );
        jobs.commit();
    }
    // The same row again and again.
    let mut same = Log::default();
    for request in 0..50 {
        same.run(LIST, "$1 = 'open', $2 = '20'");
        for _ in 0..5 + request % 7 {
            same.run(OWNER, "$1 = '1', $2 = '1'");
        }
        same.pause();
    }
    // Fewer than anybody would notice.
    let mut few = Log::default();
    for request in 0..50 {
        few.run(LIST, "$1 = 'open', $2 = '20'");
        for row in 0..request % 5 {
            few.run(OWNER, &format!("$1 = '{row}', $2 = '1'"));
        }
        few.pause();
    }
    let snapshot = catalog(SCHEMA);
    for (case, log) in [
        ("busy session", &busy),
        ("fixed page", &page),
        ("jobs", &jobs),
        ("same row", &same),
        ("few", &few),
    ] {
        for snapshot in [Some(&snapshot), None] {
            let mut found = log.judged(snapshot);
            if case == "same row" {
                // It is no loop over rows, but needless too.
                assert_eq!(found.len(), 1, "{found:?}");
                found.retain(|f| f.kind != Kind::Again);
            }
            assert_eq!(told(&found), [], "{case}: {found:?}");
        }
    }
}

#[test]
fn one_text_under_two_ids_is_told_once() {
    let half: Vec<(i64, i64)> = EACH
        .iter()
        .map(|(calls, rows)| (calls / 2, rows / 2))
        .collect();
    let found = of_traffic(&[(LIST, LISTS), (OWNER, &half), (OWNER, &half)]);
    assert_eq!(told(&found), [("users", Certainty::Likely)]);
    let alone = of_traffic(&[(LIST, LISTS), (OWNER, &half)]);
    let twice = alone[0].round_trips * 2.0;
    assert!((found[0].round_trips - twice).abs() < 1e-9, "{found:?}");
}

#[test]
fn what_both_sources_show_is_told_once_and_surer() {
    let mut log = Log::default();
    for request in 0..20 {
        log.run(LIST, "$1 = 'open', $2 = '20'");
        for row in 0..5 + request % 7 {
            log.run(OWNER, &format!("$1 = '{}', $2 = '1'", request * 10 + row));
        }
        log.pause();
    }
    let snapshot = catalog(SCHEMA);
    let of_log = log.judged(Some(&snapshot));
    let of_counters = of_traffic(&[(LIST, LISTS), (OWNER, EACH), (ITEMS, EACH)]);
    assert_eq!((of_log.len(), of_counters.len()), (1, 2));
    let surer = |f: &NPlusOne| f.table == "users" && f.score > of_log[0].score;
    let found = both(of_log.clone(), of_counters.clone());
    assert_eq!(found.len(), 2, "{found:?}");
    let joined = found.iter().find(|f| surer(f)).unwrap();
    assert_eq!(joined.origins, [Origin::Logs, Origin::Counters]);
    assert!(
        joined
            .reasons
            .iter()
            .any(|r| r.starts_with("by the counters"))
    );
    assert_eq!(both(of_log.clone(), Vec::new()), of_log);
    assert_eq!(both(Vec::new(), of_counters.clone()), of_counters);
}

#[test]
fn rows_written_one_by_one_are_told_from_a_log() {
    let mut log = Log::default();
    for batch in 0..4 {
        log.begin();
        for row in 0..30 + batch * 10 {
            let sql =
                format!("INSERT INTO items (id, order_id, sku) VALUES ({row}, {batch}, 'x{row}')");
            log.run(&sql, "");
        }
        for row in 0..25 + batch * 10 {
            log.run(
                "UPDATE orders SET state = $2 WHERE id = $1",
                &format!("$1 = '{}', $2 = 'done'", batch * 100 + row),
            );
        }
        log.commit();
        log.pause();
    }
    let snapshot = catalog(SCHEMA);
    let found = log.judged(Some(&snapshot));
    let mut fixes: Vec<&str> = found.iter().filter_map(|f| f.fix.sql.as_deref()).collect();
    fixes.sort_unstable();
    assert_eq!(
        fixes,
        [
            "INSERT INTO items (id, order_id, sku) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::character varying(20)[])",
            "UPDATE public.orders AS old SET state = new.state FROM unnest($1::bigint[], $2::text[]) AS new (id, state) WHERE old.id = new.id",
        ]
    );
    // A few rows belong to what one request does.
    let mut order = Log::default();
    for request in 0..50 {
        order.begin();
        for row in 0..3 + request % 8 {
            order.run(
                "INSERT INTO items (order_id, sku) VALUES ($1, $2)",
                &format!("$1 = '{request}', $2 = '{row}'"),
            );
        }
        order.commit();
    }
    assert_eq!(told(&order.judged(Some(&snapshot))), []);
}

/// The fix of a child that is looked up for each row of the list.
fn fixed(child: &str) -> Option<String> {
    let found = of_traffic(&[(LIST, LISTS), (child, EACH)]);
    found.into_iter().next()?.fix.sql
}

#[test]
fn fixes_ask_for_all_rows_at_once() {
    for (child, expected) in [
        (
            COUNT,
            Some(
                r#"SELECT order_id, COUNT(*) FROM "items" WHERE "items"."order_id" = ANY ($1) GROUP BY order_id"#,
            ),
        ),
        (
            "select sku from items where order_id = $1::bigint and sku <> $2 for update",
            Some(
                "select order_id, sku from items where order_id = ANY ($1::bigint[]) and sku <> $2 for update",
            ),
        ),
        (
            "select body from notes where order_id = $1 order by id desc limit $2",
            Some(
                "SELECT wanted.order_id AS wanted, found.* FROM unnest($1::bigint[]) AS wanted (order_id) \
                 CROSS JOIN LATERAL (select body from notes where order_id = wanted.order_id order by id desc limit $2) AS found",
            ),
        ),
        (
            "select sku from items where order_id = $1 and sku <> $4 limit $2 offset $3",
            Some(
                "SELECT wanted.order_id AS wanted, found.* FROM unnest($1::bigint[]) AS wanted (order_id) \
                 CROSS JOIN LATERAL (select sku from items where order_id = wanted.order_id and sku <> $4 limit $2 offset $3) AS found",
            ),
        ),
        (
            "select * from users where (id = $1 and $2 = $3) limit $4 offset $5",
            Some("select * from users where (id = ANY ($1) and $2 = $3)"),
        ),
        (
            "select * from users where id = $3 limit $1 offset $2",
            Some("select * from users where id = ANY ($1)"),
        ),
        ("select * from items where $1 = order_id", None),
    ] {
        assert_eq!(fixed(child).as_deref(), expected, "{child}");
    }
}

#[test]
fn who_wrote_a_statement_shows() {
    for (text, table, expected) in [
        (OWNER, "users", Some(Orm::Rails)),
        (COUNT, "items", Some(Orm::Rails)),
        (
            r#"INSERT INTO "users" ("name") VALUES ($1) RETURNING "id""#,
            "users",
            Some(Orm::Rails),
        ),
        (
            r#"SELECT "shop_user"."id", "shop_user"."name" FROM "shop_user" WHERE "shop_user"."id" = $1 LIMIT $2"#,
            "shop_user",
            Some(Orm::Django),
        ),
        (
            r#"SELECT COUNT(*) AS "__count" FROM "shop_item" WHERE "shop_item"."order_id" = $1"#,
            "shop_item",
            Some(Orm::Django),
        ),
        (
            r#"SELECT "public"."User"."id", "public"."User"."name" FROM "public"."User" WHERE ("public"."User"."id" = $1 AND $2=$3) LIMIT $4 OFFSET $5"#,
            "User",
            Some(Orm::Prisma),
        ),
        (
            "SELECT users.id AS users_id, users.name AS users_name \nFROM users \nWHERE users.id = $1",
            "users",
            Some(Orm::SqlAlchemy),
        ),
        (
            "select u1_0.id,u1_0.name from users u1_0 where u1_0.id=$1",
            "users",
            Some(Orm::Hibernate),
        ),
        (
            "select user0_.id as id1_0_0_ from users user0_ where user0_.id=$1",
            "users",
            Some(Orm::Hibernate),
        ),
        ("SELECT id, name FROM users WHERE id = $1", "users", None),
        (r#"SELECT "id" FROM "users" WHERE "id" = $1"#, "users", None),
        ("select * from users u where u.id = $1", "users", None),
    ] {
        assert_eq!(Orm::of(text, table), expected, "{text}");
    }
}

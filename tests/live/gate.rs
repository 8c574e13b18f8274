//! The gate before `explain --analyze`, on servers where executing would leave a trace.

use tokio_postgres::Client;

use super::binary::pgperf;
use super::support::{client, database, on_each_version};

/// `mark()` writes into `traces` through another session, which no READ ONLY and no ROLLBACK takes back.
const SCHEMA: &str = "
create extension dblink;
create extension tablefunc;
create table traces (id int);
create table t (id int primary key, name text not null, amount numeric not null);
insert into t select n, 'name ' || n, n from generate_series(1, 100) n;
create sequence numbers;
create function mark() returns int volatile language plpgsql as $$
begin
    perform public.dblink_exec(current_setting('test.conninfo'), 'insert into public.traces values (1)');
    return 1;
end $$;
create function quiet_mark() returns int stable language plpgsql as $$ begin return public.mark(); end $$;
create function sql_mark(int) returns int stable language sql as $$ select public.mark() $$;
create function of_row(t) returns int volatile language sql as $$ select public.mark() $$;
create function equals_mark(int, text) returns boolean volatile language sql as $$ select public.mark() = 1 $$;
create operator === (function = equals_mark, leftarg = int, rightarg = text);
create function add_mark(int, int) returns int volatile language sql as $$ select public.mark() $$;
create aggregate marked(int) (sfunc = add_mark, stype = int, initcond = '0');
create view direct as select id, public.mark() as m from t;
create view nested as select * from direct;
create view locking as select pg_catalog.pg_advisory_lock(4711)::text as l;
create view ordinary as select id, upper(name) as name from t where amount > 10;
create table guarded (id int);
insert into guarded values (1);
alter table guarded enable row level security;
create policy marked on guarded using (public.mark() = 1);
create domain watched as int check (public.mark() = 1);
create function tax(numeric) returns numeric immutable language plpgsql as $$ begin return $1 * 0.19; end $$;
";

/// Statements that must not run, and a word of the reason.
const HOSTILE: &[(&str, &str)] = &[
    ("select mark()", "volatile"),
    (
        "select public.dblink_exec('dbname=postgres', 'select 1')",
        "volatile",
    ),
    ("select quiet_mark()", "plpgsql"),
    ("select sql_mark(1)", "in sql"),
    ("select count(*) from direct", "volatile"),
    ("select count(*) from nested", "volatile"),
    ("select * from locking", "pg_advisory_lock"),
    ("select t.of_row from t", "would call it"),
    ("select (t).of_row from t", "would call it"),
    ("select * from t where id === name", "operator"),
    (
        "select * from t where id operator(public.===) name",
        "operator",
    ),
    ("select marked(id) from t", "a part of it"),
    ("select * from guarded", "policy"),
    ("select 5::watched", "domain"),
    ("select cast(id as watched) from t", "domain"),
    ("select lo_create(4711)", "volatile"),
    ("select lo_from_bytea(4711, 'x')", "volatile"),
    ("select pg_advisory_lock(4711)", "volatile"),
    ("select pg_try_advisory_lock(4711)", "volatile"),
    ("select pg_reload_conf()", "volatile"),
    ("select setval('numbers', 77)", "volatile"),
    ("select nextval('numbers')", "volatile"),
    ("select set_config('test.x', '1', false)", "volatile"),
    ("select pg_notify('c', 'x')", "volatile"),
    ("select pg_sleep(0.01)", "volatile"),
    ("select pg_stat_reset()", "volatile"),
    ("select pg_terminate_backend(pg_backend_pid())", "volatile"),
    ("select txid_current()", "does more than"),
    (
        "select table_to_xml('direct', true, false, '')",
        "does more than",
    ),
    (
        "select query_to_xml('select mark()', true, false, '')",
        "volatile",
    ),
    (
        "select * from crosstab('select id, 1, mark() from t') as c (a int, b int)",
        "any SQL",
    ),
    (
        "select 1 where exists (select \"pg_reload_conf\"())",
        "volatile",
    ),
    ("select PG_RELOAD_CONF /* x */ ()", "volatile"),
    ("select * from pg_reload_conf() as x", "volatile"),
    ("select 1 from t order by nextval('numbers')", "volatile"),
    (
        "with w as (insert into traces values (2) returning id) select * from w",
        "writes",
    ),
    (
        "with w as (delete from t returning id) select count(*) from w",
        "writes",
    ),
    ("explain analyze create table stolen as select 1", ""),
    ("create table stolen as select 1", ""),
    ("select 1 as a into stolen", "makes a table"),
    ("select * from t for update", "locks"),
    ("insert into traces values (3)", "no SELECT"),
    ("update t set name = name", "no SELECT"),
    ("delete from t", "no SELECT"),
    ("select 1; insert into traces values (4)", ""),
    ("select U&\"p\\0067_reload_conf\"()", "escapes"),
];

/// What writes, beside `SCHEMA`: each table has something that runs with it.
const WRITTEN: &str = "
create table plain (id serial primary key, name text not null default 'x' check (length(name) < 100));
insert into plain (name) select 'name ' || n from generate_series(1, 50) n;
create table fired (id int);
insert into fired values (1);
create function fire() returns trigger language plpgsql as $$ begin perform public.mark(); return new; end $$;
create trigger fires before insert or update on fired for each row execute function fire();
create table ruled (id int);
create rule marks as on insert to ruled do also select public.mark();
create table defaulting (id int, m int default public.mark());
create table checked (id int check (public.mark() = 1));
create table guarded_too (id int);
alter table guarded_too enable row level security;
create policy marked on guarded_too with check (public.mark() = 1);
create table parent (id int primary key);
insert into parent values (1);
create table child (parent_id int references parent on delete cascade);
create trigger fires before delete on child for each row execute function fire();
insert into child values (1);
create table divided (id int) partition by range (id);
create table divided_1 partition of divided for values from (0) to (10);
create trigger fires before insert on divided_1 for each row execute function fire();
create view over_fired as select id from fired;
create table silent (id int);
create trigger fires before insert on silent for each row execute function fire();
alter table silent disable trigger fires;
create table stamped (id int, at timestamptz);
create function stamp() returns trigger language plpgsql as $$ begin new.at := now(); return new; end $$;
create trigger stamps before insert on stamped for each row execute function stamp();
";

/// Statements that write, and must not run although writing is allowed, with a word of the reason.
const HARMFUL_WRITES: &[(&str, &str)] = &[
    ("insert into fired values (2)", "trigger fires"),
    ("update over_fired set id = 2", "trigger fires"),
    ("insert into ruled values (1)", "rule"),
    ("insert into defaulting values (1)", "a default of"),
    ("insert into checked values (1)", "constraint"),
    ("insert into guarded_too values (1)", "policy"),
    ("delete from parent", "trigger fires of public.child"),
    (
        "insert into divided values (1)",
        "trigger fires of public.divided_1",
    ),
    ("insert into plain select mark()", "volatile"),
    (
        "update plain set name = 'y' where id = (select setval('numbers', 99))",
        "volatile",
    ),
    ("insert into plain values (200); commit", "more than one"),
    ("truncate plain", "no SELECT"),
    ("drop table plain", "no SELECT"),
    ("create table stolen as select 1", "no SELECT"),
    ("select * from plain for update", "locks"),
    (
        "with gone as (delete from plain returning id) select * from gone",
        "writes",
    ),
];

/// Statements that write, and may be tried.
const HARMLESS_WRITES: &[&str] = &[
    "insert into plain (name) values ('new')",
    "insert into plain (id, name) select id + 1000, name from plain on conflict do nothing",
    "update plain set name = 'other ' || id where id < 20",
    "delete from plain where name like 'name 1%'",
    "insert into silent values (1)",
    "select count(*) from plain",
];

/// Statements that only read.
const HARMLESS: &[&str] = &[
    "select count(*) from t where id < 50",
    "select * from ordinary where name = 'NAME 77'",
    "select random(), now(), clock_timestamp()",
    "with a as (select id from t) select a.id, t.name from a join t using (id)",
    "select sum(amount) filter (where id % 2 = 0) over (order by id) from t",
    "select g, (select max(amount) from t where id <= g) from generate_series(1, 10) g",
    "select id from t where name like 'name 1%' and amount::int between 1 and 9 order by amount desc limit 3",
    "select jsonb_build_object('a', id) ->> 'a' from t",
];

/// What of the traces is there: the tests beside this one have locks in databases of their own.
async fn traces(session: &Client) -> String {
    let sql = "select format('%s rows, numbers at %s, %s large objects, %s tables, %s rows of t, %s locks',
        (select count(*) from traces), (select last_value || case when is_called then ' called' else '' end from numbers),
        (select count(*) from pg_largeobject_metadata), (select count(*) from pg_class where relname = 'stolen'),
        (select count(*) from t), (select count(*) from pg_locks l join pg_database d on d.oid = l.database
          where locktype = 'advisory' and d.datname = current_database()))";
    session.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_reads_is_executed() {
    on_each_version(|major| async move {
        // The catalogs in between have nothing that these two have not.
        if (14..18).contains(&major) {
            return;
        }
        let conninfo = database(major).await;
        let session = client(&conninfo).await;
        session.batch_execute(SCHEMA).await.unwrap();
        let (database, user) = (
            session.query_one("select current_database()::text", &[]),
            "postgres",
        );
        let database: String = database.await.unwrap().get(0);
        let set = format!(
            "alter role {user} in database {database} set test.conninfo = '{}'",
            conninfo.replace('\'', "''")
        );
        session.batch_execute(&set).await.unwrap();
        // That it would leave a trace is not taken on trust.
        let session = client(&conninfo).await;
        let unguarded = "begin read only; explain analyze select mark(); rollback";
        session.batch_execute(unguarded).await.unwrap();
        let before = traces(&session).await;
        assert!(before.starts_with("1 rows"), "{major}: {before}");
        let explain = |sql: &'static str, more: &[&str]| {
            let mut args = vec!["explain", &conninfo, "-c", sql, "--analyze"];
            args.extend(more);
            pgperf(&args, "")
        };
        for (sql, why) in HOSTILE {
            let run = explain(sql, &["--allow-superuser"]);
            assert_eq!(run.code, Some(2), "{major}: {sql}: {run:?}");
            assert!(run.stderr.contains(why), "{major}: {sql}: {}", run.stderr);
            assert_eq!(run.stdout, "", "{major}: {sql}");
        }
        assert_eq!(traces(&session).await, before, "{major}");
        for sql in HARMLESS {
            let run = explain(sql, &["--allow-superuser"]);
            assert_eq!(run.code, Some(0), "{major}: {sql}: {run:?}");
            assert!(run.stdout.contains("executed, in a read-only"), "{run:?}");
            // A superuser is stopped from nothing, and has to say so.
            let run = explain(sql, &[]);
            assert_eq!(run.code, Some(2), "{major}: {sql}: {run:?}");
            assert!(run.stderr.contains("superuser"), "{major}: {}", run.stderr);
        }
        // A function whose body is not known, unless the user vouches for it.
        let sql = "select sum(tax(amount)) from t";
        let run = explain(sql, &["--allow-superuser"]);
        assert!(run.stderr.contains("--allow-function tax"), "{run:?}");
        let run = explain(sql, &["--allow-superuser", "--allow-function", "tax"]);
        assert_eq!(run.code, Some(0), "{major}: {run:?}");
        // Without --analyze nothing runs, whatever it is.
        let run = pgperf(&["explain", &conninfo, "-c", "select mark()"], "");
        assert_eq!(run.code, Some(0), "{major}: {run:?}");
        assert_eq!(traces(&session).await, before, "{major}");
    })
    .await;
}

/// What of the traces is there, and of the rows that could be written.
async fn written(session: &Client) -> String {
    let sql = "select format('%s %s %s %s', (select md5(string_agg(p::text, ',' order by id)) from plain p),
        (select count(*) from fired), (select count(*) from parent), (select count(*) from silent))";
    let rows: String = session.query_one(sql, &[]).await.unwrap().get(0);
    traces(session).await + &rows
}

#[tokio::test(flavor = "multi_thread")]
async fn what_writes_is_tried_on_staging_alone_and_taken_back() {
    on_each_version(|major| async move {
        if (14..18).contains(&major) {
            return;
        }
        let conninfo = database(major).await;
        let session = client(&conninfo).await;
        session.batch_execute(SCHEMA).await.unwrap();
        session.batch_execute(WRITTEN).await.unwrap();
        let before = written(&session).await;
        let explain = |sql: &'static str, more: &[&str]| {
            let mut args = vec![
                "explain",
                &conninfo,
                "-c",
                sql,
                "--analyze",
                "--allow-superuser",
            ];
            args.extend(more);
            pgperf(&args, "")
        };
        for sql in HARMLESS_WRITES.split_last().unwrap().1 {
            let run = explain(sql, &[]);
            assert_eq!(run.code, Some(2), "{major}: {sql}: {run:?}");
            let run = explain(sql, &["--allow-dml"]);
            assert_eq!(run.code, Some(2), "{major}: {sql}: {run:?}");
            assert!(run.stderr.contains("--staging"), "{major}: {sql}: {run:?}");
        }
        let staging = ["--staging", "--allow-dml"];
        for (sql, why) in HARMFUL_WRITES {
            let run = explain(sql, &staging);
            assert_eq!(run.code, Some(2), "{major}: {sql}: {run:?}");
            assert!(run.stderr.contains(why), "{major}: {sql}: {}", run.stderr);
        }
        for sql in HARMLESS_WRITES {
            let run = explain(sql, &staging);
            assert_eq!(run.code, Some(0), "{major}: {sql}: {run:?}");
            assert!(
                run.stdout.contains("rolled back"),
                "{major}: {sql}: {run:?}"
            );
            assert_eq!(
                run.stdout.contains("read-only"),
                sql.starts_with("select"),
                "{major}: {sql}: {run:?}"
            );
        }
        // A trigger that the user vouches for.
        let sql = "insert into stamped values (1)";
        let run = explain(sql, &staging);
        assert!(
            run.stderr.contains("--allow-function stamp"),
            "{major}: {run:?}"
        );
        let run = explain(
            sql,
            &[&staging[..], &["--allow-function", "stamp"]].concat(),
        );
        assert_eq!(run.code, Some(0), "{major}: {run:?}");
        assert_eq!(written(&session).await, before, "{major}");
    })
    .await;
}

//! Logs of a made-up shop: pages with lists, some of them with a loop, by many sessions at once.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// The formats that are made.
pub(crate) const FORMATS: &[&str] = &["jsonlog", "csvlog", "stderr"];

const SESSIONS: usize = 50;

/// Statements of pages, with the number of parameters.
const STATEMENTS: &[(&str, u32)] = &[
    (
        r#"SELECT "sessions".* FROM "sessions" WHERE "sessions"."token" = $1 LIMIT $2"#,
        2,
    ),
    (
        r#"SELECT "orders"."id", "orders"."user_id", "orders"."state", "orders"."total", "orders"."created_at" FROM "orders" WHERE "orders"."state" = $1 ORDER BY "orders"."created_at" DESC LIMIT $2"#,
        2,
    ),
    (
        r#"SELECT "users".* FROM "users" WHERE "users"."id" = $1 LIMIT $2"#,
        2,
    ),
    (
        r#"SELECT "items".* FROM "items" WHERE "items"."order_id" = $1"#,
        1,
    ),
    (
        r#"SELECT COUNT(*) FROM "comments" WHERE "comments"."order_id" = $1"#,
        1,
    ),
    (
        "UPDATE \"sessions\" SET \"seen_at\" = $1 WHERE \"sessions\".\"id\" = $2",
        2,
    ),
    (
        "SELECT p.id, p.name, sum(i.quantity) AS sold\nFROM products p\nJOIN items i ON i.product_id = p.id\nWHERE i.created_at >= $1\nGROUP BY p.id, p.name\nORDER BY sold DESC\nLIMIT $2",
        2,
    ),
];

/// A generator that gives the same numbers each time (xorshift, Marsaglia).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

/// What a session has yet to run, last first.
fn request(numbers: &mut Numbers) -> Vec<usize> {
    let mut run = vec![0];
    match numbers.next(4) {
        0 => {
            run.push(1);
            let rows = 3 + numbers.next(25);
            (0..rows).for_each(|_| run.push(2));
            (0..rows).for_each(|_| run.push(3));
        }
        1 => run.extend([2, 6, 5]),
        // Statements that differ by their text.
        2 => run.extend([100, 100, 100]),
        _ => run.extend([1, 4, 5]),
    }
    run.reverse();
    run
}

/// Writes a log of at least that many bytes; gives how many.
pub(crate) fn write(path: &Path, format: &str, bytes: u64) -> io::Result<u64> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut numbers = Numbers(88_172_645_463_325_252);
    let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); SESSIONS];
    let (mut written, mut micros, mut line) = (0_u64, 0_u64, 0_u64);
    while written < bytes {
        let session = usize::try_from(numbers.next(SESSIONS as u64)).unwrap_or(0);
        if waiting[session].is_empty() {
            waiting[session] = request(&mut numbers);
        }
        let statement = waiting[session].pop().unwrap_or(0);
        line += 1;
        micros += numbers.next(60);
        let message = message(statement, session, line, micros, &mut numbers);
        let text = match format {
            "jsonlog" => json(&message),
            "csvlog" => csv(&message),
            _ => stderr(&message),
        };
        out.write_all(text.as_bytes())?;
        written += text.len() as u64;
    }
    out.flush()?;
    Ok(written)
}

struct Message {
    time: String,
    pid: usize,
    vxid: String,
    line: u64,
    text: String,
    detail: String,
}

fn message(
    statement: usize,
    session: usize,
    line: u64,
    micros: u64,
    numbers: &mut Numbers,
) -> Message {
    let millis = micros / 1000;
    let seconds = millis / 1000;
    let time = format!(
        "2026-01-01 {:02}:{:02}:{:02}.{:03} UTC",
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
        millis % 1000
    );
    let duration = format!("{}.{:03}", numbers.next(4), numbers.next(1000));
    let (text, detail) = match STATEMENTS.get(statement) {
        Some((sql, parameters)) => {
            let values: Vec<String> = (1..=*parameters)
                .map(|n| format!("${n} = '{}'", numbers.next(1_000_000)))
                .collect();
            (
                format!("duration: {duration} ms  execute <unnamed>: {sql}"),
                format!("parameters: {}", values.join(", ")),
            )
        }
        None => (
            format!(
                "duration: {duration} ms  statement: select c.id, c.name, c.email from customers{} c where c.region = 'r{}' and c.balance > {} order by c.name limit 50",
                numbers.next(200),
                numbers.next(100),
                numbers.next(100_000)
            ),
            String::new(),
        ),
    };
    Message {
        time,
        pid: 1000 + session,
        vxid: format!("{}/{line}", session + 3),
        line,
        text,
        detail,
    }
}

fn stderr(m: &Message) -> String {
    let head = format!(
        "{} [{}] shop@shop 65a.{:x} {} rails ",
        m.time, m.pid, m.pid, m.vxid
    );
    let mut out = format!("{head}LOG:  {}\n", m.text.replace('\n', "\n\t"));
    if !m.detail.is_empty() {
        let _ = writeln!(out, "{head}DETAIL:  {}", m.detail);
    }
    out
}

fn csv(m: &Message) -> String {
    let quoted = |text: &str| {
        if text.is_empty() {
            String::new()
        } else {
            format!("\"{}\"", text.replace('"', "\"\""))
        }
    };
    format!(
        "{},\"shop\",\"shop\",{},\"10.0.0.7:51234\",65a.{:x},{},\"SELECT\",2026-01-01 00:00:00 UTC,{},0,LOG,00000,{},{},,,,,,,,\"rails\",\"client backend\",,0\n",
        m.time,
        m.pid,
        m.pid,
        m.line,
        m.vxid,
        quoted(&m.text),
        quoted(&m.detail)
    )
}

fn json(m: &Message) -> String {
    let escaped = |text: &str| {
        text.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    };
    let detail = if m.detail.is_empty() {
        String::new()
    } else {
        format!("\"detail\":\"{}\",", escaped(&m.detail))
    };
    format!(
        "{{\"timestamp\":\"{}\",\"user\":\"shop\",\"dbname\":\"shop\",\"pid\":{},\"remote_host\":\"10.0.0.7\",\"remote_port\":51234,\"session_id\":\"65a.{:x}\",\"line_num\":{},\"ps\":\"SELECT\",\"session_start\":\"2026-01-01 00:00:00 UTC\",\"vxid\":\"{}\",\"txid\":0,\"error_severity\":\"LOG\",\"message\":\"{}\",{detail}\"application_name\":\"rails\",\"backend_type\":\"client backend\",\"query_id\":0}}\n",
        m.time,
        m.pid,
        m.pid,
        m.line,
        m.vxid,
        escaped(&m.text)
    )
}

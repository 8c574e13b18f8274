//! How fast statements are read: `cargo bench --bench text [-- NUMBER]`
//!
//! 100,000 texts, the sample shop's statements as `pg_stat_statements` keeps them and each with a comment of its own, are taken
//! one by one through fingerprint, Shape and Facts; beside it stands what sqlparser needs to parse the same texts by itself. Then
//! come 100,000 texts as a log has them, the same statements with constants: their fingerprints, and the workload made of them,
//! which reads one text of each statement, and up to 20 variants. Time is that of the processor, of one core.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(clippy::expect_used, reason = "the files are part of the repository")]
#![allow(clippy::cast_precision_loss, reason = "a number of statements")]

#[path = "../logs/cost.rs"]
mod cost;
mod texts;

use std::collections::HashSet;
use std::hint::black_box;

use pgperf::audit::rules::of_text;
use pgperf::audit::text::{Cost, Text};
use pgperf::query::analyse::analyse;
use pgperf::query::catalog::Catalog;
use pgperf::query::facts::Read;
use pgperf::query::parse::fingerprint;
use pgperf::query::workload::{WorkloadOptions, workload};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use crate::cost::measured;

const STATEMENTS: usize = 100_000;

fn main() {
    let number = std::env::args().find_map(|a| a.parse().ok());
    let number = number.unwrap_or(STATEMENTS);
    let mut snapshot = texts::snapshot();
    let catalog = Catalog::new(&snapshot);
    let path = &snapshot.server.search_path;
    let kept = texts::kept(&snapshot, number);
    println!("as pg_stat_statements keeps them, each read by itself:");
    show(&kept);
    let own = measure("sqlparser alone", &kept, None, |text| {
        Parser::parse_sql(&PostgreSqlDialect {}, text).is_ok()
    });
    let beside = Some(own);
    measure("fingerprint", &kept, beside, |text| {
        fingerprint(text).is_some()
    });
    measure("fingerprint and Shape", &kept, beside, |text| {
        match analyse(text, &catalog, path) {
            Ok(analysed) => black_box(analysed).fingerprint != 0,
            // It reads no table, say: that too is known from reading all of it.
            Err(reason) => reason.is_harmless(),
        }
    });
    measure("fingerprint and Facts", &kept, beside, |text| {
        Read::new(text).is_ok()
    });
    measure("Facts and all rules", &kept, beside, |text| {
        let Ok(read) = Read::new(text) else {
            return false;
        };
        black_box(of_text(&Text {
            read: &read,
            snapshot: Some(&snapshot),
            cost: Cost::default(),
        }));
        true
    });

    println!("as a log has them, with constants:");
    let sent = texts::sent(&snapshot, number);
    show(&sent);
    let own = measure("sqlparser alone", &sent, None, |text| {
        Parser::parse_sql(&PostgreSqlDialect {}, text).is_ok()
    });
    measure("fingerprint", &sent, Some(own), |text| {
        fingerprint(text).is_some()
    });
    snapshot.statements = texts::statements(&sent);
    let options = WorkloadOptions::default();
    let (made, cost) = measured(|| workload(&snapshot, &options));
    let done = made.coverage.analysed;
    print("fingerprint, Workload", sent.len(), &cost, Some(own));
    println!(
        "{:24}{} queries of {done} texts, {} left out",
        "",
        made.queries.len(),
        made.skipped.len()
    );
}

fn show(texts: &[String]) {
    let bytes: usize = texts.iter().map(String::len).sum();
    let prints: HashSet<u64> = texts.iter().filter_map(|t| fingerprint(t)).collect();
    println!(
        "{} texts of {} statements, {:.0} bytes each",
        texts.len(),
        prints.len(),
        bytes as f64 / texts.len() as f64
    );
}

/// Does something with each text and prints how long that took, beside the parser's own seconds; the seconds.
fn measure(
    what: &str,
    texts: &[String],
    parser: Option<f64>,
    mut work: impl FnMut(&str) -> bool,
) -> f64 {
    let (done, cost) = measured(|| texts.iter().filter(|text| work(black_box(text))).count());
    print(what, texts.len(), &cost, parser);
    if done < texts.len() {
        println!("{:24}not understood: {}", "", texts.len() - done);
    }
    cost.cpu
}

fn print(what: &str, texts: usize, cost: &cost::Cost, parser: Option<f64>) {
    let beside = parser.map_or(String::new(), |own| {
        format!("  {:5.2} × the parser's time", cost.cpu / own)
    });
    println!(
        "{what:<22} {:6.2} s  {:>9.0} statements/s{beside}  ({:.2} s by the clock, {:.0} MB)",
        cost.cpu,
        texts as f64 / cost.cpu,
        cost.wall,
        cost.peak
    );
}

//! The exact choice on the cost tables that the index-selection study of VLDB 2020 published (Kossmann et al., "Magic mirror in my
//! hand, which is the best in the land?"; AMPL data for an exact solver, TPC-H, TPC-DS and JOB at scale 10):
//!
//! `cargo bench --bench solver -- DIRECTORY` with `cophy_ampl_data_*.txt.gz` in it.
//!
//! For each budget it prints the cost in percent of no index, the proven bound, and how long it took; beside it the optimum that
//! `HiGHS` found for the same model.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(clippy::expect_used, reason = "the files are as they were published")]

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Instant;

use flate2::read::GzDecoder;
use pgperf::advisor::solver::{Table, Way};

const GB: f64 = 1e9;

/// File, budgets in GB, and the optima there in percent (`HiGHS`, gap 1e-4).
const INSTANCES: &[(&str, &[(f64, f64)])] = &[
    (
        "tpch_3_1",
        &[(1.0, 95.48), (2.0, 81.28), (5.0, 72.06), (10.0, 67.63)],
    ),
    (
        "tpcds_2_1",
        &[(0.5, 88.18), (1.0, 85.28), (5.0, 77.32), (10.0, 74.78)],
    ),
    (
        "job_1_2",
        &[(1.0, 63.36), (2.0, 53.20), (3.0, 32.28), (5.0, 29.92)],
    ),
];

fn unpacked(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    GzDecoder::new(File::open(path)?).read_to_string(&mut text)?;
    Ok(text)
}

fn main() {
    let directory = std::env::args().skip(1).find(|a| !a.starts_with("--"));
    let Some(directory) = directory else {
        println!("cargo bench --bench solver -- DIRECTORY");
        return;
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{cores} cores, one used");
    println!("table      budget   cost %   bound %   optimum %   evaluations   seconds");
    for (name, budgets) in INSTANCES {
        let path = Path::new(&directory).join(format!("cophy_ampl_data_{name}.txt.gz"));
        let text = match unpacked(&path) {
            Ok(text) => text,
            Err(error) => {
                println!("{}: {error}", path.display());
                continue;
            }
        };
        let mut table = read(&text);
        let none = table.cost(&[]);
        for (budget, optimum) in *budgets {
            table.budget = budget * GB;
            let begun = Instant::now();
            let solution = table.solve(&[], 400_000);
            println!(
                "{name:9} {budget:5} GB  {:7.2}  {:8.2}  {optimum:10.2}  {:12}  {:8.2}",
                100.0 * solution.cost / none,
                100.0 * solution.bound / none,
                solution.work,
                begun.elapsed().as_secs_f64(),
            );
        }
    }
}

/// `param size := index bytes`, `set indexes_per_combination[c] := indexes`, `param costs := query combination cost`.
fn read(text: &str) -> Table {
    let mut table = Table::default();
    let mut combinations: Vec<Vec<usize>> = Vec::new();
    let mut costs: Vec<(usize, usize, f64)> = Vec::new();
    let mut counted: Vec<usize> = Vec::new();
    let mut section = "";
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some(queries) = line.strip_prefix("set QUERIES :=") {
            // The study leaves some out; their costs are in the file all the same.
            let queries = queries.trim_end_matches(';').split_whitespace();
            counted = queries.map(|q| q.parse().expect("a query")).collect();
        } else if let Some(rest) = line.strip_prefix("set indexes_per_combination[") {
            let (_, members) = rest.split_once(":=").expect("a set");
            let members = members.trim_end_matches(';').split_whitespace();
            combinations.push(
                members
                    .map(|m| m.parse::<usize>().expect("an index") - 1)
                    .collect(),
            );
        } else if line.starts_with("param size") {
            section = "size";
        } else if line.starts_with("param costs") {
            section = "costs";
        } else if line.starts_with(';') || line.starts_with("param") || line.starts_with("set") {
            section = "";
        } else {
            let words: Vec<&str> = line.split_whitespace().collect();
            match (section, words.as_slice()) {
                ("size", [_, bytes]) => table.sizes.push(bytes.parse().expect("bytes")),
                ("costs", [query, combination, cost]) => costs.push((
                    query.parse().expect("a query"),
                    combination.parse().expect("a combination"),
                    cost.trim_end_matches(';').parse().expect("a cost"),
                )),
                _ => {}
            }
        }
    }
    table.prices = vec![0.0; table.sizes.len()];
    let mut last = None;
    costs.retain(|(query, _, _)| counted.contains(query));
    for (query, combination, cost) in costs {
        if last != Some(query) {
            table.queries.push(Vec::new());
            last = Some(query);
        }
        let mut used = combinations[combination].clone();
        used.sort_unstable();
        table
            .queries
            .last_mut()
            .expect("a query")
            .push(Way::by_cost(used, cost));
    }
    table
}

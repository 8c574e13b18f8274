//! How well `advisor::time_model` tells the times of plans, beside the planner's cost: `cargo bench --bench time -- DIR...`
//!
//! Each directory (made by `benches/time/record`) holds `snapshot.json` and, for each statement, what `EXPLAIN (ANALYZE, TIMING
//! OFF, FORMAT JSON)` printed. The first is the base: what counts is by which factor a statement's time changes from it to
//! each other one, and by which factor model and cost say it does.

#![allow(clippy::print_stdout, reason = "it is what a benchmark does")]

use std::collections::BTreeMap;
use std::path::Path;

use pgperf::advisor::time_model::TimeModel;
use pgperf::model::plan::Plan;
use pgperf::model::snapshot::Snapshot;
use serde_json::Value;

/// One statement on one set of indexes.
#[derive(Clone, Copy)]
struct Seen {
    actual: f64,
    model: f64,
    cost: f64,
}

fn main() {
    let directories: Vec<String> = (std::env::args().skip(1))
        .filter(|a| !a.starts_with("--"))
        .collect();
    let Some((base, others)) = directories.split_first() else {
        println!(
            "cargo bench --bench time -- BASE OTHER... (directories made by benches/time/record)"
        );
        return;
    };
    let base = seen(Path::new(base));
    let errors: Vec<f64> = base.values().map(|s| (s.model / s.actual).ln()).collect();
    println!("{} statements, absolute: {}", base.len(), spread(&errors));
    let (mut by_model, mut by_cost, mut by_both) = (Vec::new(), Vec::new(), Vec::new());
    for directory in others {
        for (name, now) in seen(Path::new(directory)) {
            let Some(was) = base.get(&name) else { continue };
            let real = now.actual / was.actual;
            let (model, cost) = (now.model / was.model, now.cost / was.cost);
            if (cost - 1.0).abs() < 0.005 {
                continue;
            }
            by_model.push((model / real).ln());
            by_cost.push((cost / real).ln());
            by_both.push(((model * cost).sqrt() / real).ln());
            println!(
                "{directory} {name}: {:.1} → {:.1} ms, ×{real:.2}; model ×{model:.2} ({:.1} → {:.1} ms), cost ×{cost:.2}",
                was.actual, now.actual, was.model, now.model
            );
        }
    }
    println!(
        "{} changed plans\n  model: {}\n  cost:  {}\n  geometric mean: {}",
        by_model.len(),
        spread(&by_model),
        spread(&by_cost),
        spread(&by_both)
    );
}

/// Root mean square and median of errors in logarithms, as factors.
fn spread(errors: &[f64]) -> String {
    let mut sizes: Vec<f64> = errors.iter().map(|e| e.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let median = sizes.get(sizes.len() / 2).copied().unwrap_or(0.0);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let mean = errors.iter().map(|e| e * e).sum::<f64>() / errors.len().max(1) as f64;
    format!(
        "off by a factor of {:.2} (root mean square), {:.2} (median)",
        mean.sqrt().exp(),
        median.exp()
    )
}

fn seen(directory: &Path) -> BTreeMap<String, Seen> {
    let read = |path: &Path| std::fs::read_to_string(path).expect("a readable file");
    let mut snapshot: Snapshot =
        serde_json::from_str(&read(&directory.join("snapshot.json"))).expect("a snapshot");
    // The second run, which counts, finds the data in memory.
    snapshot.statements.clear();
    let model = TimeModel::new(&snapshot);
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.extension().is_none_or(|e| e != "json") || name == "snapshot" {
            continue;
        }
        let text = read(&path);
        let value: Value = serde_json::from_str(&text).expect("JSON");
        let actual = value.pointer("/0/Execution Time").and_then(Value::as_f64);
        let plan = Plan::from_explain_json(&text).expect("a plan");
        all.insert(
            name,
            Seen {
                actual: actual.expect("EXPLAIN ANALYZE"),
                model: model.ms(&plan, &[]),
                cost: plan.total_cost,
            },
        );
    }
    all
}

//! What is counted: plans of the same shape, costs that are near.

use std::fmt::Write as _;
use std::time::Duration;

use pgperf::model::plan::Plan;
use pgperf::model::whatif::{Cost, Hypothetical};

/// Plans without and with what differs.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    pub(crate) refused_by_source: usize,
    refused_by_clone: Vec<String>,
    same_shape: usize,
    near: usize,
    all: usize,
    differences: Vec<String>,
}

/// The tree with node types, relations and indexes.
fn shape(plan: &Plan) -> String {
    plan.outline()
}

fn share(part: usize, all: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let percent = 100.0 * part as f64 / (all as f64).max(1.0);
    format!("{percent:5.1} % ({part} of {all})")
}

fn is_near(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * b.abs().max(0.01)
}

impl Plans {
    pub(crate) fn add(&mut self, text: &str, real: &Plan, cloned: Result<Plan, String>) {
        self.all += 1;
        let cloned = match cloned {
            Ok(plan) => plan,
            Err(why) => {
                self.refused_by_clone
                    .push(format!("{why}: {}", text.trim()));
                return;
            }
        };
        let same = shape(real) == shape(&cloned);
        let near = is_near(cloned.total_cost, real.total_cost, 0.01);
        self.same_shape += usize::from(same);
        self.near += usize::from(near);
        if !same || !near {
            let mut text = format!("  {}\n", text.trim().replace('\n', " "));
            let _ = writeln!(text, "    source {:.2} {}", real.total_cost, shape(real));
            let _ = writeln!(
                text,
                "    clone  {:.2} {}",
                cloned.total_cost,
                shape(&cloned)
            );
            self.differences.push(text);
        }
    }

    pub(crate) fn print(&self, verbose: bool) {
        println!("same plan    {}", share(self.same_shape, self.all));
        println!("cost ± 1 %   {}", share(self.near, self.all));
        if self.refused_by_source > 0 {
            println!(
                "not planned  {} by the source itself",
                self.refused_by_source
            );
        }
        for refused in &self.refused_by_clone {
            println!("refused      {refused}");
        }
        for difference in self.differences.iter().filter(|_| verbose) {
            print!("{difference}");
        }
    }
}

/// A statement with one candidate.
#[derive(Debug)]
pub(crate) struct Pair {
    text: String,
    built: f64,
    clone: f64,
    /// Whether one of the two uses the index: else there is nothing to compare.
    used: bool,
    pub(crate) hypopg: Option<(f64, f64)>,
    plans: [String; 2],
}

impl Pair {
    pub(crate) fn new(text: &str, index: &Hypothetical, built: &Plan, answer: &Cost) -> Self {
        let mut used = !answer.used.is_empty();
        built.visit(&mut |node| {
            used |= node
                .index_name
                .as_deref()
                .is_some_and(|n| n.starts_with("pgperf_built"));
        });
        Self {
            text: format!(
                "{} | {} {}",
                text.trim().replace('\n', " "),
                index.definition.table,
                index.definition
            ),
            built: built.total_cost,
            clone: answer.total,
            used,
            hypopg: None,
            plans: [shape(built), shape(&answer.plan)],
        }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    pub(crate) list: Vec<Pair>,
    pub(crate) refused: usize,
    pub(crate) building: Duration,
    pub(crate) candidates: usize,
    pub(crate) throughput: f64,
}

impl Pairs {
    pub(crate) fn print(&self, verbose: bool) {
        let used: Vec<&Pair> = self.list.iter().filter(|p| p.used).collect();
        println!(
            "candidates   {} built in the clone in {:.2} s; {} pairs with a statement, {} where the index is used, {} refused",
            self.candidates,
            self.building.as_secs_f64(),
            self.list.len(),
            used.len(),
            self.refused
        );
        println!("probes       {:.0} a second, one session", self.throughput);
        println!("what-if cost against the index really built, pairs where it is used:");
        println!(
            "                 ± 1 %                 ± 5 %                 ± 25 %                worst"
        );
        let clone = |p: &Pair| Some(p.clone / p.built);
        row("clone", &used, &clone);
        row("hypopg, corr.", &used, &|p| Some(p.hypopg?.1 / p.built));
        row("hypopg, raw", &used, &|p| Some(p.hypopg?.0 / p.built));
        for pair in used
            .iter()
            .filter(|p| verbose && !is_near(p.clone, p.built, 0.05))
        {
            println!(
                "  {}\n    built {:.2} {}\n    clone {:.2} {}",
                pair.text, pair.built, pair.plans[0], pair.clone, pair.plans[1]
            );
        }
    }
}

fn row(name: &str, pairs: &[&Pair], ratio: &dyn Fn(&Pair) -> Option<f64>) {
    let ratios: Vec<f64> = pairs.iter().filter_map(|p| ratio(p)).collect();
    if ratios.is_empty() {
        return;
    }
    let within = |tolerance: f64| {
        let near = ratios
            .iter()
            .filter(|r| is_near(**r, 1.0, tolerance))
            .count();
        share(near, ratios.len())
    };
    let worst = ratios.iter().map(|r| r.max(1.0 / r)).fold(1.0, f64::max);
    println!(
        "  {name:<14} {:<21} {:<21} {:<21} {worst:.2}×",
        within(0.01),
        within(0.05),
        within(0.25)
    );
}

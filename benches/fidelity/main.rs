//! `cargo bench --bench fidelity`: does a statistics clone plan as the server that its Snapshot was taken from?
//!
//! Each statement of a workload is planned on the source and on the clone. Then each candidate index is really built on the
//! source, one after the other, and the statements that it could help are planned again; beside that stand the clone's answer
//! to the same what-if question and `HypoPG`'s, raw and corrected.
//!
//! - Without options the source is the sample shop on a local server; `-- --major 15` chooses which.
//! - `-- --source CONNINFO --queries FILE` is any other database that may be written to: indexes are built in it and dropped.
//!   `benches/fidelity/prepare` makes TPC-H and Pagila.
//! - `-- --verbose` shows the plans that differ.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod compare;
mod source;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use pgperf::advisor::candidates::{CandidateOptions, candidates};
use pgperf::advisor::size::heights;
use pgperf::model::snapshot::Snapshot;
use pgperf::model::whatif::Hypothetical;
use pgperf::pg::clone::StatisticsClone;
use pgperf::pg::explain::Explainable;
use pgperf::pg::hypopg::Hypopg;
use pgperf::pg::local::{Installation, installations};
use pgperf::query::workload::{Workload, WorkloadOptions, workload};

use compare::{Pair, Pairs, Plans};
use source::Source;

#[derive(Debug, Default)]
struct Options {
    major: Option<u32>,
    source: Option<String>,
    queries: Option<String>,
    verbose: bool,
}

impl Options {
    fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--bench" => {}
                "--verbose" => options.verbose = true,
                "--major" => options.major = value()?.parse().ok(),
                "--source" => options.source = Some(value()?),
                "--queries" => options.queries = Some(value()?),
                _ => return Err(format!("{argument}: no such option")),
            }
        }
        Ok(options)
    }
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let outcome =
        Options::parse(std::env::args().skip(1)).and_then(|o| runtime.block_on(bench(&o)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("{why}");
            ExitCode::FAILURE
        }
    }
}

async fn bench(options: &Options) -> Result<(), String> {
    let mut source = match (&options.source, &options.queries) {
        (Some(conninfo), Some(queries)) => Source::of(conninfo, queries).await?,
        (None, None) => Source::shop(options.major).await?,
        _ => return Err("--source and --queries go together".into()),
    };
    let snapshot = source.snapshot().await?;
    let workload = workload(&snapshot, &WorkloadOptions::default());
    let installation = installation(snapshot.server.major())?;
    println!(
        "{} on PostgreSQL {}: {} tables, {} indexes, {} statements ({} not analysed); {} cores",
        snapshot.server.database,
        snapshot.server.version,
        snapshot.tables.len(),
        snapshot.indexes.len(),
        workload.queries.len(),
        workload
            .skipped
            .iter()
            .filter(|s| !s.reason.is_harmless())
            .count(),
        std::thread::available_parallelism().map_or(1, usize::from),
    );
    let started = Instant::now();
    let mut clone = StatisticsClone::hydrate(&snapshot, &heights(&snapshot), &installation, None)
        .await
        .map_err(|e| e.to_string())?;
    println!(
        "clone        ready after {:.2} s, {:.1} MB on disk beside {:.0} MB of the source",
        started.elapsed().as_secs_f64(),
        megabytes(clone.disk_usage()),
        source.megabytes().await?,
    );
    for gap in clone.gaps() {
        println!("gap          {} ({})", gap.what, gap.count.unwrap_or(1));
    }
    let plans = plans(&mut source, &mut clone, &workload).await?;
    plans.print(options.verbose);
    let pairs = pairs(&mut source, &mut clone, &workload, &snapshot).await?;
    pairs.print(options.verbose);
    clone.stop().await;
    source.stop().await;
    Ok(())
}

fn installation(major: u32) -> Result<Installation, String> {
    let found = installations().into_iter().find(|i| i.major() == major);
    found.ok_or(format!(
        "no PostgreSQL {major} on this machine for the clone: set PGPERF_PG_BIN"
    ))
}

#[expect(clippy::cast_precision_loss, reason = "no disk has 2^52 bytes")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn explainable(workload: &Workload, query: usize) -> Explainable<'_> {
    let query = &workload.queries[query];
    Explainable {
        text: &query.usual.text,
        parameters: query.usual.parameters,
        search_path: &query.search_path,
    }
}

/// Each statement as it is.
async fn plans(
    source: &mut Source,
    clone: &mut StatisticsClone,
    workload: &Workload,
) -> Result<Plans, String> {
    let mut plans = Plans::default();
    for query in 0..workload.queries.len() {
        let statement = explainable(workload, query);
        let Ok(real) = source.explain(&statement).await else {
            plans.refused_by_source += 1;
            continue;
        };
        let answer = clone.cost(&statement, &[]).await.map(|cost| cost.plan);
        plans.add(
            &workload.queries[query].text,
            &real,
            answer.map_err(|e| e.to_string()),
        );
    }
    Ok(plans)
}

/// Each statement with each of its candidates, really built, and asked about.
async fn pairs(
    source: &mut Source,
    clone: &mut StatisticsClone,
    workload: &Workload,
    snapshot: &Snapshot,
) -> Result<Pairs, String> {
    let found = candidates(workload, snapshot, &CandidateOptions::default());
    let all: Vec<&Hypothetical> = found.indexes.iter().collect();
    let started = Instant::now();
    clone.build(&all).await.map_err(|e| e.to_string())?;
    let mut pairs = Pairs {
        building: started.elapsed(),
        candidates: all.len(),
        ..Pairs::default()
    };
    let connection = source.connection().await?;
    let hypopg = (snapshot.server.extensions.get("hypopg")).map(|e| {
        Hypopg::new(
            &connection,
            &e.schema,
            snapshot.server.number("cpu_operator_cost", 0.0025),
        )
    });
    let mut waiting = Vec::new();
    for (number, index) in found.indexes.iter().enumerate() {
        let helped = (0..workload.queries.len()).filter(|&q| found.of_query[q].contains(&number));
        source.create(index).await?;
        for query in helped {
            let statement = explainable(workload, query);
            let Ok(built) = source.explain(&statement).await else {
                continue;
            };
            let Ok(answer) = clone.cost(&statement, &[index]).await else {
                pairs.refused += 1;
                continue;
            };
            let pair = Pair::new(&workload.queries[query].text, index, &built, &answer);
            // HypoPG is asked when the built index is gone.
            waiting.push((pairs.list.len(), query, number));
            pairs.list.push(pair);
        }
        source.drop_index().await?;
    }
    if let Some(hypopg) = &hypopg {
        for (at, query, number) in waiting {
            let answer = hypopg
                .cost(&explainable(workload, query), &[&found.indexes[number]])
                .await;
            pairs.list[at].hypopg = answer.ok().map(|cost| (cost.plan.total_cost, cost.total));
        }
    }
    pairs.throughput = throughput(clone, workload, &found.of_query, &all).await;
    Ok(pairs)
}

/// Questions a second, each with another configuration than the one before.
async fn throughput(
    clone: &mut StatisticsClone,
    workload: &Workload,
    of_query: &[Vec<usize>],
    all: &[&Hypothetical],
) -> f64 {
    const WINDOW: Duration = Duration::from_secs(3);
    let started = Instant::now();
    let mut asked = 0.0;
    'time: loop {
        for (query, mine) in of_query.iter().enumerate() {
            for configuration in [mine.as_slice(), &mine[..mine.len().min(1)], &[]] {
                let indexes: Vec<&Hypothetical> = configuration.iter().map(|&i| all[i]).collect();
                let _ = clone.cost(&explainable(workload, query), &indexes).await;
                asked += 1.0;
                if started.elapsed() > WINDOW {
                    break 'time;
                }
            }
        }
        if of_query.is_empty() {
            break;
        }
    }
    asked / started.elapsed().as_secs_f64()
}

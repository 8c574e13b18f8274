//! `cargo bench --bench advise`: how long `pgperf advise` takes on a large installation, how much memory, how much of the server.
//! `-- --print` writes the script that makes the installation, for psql.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod fleet;
mod random;
mod statements;

fn main() {
    let mut random = random::Random(1);
    let tables = fleet::tables(&mut random);
    let statements = statements::statements(&mut random, &tables);
    if std::env::args().any(|a| a == "--print") {
        for statement in fleet::script(&tables) {
            println!("{statement};");
        }
        println!("VACUUM ANALYZE;\nSELECT pg_stat_statements_reset();");
        for statement in statements {
            println!("{statement};");
        }
    }
}

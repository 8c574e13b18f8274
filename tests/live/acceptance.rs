//! What other index advisors test themselves with, and what their users say they get wrong (`testdata/acceptance`): each
//! statement through the real binary, judged by every planner, and the advice built and looked at by the server's own.

mod cases;
mod place;
pub(crate) mod pooler;
mod workloads;

use super::support::hypopg_major;
use cases::Group;
use place::Place;

const PLANNERS: [&str; 3] = ["clone", "hypopg", "estimate"];

/// Checks every case of a group by these planners and reports all that differ at once.
async fn check(name: &str, file: &'static str, major: u32, planners: &[&str]) {
    let group = Group::read(file);
    let place = Place::new(name, group.schema, major).await;
    let mut wrong = Vec::new();
    for case in &group.cases {
        for planner in planners {
            wrong.extend(place.wrong(case, planner).await);
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} × {} on {major}:\n{}",
        wrong.len(),
        group.cases.len(),
        planners.len(),
        wrong.join("\n")
    );
}

/// A group of cases as a test, by all planners on the version that has `HypoPG`.
macro_rules! group {
    ($test:ident, $file:literal) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            let file = include_str!(concat!("../../testdata/acceptance/", $file, ".sql"));
            check($file, file, hypopg_major(), &PLANNERS).await;
        }
    };
}

group!(a_dexter, "dexter");
group!(b_m_index_advisor, "index_advisor");
group!(c_pghero, "pghero");
group!(d_postgres_mcp, "postgres_mcp");
group!(e_pg_qualstats, "pg_qualstats");
group!(f_query_doctor, "query_doctor");
group!(h_to_p_gaps, "gaps");
group!(r_parameters, "parameters");

/// The same statements where EXPLAIN plans them without values by itself (16+).
#[tokio::test(flavor = "multi_thread")]
async fn r_parameters_of_a_newer_server() {
    let file = include_str!("../../testdata/acceptance/parameters.sql");
    check("parameters", file, 17, &["clone", "estimate"]).await;
}

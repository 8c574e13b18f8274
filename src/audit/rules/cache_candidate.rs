//! `cache-candidate`: the same result is computed again and again.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;
use crate::audit::text::unchanged::{Unchanged, unchanged};
use crate::model::unit::{Count, Millis};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "cache-candidate",
    title: "The same result is computed again and again",
    page: "\
What an application asks for thousands of times, and what hardly ever changes, it can keep for a while. The fastest statement is the one that is not sent.

Told by: a SELECT of 1 ms or more on average, asked for 1,000 times a day or more, and 20 times or more for each time that its result can have changed. The number of
different results is the product of the distinct values of the columns that parameters are compared with; each row written to one of the tables counts as a change of all of
them. Where a parameter stands anywhere else, or the text asks for the time or for chance, nothing is told. Aggregates of 100 ms or more are told by
matview-candidate.

Do: keep the result in the application (or in a cache beside it) for as long as it may be old; or drop it when the tables are written to (a trigger with NOTIFY tells). Look first
whether an index makes it cheap enough.

All right when: the result must never be older than the last write, and nothing tells of writes.",
    check: Check::Sql(check),
};

/// Milliseconds below which keeping a result costs as much as asking.
const LEAST_MS: f64 = 1.0;
/// Calls a day.
pub(super) const CALLS: f64 = 1000.0;
/// Executions for each that would do.
pub(super) const TIMES: f64 = 20.0;

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let hit = || {
        let ms = text.cost.mean_ms.filter(|ms| *ms >= LEAST_MS)?;
        let asked = unchanged(text).filter(|u| u.calls >= CALLS && u.times >= TIMES)?;
        (!super::matview_candidate::is_large_aggregate(text)).then(|| TextHit {
            object: "result".into(),
            confirmed: true,
            least: Severity::Info,
            evidence: evidence(&asked, ms),
            fix: Fix::from("keep the result in the application for as long as it may be old"),
        })
    };
    hit().into_iter().collect()
}

/// How often, how different, how changing.
pub(super) fn evidence(asked: &Unchanged, ms: f64) -> Vec<String> {
    let results = asked.results.round();
    vec![
        format!(
            "asked for {} times a day, {} of work; there {} different",
            Count(asked.calls),
            Millis(asked.calls * ms),
            if results < 2.0 {
                "is 1 result, never".to_owned()
            } else {
                format!("are {} results that are", Count(results))
            }
        ),
        format!(
            "{} rows a day are written to its tables",
            Count(asked.writes)
        ),
    ]
}

#[cfg(test)]
mod tests {
    use crate::audit::rules::of_text;
    use crate::audit::text::{Cost, Text};
    use crate::query::facts::Read;
    use crate::query::testing::catalog;

    /// Rules about results that are computed again, for a statement of so many ms.
    fn told(sql: &str, ms: f64, writes: u32) -> Vec<&'static str> {
        let ddl = format!(
            "create table countries (\n id int primary key,\n name text,\n continent text -- n_distinct=6\n); -- rows=20000 pages=200 n_tup_upd={writes}"
        );
        let mut snapshot = catalog(&ddl);
        snapshot.server.statements_reset = Some(snapshot.taken_at - 86_400.0);
        snapshot.server.stats_reset = Some(snapshot.taken_at - 86_400.0);
        let read = Read::new(sql).unwrap();
        let cost = Cost {
            calls: Some(50_000.0),
            rows_per_call: Some(50.0),
            mean_ms: Some(ms),
            share: 0.2,
        };
        let text = Text {
            read: &read,
            snapshot: Some(&snapshot),
            cost,
        };
        let rules = ["cache-candidate", "matview-candidate"];
        let found = of_text(&text).into_iter().map(|f| f.rule);
        found.filter(|rule| rules.contains(rule)).collect()
    }

    const LIST: &str = "select id, name from countries where continent = $1 order by name limit $2";

    #[test]
    fn what_hardly_changes_is_to_be_kept() {
        assert_eq!(told(LIST, 5.0, 10), ["cache-candidate"]);
        assert_eq!(
            told(
                "select id, name from countries where continent = 'Asia'",
                5.0,
                10
            ),
            ["cache-candidate"]
        );
    }

    #[test]
    fn what_changes_is_cheap_or_is_not_known_is_not() {
        assert_eq!(told(LIST, 5.0, 100_000), [""; 0], "written to all the time");
        assert_eq!(told(LIST, 0.1, 10), [""; 0], "cheap");
        for sql in [
            "select name from countries where id = $1",
            "select name, now() from countries where continent = $1",
            "select name from countries where continent = $1 and name > $2",
            "select name || $2 from countries where continent = $1",
            "select name from countries where continent = $1 for update",
            "update countries set name = $1 where continent = $2",
            "select name from elsewhere where continent = $1",
        ] {
            assert_eq!(told(sql, 5.0, 10), [""; 0], "{sql}");
        }
    }

    #[test]
    fn a_large_aggregate_is_one_for_a_materialized_view() {
        let sql = "select continent, count(*) from countries group by continent";
        assert_eq!(told(sql, 400.0, 10), ["matview-candidate"]);
        assert_eq!(told(sql, 5.0, 10), ["cache-candidate"]);
        assert_eq!(told(sql, 400.0, 100_000), [""; 0]);
    }
}

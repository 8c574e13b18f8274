//! How sure an advised index is, and why: who answered, how old the statistics are, and what had to be taken for values that
//! nobody knows.

use crate::advisor::analyze_advice::Lack;
use crate::advisor::recommendation::Confidence;
use crate::model::catalog::Table;
use crate::model::unit::Millis;
use crate::model::whatif::Source;

/// What an advised index rests on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grounds<'a> {
    /// Who answered.
    pub(super) source: Source,
    /// The table.
    pub(super) table: &'a Table,
    /// When it was looked at, Unix seconds.
    pub(super) now: f64,
    /// Statements that the index helps.
    pub(super) statements: usize,
    /// Those of them for which values were taken that keep as many rows as were returned.
    pub(super) assumed: usize,
    /// Those of them in which the rows of a range had to be guessed.
    pub(super) guessed: usize,
    /// What the statistics of the table lack.
    pub(super) lack: Option<Lack>,
}

impl Grounds<'_> {
    /// The real planner's word on statistics counts most; arithmetic without statistics least; a guess that all of it hangs on
    /// takes something away from either.
    pub(super) fn confidence(&self) -> (Confidence, String) {
        let who = match self.source {
            Source::Hypopg => "the server's planner with hypothetical indexes",
            Source::Clone => "the real planner on a copy of the statistics",
            Source::Estimate => "arithmetic, no planner was asked",
        };
        let analyzed = self.table.columns.iter().any(|c| c.stats.is_some());
        let mut reasons = vec![format!("{who}; {}", self.statistics(analyzed))];
        let of_them = |n: usize, what: &str| match (n, self.statements) {
            (0, _) => None,
            (n, all) if n == all => Some(what.to_owned()),
            (n, all) => Some(format!("{what} in {n} of {all} statements")),
        };
        reasons.extend(of_them(
            self.assumed,
            "parameter values taken from the rows returned",
        ));
        reasons.extend(of_them(
            self.guessed,
            "how many rows a condition keeps is guessed",
        ));
        let all_guessed = self.statements > 0 && self.guessed == self.statements;
        let confidence = match (self.source, analyzed) {
            (_, false) => Confidence::Low,
            (Source::Estimate, true) if self.lack.is_some() => Confidence::Low,
            (Source::Hypopg | Source::Clone, true) if self.lack.is_some() => Confidence::Medium,
            (Source::Estimate, true) => Confidence::Medium,
            (Source::Hypopg | Source::Clone, true) if all_guessed => Confidence::Medium,
            (Source::Hypopg | Source::Clone, true) => Confidence::High,
        };
        (confidence, reasons.join("; "))
    }

    fn statistics(&self, analyzed: bool) -> String {
        let table = self.table.qualified();
        if let Some(lack) = self.lack {
            return format!("ANALYZE {table} first: {}", lack.describe());
        }
        let last = self.table.stats.as_ref().and_then(|s| s.last_analyze);
        match last {
            _ if !analyzed => format!("{table} has no statistics"),
            Some(last) => {
                let age = Millis((self.now - last).max(0.0) * 1000.0);
                format!("statistics of {table} are {age} old")
            }
            None => format!("statistics of {table} are of unknown age"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisor::analyze_advice::lack;
    use crate::query::testing::catalog;

    fn told(fixture: &str, source: Source, guessed: usize, assumed: usize) -> String {
        let mut snapshot = catalog(fixture);
        let now = snapshot.taken_at;
        if let Some(stats) = &mut snapshot.tables[0].stats {
            stats.last_analyze = Some(now - 7200.0);
        }
        let grounds = Grounds {
            source,
            table: &snapshot.tables[0],
            now,
            statements: 2,
            assumed,
            guessed,
            lack: lack(&snapshot.tables[0], &snapshot),
        };
        let (confidence, reason) = grounds.confidence();
        format!("{confidence:?}: {reason}")
    }

    #[test]
    fn it_says_what_it_rests_on() {
        let analyzed = "create table t (a int); -- rows=1000 a: n_distinct=10 n_live_tup=1000";
        let analyzed = analyzed
            .replace(" a: ", "\n-- a: ")
            .replace(" n_live", "\n-- n_live");
        let never = "create table t (a int); -- rows=1000 n_live_tup=1000";
        let stale = format!("{analyzed}\n-- n_mod_since_analyze=900");
        for (told, expected) in [
            (
                told(&analyzed, Source::Clone, 0, 0),
                "High: the real planner on a copy of the statistics; statistics of public.t are 2.0 h old",
            ),
            (
                told(&analyzed, Source::Hypopg, 1, 1),
                "High: the server's planner with hypothetical indexes; statistics of public.t are 2.0 h old; parameter values \
                 taken from the rows returned in 1 of 2 statements; how many rows a condition keeps is guessed in 1 of 2 statements",
            ),
            (
                told(&analyzed, Source::Clone, 2, 0),
                "Medium: the real planner on a copy of the statistics; statistics of public.t are 2.0 h old; how many rows a \
                 condition keeps is guessed",
            ),
            (
                told(&analyzed, Source::Estimate, 0, 0),
                "Medium: arithmetic, no planner was asked; statistics of public.t are 2.0 h old",
            ),
            (
                told(&stale, Source::Clone, 0, 0),
                "Medium: the real planner on a copy of the statistics; ANALYZE public.t first: 900 changes to its 1,000 rows since \
                 it was analyzed",
            ),
            (
                told(never, Source::Clone, 0, 0),
                "Low: the real planner on a copy of the statistics; public.t has no statistics",
            ),
        ] {
            assert_eq!(told, expected);
        }
    }
}

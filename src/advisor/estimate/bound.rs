//! Which value a range condition has to be compared with to keep a given share of the rows: selectivity the other way round.

use crate::advisor::estimate::number::count;
use crate::advisor::estimate::selectivity::{Field, Side};

/// A value, and the share of rows that a condition with it keeps.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bound {
    pub(crate) value: String,
    pub(crate) share: f64,
}

/// Halvings of the histogram: enough for a share of 1e-9 in a histogram of 10,000 bins.
const STEPS: usize = 44;

impl Field<'_> {
    /// The value that bounds `share` of the rows on that side, as far as the histogram (or, without one, the list of common
    /// values) tells.
    pub(crate) fn bound(&self, side: Side, inclusive: bool, share: f64) -> Option<Bound> {
        let (column, stats) = (self.column?, self.stats()?);
        let at = |value: String| {
            let found = self.beyond(side, inclusive, &value);
            (!found.default).then_some(Bound {
                value,
                share: found.share,
            })
        };
        let bounds = stats.histogram_bounds.as_deref().unwrap_or_default();
        if bounds.len() < 2 {
            let common = stats.most_common_vals.iter().flatten();
            let row = 1.0 / self.tuples.max(1.0);
            let distance = |bound: &Bound| (bound.share.max(row) / share.max(row)).ln().abs();
            return common
                .filter_map(|v| at(v.clone()))
                .min_by(|a, b| distance(a).total_cmp(&distance(b)));
        }
        let (mut low, mut high) = (0.0, count(bounds.len() - 1));
        let mut best = None;
        for _ in 0..STEPS {
            let middle = f64::midpoint(low, high);
            let bin = bounds.len() - 2;
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 0 and the number of bounds"
            )]
            let bin = (middle.floor() as usize).min(bin);
            let within = middle - count(bin);
            let value = self
                .scale()
                .between(column, &bounds[bin], &bounds[bin + 1], within);
            let found = at(value)?;
            // More is kept the further the bound lies: up for an upper one, down for a lower one.
            if (found.share < share) == (side == Side::High) {
                low = middle;
            } else {
                high = middle;
            }
            best = Some(found);
        }
        best
    }

    /// Two values with `share` of the rows between them, around the median, where neither end of the table plays a part.
    pub(crate) fn window(&self, inclusive: [bool; 2], share: f64) -> Option<[Bound; 2]> {
        let half = f64::midpoint(1.0 - self.null_frac(), share);
        Some([
            self.bound(Side::Low, inclusive[0], half)?,
            self.bound(Side::High, inclusive[1], half)?,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::testing::catalog;

    const TABLE: &str = "create table t ( -- rows=100000 pages=1000
        n int, -- n_distinct=-1 histogram={0,100,200,400,1000}
        d date, -- n_distinct=900 null_frac=0.2 histogram={2022-01-01,2022-07-01,2023-01-01,2023-07-01,2024-01-01}
        s text, -- n_distinct=-1 histogram={aa,bb,cc,dd,ee,ff,gg,hh,ii,jj,kk,zz}
        g int, -- n_distinct=3 mcv={1:0.7,2:0.2,3:0.1}
        x int
        );";

    #[test]
    fn the_bound_keeps_the_share_that_was_asked() {
        let snapshot = catalog(TABLE);
        let table = &snapshot.tables[0];
        for column in table.columns.iter().filter(|c| c.name != "g") {
            let field = Field {
                column: Some(column),
                tuples: table.reltuples,
                unique: false,
            };
            for share in [0.0001, 0.01, 0.2, 0.5, 0.75] {
                for side in [Side::Low, Side::High] {
                    let found = field.bound(side, false, share);
                    let Some(found) = found else {
                        assert_eq!(column.name, "x", "{share}");
                        continue;
                    };
                    // Texts are not made up, so that a whole bin is the finest. The planner itself takes no condition for less
                    // than a hundredth of a bin.
                    let off = match column.name.as_str() {
                        "s" => 0.1,
                        _ => 0.003,
                    };
                    assert!(
                        (found.share - share).abs() <= off,
                        "{} {side:?} {share}: {found:?}",
                        column.name
                    );
                }
            }
        }
    }

    #[test]
    fn of_few_values_the_nearest_is_taken() {
        let snapshot = catalog(TABLE);
        let field = Field {
            column: snapshot.tables[0].columns.iter().find(|c| c.name == "g"),
            tuples: snapshot.tables[0].reltuples,
            unique: false,
        };
        for (side, inclusive, share, expected) in [
            (Side::High, true, 0.75, "1"),
            (Side::High, false, 0.8, "3"),
            (Side::Low, true, 0.12, "3"),
            (Side::High, false, 0.00001, "1"),
        ] {
            let found = field.bound(side, inclusive, share).unwrap();
            assert_eq!(found.value, expected, "{side:?} {share}");
        }
    }

    #[test]
    fn a_window_keeps_the_share_that_was_asked() {
        let snapshot = catalog(TABLE);
        let table = &snapshot.tables[0];
        for column in &table.columns[..2] {
            let field = Field {
                column: Some(column),
                tuples: table.reltuples,
                unique: false,
            };
            for share in [0.0001, 0.01, 0.3] {
                let [low, high] = field.window([true, false], share).unwrap();
                let kept = low.share + high.share - 1.0 + field.null_frac();
                assert!(
                    (kept - share).abs() < 0.003,
                    "{} {share}: {low:?} {high:?}",
                    column.name
                );
            }
        }
    }
}

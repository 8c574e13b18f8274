//! Rows over all loops, with what rounding hides: averages per loop are printed as whole numbers (rows that were given have two
//! decimals from 18 on, rows that were thrown away have none), so that half a row of each of a million loops is nothing or a million.

use crate::model::explained::Node;

/// What rounding to a whole number hides of one loop.
const ROUNDED: f64 = 0.5;
/// The same of two decimals.
const HUNDREDTH: f64 = 0.005;

/// Rows that a condition surely threw away in all executions, by the name of the figure: `Rows Removed by Filter`.
#[must_use]
pub fn removed_at_least(node: &Node, name: &str) -> f64 {
    let (each, loops) = (node.count(name), node.loops());
    if loops > 1.0 {
        (each - ROUNDED).max(0.0) * loops
    } else {
        each * loops
    }
}

/// Rows that a node gave in all its executions and not more; `None` where it was only planned.
#[must_use]
pub fn rows_at_most(node: &Node) -> Option<f64> {
    let (each, loops) = (node.number("Actual Rows")?, node.loops());
    let hidden = match loops {
        ..=1.0 => 0.0,
        // 18 prints a whole number with decimals too: then more is allowed for than there can be.
        _ if each.fract() == 0.0 => ROUNDED,
        _ => HUNDREDTH,
    };
    Some((each + hidden) * loops)
}

/// The share of rows that a condition surely threw away, of those that came to it.
#[must_use]
pub fn share_removed(node: &Node, name: &str) -> Option<f64> {
    let removed = removed_at_least(node, name);
    let read = removed + rows_at_most(node)?;
    Some(if read > 0.0 { removed / read } else { 0.0 })
}

/// "about " where a figure is an average times loops.
#[must_use]
pub fn about(node: &Node) -> &'static str {
    if node.loops() > 1.0 { "about " } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::explained::Explained;

    #[test]
    fn what_rounding_hides_counts_against_a_rule() {
        const FILTER: &str = "Rows Removed by Filter";
        for (rows, loops, removed, least, most) in [
            ("3", 1, 7, 7.0, 3.0),
            ("3", 10, 7, 65.0, 35.0),
            ("0", 600, 1, 300.0, 300.0),
            ("0", 600, 0, 0.0, 300.0),
            ("0.50", 600, 0, 0.0, 303.0),
        ] {
            let plan = format!(
                "Seq Scan on a  (cost=0..1 rows=1 width=4) (actual time=0.1..0.2 rows={rows} loops={loops})\n  \
                 Filter: (x = 1)\n  {FILTER}: {removed}"
            );
            let explained = Explained::read(&plan).unwrap();
            let node = explained.root();
            let case = format!("{rows} rows, {removed} removed, {loops} loops");
            assert!(
                (removed_at_least(node, FILTER) - least).abs() < 1e-9,
                "{case}"
            );
            assert!((rows_at_most(node).unwrap() - most).abs() < 1e-9, "{case}");
        }
    }
}

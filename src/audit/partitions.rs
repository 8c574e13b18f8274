//! What is found in several partitions of one table is one finding: the table is what a person would change.

use std::collections::BTreeMap;

use crate::audit::finding::{Finding, severity};
use crate::audit::view::View;
use crate::model::catalog::Table;
use crate::model::unit::Percent;

/// The findings with those of one rule in partitions of one table put together, where one node reads them one after another. What is said
/// is said of the partition that costs most.
#[must_use]
pub fn together(view: &View<'_>, findings: Vec<Finding>) -> Vec<Finding> {
    let mut places: BTreeMap<(&'static str, usize, u32), usize> = BTreeMap::new();
    let mut kept: Vec<(Finding, usize)> = Vec::new();
    for finding in findings {
        let place = finding.node.and_then(|node| append_and_table(view, node));
        let known = place.map(|(append, table)| (finding.rule, append, table.oid));
        let Some(at) = known.and_then(|key| places.get(&key).copied()) else {
            places.extend(known.map(|key| (key, kept.len())));
            kept.push((finding, 0));
            continue;
        };
        let (first, others) = &mut kept[at];
        *others += 1;
        let share = (first.share + finding.share).min(1.0);
        let worst = first.severity.max(finding.severity).max(severity(share));
        let mut changes = std::mem::take(&mut first.fix.changes);
        changes.extend(finding.fix.changes.iter().cloned());
        changes.dedup();
        if finding.share > first.share {
            *first = finding;
        }
        // Each partition has its own.
        first.fix.changes = changes;
        (first.share, first.severity) = (share, worst);
    }
    let told = kept.into_iter().map(|(mut finding, others)| {
        let table = finding.node.and_then(|node| append_and_table(view, node));
        if let (1.., Some((_, table))) = (others, table) {
            let noun = if others == 1 {
                "partition"
            } else {
                "partitions"
            };
            finding.evidence.push(format!(
                "the same in {others} more {noun} of {}: together {} of the statement",
                table.name,
                Percent(finding.share)
            ));
        }
        finding
    });
    told.collect()
}

/// The node that reads the partitions that a node scans one of, and their table.
fn append_and_table<'a>(view: &View<'a>, node: usize) -> Option<(usize, &'a Table)> {
    let table = view.table(node)?;
    let root = view.snapshot?.root_of(table);
    let mut above = view.explained.ancestors(node);
    let append = above.find(|&n| {
        matches!(
            view.explained.nodes[n].node_type(),
            "Append" | "Merge Append"
        )
    })?;
    (root.oid != table.oid).then_some((append, root))
}

#[cfg(test)]
mod tests {
    use crate::audit::rules::of_plan;
    use crate::audit::view::View;
    use crate::model::explained::Explained;
    use crate::query::testing::catalog;

    /// The scans of three tables, of which the first takes longest.
    fn told(ddl: &str) -> Vec<String> {
        let scan = |n: usize, ms: f64| {
            format!(
                "  ->  Seq Scan on e{n}  (cost=0..900 rows=5 width=40) (actual time=0.1..{ms} rows=1 loops=1)
        Filter: (session = 7)
        Rows Removed by Filter: 99999\n"
            )
        };
        let plan = format!(
            "Append  (cost=0..2700 rows=15 width=40) (actual time=0.1..100.0 rows=3 loops=1)\n{}{}{}Execution Time: 100.0 ms",
            scan(1, 50.0),
            scan(2, 30.0),
            scan(3, 20.0)
        );
        let (explained, snapshot) = (Explained::read(&plan).unwrap(), catalog(ddl));
        let found = of_plan(&View::new(&explained, Some(&snapshot)));
        let found = found.iter().filter(|f| f.rule == "seq-scan-selective");
        let told = found.map(|f| format!("{} {:.1} {:?}", f.object, f.share, f.evidence.last()));
        told.collect()
    }

    #[test]
    fn partitions_are_told_of_once_and_tables_each() {
        let table =
            |n: usize, of: &str| format!("create table e{n} {of}; -- rows=100000 pages=2000\n");
        let columns = "(id int, session int)";
        let parts: String = (1..4)
            .map(|n| {
                table(
                    n,
                    &format!(
                        "partition of e for values with (modulus 3, remainder {})",
                        n - 1
                    ),
                )
            })
            .collect();
        let partitioned = format!("create table e {columns} partition by hash (id);\n{parts}");
        assert_eq!(
            told(&partitioned),
            [
                "Seq Scan on e1 1.0 Some(\"the same in 2 more partitions of e: together > 99.9 % of the statement\")"
            ]
        );
        let apart: String = (1..4).map(|n| table(n, columns)).collect();
        assert_eq!(told(&apart).len(), 3);
    }
}

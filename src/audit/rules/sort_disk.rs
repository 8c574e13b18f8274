//! `sort-disk`: a sort that did not fit into `work_mem`.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::explained::Node;
use crate::model::unit::{Bytes, Percent};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "sort-disk",
    title: "A sort spills to disk",
    page: "\
What is to be sorted is larger than work_mem, so that it is written to temporary files and merged from there.

Told by: Sort Space Type is Disk, of the node or of one of its workers; an incremental sort has a group that needed disk.

Do: an index that gives the order; fewer or narrower columns; else more work_mem for this statement (SET LOCAL work_mem). In memory
rows take two to three times the room that they take on disk, and each process may use that much.

All right when: it is a report that runs at night.",
    check: Check::Plan(check),
};

/// How much more room rows take in memory than on disk.
const IN_MEMORY: f64 = 3.0;

fn check(view: &View<'_>) -> Vec<Hit> {
    let sorts = view.nodes(&["Sort", "Incremental Sort"]);
    let spilled = sorts.filter_map(|(at, node)| Some((at, node, disk_kb(node)?)));
    let noticed = spilled.filter(|(at, ..)| view.matters(*at));
    let hit = |(at, node, kb): (usize, &Node, f64)| {
        let bytes = Bytes(kb * 1024.0);
        let keys = node.list("Sort Key").join(", ");
        Hit {
            node: at,
            share: view.share(at),
            least: Severity::Info,
            evidence: vec![
                format!("{bytes} on disk, {} of the statement", Percent(view.share(at))),
                format!("sorted by {keys}"),
            ],
            fix: format!(
                "an index that gives the order, or fewer columns; else SET LOCAL work_mem = '{}MB' for this statement",
                (kb * IN_MEMORY / 1024.0).ceil().max(4.0)
            )
            .into(),
        }
    };
    noticed.map(hit).collect()
}

/// Kilobytes on disk: of the node, of its largest worker, or of the largest group of an incremental sort.
fn disk_kb(node: &Node) -> Option<f64> {
    if node.text("Sort Space Type") == Some("Disk") {
        return node.number("Sort Space Used");
    }
    let largest = |found: Option<f64>, kb: f64| Some(found.map_or(kb, |f: f64| f.max(kb)));
    let workers = node
        .each("Workers")
        .filter(|w| w.text("Sort Space Type") == Some("Disk"));
    let of_workers = workers.filter_map(|w| w.number("Sort Space Used"));
    let groups = ["Full-sort Groups", "Pre-sorted Groups"].into_iter();
    let of_groups = groups.filter_map(|name| {
        let group = node.properties.get(name)?.get("Sort Space Disk")?;
        group.get("Peak Sort Space Used")?.as_f64()
    });
    of_workers.chain(of_groups).fold(None, largest)
}

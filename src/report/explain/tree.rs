//! The tree: figures in columns on the left, nodes on the right, what is said of a node below it.

use super::{Examined, mark};
use crate::model::explained::Node;
use crate::model::unit::{Bytes, CostUnits, Count, Millis};
use crate::report::page::{BOLD, Page};
use crate::report::plain::one_line;

/// Conditions and keys, in the order in which they are shown.
const CONDITIONS: &[(&str, &str)] = &[
    ("Index Cond", "index condition"),
    ("Recheck Cond", "recheck"),
    ("TID Cond", "tid condition"),
    ("Hash Cond", "hash condition"),
    ("Merge Cond", "merge condition"),
    ("Join Filter", "join filter"),
    ("Filter", "filter"),
    ("One-Time Filter", "one-time filter"),
    ("Run Condition", "run condition"),
    ("Cache Key", "cache key"),
];
const KEYS: &[(&str, &str)] = &[
    ("Sort Key", "sorted by"),
    ("Presorted Key", "sorted before by"),
    ("Group Key", "grouped by"),
];
/// Cells of the bar.
const CELLS: f64 = 5.0;

pub(super) fn render(page: &mut Page, examined: &Examined<'_>) {
    let figure = if examined.view.explained.is_timed() {
        "self"
    } else {
        "self cost"
    };
    let head = format!(
        "{figure:>9} {:<10} {:>10} {:>6}  node",
        "share", "rows", "off by"
    );
    page.coloured(BOLD, &head);
    for at in 0..examined.view.explained.nodes.len() {
        node(page, examined, at);
    }
    let outside = examined.view.exclusive.time.outside;
    if outside > 0.0 {
        let line = format!("{:>9} in CTEs that nothing above reads", Millis(outside));
        page.coloured("", &line);
    }
}

fn node(page: &mut Page, examined: &Examined<'_>, at: usize) {
    let (view, plan) = (examined.view, examined.view.explained);
    let node = &plan.nodes[at];
    let (share, own) = (view.share(at), view.exclusive.time.own[at]);
    let figure = if node.is_never_executed() {
        "-".to_owned()
    } else if plan.is_timed() {
        Millis(own).to_string()
    } else {
        CostUnits(view.cost(at)).to_string()
    };
    let rows = node.rows().unwrap_or_else(|| node.plan_rows());
    let marks = examined.findings.iter().enumerate();
    let marks = marks
        .filter(|(_, f)| f.node == Some(at))
        .map(|(position, _)| mark(position));
    let marks: Vec<String> = marks.collect();
    let marks = match marks.as_slice() {
        [] => String::new(),
        marks => format!("  [{}]", marks.join(" ")),
    };
    let depth = plan.depth(at);
    let label = node
        .text("Subplan Name")
        .map_or_else(String::new, |n| format!("{n}: "));
    let name = one_line(&format!("{label}{}", node.name()));
    let figures = format!(
        "{figure:>9} {:<5} {:>4} {:>10} {:>6}  ",
        bar(share),
        format!("{:.0}%", 100.0 * share),
        Count(rows),
        off_by(node)
    );
    let indent = "  ".repeat(depth);
    page.hanging(&format!("{figures}{indent}"), &format!("{name}{marks}"));
    let margin = " ".repeat(figures.chars().count() + indent.len() + 2);
    for line in details(node) {
        page.hanging(&margin, &one_line(&line));
    }
}

/// A share as a bar of eighths of a cell.
fn bar(share: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let mut bar = String::new();
    let mut left = (share.clamp(0.0, 1.0) * CELLS * 8.0).round();
    while left >= 8.0 {
        bar.push('█');
        left -= 8.0;
    }
    let part = (0..8_u32)
        .rev()
        .find(|n| f64::from(*n) <= left)
        .unwrap_or(0);
    bar.push_str(EIGHTHS[part as usize]);
    bar
}

/// By how much the rows of each execution differ from what was expected: "↑12×" more, "↓12×" less.
fn off_by(node: &Node) -> String {
    let Some(actual) = node
        .number("Actual Rows")
        .filter(|_| !node.is_never_executed())
    else {
        return String::new();
    };
    let (actual, expected) = (actual.max(1.0), node.plan_rows().max(1.0));
    let (sign, factor) = if actual >= expected {
        ("↑", actual / expected)
    } else {
        ("↓", expected / actual)
    };
    if factor < 2.0 || node.node_type().starts_with("Bitmap") && actual <= 1.0 {
        return String::new();
    }
    format!("{sign}{}×", Count(factor))
}

/// What is said of a node below it.
fn details(node: &Node) -> Vec<String> {
    let mut lines = Vec::new();
    if node.is_never_executed() {
        lines.push("never executed".to_owned());
    } else if node.loops() > 1.0 {
        let each = node.number("Actual Total Time");
        let each = each.map_or_else(String::new, |ms| format!(", {} each", Millis(ms)));
        lines.push(format!("{} loops{each}", Count(node.loops())));
    }
    for (name, label) in CONDITIONS {
        if let Some(condition) = node.text(name) {
            let removed = match *name {
                "Filter" => node.removed("Rows Removed by Filter"),
                "Join Filter" => node.removed("Rows Removed by Join Filter"),
                "Recheck Cond" => node.removed("Rows Removed by Index Recheck"),
                _ => 0.0,
            };
            let removed = if removed > 0.0 {
                format!("  ({} rows removed)", Count(removed))
            } else {
                String::new()
            };
            lines.push(format!("{label} {condition}{removed}"));
        }
    }
    for (name, label) in KEYS {
        let keys = node.list(name);
        if !keys.is_empty() {
            lines.push(format!("{label} {}", keys.join(", ")));
        }
    }
    lines.extend(resources(node));
    lines
}

/// Memory, disk, processes.
fn resources(node: &Node) -> Vec<String> {
    let kb = |name: &str| node.number(name).map(|kb| Bytes(kb * 1024.0));
    let mut lines = Vec::new();
    if let (Some(method), Some(space)) = (node.text("Sort Method"), kb("Sort Space Used")) {
        let place = node
            .text("Sort Space Type")
            .unwrap_or("memory")
            .to_lowercase();
        lines.push(format!("{method}, {space} of {place}"));
    }
    let batches = node
        .number("Hash Batches")
        .or(node.number("HashAgg Batches"));
    if let Some(batches) = batches.filter(|b| *b > 1.0) {
        let disk = kb("Disk Usage").map_or_else(String::new, |d| format!(", {d} on disk"));
        lines.push(format!("{} batches{disk}", Count(batches)));
    }
    if let (Some(hits), Some(misses)) = (node.number("Cache Hits"), node.number("Cache Misses")) {
        lines.push(format!("{} hits, {} misses", Count(hits), Count(misses)));
    }
    if let Some(fetches) = node.number("Heap Fetches").filter(|f| *f > 0.0) {
        lines.push(format!("{} visits to the table", Count(fetches)));
    }
    if let (Some(planned), Some(launched)) = (
        node.number("Workers Planned"),
        node.number("Workers Launched"),
    ) {
        lines.push(format!("{launched} of {planned} workers"));
    }
    if let Some(removed) = node.number("Subplans Removed").filter(|n| *n > 0.0) {
        lines.push(format!("{} subplans pruned", Count(removed)));
    }
    lines
}

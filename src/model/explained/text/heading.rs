//! The first line of a node: "->  Parallel Index Scan using i on t x  (cost=0.42..8.44 rows=1 width=4) (actual …)".

use serde_json::{Map, Value};

use super::property::leading_number;

/// A node's first line, under the names of JSON.
pub(super) struct Heading {
    /// Whether it stood behind an arrow, as all but the root do.
    pub(super) arrow: bool,
    pub(super) properties: Map<String, Value>,
}

/// Names of nodes that no other word makes longer. What is not here is no node, unless figures stand behind it.
const PLAIN: &[&str] = &[
    "Append",
    "BitmapAnd",
    "BitmapOr",
    "Gather",
    "Gather Merge",
    "Group",
    "Hash",
    "Incremental Sort",
    "Limit",
    "LockRows",
    "Materialize",
    "Memoize",
    "Merge Append",
    "ProjectSet",
    "Recursive Union",
    "Result",
    "Sort",
    "Unique",
    "WindowAgg",
];

/// Scans: name in front of " on …".
const SCANS: &[&str] = &[
    "Seq Scan",
    "Sample Scan",
    "Bitmap Heap Scan",
    "Tid Scan",
    "Tid Range Scan",
    "Subquery Scan",
    "Function Scan",
    "Table Function Scan",
    "Values Scan",
    "CTE Scan",
    "Named Tuplestore Scan",
    "WorkTable Scan",
    "Foreign Scan",
];

impl Heading {
    /// Reads a line without its margin. The root is one only with figures, or by a name that is surely one.
    pub(super) fn read(line: &str, is_first: bool) -> Option<Self> {
        let (arrow, line) = match line.strip_prefix("->") {
            Some(rest) => (true, rest.trim_start()),
            None => (false, line),
        };
        let figures = [
            "  (cost=",
            "  (actual ",
            "  (never executed)",
            " (cost=",
            " (actual ",
            " (never executed)",
        ];
        let name_ends = (figures.iter().filter_map(|f| line.find(f))).min();
        let (name, figures) = line.split_at(name_ends.unwrap_or(line.len()));
        let name = name.trim();
        if name.is_empty()
            || name.starts_with("Worker ")
            || !arrow && name_ends.is_none() && !is_first
        {
            return None;
        }
        let known = of_name(name);
        if !arrow && name_ends.is_none() && known.is_none() {
            return None;
        }
        let mut properties = known.unwrap_or_else(|| {
            let mut unheard = Map::new();
            unheard.insert("Node Type".into(), name.into());
            unheard
        });
        add_figures(figures, &mut properties);
        Some(Self { arrow, properties })
    }
}

/// What stands in the parentheses.
fn add_figures(figures: &str, properties: &mut Map<String, Value>) {
    let mut put = |name: &str, value: Option<f64>| {
        properties.extend(value.map(|v| (name.to_owned(), v.into())));
    };
    let (estimated, actual) = match figures.find("(actual ") {
        Some(at) => figures.split_at(at),
        None => (figures, ""),
    };
    let after = |part: &str, label: &str| -> Option<(f64, String)> {
        let (_, rest) = part.split_once(label)?;
        let first = leading_number(rest)?;
        let second = rest.split_once("..").map_or("", |(_, second)| second);
        Some((first, second.to_owned()))
    };
    if let Some((startup, total)) = after(estimated, "cost=") {
        put("Startup Cost", Some(startup));
        put("Total Cost", leading_number(&total));
    }
    put("Plan Rows", after(estimated, "rows=").map(|v| v.0));
    put("Plan Width", after(estimated, "width=").map(|v| v.0));
    if let Some((startup, total)) = after(actual, "time=") {
        put("Actual Startup Time", Some(startup));
        put("Actual Total Time", leading_number(&total));
    }
    put("Actual Rows", after(actual, "rows=").map(|v| v.0));
    put("Actual Loops", after(actual, "loops=").map(|v| v.0));
    if figures.contains("(never executed)") {
        put("Actual Rows", Some(0.0));
        put("Actual Loops", Some(0.0));
    }
}

/// The properties that the words of a node's name stand for; `None` for an unheard name.
fn of_name(name: &str) -> Option<Map<String, Value>> {
    let mut found = Map::new();
    let mut rest = name;
    loop {
        let (flag, tail) = [("Parallel ", "Parallel Aware"), ("Async ", "Async Capable")]
            .iter()
            .find_map(|(word, flag)| Some((*flag, rest.strip_prefix(word)?)))
            .unwrap_or(("", rest));
        if flag.is_empty() {
            break;
        }
        found.insert(flag.into(), true.into());
        rest = tail;
    }
    let mut put = |name: &str, value: &str| _ = found.insert(name.into(), value.into());
    if PLAIN.contains(&rest) {
        put("Node Type", rest);
    } else if let Some((aggregate, mode)) = aggregate(rest) {
        put("Node Type", "Aggregate");
        put("Strategy", aggregate);
        put("Partial Mode", mode);
    } else if let Some((node, join)) = join(rest) {
        put("Node Type", node);
        put("Join Type", join);
    } else if let Some((command, strategy)) = set_operation(rest) {
        put("Node Type", "SetOp");
        put("Command", command);
        put("Strategy", strategy);
    } else if let Some((operation, target)) = modification(rest) {
        put("Node Type", "ModifyTable");
        put("Operation", operation);
        named(target, "Relation Name", &mut put);
    } else if let Some(index) = rest.strip_prefix("Bitmap Index Scan on ") {
        put("Node Type", "Bitmap Index Scan");
        put("Index Name", index);
    } else if let Some((node, direction, behind)) = index_scan(rest) {
        put("Node Type", node);
        put("Scan Direction", direction);
        let (index, target) = behind.split_once(" on ").unwrap_or((behind, ""));
        put("Index Name", &unquoted(index));
        named(target, "Relation Name", &mut put);
    } else if let Some((node, target)) = scan(rest) {
        put("Node Type", node);
        match node {
            "Subquery Scan" | "Values Scan" => put("Alias", &unquoted(target)),
            "CTE Scan" | "WorkTable Scan" => named(target, "CTE Name", &mut put),
            "Function Scan" | "Table Function Scan" => named(target, "Function Name", &mut put),
            "Named Tuplestore Scan" => named(target, "Tuplestore Name", &mut put),
            _ => named(target, "Relation Name", &mut put),
        }
    } else if let Some((provider, target)) = custom_scan(rest) {
        put("Node Type", "Custom Scan");
        put("Custom Plan Provider", provider);
        named(target, "Relation Name", &mut put);
    } else {
        return None;
    }
    Some(found)
}

/// `HashAggregate`, `Partial GroupAggregate`.
fn aggregate(name: &str) -> Option<(&'static str, &'static str)> {
    let (mode, rest) = if let Some(rest) = name.strip_prefix("Partial ") {
        ("Partial", rest)
    } else if let Some(rest) = name.strip_prefix("Finalize ") {
        ("Finalize", rest)
    } else {
        ("Simple", name)
    };
    let strategy = match rest {
        "Aggregate" => "Plain",
        "GroupAggregate" => "Sorted",
        "HashAggregate" => "Hashed",
        "MixedAggregate" => "Mixed",
        _ => return None,
    };
    Some((strategy, mode))
}

/// "Hash Right Anti Join", "Nested Loop", "Nested Loop Left Join".
fn join(name: &str) -> Option<(&'static str, &str)> {
    if name == "Nested Loop" {
        return Some(("Nested Loop", "Inner"));
    }
    let rest = name.strip_suffix(" Join")?;
    for (begin, node) in [
        ("Nested Loop", "Nested Loop"),
        ("Hash", "Hash Join"),
        ("Merge", "Merge Join"),
    ] {
        if let Some(kind) = rest.strip_prefix(begin) {
            let kind = kind.trim();
            return Some((node, if kind.is_empty() { "Inner" } else { kind }));
        }
    }
    None
}

/// `HashSetOp Intersect All`.
fn set_operation(name: &str) -> Option<(&str, &'static str)> {
    if let Some(command) = name.strip_prefix("HashSetOp ") {
        return Some((command, "Hashed"));
    }
    Some((name.strip_prefix("SetOp ")?, "Sorted"))
}

/// "Insert on t".
fn modification(name: &str) -> Option<(&str, &str)> {
    let (operation, target) = name.split_once(" on ")?;
    matches!(operation, "Insert" | "Update" | "Delete" | "Merge").then_some((operation, target))
}

/// "Index Only Scan Backward using i on t".
fn index_scan(name: &str) -> Option<(&'static str, &'static str, &str)> {
    for node in ["Index Only Scan", "Index Scan"] {
        let Some(rest) = name.strip_prefix(node) else {
            continue;
        };
        if let Some(behind) = rest.strip_prefix(" Backward using ") {
            return Some((node, "Backward", behind));
        }
        if let Some(behind) = rest.strip_prefix(" using ") {
            return Some((node, "Forward", behind));
        }
    }
    None
}

/// "Seq Scan on t".
fn scan(name: &str) -> Option<(&'static str, &str)> {
    let (scan, target) = name.split_once(" on ")?;
    let node = SCANS.iter().find(|s| **s == scan)?;
    Some((node, target))
}

/// "Custom Scan (Provider) on t".
fn custom_scan(name: &str) -> Option<(&str, &str)> {
    let rest = name.strip_prefix("Custom Scan (")?;
    let (provider, behind) = rest.split_once(')')?;
    Some((provider, behind.strip_prefix(" on ").unwrap_or("")))
}

/// "public.orders o", "\"We ird\"": schema, name and alias.
fn named(target: &str, key: &str, put: &mut impl FnMut(&str, &str)) {
    let (mut parts, alias) = parts(target);
    let Some(name) = parts.pop() else {
        return;
    };
    if let Some(schema) = parts.pop() {
        put("Schema", &schema);
    }
    put("Alias", alias.as_deref().unwrap_or(&name));
    put(key, &name);
}

/// The parts of a qualified name, and what follows behind a space.
fn parts(target: &str) -> (Vec<String>, Option<String>) {
    let (mut parts, mut part, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = target.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' if quoted && letters.peek().is_some_and(|(_, next)| *next == '"') => {
                part.push('"');
                letters.next();
            }
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(std::mem::take(&mut part)),
            ' ' if !quoted => {
                parts.push(part);
                let alias = unquoted(target[at..].trim());
                return (parts, (!alias.is_empty()).then_some(alias));
            }
            other => part.push(other),
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    (parts, None)
}

fn unquoted(name: &str) -> String {
    match name.strip_prefix('"').and_then(|n| n.strip_suffix('"')) {
        Some(inside) => inside.replace("\"\"", "\""),
        None => name.to_owned(),
    }
}

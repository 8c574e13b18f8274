//! The other lines of a node: "Filter: (a > 1)", "Sort Method: external merge  Disk: 1024kB", "Buffers: shared hit=3 read=4".

use serde_json::{Map, Value};

/// Properties that JSON has as a list.
const LISTS: &[&str] = &[
    "Output",
    "Sort Key",
    "Presorted Key",
    "Group Key",
    "Conflict Arbiter Indexes",
    "Params Evaluated",
];

/// Figures that stand together on one line, with the names that JSON gives them. The first of a line tells which line it is.
const TOGETHER: &[(&str, &[(&str, &str)])] = &[
    (
        "Sort Method",
        &[
            ("Sort Method", "Sort Method"),
            ("Memory", "Sort Space Used"),
            ("Disk", "Sort Space Used"),
        ],
    ),
    (
        "Buckets",
        &[
            ("Buckets", "Hash Buckets"),
            ("Batches", "Hash Batches"),
            ("Memory Usage", "Peak Memory Usage"),
        ],
    ),
    (
        "Hits",
        &[
            ("Hits", "Cache Hits"),
            ("Misses", "Cache Misses"),
            ("Evictions", "Cache Evictions"),
            ("Overflows", "Cache Overflows"),
            ("Memory Usage", "Peak Memory Usage"),
        ],
    ),
    (
        "Batches",
        &[
            ("Batches", "HashAgg Batches"),
            ("Memory Usage", "Peak Memory Usage"),
            ("Disk Usage", "Disk Usage"),
        ],
    ),
    (
        "Planned Partitions",
        &[
            ("Planned Partitions", "Planned Partitions"),
            ("Batches", "HashAgg Batches"),
            ("Memory Usage", "Peak Memory Usage"),
            ("Disk Usage", "Disk Usage"),
        ],
    ),
    (
        "Storage",
        &[
            ("Storage", "Storage"),
            ("Maximum Storage", "Maximum Storage"),
        ],
    ),
];

/// Reads a line into the properties; the name of the property that a wrapped line would go on with.
pub(super) fn read(line: &str, properties: &mut Map<String, Value>) -> Option<String> {
    let (name, value) = line.split_once(':')?;
    let value = value.trim_start();
    if name.starts_with("Worker ") {
        worker(value, properties);
        return Some(String::new());
    }
    match name {
        "Buffers" => buffers(value, properties),
        "I/O Timings" => timings(value, properties),
        "WAL" => wal(value, properties),
        "Heap Blocks" => {
            pairs(value, |key, number| match key {
                "exact" => put("Exact Heap Blocks", number, properties),
                "lossy" => put("Lossy Heap Blocks", number, properties),
                _ => {}
            });
        }
        "Full-sort Groups" | "Pre-sorted Groups" | "Presorted Groups" => {
            groups(name, value, properties);
        }
        _ if LISTS.contains(&name) => {
            let all = list(value).into_iter().map(Value::from).collect();
            properties.insert(name.to_owned(), Value::Array(all));
        }
        _ => {
            if let Some((_, figures)) = TOGETHER.iter().find(|(first, _)| *first == name) {
                together(line, figures, properties);
            } else {
                if !is_name(name) {
                    return None;
                }
                properties.insert(name.to_owned(), value_of(value));
            }
        }
    }
    Some(name.to_owned())
}

/// Goes on with a property whose line was wrapped.
pub(super) fn go_on(name: &str, text: &str, properties: &mut Map<String, Value>) {
    match properties.get_mut(name) {
        Some(Value::String(value)) => {
            value.push(' ');
            value.push_str(text);
        }
        Some(Value::Array(values)) => {
            if let Some(Value::String(last)) = values.last_mut() {
                last.push(' ');
                last.push_str(text);
            }
        }
        _ => {}
    }
}

/// The number that a text begins with.
pub(super) fn leading_number(text: &str) -> Option<f64> {
    let is_part = |(at, letter): &(usize, char)| {
        letter.is_ascii_digit()
            || *letter == '.' && !text[at + 1..].starts_with('.')
            || *letter == '-' && *at == 0
    };
    let end = text
        .char_indices()
        .find(|c| !is_part(c))
        .map_or(text.len(), |(at, _)| at);
    text[..end].parse().ok()
}

fn put(name: &str, value: f64, properties: &mut Map<String, Value>) {
    properties.insert(name.to_owned(), value.into());
}

/// Whether it can be the name of a property: words, the first with a capital letter.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || " -/_".contains(c))
}

/// A number with or without its unit ("12", "3.4 ms", "25kB"), true or false, else the text.
fn value_of(text: &str) -> Value {
    let bare = ["kB", " ms", " bytes"]
        .iter()
        .find_map(|unit| text.strip_suffix(unit));
    match (bare.unwrap_or(text), text) {
        (_, "true") => true.into(),
        (_, "false") => false.into(),
        (bare, _) => bare.parse::<f64>().map_or_else(|_| text.into(), Into::into),
    }
}

/// "hit=1 read=2": each with its number.
fn pairs(text: &str, mut each: impl FnMut(&str, f64)) {
    for pair in text.split([' ', ',']) {
        if let Some((key, value)) = pair.split_once('=')
            && let Some(number) = leading_number(value)
        {
            each(key, number);
        }
    }
}

/// "shared hit=1 read=2, temp read=3 written=4". What is 0 is not printed.
fn buffers(text: &str, properties: &mut Map<String, Value>) {
    for kind in ["Shared", "Local", "Temp"] {
        for what in ["Hit", "Read", "Dirtied", "Written"] {
            if kind != "Temp" || matches!(what, "Read" | "Written") {
                put(&format!("{kind} {what} Blocks"), 0.0, properties);
            }
        }
    }
    for group in text.split(", ") {
        let (kind, figures) = group.split_once(' ').unwrap_or((group, ""));
        pairs(figures, |what, number| {
            put(
                &format!("{} {} Blocks", capital(kind), capital(what)),
                number,
                properties,
            );
        });
    }
}

/// "read=1.2 write=3.4" up to 16, "shared read=1.2, temp write=3.4" from 15 and 17 on.
fn timings(text: &str, properties: &mut Map<String, Value>) {
    for group in text.split(", ") {
        let (kind, figures) = match group.split_once(' ') {
            Some((kind, figures)) if !kind.contains('=') => (kind, figures),
            _ => ("shared", group),
        };
        let kind = if kind == "shared/local" {
            "shared"
        } else {
            kind
        };
        pairs(figures, |what, number| {
            put(
                &format!("{} I/O {} Time", capital(kind), capital(what)),
                number,
                properties,
            );
        });
    }
}

/// "records=1 fpi=2 bytes=3".
fn wal(text: &str, properties: &mut Map<String, Value>) {
    pairs(text, |what, number| {
        let what = match what {
            "records" => "WAL Records",
            "fpi" => "WAL FPI",
            "bytes" => "WAL Bytes",
            _ => return,
        };
        put(what, number, properties);
    });
}

/// "Sort Method: quicksort  Memory: 25kB": figures apart by two spaces.
fn together(line: &str, figures: &[(&str, &str)], properties: &mut Map<String, Value>) {
    for part in line.split("  ") {
        let Some((label, value)) = part.trim().split_once(": ") else {
            continue;
        };
        let Some((_, name)) = figures.iter().find(|(l, _)| *l == label) else {
            continue;
        };
        if *name == "Sort Space Used" {
            properties.insert("Sort Space Type".into(), label.into());
        }
        let (now, before) = match value.split_once(" (originally ") {
            Some((now, before)) => (now, Some(before)),
            None => (value, None),
        };
        properties.insert((*name).to_owned(), value_of(now));
        if name.starts_with("Hash ") {
            let original = before
                .and_then(leading_number)
                .map_or_else(|| value_of(now), Into::into);
            properties.insert(format!("Original {name}"), original);
        }
    }
}

/// "Full-sort Groups: 3  Sort Method: quicksort  Average Memory: 28kB  Peak Memory: 28kB".
fn groups(name: &str, value: &str, properties: &mut Map<String, Value>) {
    let mut object = Map::new();
    if let Some(count) = leading_number(value) {
        object.insert("Group Count".into(), count.into());
    }
    for part in value.split("  ") {
        let Some((label, value)) = part.trim().split_once(": ") else {
            continue;
        };
        match label {
            "Sort Method" | "Sort Methods" => {
                let methods = list(value).into_iter().map(Value::from).collect();
                object.insert("Sort Methods Used".into(), Value::Array(methods));
            }
            _ => {
                if let Some((of, space)) = label.split_once(' ') {
                    let space = format!("Sort Space {space}");
                    let inner = object
                        .entry(space)
                        .or_insert_with(|| Value::Object(Map::new()));
                    if let Value::Object(inner) = inner {
                        inner.insert(format!("{of} Sort Space Used"), value_of(value));
                    }
                }
            }
        }
    }
    let name = name.replace("Presorted", "Pre-sorted");
    properties.insert(name, Value::Object(object));
}

/// What stands on the line of a worker: "actual time=0.1..0.2 rows=3 loops=1", or another property.
fn worker(text: &str, properties: &mut Map<String, Value>) {
    let mut object = Map::new();
    if text.starts_with("actual ") {
        actual(text, &mut object);
    } else {
        read(text, &mut object);
    }
    let all = properties
        .entry("Workers")
        .or_insert_with(|| Value::Array(vec![]));
    if let Value::Array(all) = all {
        all.push(Value::Object(object));
    }
}

/// A line below that of a worker.
pub(super) fn of_worker(text: &str, properties: &mut Map<String, Value>) {
    let workers = properties.get_mut("Workers").and_then(Value::as_array_mut);
    if let Some(Value::Object(object)) = workers.and_then(|all| all.last_mut()) {
        read(text, object);
    }
}

/// "actual time=0.1..0.2 rows=3 loops=1".
fn actual(text: &str, object: &mut Map<String, Value>) {
    pairs(text, |what, number| {
        let name = match what {
            "rows" => "Actual Rows",
            "loops" => "Actual Loops",
            _ => return,
        };
        object.insert(name.into(), number.into());
    });
    let total = text
        .split_once("..")
        .and_then(|(_, total)| leading_number(total));
    if let Some(total) = total {
        object.insert("Actual Total Time".into(), total.into());
    }
}

/// Items apart by commas that stand in no parentheses and no quotes.
fn list(text: &str) -> Vec<String> {
    let (mut items, mut item) = (Vec::new(), String::new());
    let (mut depth, mut quote) = (0_usize, None);
    for letter in text.chars() {
        match letter {
            '\'' | '"' if quote == Some(letter) => quote = None,
            '\'' | '"' if quote.is_none() => quote = Some(letter),
            '(' | '[' | '{' if quote.is_none() => depth += 1,
            ')' | ']' | '}' if quote.is_none() => depth = depth.saturating_sub(1),
            ',' if quote.is_none() && depth == 0 => {
                items.push(std::mem::take(&mut item).trim().to_owned());
                continue;
            }
            _ => {}
        }
        item.push(letter);
    }
    if !item.trim().is_empty() {
        items.push(item.trim().to_owned());
    }
    items
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_ascii_uppercase().to_string() + letters.as_str()
    })
}

//! Keeps the architecture that the crate docs in `src/lib.rs` describe: layers, third-party placement, a core without
//! clock, printing and `async`, files that are found where they are listed. It is textual: each rule is a function from a
//! file's path and text to what is wrong with it, and the last tests show that each rule does say so.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Each layer, and those that it may use.
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("query", &["model"]),
    ("audit", &["model", "query"]),
    ("advisor", &["model", "query"]),
    ("report", &["model", "query", "audit", "advisor"]),
    ("tui", &["model", "query", "audit", "advisor"]),
    ("pg", &["model"]),
    (
        "cli",
        &["model", "query", "audit", "advisor", "report", "tui", "pg"],
    ),
    ("main", &["cli"]),
];

/// Each dependency, and the layers that may name it. `serde`'s derives belong to every noun; `serde_json` reads and writes at
/// the edges; model reads EXPLAIN's output with it, and advisor sampled documents.
const THIRD_PARTY: &[(&str, &[&str])] = &[
    ("clap", &["cli"]),
    ("crossterm", &["tui", "cli"]),
    ("deadpool_postgres", &["pg"]),
    ("flate2", &["cli"]),
    ("ratatui", &["tui", "cli"]),
    ("ring", &["pg"]),
    ("rustix", &["pg", "cli"]),
    ("rustls", &["pg"]),
    ("rustls_native_certs", &["pg"]),
    (
        "serde",
        &["model", "query", "audit", "advisor", "report", "pg", "cli"],
    ),
    ("ruzstd", &["cli"]),
    ("serde_json", &["model", "advisor", "report", "pg", "cli"]),
    ("sqlparser", &["query"]),
    ("tabled", &["report"]),
    ("tokio", &["pg", "cli"]),
    ("tokio_postgres", &["pg"]),
    ("tokio_postgres_rustls", &["pg"]),
    ("x509_cert", &["pg"]),
];

/// What only the two edges do.
const IMPURE: &[&str] = &[
    ".await",
    "async fn",
    "async move",
    "async {",
    "SystemTime::now",
    "Instant::now",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
];

/// What only `cli` does.
const PRINTING: &[&str] = &[
    "eprintln!",
    "eprint!(",
    "println!",
    "print!(",
    "stdout()",
    "stderr()",
];

/// Most lines of a file before its tests, and the files that have more: what waits for being split. Data has its own file.
const LONGEST: usize = 500;
const LONGER: &[&str] = &[
    "src/advisor/estimate/join_method.rs",
    "src/query/analyse/compare.rs",
    "src/query/analyse/condition.rs",
    "src/query/analyse/from.rs",
    "src/query/analyse/select.rs",
];

/// Words that say nothing about what a thing is.
const EMPTY_NOUNS: &[&str] = &[
    "Manager",
    "Helper",
    "Util",
    "Handler",
    "Context",
    "Processor",
];

/// `src/pg/connect.rs` belongs to the layer `pg`.
fn layer(path: &str) -> &str {
    let inner = path.strip_prefix("src/").unwrap_or(path);
    let first = inner.split('/').next().unwrap_or(inner);
    first.strip_suffix(".rs").unwrap_or(first)
}

fn allowed<'a>(table: &[(&str, &'a [&'a str])], name: &str) -> Option<&'a [&'a str]> {
    let row = table.iter().find(|(first, _)| *first == name)?;
    Some(row.1)
}

/// The code of a line: comments are free to name anything.
fn code(line: &str) -> &str {
    let line = line.trim_start();
    if line.starts_with("//") {
        return "";
    }
    line.split(" // ").next().unwrap_or(line)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The words that follow `prefix` in a line, where `prefix` is not the end of a longer word.
fn words_after<'a>(line: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    line.match_indices(prefix)
        .filter(|(at, _)| !line[..*at].ends_with(is_word))
        .map(move |(at, _)| {
            let rest = &line[at + prefix.len()..];
            &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())]
        })
}

/// A layer uses only those below it, one `use crate::layer::…` a layer, and nothing climbs to the crate root by `super`.
fn layers(path: &str, line: &str) -> Option<String> {
    let own = layer(path);
    if own == "lib" {
        return None;
    }
    let Some(below) = allowed(LAYERS, own) else {
        return Some(format!("{own} is no layer: see LAYERS"));
    };
    if line.contains("crate::{") || line.contains("use crate::*") {
        return Some("crate::{…} hides which layers are used: write one use a layer".into());
    }
    let root = if own == "main" { "pgperf::" } else { "crate::" };
    if let Some(other) = words_after(line, root)
        .find(|word| *word != own && !below.contains(word) && allowed(LAYERS, word).is_some())
    {
        return Some(format!("{own} must not use {other}"));
    }
    let depth = path.matches('/').count();
    let climb = "super::".repeat(depth);
    words_after(line, &climb)
        .any(|word| word == "super" || allowed(LAYERS, word).is_some() && word != own)
        .then(|| "super must not climb to the crate root".into())
}

/// A dependency is named in its layers only.
fn third_party(path: &str, line: &str) -> Option<String> {
    let own = layer(path);
    THIRD_PARTY.iter().find_map(|(name, layers)| {
        let named = line.match_indices(name).any(|(at, _)| {
            let (before, after) = (&line[..at], &line[at + name.len()..]);
            let used = after.starts_with("::")
                || (before.ends_with("use ") && after.starts_with([';', ' ']));
            used && !before.ends_with(is_word) && !before.ends_with("::")
        });
        (named && !layers.contains(&own))
            .then(|| format!("{name} belongs to {}, not to {own}", layers.join(", ")))
    })
}

/// The core has no clock, no environment, no files, no `async`; only `cli` prints.
fn purity(path: &str, line: &str) -> Option<String> {
    let own = layer(path);
    let found = |words: &[&'static str]| words.iter().copied().find(|word| line.contains(word));
    let impure = match own {
        "pg" | "cli" | "main" => None,
        _ => found(IMPURE),
    };
    let printing = match own {
        "cli" | "main" => None,
        _ => found(PRINTING),
    };
    impure
        .or(printing)
        .map(|word| format!("{word} is not for {own}"))
}

/// A name says what a thing is.
fn nouns(_path: &str, line: &str) -> Option<String> {
    ["struct ", "enum ", "trait ", "type "]
        .into_iter()
        .flat_map(|keyword| words_after(line, keyword))
        .find(|name| EMPTY_NOUNS.iter().any(|noun| name.ends_with(noun)))
        .map(|name| format!("{name} says nothing: see the nouns in the crate docs"))
}

/// What is wrong with a line of the file at that path.
type Rule = fn(&str, &str) -> Option<String>;

/// What is wrong with one file of `src/`.
fn violations(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !text.starts_with("//! ") {
        found.push(format!("{path}: does not open with //! and what it is"));
    }
    let lines = text
        .lines()
        .take_while(|l| !l.starts_with("#[cfg(test)]"))
        .count();
    let tests = path.ends_with("/tests.rs") || path.ends_with("/testing.rs");
    if lines > LONGEST && !tests && !LONGER.contains(&path) {
        found.push(format!("{path}: {lines} lines: split it"));
    }
    // What a test expects may stand in a file.
    let rules: &[Rule] = if path.ends_with("/tests.rs") {
        &[layers, third_party, nouns]
    } else {
        &[layers, third_party, purity, nouns]
    };
    for (number, line) in (1..).zip(text.lines()) {
        for rule in rules {
            if let Some(what) = rule(path, code(line)) {
                found.push(format!("{path}:{number}: {what}"));
            }
        }
    }
    found
}

fn read(path: &str) -> String {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(full).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// All files below a folder that end so, as paths from the crate's folder, sorted.
fn files(folder: &str, ending: &str) -> Vec<String> {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths = Vec::new();
    for entry in fs::read_dir(full).into_iter().flatten().flatten() {
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            paths.extend(files(&path, ending));
        } else if path.ends_with(ending) {
            paths.push(path);
        }
    }
    paths.sort();
    paths
}

#[test]
fn every_file_keeps_the_rules() {
    let sources = files("src", ".rs");
    assert!(sources.len() > 30, "{sources:?}");
    let found: Vec<String> = sources
        .iter()
        .flat_map(|path| violations(path, &read(path)))
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// A file that no `mod` line names is not compiled, and nobody notices. `x.rs` beside `x/`.
#[test]
fn every_file_is_a_module() {
    for path in files("src", ".rs") {
        let (folder, name) = path.rsplit_once('/').expect("src/ at least");
        let front = match folder {
            "src" if name == "main.rs" || name == "lib.rs" => continue,
            "src" => "src/lib.rs".to_owned(),
            _ => format!("{folder}.rs"),
        };
        let module = format!("mod {};", name.trim_end_matches(".rs"));
        assert!(read(&front).contains(&module), "{front} has no `{module}`");
    }
}

/// The SQL files that `collector!("name", [… => "file", …])` lines embed, as `name/file`.
fn embedded(source: &str) -> Vec<String> {
    let code: String = source.lines().map(code).collect();
    let quoted = |text: &str| text.split('"').nth(1).unwrap_or_default().to_owned();
    code.split("collector!(\"")
        .skip(1)
        .filter_map(|rest| rest.split_once("])"))
        .flat_map(|(list, _)| {
            let name = list.split('"').next().unwrap_or_default();
            let files = list.split("=>").skip(1).map(quoted);
            files.map(move |file| format!("{name}/{file}"))
        })
        .collect()
}

/// Each SQL file belongs to exactly one collector and opens with what one row of it is.
#[test]
fn every_sql_file_is_collected() {
    let sources = files("src/pg", ".rs");
    let mut used: Vec<String> = sources
        .iter()
        .flat_map(|path| embedded(&read(path)))
        .collect();
    used.sort();
    let there = files("sql", ".sql");
    let names: Vec<&str> = there
        .iter()
        .map(|path| path.trim_start_matches("sql/").trim_end_matches(".sql"))
        .collect();
    assert_eq!(used, names);
    for path in &there {
        assert!(
            read(path).starts_with("-- "),
            "{path} does not say what a row is"
        );
    }
    let line = "const A: C = collector!(\"a\", [\n (15, 0) => \"15\", (13, 0) => \"13\"]);\n// collector!(\"b\", [])";
    assert_eq!(embedded(line), ["a/15", "a/13"]);
}

#[test]
fn every_format_has_its_file() {
    for format in pgperf::report::Format::ALL {
        assert!(
            read("src/report.rs").contains(&format!("mod {format};")),
            "{format}"
        );
        assert!(!read(&format!("src/report/{format}.rs")).is_empty());
    }
}

/// A dependency without a place would be usable everywhere.
#[test]
fn every_dependency_has_its_place() {
    let manifest = read("Cargo.toml");
    let table = manifest
        .split("[dependencies]\n")
        .nth(1)
        .and_then(|rest| rest.split("\n[").next())
        .expect("a table of dependencies");
    for line in table
        .lines()
        .filter(|l| !l.trim().is_empty() && !l.starts_with('#'))
    {
        let name = line
            .split([' ', '=', '.'])
            .next()
            .unwrap_or(line)
            .replace('-', "_");
        assert!(
            allowed(THIRD_PARTY, &name).is_some(),
            "{name} has no row in THIRD_PARTY"
        );
    }
}

/// What a README tells its readers to type: the lines after `$ ` in its code blocks.
fn typed(readme: &str) -> Vec<&str> {
    readme
        .split("```")
        .skip(1)
        .step_by(2)
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("$ "))
        .collect()
}

/// What is wrong with one such line: pgperf has the command, or the script lies there.
fn mistyped(line: &str, commands: &[String]) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let pgperf = match words.iter().position(|w| *w == "--") {
        Some(at) if words.starts_with(&["cargo", "run"]) => at + 1,
        _ => words.iter().position(|w| *w == "pgperf")? + 1,
    };
    let command = words.get(pgperf)?;
    (!command.starts_with('-') && !commands.iter().any(|c| c == command))
        .then(|| format!("`{line}`: pgperf has no command {command}"))
}

#[test]
fn the_readme_names_commands_that_exist() {
    let help = Command::new(env!("CARGO_BIN_EXE_pgperf"))
        .arg("--help")
        .output()
        .expect("the binary runs");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let commands: Vec<String> = help
        .split("Commands:\n")
        .nth(1)
        .expect("help lists the commands")
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    assert!(commands.contains(&"demo".to_owned()), "{help}");
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    if readme.exists() {
        let path = "README.md";
        for line in typed(&read(path)) {
            assert_eq!(mistyped(line, &commands), None, "{path}");
            let script = line.split(' ').next().unwrap_or(line);
            let there = Path::new(env!("CARGO_MANIFEST_DIR")).join(script).exists();
            assert!(
                there || !script.contains('/'),
                "{path}: {script} is not there"
            );
        }
    }
    let known = ["demo".to_owned()];
    let page = "```console\n$ cargo run -- demo\n$ pgperf demmo -d x\n```\n$ pgperf x";
    let wrong: Vec<_> = typed(page)
        .iter()
        .filter_map(|l| mistyped(l, &known))
        .collect();
    assert_eq!(wrong, ["`pgperf demmo -d x`: pgperf has no command demmo"]);
}

#[test]
fn each_rule_says_when_it_is_broken() {
    let told = |path: &str, line: &str| {
        violations(path, &format!("//! A file.\n{line}\n"))
            .pop()
            .unwrap_or_default()
    };
    for (path, line, what) in [
        (
            "src/model/x.rs",
            "use crate::tui::App;",
            "model must not use tui",
        ),
        (
            "src/advisor.rs",
            "fn f(x: &crate::audit::Rule) {}",
            "advisor must not use audit",
        ),
        (
            "src/pg/explain.rs",
            "use crate::query::shape::Shape;",
            "pg must not use query",
        ),
        (
            "src/query/x.rs",
            "use crate::{model, pg};",
            "one use a layer",
        ),
        ("src/model.rs", "use super::pg;", "super must not climb"),
        (
            "src/model/x.rs",
            "use super::super::pg::Error;",
            "super must not climb",
        ),
        ("src/extra.rs", "fn f() {}", "extra is no layer"),
        (
            "src/main.rs",
            "pgperf::pg::connect();",
            "main must not use pg",
        ),
        (
            "src/advisor/x.rs",
            "use sqlparser::ast::Expr;",
            "sqlparser belongs to query",
        ),
        (
            "src/cli/top.rs",
            "let c = tokio_postgres::Config::new();",
            "tokio_postgres belongs to pg",
        ),
        ("src/tui.rs", "use tabled;", "tabled belongs to report"),
        (
            "src/report/text.rs",
            "println!(\"x\");",
            "println! is not for report",
        ),
        (
            "src/pg/collect.rs",
            "eprintln!(\"x\");",
            "eprintln! is not for pg",
        ),
        (
            "src/advisor/estimate/join_method.rs",
            "let t = Instant::now();",
            "Instant::now is not for advisor",
        ),
        (
            "src/query/x.rs",
            "pub async fn f() {}",
            "async fn is not for query",
        ),
        (
            "src/model/x.rs",
            "std::env::var(\"HOME\")",
            "std::env is not for model",
        ),
        (
            "src/pg/x.rs",
            "pub struct ConnectionManager;",
            "ConnectionManager says nothing",
        ),
    ] {
        assert!(
            told(path, line).contains(what),
            "{line}: {:?}",
            told(path, line)
        );
    }
    assert!(violations("src/model/x.rs", "use std::fmt;\n")[0].contains("//!"));
    assert!(violations("src/model/x.rs", &"//! x\n".repeat(501))[0].contains("501 lines"));
}

#[test]
fn no_rule_speaks_up_for_nothing() {
    for (path, line) in [
        (
            "src/report/text.rs",
            "use crate::advisor::recommendation::Helped;",
        ),
        ("src/query/parse.rs", "use sqlparser::ast::Expr;"),
        (
            "src/model/x.rs",
            "/// As crate::tui does; never println! or .await.",
        ),
        (
            "src/model/x.rs",
            "mod tests { use super::super::catalog::Table; }",
        ),
        ("src/model/x.rs", "let my_tabled = 1; // tabled::Table"),
        ("src/pg/collect.rs", "let now = Instant::now(); f().await;"),
        ("src/cli/top.rs", "use crate::pg::connect::Connection;"),
        ("src/cli/top.rs", "println!(\"x\");"),
        ("src/report/text.rs", "crate::report::plain::wrap(x)"),
    ] {
        let text = format!("//! A file.\n{line}\n");
        assert_eq!(violations(path, &text), Vec::<String>::new(), "{line}");
    }
}

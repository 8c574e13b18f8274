//! Reads `EXPLAIN (FORMAT JSON)`, bare or inside what `auto_explain` logs.

use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::Explained;

/// Places where JSON could begin that are tried: a log line has brackets of its own in front.
const TRIED: usize = 100;

/// Reads the first JSON value of the input that holds a plan.
pub(super) fn read(input: &str) -> Result<Explained, String> {
    let unfolded = unfolded(input);
    let mut first = Err("neither JSON nor a plan as text".to_owned());
    for (tried, (start, _)) in unfolded.match_indices(['[', '{']).enumerate().take(TRIED) {
        match value(&unfolded[start..]) {
            Ok(explained) => return Ok(explained),
            // What is complete further in would be a part of the plan only.
            Err(Unread::CutOff(error)) => return Err(error),
            Err(Unread::Other(error)) if tried == 0 => first = Err(error),
            Err(Unread::Other(_)) => {}
        }
    }
    first
}

/// Why a text is no plan.
enum Unread {
    CutOff(String),
    Other(String),
}

impl From<String> for Unread {
    fn from(error: String) -> Self {
        Self::Other(error)
    }
}

/// Reads the JSON value that a text begins with.
fn value(text: &str) -> Result<Explained, Unread> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Value::deserialize(&mut reader).map_err(|error| {
        if error.is_eof() {
            Unread::CutOff(format!("the JSON of EXPLAIN is cut off: {error}"))
        } else {
            Unread::Other(format!("unreadable JSON of EXPLAIN: {error}"))
        }
    })?;
    let entry = match value {
        Value::Array(entries) => entries.into_iter().next(),
        other => Some(other),
    };
    match entry {
        Some(Value::Object(entry)) => Ok(of(entry)?),
        Some(Value::String(text)) => Err(format!("EXPLAIN gave no plan but “{text}”").into()),
        _ => Err("EXPLAIN gave no plan: the statement rewrites to nothing"
            .to_owned()
            .into()),
    }
}

/// What psql makes of a JSON value in a table: a `+` at the end of each line, a head and a foot. Inside strings JSON has no line
/// breaks, so that nothing of a value is lost.
fn unfolded(input: &str) -> String {
    let lines = input.lines().map(|line| {
        let line = line.trim_end();
        line.strip_suffix('+').unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// From the object that has the plan and what stands beside it; a bare node is a plan as well.
fn of(mut entry: Map<String, Value>) -> Result<Explained, String> {
    let plan = match entry.remove("Plan") {
        Some(Value::Object(plan)) => plan,
        Some(_) => return Err("the plan is no object".into()),
        None if entry.contains_key("Node Type") => std::mem::take(&mut entry),
        None => return Err("JSON without a \"Plan\"".into()),
    };
    let mut explained = Explained {
        properties: entry,
        ..Explained::default()
    };
    // Without recursion: a hostile file may be nested as deep as it likes (the reader of JSON stops at 128).
    let mut waiting = vec![(None, plan)];
    while let Some((parent, mut properties)) = waiting.pop() {
        let below = properties.remove("Plans");
        if !properties.contains_key("Node Type") {
            return Err("a node without \"Node Type\"".into());
        }
        let position = explained.add(parent, properties);
        if let Some(Value::Array(below)) = below {
            for child in below.into_iter().rev() {
                match child {
                    Value::Object(child) => waiting.push((Some(position), child)),
                    _ => return Err("a node that is no object".into()),
                }
            }
        }
    }
    Ok(explained)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"[{"Plan": {"Node Type": "Limit", "Actual Loops": 1, "Actual Rows": 1.50, "Plans": [
        {"Node Type": "Append", "Plans": [{"Node Type": "Seq Scan", "Relation Name": "a"}]},
        {"Node Type": "Result"}]}, "Execution Time": 1.5, "Unheard Of": true}]"#;

    #[test]
    fn the_tree_comes_parents_first_and_nothing_is_lost() {
        let explained = read(PLAN).unwrap();
        let types: Vec<&str> = explained
            .nodes
            .iter()
            .map(crate::model::explained::Node::node_type)
            .collect();
        assert_eq!(types, ["Limit", "Append", "Seq Scan", "Result"]);
        assert_eq!(explained.root().children, [1, 3]);
        assert_eq!(explained.ancestors(2).collect::<Vec<_>>(), [1, 0]);
        assert_eq!(explained.subtree(0), [0, 1, 3, 2]);
        assert_eq!(explained.root().rows(), Some(1.5));
        assert_eq!(explained.execution_time(), Some(1.5));
        assert_eq!(explained.properties["Unheard Of"], true);
    }

    #[test]
    fn it_is_found_in_what_people_paste() {
        let log = format!(
            "[12] LOG:  duration: 3.1 ms  plan:\n\t{}\nLOG: next",
            &PLAN[1..PLAN.len() - 1]
        );
        let mut psql = " QUERY PLAN \n---------------\n".to_owned();
        for line in PLAN.lines() {
            psql = psql + " " + line + "   +\n";
        }
        psql.push_str("(1 row)\n");
        for pasted in [log, psql] {
            assert_eq!(read(&pasted).unwrap(), read(PLAN).unwrap(), "{pasted}");
        }
    }

    #[test]
    fn what_is_no_plan_is_told() {
        for (input, says) in [
            ("", "neither JSON nor a plan"),
            ("[]", "rewrites to nothing"),
            ("[\"Utility Statement\"]", "no plan but “Utility Statement”"),
            ("[{\"Plan\": 1}]", "no object"),
            ("{\"a\": 1}", "without a \"Plan\""),
            ("[{\"Plan\": {\"Plans\": []}}]", "without \"Node Type\""),
            (
                "[{\"Plan\": {\"Node Type\": \"A\", \"Plans\": [1]}}]",
                "no object",
            ),
            (
                "[{\"Plan\": {\"Node Type\": \"A\", \"Plans\": [{\"Node Type\": \"B\"}",
                "cut off",
            ),
        ] {
            let error = read(input).unwrap_err();
            assert!(error.contains(says), "{input}: {error}");
        }
    }
}

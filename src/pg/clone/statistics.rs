//! What the Snapshot knows of columns and relations, as the JSON that `statistics.sql` reads.

use serde_json::{Map, Value, json};

use crate::model::catalog::TableKind;
use crate::model::snapshot::Snapshot;
use crate::model::stats::ColumnStats;

/// One row a column, and an expression of an index, that has statistics.
pub(super) fn columns(snapshot: &Snapshot) -> Vec<Value> {
    let mut rows = Vec::new();
    for table in &snapshot.tables {
        // The parent of partitions has figures of all of them together, and no own ones.
        let inherited = table.kind == TableKind::Partitioned;
        for column in &table.columns {
            if let Some(stats) = &column.stats {
                let mut row = row(&table.schema, &table.name, stats);
                row.insert("column".into(), json!(column.name));
                row.insert("inherited".into(), json!(inherited));
                rows.push(Value::Object(row));
            }
        }
    }
    for expression in &snapshot.definitions.expression_stats {
        let index = snapshot
            .indexes
            .iter()
            .find(|i| i.oid == expression.index_oid);
        if let Some(index) = index {
            let stats = &expression.stats;
            rows.push(key(&index.schema, &index.name, expression.attnum, stats));
        }
    }
    rows
}

/// The row of an expression that is a key of an index, by position from 1.
pub(super) fn key(schema: &str, index: &str, attnum: i16, stats: &ColumnStats) -> Value {
    let mut row = row(schema, index, stats);
    row.insert("attnum".into(), json!(attnum));
    row.insert("inherited".into(), json!(false));
    Value::Object(row)
}

fn row(schema: &str, relation: &str, stats: &ColumnStats) -> Map<String, Value> {
    let mut row = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            row.insert(name.to_owned(), value);
        }
    };
    set("schema", Some(json!(schema)));
    set("relation", Some(json!(relation)));
    set("null_frac", Some(json!(stats.null_frac)));
    set("avg_width", Some(json!(stats.avg_width)));
    set("n_distinct", Some(json!(stats.n_distinct)));
    // Frequencies without values (after redaction) are of no use to the planner.
    if let Some(values) = &stats.most_common_vals {
        set("most_common_vals", Some(json!(array(values))));
        set(
            "most_common_freqs",
            stats.most_common_freqs.as_ref().map(|f| json!(f)),
        );
    }
    set(
        "histogram_bounds",
        stats.histogram_bounds.as_ref().map(|v| json!(array(v))),
    );
    set("correlation", stats.correlation.map(|c| json!(c)));
    if let Some(values) = &stats.most_common_elems {
        set("most_common_elems", Some(json!(array(values))));
        set(
            "most_common_elem_freqs",
            stats.most_common_elem_freqs.as_ref().map(|f| json!(f)),
        );
        set(
            "elem_count_histogram",
            stats.elem_count_histogram.as_ref().map(|h| json!(h)),
        );
    }
    set(
        "range_length_histogram",
        stats.range_length_histogram.as_ref().map(|h| json!(h)),
    );
    set("range_empty_frac", stats.range_empty_frac.map(|f| json!(f)));
    set(
        "range_bounds_histogram",
        stats.range_bounds_histogram.as_ref().map(|h| json!(h)),
    );
    row
}

/// The values as an array literal.
fn array(values: &[String]) -> String {
    let mut text = String::from("{");
    for (number, value) in values.iter().enumerate() {
        if number > 0 {
            text.push(',');
        }
        text.push('"');
        for c in value.chars() {
            if matches!(c, '"' | '\\') {
                text.push('\\');
            }
            text.push(c);
        }
        text.push('"');
    }
    text + "}"
}

/// Figures of `pg_class`, one row a relation.
pub(super) fn figures(snapshot: &Snapshot) -> Vec<Value> {
    #[allow(clippy::cast_possible_truncation, reason = "saturates")]
    let count = |pages: f64| pages.round() as i32;
    let figure = |schema: &str, relation: &str, tuples: f64, pages: f64, visible: f64| {
        json!({
            "schema": schema, "relation": relation,
            "reltuples": tuples, "relpages": count(pages), "relallvisible": count(visible),
        })
    };
    let stored = |kind: &TableKind| matches!(kind, TableKind::Table | TableKind::MaterializedView);
    let tables = snapshot.tables.iter().filter(|t| stored(&t.kind));
    let tables =
        tables.map(|t| figure(&t.schema, &t.name, t.reltuples, t.relpages, t.relallvisible));
    let indexes = snapshot.indexes.iter();
    let indexes = indexes.map(|i| figure(&i.schema, &i.name, i.reltuples, i.relpages, 0.0));
    tables.chain(indexes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_an_array_literal_whatever_they_hold() {
        let values = ["a", "", "x y", "q\"uote", "back\\slash", "NULL", "{,}"].map(String::from);
        assert_eq!(
            array(&values),
            r#"{"a","","x y","q\"uote","back\\slash","NULL","{,}"}"#
        );
    }
}

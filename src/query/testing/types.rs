//! What `pg_type` says of the types that fixtures use.

use sqlparser::ast::DataType;

use crate::model::catalog::Column;

/// Type facts of `pg_type` for the types that fixtures use.
pub(super) fn column(attnum: i16, data_type: &DataType, name: String) -> Column {
    let text = data_type.to_string().to_lowercase();
    let (head, _) = text.split_once('(').unwrap_or((text.as_str(), ""));
    let (base_type, category, typlen, align, format): (&str, &str, i16, &str, &str) =
        match head.trim() {
            "int" | "integer" | "int4" | "serial" => ("int4", "N", 4, "i", "integer"),
            "bigint" | "int8" | "bigserial" => ("int8", "N", 8, "d", "bigint"),
            "smallint" | "int2" => ("int2", "N", 2, "s", "smallint"),
            "numeric" | "decimal" => ("numeric", "N", -1, "i", "numeric"),
            "double precision" | "float8" | "float" => ("float8", "N", 8, "d", "double precision"),
            "real" | "float4" => ("float4", "N", 4, "i", "real"),
            "boolean" | "bool" => ("bool", "B", 1, "c", "boolean"),
            "varchar" | "character varying" => ("varchar", "S", -1, "i", "character varying"),
            "char" | "character" => ("bpchar", "S", -1, "i", "character"),
            "timestamp" | "timestamp without time zone" => {
                ("timestamp", "D", 8, "d", "timestamp without time zone")
            }
            "timestamptz" | "timestamp with time zone" => {
                ("timestamptz", "D", 8, "d", "timestamp with time zone")
            }
            "date" => ("date", "D", 4, "i", "date"),
            "uuid" => ("uuid", "U", 16, "c", "uuid"),
            "jsonb" => ("jsonb", "U", -1, "i", "jsonb"),
            "json" => ("json", "U", -1, "i", "json"),
            "text" => ("text", "S", -1, "i", "text"),
            "citext" => ("citext", "S", -1, "i", "citext"),
            "tsvector" => ("tsvector", "U", -1, "i", "tsvector"),
            "point" => ("point", "G", 16, "d", "point"),
            "inet" => ("inet", "I", -1, "i", "inet"),
            "tstzrange" => ("tstzrange", "R", -1, "d", "tstzrange"),
            "text[]" => ("_text", "A", -1, "i", "array"),
            array if array.ends_with("[]") => ("_array", "A", -1, "d", "array"),
            _ => ("other", "U", -1, "i", "other"),
        };
    let type_name = match text.split_once('(') {
        Some((_, arguments)) => format!("{format}({arguments}"),
        None if matches!(format, "array" | "other") => text.clone(),
        None => format.to_owned(),
    };
    let collatable = matches!(base_type, "text" | "varchar" | "bpchar" | "citext");
    Column {
        attnum,
        name,
        type_name,
        base_type: base_type.into(),
        category: category.into(),
        typlen,
        typalign: align.into(),
        not_null: false,
        collation: collatable.then(|| "default".into()),
        collation_is_c: false,
        collation_deterministic: true,
        btree: !matches!(base_type, "json" | "point" | "other"),
        dedup: !matches!(
            base_type,
            "bpchar"
                | "numeric"
                | "float4"
                | "float8"
                | "json"
                | "jsonb"
                | "point"
                | "_array"
                | "_text"
        ),
        generated: String::new(),
        stats: None,
    }
}

//! Statistics as the server keeps them: `pg_stats`, `pg_stat_all_tables`, `pg_stat_all_indexes`, `pg_statistic_ext`.

use serde::{Deserialize, Serialize};

/// One row of `pg_stats`. Values are their text form, as `::text` prints them; they are real data of the database.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ColumnStats {
    /// Fraction of NULLs.
    pub null_frac: f64,
    /// Average width in bytes of non-null values.
    pub avg_width: f64,
    /// Distinct values: positive = count, negative = share of the rows.
    pub n_distinct: f64,
    /// Most common values, most frequent first. After redaction the values are gone and only `most_common_freqs` stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_common_vals: Option<Vec<String>>,
    /// Their frequencies, shares of all rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_common_freqs: Option<Vec<f64>>,
    /// Bounds that split the other values into equally frequent groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub histogram_bounds: Option<Vec<String>>,
    /// Correlation of physical and logical order, -1 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation: Option<f64>,
    /// Most common elements of array-like types.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_common_elems: Option<Vec<String>>,
    /// Their frequencies (with the extra minimum/maximum/null entries at the end).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_common_elem_freqs: Option<Vec<f64>>,
    /// Histogram of the number of distinct elements.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elem_count_histogram: Option<Vec<f64>>,
    /// Range lengths histogram (17+), text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range_length_histogram: Option<String>,
    /// Fraction of empty ranges (17+).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range_empty_frac: Option<f64>,
    /// Range bounds histogram (17+), text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range_bounds_histogram: Option<String>,
}

impl ColumnStats {
    /// Distinct non-null values in a table of `reltuples` rows, at least 1.
    #[must_use]
    pub fn distinct(&self, reltuples: f64) -> f64 {
        let n = if self.n_distinct < 0.0 {
            -self.n_distinct * reltuples
        } else {
            self.n_distinct
        };
        n.clamp(1.0, reltuples.max(1.0))
    }
}

/// How many whole numbers lie between the least and the greatest of these values, if that is what they all are. The bounds of
/// a histogram are picked at even distances, so that they show each of many values once: `doc ->> 'customer_id'` looks as if
/// every row had another. Between two whole numbers there are only so many.
#[allow(clippy::cast_precision_loss, reason = "a count of values")]
pub fn whole_numbers<'a>(values: impl Iterator<Item = &'a str>) -> Option<f64> {
    let (mut low, mut high) = (i64::MAX, i64::MIN);
    for value in values {
        let number: i64 = value.parse().ok()?;
        (low, high) = (low.min(number), high.max(number));
    }
    (low <= high).then_some(high as f64 - low as f64 + 1.0)
}

/// One row of `pg_stat_all_tables`, counters since `Server::stats_reset`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TableStats {
    /// Sequential scans started.
    pub seq_scan: i64,
    /// Rows read by them.
    pub seq_tup_read: i64,
    /// Index scans started.
    pub idx_scan: i64,
    /// Rows fetched by them.
    pub idx_tup_fetch: i64,
    /// Rows inserted.
    pub n_tup_ins: i64,
    /// Rows updated (HOT ones included).
    pub n_tup_upd: i64,
    /// Rows deleted.
    pub n_tup_del: i64,
    /// Rows updated without touching an index.
    pub n_tup_hot_upd: i64,
    /// Estimated live rows.
    pub n_live_tup: i64,
    /// Estimated dead rows.
    pub n_dead_tup: i64,
    /// Rows changed since the last ANALYZE.
    pub n_mod_since_analyze: i64,
    /// Rows inserted since the last VACUUM.
    pub n_ins_since_vacuum: i64,
    /// Last VACUUM of any kind, Unix seconds.
    pub last_vacuum: Option<f64>,
    /// Last ANALYZE of any kind, Unix seconds.
    pub last_analyze: Option<f64>,
}

/// One row of `pg_stat_all_indexes`, counters since `Server::stats_reset`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IndexStats {
    /// Scans started.
    pub idx_scan: i64,
    /// Entries returned.
    pub idx_tup_read: i64,
    /// Rows fetched.
    pub idx_tup_fetch: i64,
    /// Last scan (16+), Unix seconds.
    pub last_idx_scan: Option<f64>,
}

/// One `CREATE STATISTICS` object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExtendedStats {
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    /// Oid of the table.
    pub table_oid: u32,
    /// Kinds: `d` distinct counts, `f` dependencies, `m` MCV, `e` expressions.
    pub kinds: Vec<String>,
    /// Plain columns.
    pub columns: Vec<String>,
    /// Expressions (14+), SQL text.
    pub expressions: Vec<String>,
    /// `pg_stats_ext.n_distinct`, text form.
    pub n_distinct: Option<String>,
    /// `pg_stats_ext.dependencies`, text form.
    pub dependencies: Option<String>,
    /// Common combinations of values, most frequent first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub most_common: Vec<Combination>,
}

impl ExtendedStats {
    /// Dependencies of one column on one other, by attribute numbers: for which share of the rows (0 to 1) the first decides
    /// the second. They stand as `{"1 => 2": 0.9, "1, 3 => 2": 1.0}`.
    #[must_use]
    pub fn pairs(&self) -> Vec<(i16, i16, f64)> {
        let entry = |part: &str| {
            let (pair, degree) = part.rsplit_once(':')?;
            let (from, to) = pair.split_once("=>")?;
            let number = |t: &str| t.trim_matches([' ', '"', '{']).parse().ok();
            let degree: f64 = degree.trim_matches([' ', '}']).parse().ok()?;
            let degree = if degree.is_finite() { degree } else { 0.0 };
            Some((number(from)?, number(to)?, degree.clamp(0.0, 1.0)))
        };
        let text = self.dependencies.as_deref().unwrap_or_default();
        text.split(", \"").filter_map(entry).collect()
    }
}

/// A combination of values that many rows have (`pg_stats_ext.most_common_vals` and its companions).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Combination {
    /// Values in the order of the object's columns, then expressions, in text form; none is NULL.
    pub values: Vec<Option<String>>,
    /// Share of the rows.
    pub frequency: f64,
    /// The share that it would have if the columns were independent.
    pub base_frequency: f64,
}

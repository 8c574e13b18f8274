//! The planner's constants as the observed server has them set.

use crate::model::server::Server;

/// Cost constants and memory limits (`costsize.c`, `cost.h`), in the planner's own units.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) seq_page: f64,
    pub(crate) random_page: f64,
    pub(crate) cpu_tuple: f64,
    pub(crate) cpu_index_tuple: f64,
    pub(crate) cpu_operator: f64,
    /// `effective_cache_size`, 8 kB pages.
    pub(crate) cache_pages: f64,
    /// `work_mem`, bytes.
    pub(crate) work_mem: f64,
    /// What a hash table may take, bytes.
    pub(crate) hash_mem: f64,
    /// Major version; decides which node types there are.
    pub(crate) major: u32,
}

impl Settings {
    /// The settings of a server; what was not seen has `PostgreSQL`'s default.
    pub(crate) fn of(server: &Server) -> Self {
        let number = |name: &str, default: f64| {
            let value = server.number(name, default);
            if value.is_finite() && value >= 0.0 {
                value
            } else {
                default
            }
        };
        let major = match server.major() {
            0 => 15,
            major => major,
        };
        let work_mem = number("work_mem", 4096.0).max(64.0) * 1024.0;
        // The default of 1 became 2 with version 15.
        let multiplier = number("hash_mem_multiplier", if major < 15 { 1.0 } else { 2.0 });
        Self {
            seq_page: number("seq_page_cost", 1.0),
            random_page: number("random_page_cost", 4.0),
            cpu_tuple: number("cpu_tuple_cost", 0.01),
            cpu_index_tuple: number("cpu_index_tuple_cost", 0.005),
            cpu_operator: number("cpu_operator_cost", 0.0025),
            cache_pages: number("effective_cache_size", 524_288.0).max(1.0),
            work_mem,
            hash_mem: work_mem * multiplier.max(1.0),
            major,
        }
    }
}

/// `clamp_row_est`: a whole number of rows, at least one.
pub(crate) fn clamp_rows(rows: f64) -> f64 {
    if rows.is_nan() || rows <= 1.0 {
        1.0
    } else {
        rows.min(1e100).round_ties_even()
    }
}

/// `page_size` of `costsize.c`: pages that so many tuples take in a sort or hash file.
pub(crate) fn pages_of(rows: f64, width: f64) -> f64 {
    (bytes_of(rows, width) / 8192.0).ceil()
}

/// `relation_byte_size` of `costsize.c`: bytes that so many tuples take in memory, headers included.
pub(crate) fn bytes_of(rows: f64, width: f64) -> f64 {
    rows * ((width / 8.0).ceil() * 8.0 + 24.0)
}

//! What sorting costs: in memory, bounded by a LIMIT, on disk, or within groups that are sorted already (`cost_tuplesort`,
//! `cost_incremental_sort`).

use crate::advisor::estimate::number::within;
use crate::advisor::estimate::scan::Costs;
use crate::advisor::estimate::settings::{Settings, bytes_of};

/// Cost of sorting rows that are at hand: before the first row, and for all.
pub(crate) fn sort(settings: &Settings, rows: f64, width: f64, limit: Option<f64>) -> Costs {
    let comparison = 2.0 * settings.cpu_operator;
    let rows = rows.max(2.0);
    let bytes = bytes_of(rows, width);
    let wanted = limit.filter(|l| *l > 0.0 && *l < rows).unwrap_or(rows);
    let startup = if bytes_of(wanted, width) > settings.work_mem {
        let pages = (bytes / 8192.0).ceil();
        let runs = bytes / settings.work_mem;
        // `tuplesort_merge_order`: a merge reads each run through a buffer of 32 pages and a header page or two.
        let merge_order = (settings.work_mem / (2.0 * 8192.0 + 32.0 * 8192.0))
            .floor()
            .clamp(6.0, 500.0);
        let passes = if runs > merge_order {
            (runs.ln() / merge_order.ln()).ceil()
        } else {
            1.0
        };
        let accesses = 2.0 * pages * passes;
        comparison * rows * rows.log2()
            + accesses * (settings.seq_page * 0.75 + settings.random_page * 0.25)
    } else if rows > 2.0 * wanted || bytes > settings.work_mem {
        // A heap of the best so far.
        comparison * rows * (2.0 * wanted).log2()
    } else {
        comparison * rows * rows.log2()
    };
    Costs {
        startup,
        total: startup + settings.cpu_operator * rows,
    }
}

/// Cost of sorting an input that comes in `groups` groups of equal leading keys, input included.
pub(crate) fn incremental(
    settings: &Settings,
    input: Costs,
    rows: f64,
    groups: f64,
    width: f64,
    limit: Option<f64>,
) -> Costs {
    let rows = rows.max(2.0);
    let groups = within(groups, 1.0, rows);
    let each = sort(settings, rows / groups, width, limit);
    let input_each = (input.total - input.startup).max(0.0) / groups;
    let startup = each.startup + input.startup + input_each;
    let run =
        (each.total - each.startup) + each.total * (groups - 1.0) + input_each * (groups - 1.0);
    let overhead = (settings.cpu_tuple + 2.0 * settings.cpu_operator) * rows
        + 2.0 * settings.cpu_tuple * groups;
    Costs {
        startup,
        total: startup + run + overhead,
    }
}

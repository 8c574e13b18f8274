//! What joining costs: nested loop, hash and merge join, materialised and memoized inner sides (`costsize.c`).

use crate::advisor::estimate::number::{fraction, within};
use crate::advisor::estimate::scan::Costs;
use crate::advisor::estimate::settings::{Settings, bytes_of, pages_of};

/// One input of a join.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input {
    pub(crate) startup: f64,
    pub(crate) total: f64,
    pub(crate) rows: f64,
    pub(crate) width: f64,
}

impl Input {
    fn run(&self) -> f64 {
        (self.total - self.startup).max(0.0)
    }
}

/// For joins that stop at the first match (`compute_semi_anti_join_factors`): share of outer rows with a match, and
/// matches of each such row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Factors {
    pub(crate) matched: f64,
    pub(crate) matches: f64,
}

/// `final_cost_nestloop`. `rescan` is the cost of each repetition of the inner side; `indexed` says that it finds by index
/// just the rows that match.
pub(crate) fn nested_loop(
    settings: &Settings,
    outer: Input,
    inner: Input,
    rescan: Costs,
    factors: Option<Factors>,
    indexed: bool,
    quals: f64,
) -> Costs {
    let startup = outer.startup + inner.startup;
    let rescan_run = (rescan.total - rescan.startup).max(0.0);
    let mut run = outer.run();
    if outer.rows > 1.0 {
        run += (outer.rows - 1.0) * rescan.startup;
    }
    let tuples;
    if let Some(factors) = factors {
        let matched = (outer.rows * factors.matched).round_ties_even();
        let unmatched = (outer.rows - matched).max(0.0);
        // On average half of the inner side is read before the match; two of n + 1 with n matches.
        let part = 2.0 / (factors.matches + 1.0);
        let after_first = (matched - 1.0).max(0.0);
        if indexed {
            run += inner.run() * part + after_first * rescan_run * part;
            run += unmatched * rescan_run / inner.rows.max(1.0);
            tuples = matched * inner.rows * part;
        } else {
            run += inner.run() + after_first * rescan_run * part + unmatched * rescan_run;
            tuples = matched * inner.rows * part + unmatched * inner.rows;
        }
    } else {
        run += inner.run();
        if outer.rows > 1.0 {
            run += (outer.rows - 1.0) * rescan_run;
        }
        tuples = outer.rows * inner.rows;
    }
    run += (settings.cpu_tuple + quals * settings.cpu_operator) * tuples;
    Costs {
        startup,
        total: startup + run,
    }
}

/// `cost_material` and its rescan: the inner side kept in memory or a file.
pub(crate) fn material(settings: &Settings, inner: Input) -> (Costs, Costs) {
    let disk = if bytes_of(inner.rows, inner.width) > settings.work_mem {
        settings.seq_page * pages_of(inner.rows, inner.width)
    } else {
        0.0
    };
    let first = Costs {
        startup: inner.startup,
        total: inner.total + 2.0 * settings.cpu_operator * inner.rows + disk,
    };
    let again = Costs {
        startup: 0.0,
        total: settings.cpu_operator * inner.rows + disk,
    };
    (first, again)
}

/// `cost_memoize_rescan` (14+): results by parameter are kept, as far as memory goes. `distinct` parameters in `calls`.
pub(crate) fn memoize(settings: &Settings, inner: Input, calls: f64, distinct: f64) -> Costs {
    // `ExecEstimateCacheEntryOverheadBytes`: entry, key and tuple headers.
    let entry = bytes_of(inner.rows, inner.width) + 64.0 + 16.0 * inner.rows;
    let entries = (settings.hash_mem / entry).floor().max(1.0);
    let distinct = within(distinct, 1.0, calls.max(1.0));
    let evicted = 1.0 - entries.min(distinct) / distinct;
    let hits = (calls - distinct) / calls.max(1.0) * (entries / distinct.max(entries));
    let hits = fraction(hits);
    let stored = settings.cpu_tuple + settings.cpu_operator * inner.rows;
    let eviction = settings.cpu_tuple * evicted + settings.cpu_operator * evicted * inner.rows;
    Costs {
        startup: inner.startup * (1.0 - hits) + settings.cpu_operator + settings.cpu_tuple,
        total: inner.total * (1.0 - hits) + settings.cpu_operator + eviction + stored,
    }
}

/// What a hash join compares by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HashKeys {
    /// Hash clauses.
    pub(crate) clauses: f64,
    /// Clauses tested besides.
    pub(crate) quals: f64,
    /// Share of the inner rows that one bucket holds.
    pub(crate) bucket: f64,
    /// Pairs that pass the hash clauses.
    pub(crate) joined: f64,
}

/// `final_cost_hashjoin`.
pub(crate) fn hash(
    settings: &Settings,
    outer: Input,
    inner: Input,
    keys: HashKeys,
    factors: Option<Factors>,
) -> Costs {
    let HashKeys {
        clauses,
        quals,
        bucket,
        joined,
    } = keys;
    let mut startup = outer.startup + inner.total;
    let mut run = outer.run();
    startup += (settings.cpu_operator * clauses + settings.cpu_tuple) * inner.rows;
    run += settings.cpu_operator * clauses * outer.rows;
    // `ExecChooseHashTableSize`: a tuple has 16 bytes of hash header and a minimal tuple header.
    let bytes = inner.rows * (16.0 + 16.0 + (inner.width / 8.0).ceil() * 8.0);
    let batches = if bytes > settings.hash_mem {
        (bytes / settings.hash_mem).log2().ceil().exp2()
    } else {
        1.0
    };
    if batches > 1.0 {
        let inner_pages = pages_of(inner.rows, inner.width);
        startup += settings.seq_page * inner_pages;
        run += settings.seq_page * (inner_pages + 2.0 * pages_of(outer.rows, outer.width));
    }
    let per_bucket = |share: f64| (inner.rows * bucket * share).round_ties_even().max(1.0);
    match factors {
        Some(f) => {
            let matched = (outer.rows * f.matched).round_ties_even();
            let part = 2.0 / (f.matches + 1.0);
            run += settings.cpu_operator * clauses * matched * per_bucket(part) * 0.5;
            // A row without partner compares hashes only, in a bucket of average filling.
            run += settings.cpu_operator * clauses * (outer.rows - matched).max(0.0) * 0.05;
        }
        None => run += settings.cpu_operator * clauses * outer.rows * per_bucket(1.0) * 0.5,
    }
    run += (settings.cpu_tuple + quals * settings.cpu_operator) * joined;
    Costs {
        startup,
        total: startup + run,
    }
}

/// Share of `inner_rows` in one bucket: at least that of one value, more if the most common value (`top`) is more frequent
/// than the `average` one.
pub(crate) fn bucket_share(inner_rows: f64, distinct: f64, top: Option<f64>, average: f64) -> f64 {
    let buckets = inner_rows.max(1024.0).log2().ceil().exp2();
    let mut share = if distinct > buckets {
        1.0 / buckets
    } else {
        1.0 / distinct
    };
    if let Some(top) = top.filter(|t| average > 0.0 && *t > average) {
        share *= top / average;
    }
    within(share, 1e-6, 1.0)
}

/// `final_cost_mergejoin` over sorted inputs: `joined` rows come out, each outer duplicate reads the inner ones again.
pub(crate) fn merge(
    settings: &Settings,
    outer: Input,
    inner: Input,
    joined: f64,
    inner_unique: bool,
    quals: f64,
) -> Costs {
    let again = if inner_unique {
        0.0
    } else {
        (joined - inner.rows).max(0.0)
    };
    let ratio = 1.0 + again / inner.rows.max(1.0);
    // Rereading the inner side itself, or from a Material node on top.
    let bare = inner.run() * ratio;
    let kept = inner.run() + settings.cpu_operator * inner.rows * ratio;
    let startup = outer.startup + inner.startup;
    let mut run = outer.run() + bare.min(kept);
    run += settings.cpu_operator * (outer.rows + inner.rows * ratio);
    run += (settings.cpu_tuple + quals * settings.cpu_operator) * joined;
    Costs {
        startup,
        total: startup + run,
    }
}

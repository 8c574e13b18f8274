//! What it costs to read one relation: sequentially, by an index, by a bitmap. The formulas of `costsize.c` and
//! `selfuncs.c`, function by function.

use crate::advisor::estimate::base::Base;
use crate::advisor::estimate::index::{Ix, Kind, Match};
use crate::advisor::estimate::settings::{Settings, clamp_rows};

/// `DEFAULT_PAGE_CPU_MULTIPLIER` of `selfuncs.c`: operator calls charged for each page of a descent.
const PAGE_CPU: f64 = 50.0;

/// Costs of a whole scan, start and end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Costs {
    pub(crate) startup: f64,
    pub(crate) total: f64,
}

/// What an index access method asks for, before the table is touched (`amcostestimate`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Access {
    startup: f64,
    pub(crate) total: f64,
    /// Share of the table's rows that come out of the index.
    pub(crate) share: f64,
}

/// The frame that all scans of one statement share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'s> {
    pub(crate) settings: &'s Settings,
    /// Pages of all tables of the statement: they compete for the cache.
    pub(crate) total_pages: f64,
}

impl Frame<'_> {
    /// `cost_seqscan`.
    pub(crate) fn sequential(&self, base: &Base<'_>) -> Costs {
        let s = self.settings;
        let filter = base.filter_cost(base.and, s) + base.or_cost(s);
        Costs {
            startup: 0.0,
            total: s.seq_page * base.pages + (s.cpu_tuple + filter) * base.tuples,
        }
    }

    fn pages_fetched(&self, tuples: f64, pages: f64, index_pages: f64) -> f64 {
        let total = self.total_pages + index_pages;
        pages_fetched(tuples, pages, total, self.settings.cache_pages)
    }

    /// `btcostestimate`, `gistcostestimate` and `genericcostestimate` (and `hashcostestimate`, which charges no descent).
    pub(crate) fn access(&self, base: &Base<'_>, ix: &Ix<'_>, found: &Match, loops: f64) -> Access {
        let s = self.settings;
        let parts = base.partitions;
        let (pages, tuples) = ((ix.pages / parts).max(1.0), (ix.tuples / parts).max(1.0));
        let mut scans = found.scans.max(1.0);
        // Since 17, adjacent elements of a list share descents: never more than a third of the pages.
        if s.major >= 17 {
            scans = scans.min((pages / 3.0).ceil()).max(1.0);
        }
        let boundary =
            base.share_of(found.boundary | ix.ensured) * found.boundary_params * ix.rest_share;
        let share = base.share_of(found.quals | ix.ensured) * found.params * ix.rest_share;
        let entries = if found.one {
            1.0
        } else {
            (boundary * base.tuples / parts / scans).round_ties_even()
        };
        let entries = entries.min(tuples).max(1.0);
        let leaf_pages = if pages > 1.0 && tuples > 1.0 {
            (entries * pages / tuples).ceil()
        } else {
            1.0
        };
        let mut total = if scans * loops > 1.0 {
            self.pages_fetched(leaf_pages * scans * loops, pages, pages) * s.random_page / loops
        } else {
            leaf_pages * s.random_page
        };
        let operators = f64::from(found.quals.count_ones()) + found.param_count;
        total += entries * scans * (s.cpu_index_tuple + operators * s.cpu_operator);
        let mut startup = 0.0;
        if ix.kind != Kind::Hash {
            let comparisons = tuples.log2().ceil().max(0.0) * s.cpu_operator;
            let descent = comparisons + (ix.height + 1.0) * PAGE_CPU * s.cpu_operator;
            startup += descent;
            total += scans * descent;
        }
        Access {
            startup: startup * parts,
            total: total * parts,
            share,
        }
    }

    /// `cost_index`, for `loops` repetitions with different values (cost of one of them). `only`: an index-only scan.
    pub(crate) fn index(
        &self,
        base: &Base<'_>,
        ix: &Ix<'_>,
        found: &Match,
        loops: f64,
        only: bool,
    ) -> Costs {
        let s = self.settings;
        let access = self.access(base, ix, found, loops);
        let parts = base.partitions;
        let (pages, index_pages) = (base.pages / parts, ix.pages / parts);
        let tuples = clamp_rows(access.share * base.tuples / parts);
        let visible = |pages: f64| {
            if only {
                (pages * (1.0 - base.all_visible)).ceil()
            } else {
                pages
            }
        };
        let some_pages = (access.share * pages).ceil();
        let (most, least) = if loops > 1.0 {
            let fetched = |n: f64| {
                visible(self.pages_fetched(n * loops, pages, index_pages)) * s.random_page / loops
            };
            (fetched(tuples), fetched(some_pages))
        } else {
            let most = visible(self.pages_fetched(tuples, pages, index_pages)) * s.random_page;
            let some_pages = visible(some_pages);
            let least = if some_pages > 0.0 {
                s.random_page + (some_pages - 1.0) * s.seq_page
            } else {
                0.0
            };
            (most, least)
        };
        let io = most + ix.correlation * ix.correlation * (least - most);
        let filter = base.filter_cost(base.and & !found.quals & !ix.ensured, s) + base.or_cost(s);
        let run = io.max(0.0) + (s.cpu_tuple + filter) * tuples;
        Costs {
            startup: access.startup,
            total: access.total + run * parts,
        }
    }

    /// `cost_bitmap_heap_scan` over index accesses that cost `access` and leave `share` of the rows.
    pub(crate) fn bitmap(
        &self,
        base: &Base<'_>,
        access: f64,
        share: f64,
        index_pages: f64,
        loops: f64,
    ) -> Costs {
        let s = self.settings;
        let pages = (base.pages / base.partitions).max(1.0);
        let all = base.tuples / base.partitions;
        let mut tuples = clamp_rows(share * all);
        let mackert = 2.0 * pages * tuples / (2.0 * pages + tuples);
        let heap_pages = mackert.min(pages);
        let fetched = if loops > 1.0 {
            self.pages_fetched(tuples * loops, pages, index_pages / base.partitions) / loops
        } else {
            mackert
        };
        let fetched = if fetched >= pages {
            pages
        } else {
            fetched.ceil()
        };
        // `tbm_calculate_entries`: 64 bytes a page; beyond that, whole pages are remembered and rechecked.
        let entries = (s.work_mem / 64.0).max(16.0);
        if entries < heap_pages {
            let lossy = (heap_pages - entries / 2.0).max(0.0);
            let exact = heap_pages - lossy;
            tuples = clamp_rows(share * exact / heap_pages * all + lossy / heap_pages * all);
        }
        let page = if fetched >= 2.0 {
            s.random_page - (s.random_page - s.seq_page) * (fetched / pages).sqrt()
        } else {
            s.random_page
        };
        let filter = base.filter_cost(base.and, s) + base.or_cost(s);
        let run = fetched * page + (s.cpu_tuple + filter) * tuples;
        Costs {
            startup: access,
            total: access + run * base.partitions,
        }
    }

    /// What building the bitmap of one index costs (`cost_bitmap_tree_node`).
    pub(crate) fn bitmap_access(
        &self,
        base: &Base<'_>,
        ix: &Ix<'_>,
        found: &Match,
        loops: f64,
    ) -> Access {
        let mut access = self.access(base, ix, found, loops);
        access.total += 0.1 * self.settings.cpu_operator * access.share * base.tuples;
        access
    }

    /// Cost of combining one more bitmap (`cost_bitmap_and_node`).
    pub(crate) fn bitmap_combine(&self) -> f64 {
        100.0 * self.settings.cpu_operator
    }
}

/// `index_pages_fetched`: pages read by so many random fetches from a table of `pages`, with a cache of `cache` pages for which
/// `total` compete (Mackert and Lohman 1989).
pub(crate) fn pages_fetched(tuples: f64, pages: f64, total: f64, cache: f64) -> f64 {
    let table = pages.max(1.0);
    let cache = (cache * table / total.max(1.0)).ceil().max(1.0);
    if table <= cache {
        let fetched = 2.0 * table * tuples / (2.0 * table + tuples);
        return fetched.min(table).ceil();
    }
    let limit = 2.0 * table * cache / (2.0 * table - cache);
    if tuples <= limit {
        (2.0 * table * tuples / (2.0 * table + tuples)).ceil()
    } else {
        (cache + (tuples - limit) * (table - cache) / table).ceil()
    }
}

//! What a row, a page and a descent take. Microseconds; of a server of 2023 with the data in memory (`benches/time`, TPC-H at
//! scale 1 on PostgreSQL 15): another machine is faster or slower in all of it, which falls out when times are compared.
//! Reading what is not in memory comes on top, by what the statements' own counters say.

use serde::Serialize;

use crate::model::snapshot::Snapshot;

/// Starting and ending a statement.
pub(super) const START: f64 = 20.0;
/// Starting parallel workers.
pub(super) const WORKERS_START: f64 = 2000.0;
/// A row from a worker to the leader.
pub(super) const TRANSFER: f64 = 0.15;
/// A page of a sequential scan, from shared buffers.
pub(super) const SEQUENTIAL_PAGE: f64 = 0.4;
/// A row of a sequential scan, and each operator on it.
pub(super) const ROW: f64 = 0.045;
pub(super) const OPERATOR: f64 = 0.035;
/// A descent of an index.
pub(super) const DESCENT: f64 = 1.8;
/// An entry of an index, in order, and for a bitmap.
pub(super) const ENTRY: f64 = 0.1;
pub(super) const BITMAP_ENTRY: f64 = 0.045;
/// A row fetched by an index: from another page than the one before, and from the same.
pub(super) const FETCH: f64 = 1.2;
pub(super) const FETCH_NEAR: f64 = 0.15;
/// A look at another page of the visibility map than the one before, and the pages of a table that one such page is about
/// (`HEAPBLOCKS_PER_PAGE`, `visibilitymap.c`).
pub(super) const MAP_PAGE: f64 = 0.2;
pub(super) const PAGES_PER_MAP_PAGE: f64 = 32_672.0;
/// A page of a bitmap heap scan, and a row on it.
pub(super) const BITMAP_PAGE: f64 = 1.5;
pub(super) const BITMAP_ROW: f64 = 0.08;
/// A row that looks for partners, a row that becomes part of a hash table, a row that comes out of a join.
pub(super) const PROBE: f64 = 0.09;
pub(super) const BUILD: f64 = 0.2;
pub(super) const OUTPUT: f64 = 0.06;
/// What these take more where the hash table is so much larger than a processor's own cache that hardly any look finds its part of
/// it there, and how much fits: bytes, and those of a row with all that goes with it.
pub(super) const PROBE_FAR: f64 = 0.35;
pub(super) const BUILD_FAR: f64 = 0.3;
pub(super) const PROCESSOR_CACHE: f64 = 2e6;
pub(super) const HASHED_ROW: f64 = 80.0;
/// A row passed on or kept.
pub(super) const PASS: f64 = 0.03;
/// A row put into its group, and each operator of the aggregates on it.
pub(super) const GROUP: f64 = 0.25;
pub(super) const AGGREGATE: f64 = 0.025;
/// A comparison of a sort.
pub(super) const COMPARE: f64 = 0.055;
/// A unit of planner cost, where nothing better is known.
pub(super) const UNIT: f64 = 2.5;

/// Reading a block that the kernel has, and one that it has not (an SSD); where `track_io_timing` is off.
const FROM_KERNEL: f64 = 10.0;
const FROM_DISK: f64 = 100.0;

/// By which factors work takes longer than at the rates above, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Slowness {
    /// Pages and rows of sequential scans.
    pub sequential: f64,
    /// Descents, entries and the rows that they lead to.
    pub index: f64,
    /// What is done with rows: joins, sorts, groups.
    pub processing: f64,
    /// Reading a block that is not in shared buffers.
    pub read: f64,
}

impl Default for Slowness {
    fn default() -> Self {
        Self {
            sequential: 1.0,
            index: 1.0,
            processing: 1.0,
            read: 1.0,
        }
    }
}

/// What differs from server to server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Share of the block accesses that shared buffers could not serve.
    pub missed: f64,
    /// Microseconds to read a block that is not in shared buffers.
    pub read: f64,
    /// Block accesses that the share was counted from.
    pub accesses: f64,
    /// Whether both were counted by the server, the time by `track_io_timing`.
    pub is_measured: bool,
    /// How this server differs otherwise (`calibration`).
    pub slowness: Slowness,
}

impl Rates {
    /// From the block counts of the statements; without any, all that fits the cache is taken to be in it.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "counts for a share")]
    pub fn of(snapshot: &Snapshot) -> Self {
        let (mut hit, mut read, mut timed, mut ms) = (0.0, 0.0, 0.0, 0.0);
        for statement in &snapshot.statements {
            hit += statement.shared_blks_hit.max(0) as f64;
            read += statement.shared_blks_read.max(0) as f64;
            if let Some(time) = statement.blk_read_time.filter(|t| *t > 0.0) {
                timed += statement.shared_blks_read.max(0) as f64;
                ms += time;
            }
        }
        let server = &snapshot.server;
        let cache = 8192.0 * server.number("effective_cache_size", 524_288.0);
        let fits = server.database_size_bytes <= cache;
        let missed = if hit + read > 0.0 {
            read / (hit + read)
        } else if fits {
            0.0
        } else {
            1.0 - cache / server.database_size_bytes
        };
        // A few slow blocks are no measurement.
        let is_measured = timed >= 1000.0;
        let read_blocks = read;
        let read = if is_measured {
            1000.0 * ms / timed
        } else if fits {
            FROM_KERNEL
        } else {
            FROM_DISK
        };
        Self {
            missed,
            read,
            accesses: hit + read_blocks,
            is_measured,
            slowness: Slowness::default(),
        }
    }

    /// What fetching a row from a page at random takes, in planner units: those in which a sequential scan over pages of so many
    /// rows costs as much as it takes, at the default costs of rows.
    #[must_use]
    pub fn random_page_units(&self, rows_per_page: f64) -> f64 {
        const CPU_COST: f64 = 0.0125;
        let sequential = SEQUENTIAL_PAGE + self.ahead() + rows_per_page * (ROW + OPERATOR);
        let unit = sequential / (1.0 + CPU_COST * rows_per_page);
        (FETCH + self.at_random()) / unit
    }

    /// Microseconds more that a page of a sequential scan takes because it may have to be read. Reading ahead makes it half
    /// of the average read, and one at random twice of it: the planner's own ratio of four.
    pub(super) fn ahead(&self) -> f64 {
        0.5 * self.missed * self.read * self.slowness.read
    }

    /// The same for a page at random.
    pub(super) fn at_random(&self) -> f64 {
        2.0 * self.missed * self.read * self.slowness.read
    }
}

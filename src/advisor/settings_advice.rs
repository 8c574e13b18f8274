//! Settings of the planner that are wrong for this server, told from what reading blocks was counted to take.
//!
//! `random_page_cost` is what a page at random costs in units of a page in sequence. A sequential scan is charged for the rows
//! of its pages as well, and most of its time is theirs where pages come from memory; so the time of a page at random is
//! divided by that of a unit of a sequential scan, rows included. The rates are those of the time model.

use crate::advisor::priority::Priority;
use crate::advisor::recommendation::{Action, Confidence, Recommendation};
use crate::advisor::time_model::Rates;
use crate::model::change::Change;
use crate::model::server::Server;
use crate::model::snapshot::Snapshot;
use crate::model::unit::{Bytes, Count, Percent};

/// A setting is wrong from this factor on: plans hardly change with less.
const OFF: f64 = 2.0;
/// Blocks (8 kB) that statements must have asked for: 8 GB, more than a start or a backup alone leaves behind.
const ENOUGH_BLOCKS: f64 = 1_000_000.0;
/// Share of the blocks that shared buffers must have had, for the cost of reading not to matter.
const CACHED: f64 = 0.99;
/// Values that are advised: finer ones would pretend to an exactness that is not there.
const VALUES: [f64; 5] = [1.1, 1.5, 2.0, 3.0, 4.0];

/// Settings to change. What was not seen, or was not counted enough, is not judged.
#[must_use]
pub fn settings_advice(snapshot: &Snapshot) -> Vec<Recommendation> {
    let advice = [random_page_cost(snapshot), effective_cache_size(snapshot)];
    advice.into_iter().flatten().collect()
}

fn random_page_cost(snapshot: &Snapshot) -> Option<Recommendation> {
    let server = &snapshot.server;
    let now = seen(server, "random_page_cost")?;
    // With another price for pages in sequence somebody has weighed both.
    let usual = seen(server, "seq_page_cost").is_some_and(|cost| (cost - 1.0).abs() < 1e-9);
    let rates = Rates::of(snapshot);
    let cached = 1.0 - rates.missed >= CACHED;
    let known = rates.accesses >= ENOUGH_BLOCKS && (cached || rates.is_measured);
    if !usual || !known || now <= 0.0 {
        return None;
    }
    let wanted = nearest(rates.random_page_units(rows_per_page(snapshot)));
    if (now / wanted).max(wanted / now) < OFF {
        return None;
    }
    let measured = if rates.is_measured {
        format!(
            ", reading one of the others took {:.0} µs (track_io_timing)",
            rates.read
        )
    } else {
        String::new()
    };
    let reason = format!(
        "of {} blocks that statements asked for, shared buffers had {}{measured}: a page at random is worth {wanted} pages in \
         sequence here, and random_page_cost says {now}, so {} are avoided that would be faster",
        Count(rates.accesses),
        Percent(1.0 - rates.missed),
        if now > wanted {
            "index scans"
        } else {
            "sequential scans"
        }
    );
    let confidence = if rates.is_measured || 1.0 - rates.missed >= 0.999 {
        Confidence::Medium
    } else {
        Confidence::Low
    };
    Some(Recommendation {
        confidence,
        confidence_reason: "counted by the server; the price of a row is that of a usual machine"
            .into(),
        reason,
        ..change("random_page_cost", &wanted.to_string(), &now.to_string())
    })
}

fn effective_cache_size(snapshot: &Snapshot) -> Option<Recommendation> {
    const BLOCK: f64 = 8192.0;
    let server = &snapshot.server;
    let (now, buffers) = (
        seen(server, "effective_cache_size")?,
        seen(server, "shared_buffers")?,
    );
    let in_blocks = |name: &str| {
        let unit = server.settings.get(name).and_then(|s| s.unit.as_deref());
        unit == Some("8kB")
    };
    let known = in_blocks("effective_cache_size") && in_blocks("shared_buffers");
    if !known || now * OFF > buffers {
        return None;
    }
    let kilobytes = |blocks: f64| format!("{:.0}kB", blocks * 8.0);
    Some(Recommendation {
        confidence: Confidence::High,
        confidence_reason: "the two settings contradict each other".into(),
        reason: format!(
            "effective_cache_size tells the planner that {} are cached, while shared buffers alone are {}: it takes repeated \
             reads for reads from disk. This is the least; with the kernel's cache it is usually more than half of the memory",
            Bytes(now * BLOCK),
            Bytes(buffers * BLOCK)
        ),
        ..change("effective_cache_size", &kilobytes(buffers), &kilobytes(now))
    })
}

/// A setting that was seen.
fn seen(server: &Server, name: &str) -> Option<f64> {
    server.settings.get(name)?.setting.parse().ok()
}

/// Rows on a page, over all tables.
fn rows_per_page(snapshot: &Snapshot) -> f64 {
    let leaves = snapshot.tables.iter().filter(|t| t.relpages > 0.0);
    let (rows, pages) = leaves.fold((0.0, 0.0), |(rows, pages), t| {
        (rows + t.rows(), pages + t.relpages)
    });
    if pages > 0.0 { rows / pages } else { 0.0 }
}

/// The advised value that is nearest, by ratio.
fn nearest(wanted: f64) -> f64 {
    let distance = |value: &f64| (value / wanted.max(0.01)).ln().abs();
    let nearest = VALUES
        .into_iter()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)));
    nearest.unwrap_or(VALUES[0])
}

fn change(name: &str, value: &str, old: &str) -> Recommendation {
    let set = |value: &str| {
        let set = Change::Set {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        vec![set, Change::Reload]
    };
    Recommendation {
        changes: set(value),
        undo: set(old),
        priority: Priority::P2,
        priority_reason: "it weighs in the plans of all statements".into(),
        effort: "two statements as superuser, no restart; never made by --apply".into(),
        risk: "changes plans of all statements of the server, of other databases too, and the advice on indexes: try it in a \
               session first (SET), and ask pgperf again after it"
            .into(),
        ..Recommendation::on_server(Action::Set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::server::Setting;
    use crate::query::testing::{catalog, with_statements};

    /// A server on which so many blocks were found in shared buffers and read, and reading took so many µs each.
    fn server(hit: i64, read: i64, micros: Option<f64>) -> Snapshot {
        let table = "create table t (a int); -- rows=50000 pages=1000";
        let mut snapshot = with_statements(catalog(table), &[("SELECT a FROM t", 10, 100.0)]);
        let statement = &mut snapshot.statements[0];
        statement.shared_blks_hit = hit;
        statement.shared_blks_read = read;
        #[expect(clippy::cast_precision_loss, reason = "a count of a test")]
        let all = micros.map(|each| each * read as f64 / 1000.0);
        statement.blk_read_time = all;
        snapshot
    }

    fn set(snapshot: &mut Snapshot, name: &str, value: &str, unit: Option<&str>) {
        let setting = Setting {
            setting: value.into(),
            unit: unit.map(Into::into),
            boot_val: None,
            pending_restart: false,
        };
        snapshot.server.settings.insert(name.into(), setting);
    }

    fn advised(snapshot: &Snapshot) -> Vec<String> {
        let text = |changes: &[Change]| {
            let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
            lines.join(" ")
        };
        let advice = settings_advice(snapshot);
        let advice = advice.iter();
        advice
            .map(|r| format!("{} -- {}", text(&r.changes), text(&r.undo[..1])))
            .collect()
    }

    const LOWER: &str = "ALTER SYSTEM SET random_page_cost = 1.1; SELECT pg_reload_conf(); -- ALTER SYSTEM SET random_page_cost = 4;";

    #[test]
    fn pages_at_random_are_as_cheap_as_they_were_counted() {
        let cached = server(9_990_000, 10_000, None);
        assert_eq!(advised(&cached), [LOWER]);
        assert_eq!(
            settings_advice(&cached)[0].reason,
            "of 10,000,000 blocks that statements asked for, shared buffers had 99.9 %: a page at random is worth 1.1 pages in \
             sequence here, and random_page_cost says 4, so index scans are avoided that would be faster"
        );
        // Many blocks are read, but fast, as from a kernel's cache.
        assert_eq!(advised(&server(900_000, 600_000, Some(3.0))).len(), 1);
        // A disk, and a setting as if there were none.
        let mut disk = server(900_000, 600_000, Some(4000.0));
        set(&mut disk, "random_page_cost", "1.1", None);
        assert_eq!(
            advised(&disk),
            [
                "ALTER SYSTEM SET random_page_cost = 4; SELECT pg_reload_conf(); -- ALTER SYSTEM SET random_page_cost = 1.1;"
            ]
        );
    }

    #[test]
    fn without_evidence_nothing_is_said() {
        for (what, snapshot) in [
            ("too few blocks", server(99_000, 0, None)),
            ("nothing counted", server(0, 0, None)),
            (
                "read, nobody knows how fast",
                server(900_000, 600_000, None),
            ),
            (
                "a disk, and the setting for one",
                server(900_000, 600_000, Some(4000.0)),
            ),
        ] {
            assert_eq!(advised(&snapshot), [""; 0], "{what}");
        }
        let cached = || server(9_990_000, 10_000, None);
        for (name, value) in [("random_page_cost", "1.5"), ("seq_page_cost", "0.1")] {
            let mut snapshot = cached();
            set(&mut snapshot, name, value, None);
            assert_eq!(advised(&snapshot), [""; 0], "{name} {value}");
        }
        let mut unseen = cached();
        unseen.server.settings.clear();
        assert_eq!(advised(&unseen), [""; 0]);
    }

    #[test]
    fn a_cache_is_no_smaller_than_its_part() {
        let mut snapshot = server(0, 0, None);
        set(&mut snapshot, "shared_buffers", "1048576", Some("8kB"));
        set(&mut snapshot, "effective_cache_size", "16384", Some("8kB"));
        assert_eq!(
            advised(&snapshot),
            [
                "ALTER SYSTEM SET effective_cache_size = '8388608kB'; SELECT pg_reload_conf(); \
                 -- ALTER SYSTEM SET effective_cache_size = '131072kB';"
            ]
        );
        for fine in ["524289", "1048576", "4194304"] {
            set(&mut snapshot, "effective_cache_size", fine, Some("8kB"));
            assert_eq!(advised(&snapshot), [""; 0], "{fine}");
        }
    }
}

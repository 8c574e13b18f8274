//! A unit of work: what one session did for one request, as far as a log shows.

use crate::query::n_plus_one::key::ByKey;

/// Most different statements of a unit; what else it runs is not followed.
const MOST_STATEMENTS: usize = 200;

/// Most different values that are told apart.
const MOST_VALUES: usize = 1_000;

/// Executions of one statement no farther apart than this belong to one loop: it may do several things for each row.
const CLOSE: u32 = 8;

/// An execution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Execution {
    /// Number of the statement.
    pub(super) statement: usize,
    /// Key of its values.
    pub(super) values: u64,
    /// When it began and ended, ms.
    pub(super) start: f64,
    pub(super) end: f64,
    /// Whether it writes.
    pub(super) writes: bool,
    /// Whether it ran in the same transaction as the one before it.
    pub(super) inside: bool,
}

/// A statement within a unit.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) statement: usize,
    pub(super) count: u32,
    /// Position of the first, the second and the last execution.
    first: u32,
    second: u32,
    last: u32,
    /// Its values, each with the number of writes before its last execution.
    values: ByKey<u64, u32>,
    /// Executions with values that were there before, with no write since: in one transaction, or in one go.
    pub(super) again: u32,
    /// How many of those were in one transaction.
    pub(super) again_inside: u32,
    /// Executions that came soon after one of the same, and right after it.
    pub(super) close: u32,
    pub(super) next: u32,
    /// Time that they took, and the pauses between those right after another, ms.
    pub(super) ms: f64,
    pub(super) pauses: f64,
}

impl Seen {
    /// Share of its executions with values that were not there before; many are taken to be like the first thousand.
    pub(super) fn distinct(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "at most a thousand")]
        let distinct = self.values.len() as f64;
        distinct / f64::from(self.count).min(f64::from(1_000_u16))
    }
}

/// The unit that a session is in.
#[derive(Debug, Clone, Default)]
pub(super) struct Unit {
    pub(super) seen: Vec<Seen>,
    executions: u32,
    writes: u32,
    end: f64,
}

impl Unit {
    /// When its last statement ended.
    pub(super) fn end(&self) -> f64 {
        self.end
    }

    pub(super) fn is_empty(&self) -> bool {
        self.executions == 0
    }

    /// Whether it began with that statement and went on with others: then the next request begins.
    pub(super) fn begins_again(&self, statement: usize) -> bool {
        self.seen.len() > 1 && self.seen[0].statement == statement
    }

    /// Adds an execution.
    pub(super) fn add(&mut self, execution: &Execution) {
        let position = self.executions;
        self.executions = self.executions.saturating_add(1);
        let pause = (execution.start - self.end).max(0.0);
        self.end = execution.end;
        self.writes += u32::from(execution.writes);
        let writes = self.writes;
        // The latest are most often the same again.
        let found = (self.seen.iter()).rposition(|s| s.statement == execution.statement);
        let Some(at) = found else {
            if self.seen.len() < MOST_STATEMENTS {
                self.seen.push(Seen {
                    statement: execution.statement,
                    count: 1,
                    first: position,
                    second: position,
                    last: position,
                    values: ByKey::from_iter([(execution.values, writes)]),
                    again: 0,
                    again_inside: 0,
                    close: 0,
                    next: 0,
                    ms: execution.end - execution.start,
                    pauses: 0.0,
                });
            }
            return;
        };
        let seen = &mut self.seen[at];
        let distance = position - seen.last;
        if seen.count == 1 {
            seen.second = position;
        }
        seen.count += 1;
        seen.last = position;
        seen.close += u32::from(distance <= CLOSE);
        seen.ms += execution.end - execution.start;
        if distance == 1 {
            seen.next += 1;
            seen.pauses += pause;
        }
        if seen.values.len() < MOST_VALUES || seen.values.contains_key(&execution.values) {
            let before = seen.values.insert(execution.values, writes);
            // Another request may have asked the same: one transaction belongs to one request, and so does what comes in one go.
            let again = before == Some(writes) && (execution.inside || distance == 1);
            seen.again += u32::from(again);
            seen.again_inside += u32::from(again && execution.inside);
        }
    }

    /// The statements for whose rows another may be repeated: the last one that began before it, and the last one that began
    /// before its second execution; both were run much less often. The first execution may belong to something else: the user
    /// of a request is looked up by the same statement as the users of a list.
    pub(super) fn parents(&self, child: &Seen) -> (Option<&Seen>, Option<&Seen>) {
        let before = |position: u32| {
            (self.seen.iter())
                .filter(|s| s.first < position && 2 * s.count <= child.count)
                .max_by_key(|s| s.first)
        };
        (before(child.first), before(child.second))
    }
}

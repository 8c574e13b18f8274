//! A statement of DDL under way: how far it is, and whom it waits for.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::unit::Millis;

/// What a session is doing, by `pg_stat_progress_create_index`, `pg_locks` and `pg_stat_activity`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    /// `phase`; none while nothing is built.
    pub phase: Option<String>,
    /// Blocks of the phase, 0 where it has none.
    pub blocks_total: i64,
    /// Of these done.
    pub blocks_done: i64,
    /// Tuples of the phase, 0 where it has none.
    pub tuples_total: i64,
    /// Of these done.
    pub tuples_done: i64,
    /// Sessions to wait for, 0 when it waits for none.
    pub lockers_total: i64,
    /// Of these gone.
    pub lockers_done: i64,
    /// What it waits for (`pg_locks.locktype`): `relation` for a lock on a table, `virtualxid` for another transaction to end.
    pub waits_for: Option<String>,
    /// Who is in its way, longest transaction first.
    pub blockers: Vec<Blocker>,
}

impl Activity {
    /// Share of the phase that is done, if the server counts it: `loading` counts tuples, `scanning` blocks.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        let phase = self.phase.as_deref()?;
        let (done, total) = if phase.contains("scanning") {
            (self.blocks_done, self.blocks_total)
        } else if phase.contains("tuples") {
            (self.tuples_done, self.tuples_total)
        } else {
            return None;
        };
        #[expect(clippy::cast_precision_loss, reason = "a share for people")]
        let share = done as f64 / total as f64;
        (total > 0).then_some(share.clamp(0.0, 1.0))
    }

    /// Whether it waits for a lock on a relation, as opposed to transactions that began before it.
    #[must_use]
    pub fn waits_for_relation(&self) -> bool {
        self.waits_for.as_deref() == Some("relation")
    }

    /// Whom it waits for, one clause; none when it does not wait.
    #[must_use]
    pub fn waiting(&self) -> Option<String> {
        let what = match self.waits_for.as_deref()? {
            "relation" => "for a lock on the table, held by",
            "virtualxid" | "transactionid" => "for the end of a transaction older than it:",
            _ => "for a lock held by",
        };
        let who = match self.who() {
            who if who.is_empty() => "a session that cannot be seen".to_owned(),
            who => who,
        };
        Some(format!("waits {what} {who}"))
    }

    /// Who is in its way, as a list.
    #[must_use]
    pub fn who(&self) -> String {
        let who: Vec<String> = self.blockers.iter().map(ToString::to_string).collect();
        who.join(", ")
    }
}

/// A session that another one waits for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Blocker {
    /// Process; 0 = a prepared transaction.
    pub pid: i32,
    /// Role.
    pub usename: Option<String>,
    /// What it calls itself.
    pub application_name: Option<String>,
    /// `active`, `idle in transaction`; none where the role may not see it.
    pub state: Option<String>,
    /// Milliseconds since its transaction began; none where the role may not see it.
    pub xact_age_ms: Option<f64>,
}

/// `pid 4711 (psql, role app, idle in transaction for 3.2 min)`.
impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pid == 0 {
            return f.write_str("a prepared transaction (pg_prepared_xacts)");
        }
        let mut facts = Vec::new();
        facts.extend(
            self.application_name
                .clone()
                .filter(|name| !name.is_empty()),
        );
        facts.extend(self.usename.as_ref().map(|role| format!("role {role}")));
        facts.push(match (&self.state, self.xact_age_ms) {
            (Some(state), Some(age)) => {
                format!("{state}, its transaction began {} ago", Millis(age))
            }
            (Some(state), None) => state.clone(),
            (None, _) => "what it does is hidden: GRANT pg_monitor shows it".to_owned(),
        });
        write!(f, "pid {} ({})", self.pid, facts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_is_measured_by_what_it_counts() {
        let mut activity = Activity {
            phase: Some("building index: scanning table".into()),
            blocks_total: 200,
            blocks_done: 50,
            tuples_total: 10,
            tuples_done: 10,
            ..Activity::default()
        };
        assert_eq!(activity.share(), Some(0.25));
        activity.phase = Some("building index: loading tuples in tree".into());
        assert_eq!(activity.share(), Some(1.0));
        activity.phase = Some("waiting for old snapshots".into());
        assert_eq!(activity.share(), None);
        activity.phase = None;
        assert_eq!(activity.share(), None);
        assert_eq!(activity.waiting(), None);
    }

    #[test]
    fn who_is_waited_for_is_named_as_far_as_it_can_be_seen() {
        let mut activity = Activity {
            waits_for: Some("virtualxid".into()),
            blockers: vec![Blocker {
                pid: 7,
                usename: Some("app".into()),
                application_name: Some("psql".into()),
                state: Some("idle in transaction".into()),
                xact_age_ms: Some(192_000.0),
            }],
            ..Activity::default()
        };
        assert_eq!(
            activity.waiting().unwrap(),
            "waits for the end of a transaction older than it: pid 7 (psql, role app, idle in transaction, its transaction began 3.2 min ago)"
        );
        activity.waits_for = Some("relation".into());
        activity.blockers = vec![
            Blocker {
                pid: 8,
                ..Blocker::default()
            },
            Blocker::default(),
        ];
        assert_eq!(
            activity.waiting().unwrap(),
            "waits for a lock on the table, held by pid 8 (what it does is hidden: GRANT pg_monitor shows it), a prepared transaction (pg_prepared_xacts)"
        );
    }
}

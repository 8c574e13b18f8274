//! What keeps a session from harm: the marker, the limits, and in what transaction they hold.

/// Stands before every statement, so that the observed server's activity and logs show whose it is. In statements of our own
/// it stands inside too, because `pg_stat_statements` of `PostgreSQL` 18 does not keep what is before the first word.
pub(super) const MARKER: &str = "/* pgperf */ ";

/// Session settings, given as command-line options of the server process. A direct session has them from its first moment and
/// keeps them through `RESET ALL`; a pooler refuses or ignores them, and then nothing of them can leak into the session of
/// somebody else, as it would with `SET`.
pub(super) const OPTIONS: &str = "-c statement_timeout=30s -c lock_timeout=200ms \
    -c idle_in_transaction_session_timeout=60s";

/// Comes after the user's own options, so that they cannot undo it. `pgperf.session` shows that options have reached the server.
pub(super) const LAST_OPTIONS: &str =
    "-c default_transaction_read_only=on -c pgperf.session=direct";

/// The limits for statements outside of a transaction behind a pooler, where a session's own settings would not hold, or would
/// be somebody else's later. In front of other statements of one message they are in one transaction with them.
pub(super) const LIMITS: &str = "set local /* pgperf */ transaction_read_only = on; \
    set local /* pgperf */ statement_timeout = '30s'; \
    set local /* pgperf */ lock_timeout = '200ms'; \
    set local /* pgperf */ idle_in_transaction_session_timeout = '60s'; ";

/// How many statements [`LIMITS`] has.
pub(super) const LIMITS_COUNT: usize = 4;

/// Opens the transaction in which everything about the observed server is read: one instant, no writes, short waits.
/// The limits come along, so that they hold also behind a pooler in transaction mode.
pub const BEGIN: &str = "begin /* pgperf */ isolation level repeatable read read only; \
    set local /* pgperf */ statement_timeout = '30s'; \
    set local /* pgperf */ lock_timeout = '200ms'; \
    set local /* pgperf */ idle_in_transaction_session_timeout = '60s'";

/// Opens a transaction in which a statement that writes is tried, on a server that the user has named for it; it is rolled back.
pub(super) const BEGIN_WRITING: &str = "begin /* pgperf */ isolation level repeatable read read write; \
    set local /* pgperf */ statement_timeout = '30s'; \
    set local /* pgperf */ lock_timeout = '200ms'; \
    set local /* pgperf */ idle_in_transaction_session_timeout = '60s'";

/// Whether a batch opens a transaction with its first statement.
pub(super) fn opens(batch: &str) -> bool {
    let words = words(batch);
    matches!(words.first().map(String::as_str), Some("begin" | "start"))
}

/// Whether a batch ends the transaction with its last statement.
pub(super) fn ends(batch: &str) -> bool {
    let last = batch.trim_end_matches([';', ' ', '\n']).rsplit(';').next();
    let words = words(last.unwrap_or_default());
    let second = words.get(1).map_or("", String::as_str);
    match words.first().map(String::as_str) {
        Some("rollback") => second != "to",
        Some("commit" | "end" | "abort") => true,
        _ => false,
    }
}

/// The first two words, lower-case, without comments before and between.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while words.len() < 2 && !rest.is_empty() {
        if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
        } else {
            let end = rest
                .find(|c: char| !c.is_alphanumeric())
                .unwrap_or(rest.len());
            words.push(rest[..end].to_lowercase());
            rest = if end == 0 { "" } else { &rest[end..] };
        }
        rest = rest.trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transactions_are_followed() {
        for (batch, expected) in [
            (BEGIN, (true, false)),
            ("/* x */ START TRANSACTION", (true, false)),
            ("begin; select 1; commit;\n", (true, true)),
            ("select 'begin'; select ';'", (false, false)),
            ("SELECT f();DEALLOCATE p;COMMIT", (false, true)),
            ("rollback", (false, true)),
            ("rollback /* pgperf */ to savepoint x", (false, false)),
            (
                "ROLLBACK TO SAVEPOINT x;SELECT f();SAVEPOINT x",
                (false, false),
            ),
            ("explain select 'commit'", (false, false)),
            (LIMITS, (false, false)),
            ("/* open", (false, false)),
            ("", (false, false)),
            (";", (false, false)),
        ] {
            assert_eq!((opens(batch), ends(batch)), expected, "{batch}");
        }
    }

    #[test]
    fn limits_are_counted() {
        assert_eq!(LIMITS.matches("; ").count(), LIMITS_COUNT);
    }
}

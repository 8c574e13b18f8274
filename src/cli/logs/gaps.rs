//! What logs did not show, and what to set so that they do.

use super::{FileRead, LogsRead, name};
use crate::model::gap::{Gap, Part};
use crate::model::unit::Millis;

/// A look-up by a key takes less: a log that begins above it holds none.
const LOOK_UP_MS: f64 = 5.0;

/// What is set to see more.
const RELOAD: &str = "SELECT pg_reload_conf();";
const ALL: &str =
    "ALTER SYSTEM SET log_min_duration_statement = 0; -- for a while: every statement is logged";
const PREFIX: &str = "ALTER SYSTEM SET log_line_prefix = '%m [%p] %q%u@%d %c %v %a ';";

impl LogsRead {
    /// What could not be told from them.
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        let mut gaps: Vec<Gap> = self.files.iter().flat_map(of_file).collect();
        if let Some(shortest) = self.shortest_ms.filter(|ms| *ms >= LOOK_UP_MS) {
            let what = format!(
                "no statement in the logs took less than {}: a threshold kept the fast ones out",
                Millis(shortest)
            );
            gaps.push(blind(what).close(ALL).close(RELOAD));
        }
        gaps
    }
}

fn blind(what: String) -> Gap {
    Gap::new(Part::Logs, what).effect(
        "statements that are run once for each row of others, or again and again, are not seen there",
    )
}

fn places(count: u64) -> String {
    if count == 1 {
        "one place".to_owned()
    } else {
        format!("{count} places")
    }
}

fn of_file(file: &FileRead) -> Vec<Gap> {
    let called = name(&file.path);
    let about_this = file.counts.entries - file.elsewhere;
    let mut gaps = Vec::new();
    if let Some(problem) = &file.problem {
        let gap = blind(format!("{called}: {problem}"));
        gaps.push(
            if file.format == "stderr" && problem.contains("log_line_prefix") {
                gap.close("-- say how its lines begin: --log-line-prefix '%m [%p] '")
                    .close(PREFIX)
                    .close(RELOAD)
            } else {
                gap
            },
        );
    }
    if about_this == 0 && file.problem.is_none() {
        let what = if file.elsewhere > 0 {
            format!(
                "{called}: all its {} entries about statements are of other databases",
                file.elsewhere
            )
        } else {
            format!("{called}: there is no statement in it, as {}", file.format)
        };
        gaps.push(blind(what).close(ALL).close(RELOAD));
    } else if about_this > 0 && file.timed == 0 {
        gaps.push(
            Gap::new(
                Part::Logs,
                format!("{called}: its statements have no durations (log_statement alone)"),
            )
            .effect("what repeated statements cost is not known")
            .close(ALL)
            .close(RELOAD),
        );
    }
    let unread = file.counts.malformed + file.counts.too_long;
    if unread > 0 && file.problem.is_none() {
        gaps.push(
            Gap::new(
                Part::Logs,
                format!(
                    "{called}: {} could not be read as {}",
                    places(unread),
                    file.format
                ),
            )
            .effect("statements in them are missing")
            .count(usize::try_from(unread).unwrap_or(usize::MAX)),
        );
    }
    gaps
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::query::log::Counts;

    fn file(entries: u64, timed: u64) -> FileRead {
        FileRead {
            path: PathBuf::from("a.log"),
            format: "stderr",
            counts: Counts {
                entries,
                ..Counts::default()
            },
            elsewhere: 0,
            timed,
            problem: None,
        }
    }

    fn told(file: FileRead) -> Vec<String> {
        let read = LogsRead {
            files: vec![file],
            ..LogsRead::default()
        };
        read.gaps().into_iter().map(|gap| gap.what).collect()
    }

    #[test]
    fn a_log_that_shows_nothing_says_so() {
        assert_eq!(told(file(10, 10)), [""; 0]);
        assert_eq!(
            told(file(0, 0)),
            ["a.log: there is no statement in it, as stderr"]
        );
        let timeless = "a.log: its statements have no durations (log_statement alone)";
        assert_eq!(told(file(10, 0)), [timeless]);
        let elsewhere = FileRead {
            elsewhere: 10,
            ..file(10, 0)
        };
        let others = "a.log: all its 10 entries about statements are of other databases";
        assert_eq!(told(elsewhere), [others]);
        let mut cut = file(10, 10);
        cut.counts.malformed = 2;
        assert_eq!(told(cut), ["a.log: 2 places could not be read as stderr"]);
    }

    #[test]
    fn a_problem_is_told_once_with_what_closes_it() {
        let read = LogsRead {
            files: vec![FileRead {
                problem: Some("no line begins with the log_line_prefix".into()),
                ..file(0, 0)
            }],
            ..LogsRead::default()
        };
        let gaps = read.gaps();
        assert_eq!(gaps.len(), 1, "{gaps:?}");
        assert!(gaps[0].close[0].contains("--log-line-prefix"), "{gaps:?}");
    }

    #[test]
    fn a_threshold_is_told() {
        let slow = |ms| LogsRead {
            files: vec![file(10, 10)],
            shortest_ms: Some(ms),
            ..LogsRead::default()
        };
        assert_eq!(slow(0.05).gaps(), []);
        assert!(slow(250.0).gaps()[0].what.contains("250 ms"));
    }
}

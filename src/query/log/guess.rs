//! The `log_line_prefix` of a plain log, where nobody says which it is: the usual one that reads most of its lines.

use crate::query::log::bytes::lines;
use crate::query::log::prefix::Prefix;

/// What servers are set up with: by default, by Debian, by clouds, by the handbooks of log analysers.
const USUAL: &[&str] = &[
    "%m [%p] ",
    "%m [%p] %q%u@%d ",
    "%m [%p] %q[user=%u,db=%d,app=%a] ",
    "%m [%p] %q%u@%d %a ",
    "%m [%p] %q%u@%d/%a ",
    "%m [%p] %q%u@%d %c %a ",
    "%m [%p] %q%u@%d %c %v %a ",
    "%m [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
    "%m [%p]: user=%u,db=%d,app=%a,client=%h ",
    "%m %u@%d [%p] ",
    "%m [%c] %q%u@%d ",
    "%t [%p] ",
    "%t [%p]: ",
    "%t [%p] %q%u@%d ",
    "%t [%p-%l] ",
    "%t [%p-%l] %q%u@%d ",
    "%t:%r:%u@%d:[%p]:",
    "%t [%p]: [%l-1] ",
    "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
    "%t [%p]: user=%u,db=%d,app=%a,client=%h ",
    "%t [%p]: [%l-1] db=%d,user=%u ",
    "%t [%p]: db=%d,user=%u,app=%a,client=%h ",
    "%t-%c-",
    "%m-%c-",
];

/// Most lines that are tried.
const LINES: usize = 200;

impl Prefix {
    /// The one of these, or else of the usual ones, that reads most of the first lines; `None` if none reads any.
    #[must_use]
    pub fn guess(begin: &[u8], own: &[Self]) -> Option<Self> {
        let read = |prefix: &Self| {
            let first = lines(begin).take(LINES);
            first.filter(|line| prefix.read(line).is_some()).count()
        };
        let best = |all: Vec<Self>| {
            let counted = all.into_iter().map(|prefix| (read(&prefix), prefix));
            let some = counted.filter(|(count, _)| *count > 0);
            // Of two that read as much, the first.
            some.reduce(|best, other| if other.0 > best.0 { other } else { best })
        };
        let usual = || USUAL.iter().map(|setting| Self::new(setting)).collect();
        let found = best(own.to_vec()).or_else(|| best(usual()));
        found.map(|(_, prefix)| prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is guessed of a log of one line.
    fn guessed(line: &str, own: &[&str]) -> Option<Prefix> {
        let own: Vec<Prefix> = own.iter().map(|setting| Prefix::new(setting)).collect();
        Prefix::guess(format!("{line}\n").as_bytes(), &own)
    }

    #[test]
    fn the_usual_forms_are_told() {
        for (line, expected) in [
            ("2026-01-02 03:04:05.678 UTC [42] LOG:  x", "%m [%p] "),
            (
                "2026-01-02 03:04:05.678 UTC [42] bob@shop LOG:  x",
                "%m [%p] %q%u@%d ",
            ),
            (
                "2026-01-02 03:04:05 UTC:10.0.0.1(5432):bob@shop:[42]:LOG:  x",
                "%t:%r:%u@%d:[%p]:",
            ),
            (
                "2026-01-02 03:04:05 UTC [42]: [7-1] user=bob,db=shop,app=x y,client=::1 LOG:  x",
                "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
            ),
        ] {
            let read = |setting: &str| Prefix::new(setting).read(line.as_bytes()).is_some();
            assert!(read(expected), "{line}");
            let guess = guessed(line, &[]);
            assert!(
                guess.is_some_and(|g| g.read(line.as_bytes()).is_some() && g.tells_sessions()),
                "{line}"
            );
        }
        assert_eq!(guessed("hello", &[]), None);
        assert_eq!(guessed("<42> LOG:  x", &[]), None);
    }

    #[test]
    fn what_is_known_comes_first() {
        let own = "<%p> ";
        assert_eq!(guessed("<42> LOG:  x", &[own]), Some(Prefix::new(own)));
        let other = guessed("2026-01-02 03:04:05.678 UTC [42] LOG:  x", &[own]);
        assert_eq!(other, Some(Prefix::new("%m [%p] ")));
    }
}

//! Passwords: the type that never shows one, and the password file `~/.pgpass`.
//!
//! Format and matching are those of <https://www.postgresql.org/docs/current/libpq-pgpass.html>.

use std::fmt;
use std::path::{Path, PathBuf};

/// A password. `Debug` prints no part of it, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Password(pub(super) String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// What a line of the file must fit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Host name; `localhost` stands for the default socket directory.
    pub(super) host: &'a str,
    /// Port.
    pub(super) port: u16,
    /// Database name.
    pub(super) dbname: &'a str,
    /// Role.
    pub(super) user: &'a str,
}

/// A password file that was read.
#[derive(Debug, Clone, Default)]
pub(super) struct Passfile {
    /// Where it is.
    pub(super) path: PathBuf,
    lines: Vec<Line>,
}

#[derive(Debug, Clone)]
struct Line {
    /// Host, port, database, role; `None` is the wildcard.
    wanted: [Option<String>; 4],
    password: Password,
}

impl Passfile {
    /// Reads the file. The second value says why it was ignored, when that is not simply because there is none.
    pub(super) fn read(path: &Path) -> (Option<Self>, Option<String>) {
        let Ok(metadata) = std::fs::metadata(path) else {
            return (None, None);
        };
        let ignored = |why: &str| {
            let warning = format!("password file {} is ignored: {why}", path.display());
            (None, Some(warning))
        };
        if !metadata.is_file() {
            return ignored("it is not a plain file");
        }
        #[cfg(unix)]
        if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0 {
            return ignored("group or others may access it; run chmod 0600 on it");
        }
        match std::fs::read(path) {
            Ok(bytes) => {
                let lines = String::from_utf8_lossy(&bytes)
                    .lines()
                    .filter_map(parse)
                    .collect();
                let path = path.to_owned();
                (Some(Self { path, lines }), None)
            }
            Err(error) => ignored(&error.to_string()),
        }
    }

    /// The password of the first line that fits; an empty one is none.
    pub(super) fn password(&self, wanted: &Wanted<'_>) -> Option<&Password> {
        let port = wanted.port.to_string();
        let asked = [wanted.host, &port, wanted.dbname, wanted.user];
        self.lines
            .iter()
            .find(|line| {
                let mut pairs = line.wanted.iter().zip(asked);
                pairs.all(|(field, asked)| field.as_ref().is_none_or(|field| field == asked))
            })
            .map(|line| &line.password)
            .filter(|password| !password.0.is_empty())
    }
}

/// `host:port:dbname:user:password`, where `\` takes the next character literally and a field `*` fits anything.
fn parse(line: &str) -> Option<Line> {
    if line.starts_with('#') {
        return None;
    }
    let mut rest = line;
    let mut field = || -> Option<Option<String>> {
        if let Some(after) = rest.strip_prefix("*:") {
            rest = after;
            return Some(None);
        }
        let (value, after) = unescape(rest);
        rest = after?;
        Some(Some(value))
    };
    let wanted = [field()?, field()?, field()?, field()?];
    let password = Password(unescape(rest).0);
    Some(Line { wanted, password })
}

/// The field up to a `:` that is not escaped, and what follows the `:`.
fn unescape(text: &str) -> (String, Option<&str>) {
    let mut value = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ':' => return (value, Some(chars.as_str())),
            '\\' => value.extend(chars.next()),
            c => value.push(c),
        }
    }
    (value, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r"
# db1:5432:shop:app:commented
db1:5432:shop:app:first
db1:5432:shop:*:second
*:*:*:we\:ird:third\\\:x
localhost:*:*:*:socket
db2:5432:shop:app:
db2:5432:short
*:*:*:*:tail:ignored
";

    fn find(host: &str, port: u16, dbname: &str, user: &str) -> Option<String> {
        let lines = FILE.lines().filter_map(parse).collect();
        let file = Passfile {
            path: PathBuf::new(),
            lines,
        };
        let wanted = Wanted {
            host,
            port,
            dbname,
            user,
        };
        file.password(&wanted).map(|password| password.0.clone())
    }

    #[test]
    fn first_fitting_line_wins() {
        for (host, port, dbname, user, expected) in [
            ("db1", 5432, "shop", "app", "first"),
            ("db1", 5432, "shop", "other", "second"),
            ("db1", 5432, "shop", "we:ird", "second"),
            ("db9", 1, "x", "we:ird", r"third\:x"),
            ("localhost", 1, "x", "y", "socket"),
            // What follows a fifth colon is not part of the password.
            ("db1", 5433, "shop", "app", "tail"),
        ] {
            let found = find(host, port, dbname, user);
            assert_eq!(
                found.as_deref(),
                Some(expected),
                "{host}:{port}:{dbname}:{user}"
            );
        }
    }

    #[test]
    fn nothing_fits() {
        assert_eq!(find("db2", 5432, "shop", "app"), None, "empty password");
        assert!(parse("db1:5432:shop:app").is_none());
        assert!(parse("").is_none());
    }

    #[test]
    fn debug_hides_the_password() {
        let line = parse("*:*:*:*:sesame");
        assert!(line.is_some());
        assert!(!format!("{line:?}").contains("sesame"));
    }
}

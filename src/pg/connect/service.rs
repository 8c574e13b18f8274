//! The connection service file: `[name]` sections of `keyword=value` lines.
//!
//! Format and search order are those of <https://www.postgresql.org/docs/current/libpq-pgservice.html>.

use std::path::{Path, PathBuf};

use crate::pg::Error;
use crate::pg::connect::conninfo::{self, Pairs};
use crate::pg::error::Kind;

/// Where `service` may be defined, in the order in which it is looked for.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// `servicefile` or `PGSERVICEFILE`; must exist when given.
    pub(super) named: Option<PathBuf>,
    /// `~/.pg_service.conf`, looked at when none is named.
    pub(super) home: Option<PathBuf>,
    /// `pg_service.conf` in `PGSYSCONFDIR` or in the places of the usual packages.
    pub(super) system: Vec<PathBuf>,
}

/// The settings of service `name` and the file that has them.
pub(super) fn lookup(name: &str, places: &Places) -> Result<(Pairs, PathBuf), Error> {
    let first = match (&places.named, &places.home) {
        (Some(named), _) => Some((named, true)),
        (None, Some(home)) => Some((home, false)),
        (None, None) => None,
    };
    let system = places.system.iter().map(|path| (path, false));
    let mut searched = Vec::new();
    for (path, must_exist) in first.into_iter().chain(system) {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => continue,
            Err(error) => {
                return Err(Error::new(
                    Kind::Config,
                    format!("cannot read service file {}: {error}", path.display()),
                ));
            }
        };
        if let Some(pairs) = parse(&text, name, path)? {
            return Ok((pairs, path.clone()));
        }
        searched.push(path.display().to_string());
    }
    let message = format!("no definition of service \"{name}\"");
    if searched.is_empty() {
        let error = Error::new(Kind::Config, format!("{message}, and no service file"));
        let hint = "write [name] and its settings to ~/.pg_service.conf, or set PGSERVICEFILE";
        return Err(error.hint(hint));
    }
    let searched = searched.join(", ");
    Err(Error::new(Kind::Config, format!("{message} in {searched}")))
}

/// The settings of one section; `None` when the file has no such section.
fn parse(text: &str, name: &str, path: &Path) -> Result<Option<Pairs>, Error> {
    let mut found: Option<Pairs> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(section) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            if section.strip_suffix(']') == Some(name) {
                found = Some(Pairs::new());
            }
            continue;
        }
        let Some(pairs) = &mut found else { continue };
        let from = format!("{}:{}", path.display(), number + 1);
        let broken = |what: &str| Error::new(Kind::Config, format!("{from}: {what}"));
        if line.starts_with("ldap") && line.contains("://") {
            return Err(broken("settings from LDAP are not supported"));
        }
        let (key, value) = line
            .split_once('=')
            .ok_or_else(|| broken("not keyword=value"))?;
        let key = conninfo::check(key, &from)?;
        if key == "service" || key == "servicefile" {
            return Err(broken("a service cannot name another service"));
        }
        // As in libpq, the first of several equal ones counts here.
        if !pairs.iter().any(|(known, _)| *known == key) {
            pairs.push((key, value.to_owned()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# comment\n[a]\nhost=ha\nport=1\nhost=hb\n\n[b]\n  dbname=x y \nuser = u\n[c]\nldap://h/x\n[d]\njunk\n[e]\nservice=a\n";

    fn section(name: &str) -> String {
        match parse(FILE, name, Path::new("f")) {
            Ok(pairs) => format!("{pairs:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn sections() {
        for (name, expected) in [
            ("a", r#"Some([("host", "ha"), ("port", "1")])"#),
            ("b", r#"f:9: unknown keyword "user ""#),
            ("c", "f:11: settings from LDAP are not supported"),
            ("d", "f:13: not keyword=value"),
            ("e", "f:15: a service cannot name another service"),
            ("f", "None"),
        ] {
            assert_eq!(section(name), expected, "{name}");
        }
    }
}

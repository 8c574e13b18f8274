//! The keywords with their values, gathered from command line, connection string, service file and environment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::pg::Error;
use crate::pg::connect::ConnectOptions;
use crate::pg::connect::conninfo;
use crate::pg::connect::keyword::{KEYWORDS, Support};
use crate::pg::connect::service::{self, Places};
use crate::pg::error::Kind;

/// Looks up an environment variable.
pub(super) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where `pg_service.conf` lies in the usual packages: Debian, RPM, and PostgreSQL's own `make install`.
const SYSTEM_DIRECTORIES: [&str; 3] = [
    "/etc/postgresql-common",
    "/etc/sysconfig/pgsql",
    "/usr/local/pgsql/etc",
];

/// Values by keyword, each with its origin.
#[derive(Default)]
pub(super) struct Settings {
    values: BTreeMap<&'static str, Setting>,
}

struct Setting {
    value: String,
    /// What the user would look at to change it: `-h`, `PGPORT`, `connection string`, a service file.
    from: String,
}

impl Settings {
    /// Gathers from options, then connection string, then service file, then environment; whoever comes first wins. psql
    /// differs in one point: there a connection string wins over `-h`, `-p` and `-U` beside it.
    ///
    /// A connection string from `PGPERF_DSN` or `DATABASE_URL` serves only when the command line names neither database nor
    /// host nor port.
    pub(super) fn gather(options: &ConnectOptions, env: Env<'_>) -> Result<Self, Error> {
        let mut settings = Self::default();
        for (name, value, from) in [
            ("host", options.host.as_deref(), "-h"),
            ("port", options.port.as_deref(), "-p"),
            ("user", options.user.as_deref(), "-U"),
        ] {
            if let Some(value) = filled(value) {
                settings.offer(name, value, from);
            }
        }
        if let Some(text) = filled(options.dbname.as_deref()) {
            settings.add_string(&text, "connection string", "database name")?;
        } else if settings.get("host").is_none() && settings.get("port").is_none() {
            let strings = ["PGPERF_DSN", "DATABASE_URL"].into_iter();
            let mut strings =
                strings.filter_map(|name| Some((name, filled(env(name).as_deref())?)));
            if let Some((variable, text)) = strings.next() {
                settings.add_string(&text, variable, variable)?;
            }
        }
        settings.add_service(env)?;
        settings.add_environment(env);
        settings.refuse_unsupported()?;
        Ok(settings)
    }

    /// A connection string or the name of a database, which comes from elsewhere in messages.
    fn add_string(&mut self, text: &str, from: &str, name_from: &str) -> Result<(), Error> {
        let Some(mut pairs) = conninfo::parse(text, from)? else {
            self.offer("dbname", text.to_owned(), name_from);
            return Ok(());
        };
        let other_host = self.get("host").is_some();
        let user = pairs.iter().rev().find(|(name, _)| *name == "user");
        let other_user = user.is_some_and(|(_, user)| self.get("user").is_some_and(|u| u != user));
        // An address belongs to the string's host, and a password to its role.
        pairs.retain(|(name, _)| {
            !(other_host && *name == "hostaddr" || other_user && *name == "password")
        });
        // Within one string the last of several equal keywords counts.
        for (name, value) in pairs.into_iter().rev() {
            self.offer(name, value, from);
        }
        Ok(())
    }

    fn offer(&mut self, name: &'static str, value: String, from: &str) {
        self.values.entry(name).or_insert_with(|| Setting {
            value,
            from: from.to_owned(),
        });
    }

    fn add_service(&mut self, env: Env<'_>) -> Result<(), Error> {
        let name = self.given("service").map(str::to_owned);
        let Some(name) = name.or_else(|| env("PGSERVICE")).filter(|s| !s.is_empty()) else {
            return Ok(());
        };
        let named = self.given("servicefile").map(str::to_owned);
        let system = match env("PGSYSCONFDIR") {
            Some(directory) => vec![PathBuf::from(directory)],
            None => SYSTEM_DIRECTORIES.iter().map(PathBuf::from).collect(),
        };
        let places = Places {
            named: named.or_else(|| env("PGSERVICEFILE")).map(PathBuf::from),
            home: env("HOME").map(|home| PathBuf::from(home).join(".pg_service.conf")),
            system: system.iter().map(|d| d.join("pg_service.conf")).collect(),
        };
        let (pairs, path) = service::lookup(&name, &places)?;
        let from = format!("service \"{name}\" in {}", path.display());
        for (name, value) in pairs {
            self.offer(name, value, &from);
        }
        Ok(())
    }

    fn add_environment(&mut self, env: Env<'_>) {
        for keyword in KEYWORDS {
            if let Some(variable) = keyword.env
                && let Some(value) = env(variable)
            {
                self.offer(keyword.name, value, variable);
            }
        }
        if env("PGREQUIRESSL").is_some_and(|value| value.starts_with('1')) {
            self.offer("sslmode", "require".to_owned(), "PGREQUIRESSL");
        }
    }

    fn refuse_unsupported(&self) -> Result<(), Error> {
        for keyword in KEYWORDS {
            if let Support::Only(values, why) = keyword.support
                && let Some(value) = self.given(keyword.name)
                && !values.contains(&value)
            {
                return Err(self.error(keyword.name, format!("not supported: pgperf {why}")));
            }
        }
        Ok(())
    }

    /// The value, also an empty one.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|setting| setting.value.as_str())
    }

    /// The value, when it is not empty: libpq takes an empty value for its default.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Where the value came from.
    pub(super) fn from(&self, name: &str) -> &str {
        self.values
            .get(name)
            .map_or("default", |setting| &setting.from)
    }

    /// The value as one of several words.
    pub(super) fn choice<T: Copy>(
        &self,
        name: &'static str,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, Error> {
        let Some(value) = self.given(name) else {
            return Ok(None);
        };
        if let Some((_, choice)) = choices.iter().find(|(word, _)| *word == value) {
            return Ok(Some(*choice));
        }
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        Err(self
            .error(name, format!("invalid value \"{value}\""))
            .hint(format!("one of {}", words.join(", "))))
    }

    /// The value as a whole number.
    pub(super) fn number(&self, name: &'static str) -> Result<Option<i64>, Error> {
        self.given(name)
            .map(|value| {
                let number = value.trim().parse::<i32>().map(i64::from);
                number.map_err(|_| self.error(name, format!("invalid integer \"{value}\"")))
            })
            .transpose()
    }

    /// A configuration error about keyword `name`, saying where its value came from.
    pub(super) fn error(&self, name: &str, what: impl std::fmt::Display) -> Error {
        Error::new(Kind::Config, format!("{}: {name}: {what}", self.from(name)))
    }
}

/// An empty option is none, as in psql.
fn filled(value: Option<&str>) -> Option<String> {
    value.filter(|value| !value.is_empty()).map(str::to_owned)
}

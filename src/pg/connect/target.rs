//! What to connect to, resolved from everything that psql would look at.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::config::ChannelBinding;

use crate::pg::Error;
use crate::pg::connect::ConnectOptions;
use crate::pg::connect::endpoint::{Endpoint, Passwords, endpoints};
use crate::pg::connect::settings::{Env, Settings};
use crate::pg::connect::tls::TlsSettings;
use crate::pg::error::Kind;

/// How long to wait for one host when `connect_timeout` is not given. libpq would wait for the kernel to give up, which
/// takes minutes; `connect_timeout=0` does the same here.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A resolved target: hosts, role, database, TLS mode. `Display` is a URI without password; `Debug` hides it too.
#[derive(Debug, Clone)]
pub struct Target {
    /// Hosts in the order in which they are tried; never empty.
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) dbname: String,
    pub(super) user: String,
    /// Command-line options for the server process, as the user gave them.
    pub(super) options: Option<String>,
    /// Begins with `pgperf`, whatever the user gave.
    pub(super) application_name: String,
    /// For one address, from its socket to the end of authentication.
    pub(super) connect_timeout: Option<Duration>,
    pub(super) session: SessionAttributes,
    pub(super) channel_binding: ChannelBinding,
    pub(super) keepalive: Keepalive,
    pub(super) tls: TlsSettings,
}

/// `target_session_attrs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SessionAttributes {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

/// TCP keep-alive; `None` is the system's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Keepalive {
    pub(super) enabled: bool,
    pub(super) idle: Option<Duration>,
    pub(super) interval: Option<Duration>,
    pub(super) count: Option<u32>,
    pub(super) user_timeout: Option<Duration>,
}

impl Target {
    /// Resolves options, then the connection string (`PGPERF_DSN` or `DATABASE_URL` if none is given), then the service file,
    /// then `PG*` variables, then the passfile. `-h -p -U` win over a connection string beside them.
    /// The second value are warnings for stderr (passfile with wrong mode …).
    ///
    /// Where psql differs: a connection string wins over the options beside it. Where libpq differs: `connect_timeout` is 10 s when not given; without a host both usual socket directories are
    /// tried; `load_balance_hosts=random` keeps the order; `application_name` is put behind `pgperf`.
    ///
    /// # Errors
    /// `Kind::Config`, naming the option.
    pub fn resolve(
        options: &ConnectOptions,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(Self, Vec<String>), Error> {
        let mut warnings = Vec::new();
        let settings = Settings::gather(options, env)?;
        let user = match settings.given("user") {
            Some(user) => user.to_owned(),
            None => os_user(env)?,
        };
        let dbname = settings.given("dbname").unwrap_or(&user).to_owned();
        let home = env("HOME")
            .filter(|home| !home.is_empty())
            .map(PathBuf::from);
        let mut endpoints = endpoints(&settings)?;
        let passwords = Passwords::find(&settings, home.as_deref(), &mut warnings);
        for endpoint in &mut endpoints {
            passwords.assign(endpoint, &dbname, &user);
        }
        settings.choice("load_balance_hosts", &[("disable", ()), ("random", ())])?;
        let target = Self {
            endpoints,
            options: settings.given("options").map(str::to_owned),
            application_name: application_name(&settings),
            connect_timeout: match settings.number("connect_timeout")? {
                None => Some(CONNECT_TIMEOUT),
                Some(seconds) => seconds_of(seconds),
            },
            session: session_attributes(&settings)?,
            channel_binding: channel_binding(&settings)?,
            keepalive: keepalive(&settings)?,
            tls: TlsSettings::resolve(&settings, home.as_deref(), &mut warnings)?,
            dbname,
            user,
        };
        Ok((target, warnings))
    }

    /// The database to connect to.
    #[must_use]
    pub fn dbname(&self) -> &str {
        &self.dbname
    }

    /// The role to connect as.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The same servers and role, another database. Passwords that a passfile gave for the old database are kept.
    #[must_use]
    pub fn with_dbname(&self, dbname: &str) -> Self {
        Self {
            dbname: dbname.to_owned(),
            ..self.clone()
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<_> = self.endpoints.iter().map(Endpoint::in_uri).collect();
        let (user, hosts) = (percent_encode(&self.user), hosts.join(","));
        let dbname = percent_encode(&self.dbname);
        write!(f, "postgresql://{user}@{hosts}/{dbname}")
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
pub(super) fn percent_encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// The name of the process's owner, as libpq would find it, else what the environment says.
fn os_user(env: Env<'_>) -> Result<String, Error> {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let uid = rustix::process::geteuid().as_raw().to_string();
    let named = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    });
    named
        .or_else(|| env("USER"))
        .or_else(|| env("LOGNAME"))
        .filter(|name| !name.is_empty())
        .ok_or_else(|| {
            Error::new(
                Kind::Config,
                format!("no role given, and user id {uid} has no name"),
            )
            .hint("give the role with -U or PGUSER")
        })
}

fn application_name(settings: &Settings) -> String {
    match settings.given("application_name") {
        Some(name) if name.starts_with("pgperf") => name.to_owned(),
        Some(name) => format!("pgperf {name}"),
        None => "pgperf".to_owned(),
    }
}

fn session_attributes(settings: &Settings) -> Result<SessionAttributes, Error> {
    let choices = [
        ("any", SessionAttributes::Any),
        ("read-write", SessionAttributes::ReadWrite),
        ("read-only", SessionAttributes::ReadOnly),
        ("primary", SessionAttributes::Primary),
        ("standby", SessionAttributes::Standby),
        ("prefer-standby", SessionAttributes::PreferStandby),
    ];
    let choice = settings.choice("target_session_attrs", &choices)?;
    Ok(choice.unwrap_or(SessionAttributes::Any))
}

fn channel_binding(settings: &Settings) -> Result<ChannelBinding, Error> {
    let choices = [
        ("disable", ChannelBinding::Disable),
        ("prefer", ChannelBinding::Prefer),
        ("require", ChannelBinding::Require),
    ];
    let choice = settings.choice("channel_binding", &choices)?;
    Ok(choice.unwrap_or(ChannelBinding::Prefer))
}

/// Seconds; none or a negative number of them is "no limit".
fn seconds_of(seconds: i64) -> Option<Duration> {
    u64::try_from(seconds)
        .ok()
        .filter(|seconds| *seconds > 0)
        .map(Duration::from_secs)
}

fn keepalive(settings: &Settings) -> Result<Keepalive, Error> {
    let duration = |name| settings.number(name).map(|n| n.and_then(seconds_of));
    let count = settings.number("keepalives_count")?;
    let milliseconds = settings.number("tcp_user_timeout")?;
    Ok(Keepalive {
        enabled: settings.number("keepalives")? != Some(0),
        idle: duration("keepalives_idle")?,
        interval: duration("keepalives_interval")?,
        count: count.and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0),
        user_timeout: milliseconds
            .and_then(|n| u64::try_from(n).ok())
            .filter(|n| *n > 0)
            .map(Duration::from_millis),
    })
}

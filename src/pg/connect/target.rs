//! What to connect to, resolved from everything that psql would look at.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_postgres::config::ChannelBinding;

use crate::pg::Error;
use crate::pg::connect::ConnectOptions;
use crate::pg::connect::passfile::{Passfile, Password, Wanted};
use crate::pg::connect::settings::{Env, Settings};
use crate::pg::connect::tls::TlsSettings;
use crate::pg::error::Kind;

/// Where Debian, RPM and Homebrew servers, or those built from source, put their socket.
const SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];

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

/// One host of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) address: Address,
    pub(super) port: u16,
    pub(super) password: Option<Password>,
    /// What to say about the password when the server does not like it; never the password.
    pub(super) password_from: String,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// The directory of a Unix socket.
    Unix(PathBuf),
    /// A host name (or numeric address), which certificates are checked against, and the address when `hostaddr` gave it.
    Tcp(String, Option<IpAddr>),
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
    /// Resolves options, then `PGPERF_DSN`, `DATABASE_URL`, service file, `PG*` variables and passfile, in psql's order:
    /// a connection string wins over `-h -p -U`, those over the service file, that over the environment.
    /// The second value are warnings for stderr (passfile with wrong mode …).
    ///
    /// Where libpq differs: `connect_timeout` is 10 s when not given; without a host both usual socket directories are
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

impl Endpoint {
    fn in_uri(&self) -> String {
        let host = match &self.address {
            Address::Unix(directory) => percent_encode(&directory.to_string_lossy()),
            Address::Tcp(name, _) if name.contains(':') => format!("[{name}]"),
            Address::Tcp(name, _) => percent_encode(name),
        };
        format!("{host}:{}", self.port)
    }
}

impl fmt::Display for Endpoint {
    /// As error messages name it: `db1:5432`, `[::1]:5432`, `db1 (10.0.0.1):5432`, or the path of the socket.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port;
        match &self.address {
            Address::Unix(directory) => {
                write!(
                    f,
                    "{}",
                    directory.join(format!(".s.PGSQL.{port}")).display()
                )
            }
            Address::Tcp(name, Some(address)) if *name != address.to_string() => {
                write!(f, "{name} ({address}):{port}")
            }
            Address::Tcp(name, _) if name.contains(':') => write!(f, "[{name}]:{port}"),
            Address::Tcp(name, _) => write!(f, "{name}:{port}"),
        }
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
fn percent_encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Pairs up `host`, `hostaddr` and `port`, each a comma-separated list; one port serves all hosts.
fn endpoints(settings: &Settings) -> Result<Vec<Endpoint>, Error> {
    let split = |name: &str| -> Vec<String> {
        let value = settings.given(name);
        value.map_or(Vec::new(), |v| {
            v.split(',').map(|s| s.trim().to_owned()).collect()
        })
    };
    let (hosts, addresses, ports) = (split("host"), split("hostaddr"), split("port"));
    let count = hosts.len().max(addresses.len()).max(1);
    if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() {
        let what = format!("{} addresses for {} hosts", addresses.len(), hosts.len());
        return Err(settings.error("hostaddr", what));
    }
    if ports.len() > 1 && ports.len() != count {
        let what = format!("{} ports for {count} hosts", ports.len());
        return Err(settings.error("port", what));
    }
    let mut endpoints = Vec::new();
    for i in 0..count {
        let host = hosts.get(i).filter(|host| !host.is_empty());
        let address = addresses.get(i).filter(|address| !address.is_empty());
        let port = port(ports.get(i).or(ports.first()), settings)?;
        for address in addresses_of(host, address, settings)? {
            endpoints.push(Endpoint {
                address,
                port,
                password: None,
                password_from: String::new(),
            });
        }
    }
    Ok(endpoints)
}

/// Where one element of the host list leads; more than one place only for the default sockets.
fn addresses_of(
    host: Option<&String>,
    address: Option<&String>,
    settings: &Settings,
) -> Result<Vec<Address>, Error> {
    let address: Option<IpAddr> = address
        .map(|text| {
            let parsed = text.parse();
            parsed.map_err(|_| settings.error("hostaddr", format!("invalid IP address \"{text}\"")))
        })
        .transpose()?;
    Ok(match (host, address) {
        (Some(host), None) if host.starts_with('/') => vec![Address::Unix(PathBuf::from(host))],
        (Some(host), None) if host.starts_with('@') => {
            return Err(settings.error("host", "not supported: abstract sockets"));
        }
        (Some(host), address) => vec![Address::Tcp(host.clone(), address)],
        (None, Some(address)) => vec![Address::Tcp(address.to_string(), Some(address))],
        (None, None) => SOCKET_DIRECTORIES
            .map(|directory| Address::Unix(PathBuf::from(directory)))
            .into(),
    })
}

fn port(text: Option<&String>, settings: &Settings) -> Result<u16, Error> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(5432);
    };
    match text.parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        // In a URI with an unescaped password the "port" may be a part of it, so only known places are quoted.
        _ if matches!(settings.from("port"), "-p" | "PGPORT") => {
            Err(settings.error("port", format!("invalid number \"{text}\"")))
        }
        _ => Err(settings.error("port", "not a number from 1 to 65535").hint(
            "in a URI, write \"/\" of a password as %2F, \"@\" as %40, \"?\" as %3F, \"#\" as %23, \"%\" as %25",
        )),
    }
}

/// Where passwords come from.
enum Passwords {
    Given(Password, String),
    File(Passfile),
    None(String),
}

impl Passwords {
    fn find(settings: &Settings, home: Option<&Path>, warnings: &mut Vec<String>) -> Self {
        if let Some(password) = settings.given("password") {
            let from = format!("the password came from {}", settings.from("password"));
            return Self::Given(Password(password.to_owned()), from);
        }
        let path = match settings.given("passfile") {
            Some(path) => Some(PathBuf::from(path)),
            None => home.map(|home| home.join(".pgpass")),
        };
        let Some(path) = path else {
            return Self::None("no password was given".to_owned());
        };
        let (file, warning) = Passfile::read(&path);
        let ignored = warning.is_some();
        warnings.extend(warning);
        match file {
            Some(file) => Self::File(file),
            None => Self::None(format!(
                "no password was given: PGPASSWORD is not set and {} {}",
                path.display(),
                if ignored {
                    "was ignored"
                } else {
                    "does not exist"
                }
            )),
        }
    }

    fn assign(&self, endpoint: &mut Endpoint, dbname: &str, user: &str) {
        match self {
            Self::Given(password, from) => {
                endpoint.password = Some(password.clone());
                endpoint.password_from.clone_from(from);
            }
            Self::None(why) => endpoint.password_from.clone_from(why),
            Self::File(file) => {
                let wanted = Wanted {
                    host: &passfile_host(&endpoint.address),
                    port: endpoint.port,
                    dbname,
                    user,
                };
                let (path, host, port) = (file.path.display(), wanted.host, wanted.port);
                endpoint.password = file.password(&wanted).cloned();
                endpoint.password_from = match endpoint.password {
                    Some(_) => format!("the password came from {path}"),
                    None => format!(
                        "no password was given: PGPASSWORD is not set and {path} has no line for {host}:{port}:{dbname}:{user}"
                    ),
                };
            }
        }
    }
}

/// The host as the first field of a passfile names it.
fn passfile_host(address: &Address) -> String {
    match address {
        Address::Tcp(name, _) => name.clone(),
        Address::Unix(directory) => {
            let directory = directory.to_string_lossy();
            match SOCKET_DIRECTORIES.contains(&&*directory) {
                true => "localhost".to_owned(),
                false => directory.into_owned(),
            }
        }
    }
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

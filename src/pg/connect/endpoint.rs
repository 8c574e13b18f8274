//! The hosts of a target: `host`, `hostaddr` and `port` paired up, each with its password.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::pg::Error;
use crate::pg::connect::passfile::{Passfile, Password, Wanted};
use crate::pg::connect::settings::Settings;
use crate::pg::connect::target::percent_encode;

/// Where Debian, RPM and Homebrew servers, or those built from source, put their socket.
const SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];

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

impl Endpoint {
    pub(super) fn in_uri(&self) -> String {
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

/// Pairs up `host`, `hostaddr` and `port`, each a comma-separated list; one port serves all hosts.
pub(super) fn endpoints(settings: &Settings) -> Result<Vec<Endpoint>, Error> {
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
pub(super) enum Passwords {
    Given(Password, String),
    File(Passfile),
    None(String),
}

impl Passwords {
    pub(super) fn find(
        settings: &Settings,
        home: Option<&Path>,
        warnings: &mut Vec<String>,
    ) -> Self {
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

    pub(super) fn assign(&self, endpoint: &mut Endpoint, dbname: &str, user: &str) {
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
            if SOCKET_DIRECTORIES.contains(&&*directory) {
                "localhost".to_owned()
            } else {
                directory.into_owned()
            }
        }
    }
}

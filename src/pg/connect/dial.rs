//! Target → session: host by host, address by address, with and without TLS, in libpq's order.

use std::net::{IpAddr, SocketAddr};

use tokio::task::JoinHandle;
use tokio_postgres::config::{SslMode as Tls, SslNegotiation};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use crate::pg::Error;
use crate::pg::connect::endpoint::{Address, Endpoint};
use crate::pg::connect::failure::{self, Failure};
use crate::pg::connect::limits::{LAST_OPTIONS, OPTIONS};
use crate::pg::connect::target::{SessionAttributes, Target};
use crate::pg::connect::tls::{SslMode, TlsConnector};

/// An authenticated session.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) task: JoinHandle<()>,
    pub(super) facts: Facts,
}

/// What is known about a session from its opening.
#[derive(Clone)]
pub(super) struct Facts {
    /// The host that was reached, as messages name it.
    pub(super) endpoint: String,
    /// `server_version`.
    pub(super) version: String,
    /// `server_version_num`.
    pub(super) version_num: u32,
    /// The session options did not reach the server, so there is a pooler, and the server process may change between transactions.
    pub(super) pooled: bool,
    /// Set when the session is encrypted.
    pub(super) tls: Option<TlsConnector>,
}

/// Connects to the first host that accepts and fits.
pub(super) async fn dial(target: &Target) -> Result<Session, Error> {
    let over_network = |endpoint: &Endpoint| matches!(endpoint.address, Address::Tcp(..));
    let connector = match target.tls.mode {
        SslMode::Disable => None,
        _ if !target.endpoints.iter().any(over_network) => None,
        _ => Some(target.tls.connector()?),
    };
    let passes = match target.session {
        SessionAttributes::PreferStandby => {
            vec![SessionAttributes::Standby, SessionAttributes::Any]
        }
        one => vec![one],
    };
    let mut failures = Vec::new();
    for wanted in passes {
        failures.clear();
        for endpoint in &target.endpoints {
            let dialing = Dialing {
                target,
                endpoint,
                connector: connector.as_ref(),
                wanted,
            };
            match dialing.host().await {
                Ok(session) => return Ok(session),
                Err(more) => failures.extend(more),
            }
            // A server that was reached and said no is the answer: libpq does not ask the next one either.
            if failures.last().is_some_and(|failure| !failure.next_host) {
                return Err(failure::combine(failures));
            }
        }
    }
    Err(failure::combine(failures))
}

/// One host on its way.
struct Dialing<'a> {
    target: &'a Target,
    endpoint: &'a Endpoint,
    connector: Option<&'a TlsConnector>,
    wanted: SessionAttributes,
}

impl Dialing<'_> {
    /// Tries every address of the host. The failures are those of the addresses tried.
    async fn host(&self) -> Result<Session, Vec<Failure>> {
        let mut failures = Vec::new();
        for address in self.addresses().await.map_err(|failure| vec![failure])? {
            let attempt = self.address(address);
            let outcome = match self.target.connect_timeout {
                None => attempt.await,
                Some(limit) => match tokio::time::timeout(limit, attempt).await {
                    Ok(outcome) => outcome,
                    Err(_) => Err(failure::timeout(self.endpoint, limit)),
                },
            };
            match outcome {
                Ok(session) => return Ok(session),
                Err(failure) => {
                    let stop = !failure.next_host;
                    failures.push(failure);
                    if stop {
                        break;
                    }
                }
            }
        }
        Err(failures)
    }

    /// The numeric addresses of the host; `None` stands for a Unix socket.
    async fn addresses(&self) -> Result<Vec<Option<IpAddr>>, Failure> {
        let (name, port) = match &self.endpoint.address {
            Address::Unix(_) => return Ok(vec![None]),
            Address::Tcp(_, Some(address)) => return Ok(vec![Some(*address)]),
            Address::Tcp(name, None) => (name.as_str(), self.endpoint.port),
        };
        let lookup = tokio::net::lookup_host((name, port));
        let found = match self.target.connect_timeout {
            None => lookup.await,
            Some(limit) => match tokio::time::timeout(limit, lookup).await {
                Ok(found) => found,
                Err(_) => return Err(failure::timeout(self.endpoint, limit)),
            },
        };
        let found: Vec<SocketAddr> = found
            .map_err(|error| failure::unresolved(self.endpoint, &error))?
            .collect();
        Ok(found.iter().map(|address| Some(address.ip())).collect())
    }

    /// Tries one address, in the order of encryption that `sslmode` says.
    async fn address(&self, address: Option<IpAddr>) -> Result<Session, Failure> {
        let mode = match address {
            Some(_) => self.target.tls.mode,
            // Nobody is between the two ends of a Unix socket, and the server offers no TLS there.
            None => SslMode::Disable,
        };
        let (first, second) = match mode {
            SslMode::Disable => (Tls::Disable, None),
            SslMode::Allow => (Tls::Disable, Some(Tls::Require)),
            SslMode::Prefer => (Tls::Prefer, Some(Tls::Disable)),
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => (Tls::Require, None),
        };
        let failure = match self.pooled_or_direct(address, first).await {
            Ok(session) => return Ok(session),
            Err(failure) => failure,
        };
        match second {
            Some(second) if failure.other_encryption => {
                let again = self.pooled_or_direct(address, second).await;
                again.map_err(|other| failure.and(other))
            }
            _ => Err(failure),
        }
    }

    /// Tries with the session's options, and without them where a pooler refuses them.
    async fn pooled_or_direct(
        &self,
        address: Option<IpAddr>,
        tls: Tls,
    ) -> Result<Session, Failure> {
        if matches!(
            self.wanted,
            SessionAttributes::ReadWrite | SessionAttributes::ReadOnly
        ) {
            self.check_writable(address, tls).await?;
        }
        let theirs = self.target.options.as_deref().unwrap_or("");
        let options = format!("{OPTIONS} {theirs} {LAST_OPTIONS}");
        match self.once(address, tls, Some(&options)).await {
            Err(failure) if failure.options_refused => {
                self.once(address, tls, self.target.options.as_deref())
                    .await
            }
            outcome => outcome,
        }
    }

    /// Whether the server would let an ordinary session write, asked in one that is not yet made read-only.
    async fn check_writable(&self, address: Option<IpAddr>, tls: Tls) -> Result<(), Failure> {
        let options = self.target.options.as_deref();
        let session = self.once(address, tls, options).await?;
        let rows = session
            .client
            .simple_query("show /* pgperf */ transaction_read_only");
        let rows = rows
            .await
            .map_err(|error| self.failed(&error, session.facts.tls.as_ref()))?;
        let read_only = first_row(&rows).first() == Some(&Some("on"));
        match (self.wanted, read_only) {
            (SessionAttributes::ReadWrite, true) => {
                Err(failure::unfit(self.endpoint, "session is read-only"))
            }
            (SessionAttributes::ReadOnly, false) => {
                Err(failure::unfit(self.endpoint, "session is not read-only"))
            }
            _ => Ok(()),
        }
    }

    /// One attempt.
    async fn once(
        &self,
        address: Option<IpAddr>,
        tls: Tls,
        options: Option<&str>,
    ) -> Result<Session, Failure> {
        let config = self.config(address, tls, options);
        let connector = self.connector.map(TlsConnector::fresh);
        let (client, version, task) = match &connector {
            Some(connector) if tls != Tls::Disable => {
                let connected = config.connect(connector.clone()).await;
                let (client, connection) =
                    connected.map_err(|error| self.failed(&error, Some(connector)))?;
                let version = connection.parameter("server_version").map(str::to_owned);
                (client, version, tokio::spawn(run(connection)))
            }
            _ => {
                let connected = config.connect(NoTls).await;
                let (client, connection) = connected.map_err(|error| self.failed(&error, None))?;
                let version = connection.parameter("server_version").map(str::to_owned);
                (client, version, tokio::spawn(run(connection)))
            }
        };
        let facts = Facts {
            endpoint: self.endpoint.to_string(),
            version_num: 0,
            version: version.unwrap_or_default(),
            pooled: false,
            tls: connector.filter(TlsConnector::was_used),
        };
        self.examine(Session {
            client,
            task,
            facts,
        })
        .await
    }

    /// Makes sure that this is a server that pgperf can work with, and the kind of server that was asked for.
    async fn examine(&self, mut session: Session) -> Result<Session, Failure> {
        let facts = &mut session.facts;
        facts.version_num = version_num(&facts.version);
        if let Some(failure) =
            failure::check_version(self.endpoint, &facts.version, facts.version_num)
        {
            return Err(failure);
        }
        let rows = session.client.simple_query(
            "/* pgperf */ select /* pgperf */ pg_catalog.current_setting('pgperf.session', true), pg_catalog.pg_is_in_recovery()",
        );
        let rows = rows
            .await
            .map_err(|error| self.failed(&error, facts.tls.as_ref()))?;
        let row = first_row(&rows);
        facts.pooled = row.first() != Some(&Some("direct"));
        let standby = row.get(1) == Some(&Some("t"));
        match (self.wanted, standby) {
            (SessionAttributes::Primary, true) => {
                Err(failure::unfit(self.endpoint, "server is a standby"))
            }
            (SessionAttributes::Standby, false) => {
                Err(failure::unfit(self.endpoint, "server is not a standby"))
            }
            _ => Ok(session),
        }
    }

    fn config(&self, address: Option<IpAddr>, tls: Tls, options: Option<&str>) -> Config {
        let (target, endpoint) = (self.target, self.endpoint);
        let mut config = Config::new();
        config
            .user(&target.user)
            .dbname(&target.dbname)
            .application_name(&target.application_name)
            .port(endpoint.port)
            .ssl_mode(tls)
            .channel_binding(target.channel_binding)
            .keepalives(target.keepalive.enabled);
        match &endpoint.address {
            Address::Unix(directory) => config.host_path(directory),
            Address::Tcp(name, _) => config.host(name),
        };
        if let Some(address) = address {
            config.hostaddr(address);
        }
        if let Some(options) = options {
            config.options(options);
        }
        if let Some(password) = &endpoint.password {
            config.password(&password.0);
        }
        if target.tls.direct && tls == Tls::Require {
            config.ssl_negotiation(SslNegotiation::Direct);
        }
        if let Some(idle) = target.keepalive.idle {
            config.keepalives_idle(idle);
        }
        if let Some(interval) = target.keepalive.interval {
            config.keepalives_interval(interval);
        }
        if let Some(count) = target.keepalive.count {
            config.keepalives_retries(count);
        }
        if let Some(limit) = target.keepalive.user_timeout {
            config.tcp_user_timeout(limit);
        }
        config
    }

    fn failed(&self, error: &tokio_postgres::Error, tls: Option<&TlsConnector>) -> Failure {
        let encrypted = tls.is_some_and(TlsConnector::was_used);
        failure::describe(error, self.target, self.endpoint, encrypted)
    }
}

/// Drives the connection until the client is dropped. Its end reaches every statement as an error, so it is not reported here.
async fn run<S, T>(connection: tokio_postgres::Connection<S, T>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let _ended = connection.await;
}

fn first_row(messages: &[SimpleQueryMessage]) -> Vec<Option<&str>> {
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    row.map_or(Vec::new(), |row| {
        (0..row.len()).map(|i| row.get(i)).collect()
    })
}

/// `server_version_num` from `server_version`: `15.18 (Debian …)` is 150018, `17beta2` is 170000. Zero when it is neither.
fn version_num(version: &str) -> u32 {
    let number = |text: &str| -> u32 {
        let end = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        text[..end].parse().unwrap_or(0)
    };
    let major = number(version);
    let rest = version.trim_start_matches(|c: char| c.is_ascii_digit());
    let minor = rest.strip_prefix('.').map_or(0, number);
    match major {
        // Before 10 there were two numbers of the major version.
        1..10 => major * 10_000 + minor * 100,
        10..1000 => major * 10_000 + minor.min(9_999),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (text, expected) in [
            ("15.18 (Debian 15.18-0+deb12u1)", 150_018),
            ("13.0", 130_000),
            ("17beta2", 170_000),
            ("19devel", 190_000),
            ("9.6.24", 90_600),
            ("8.0.2", 80_000),
            ("1.18.0/bouncer", 11_800),
            ("", 0),
            ("MySQL", 0),
        ] {
            assert_eq!(version_num(text), expected, "{text}");
        }
    }
}

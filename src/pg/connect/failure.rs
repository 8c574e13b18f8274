//! Why a host could not be connected to: what tokio-postgres and the server say, turned into one line and what to try.

use std::error::Error as StdError;
use std::time::Duration;

use tokio_postgres::error::DbError;

use crate::pg::Error;
use crate::pg::connect::endpoint::{Address, Endpoint};
use crate::pg::connect::target::Target;
use crate::pg::connect::tls::{SslMode, os_text};
use crate::pg::error::Kind;

/// A failed attempt at one address.
#[derive(Debug)]
pub(super) struct Failure {
    endpoint: String,
    pub(super) error: Error,
    /// Whether libpq would go on to the next host.
    pub(super) next_host: bool,
    /// Whether the other way of `sslmode=allow` or `prefer` is worth a try.
    pub(super) other_encryption: bool,
    /// Whether a pooler refused the session's options.
    pub(super) options_refused: bool,
}

impl Failure {
    fn new(endpoint: &Endpoint, error: Error) -> Self {
        Self {
            endpoint: endpoint.to_string(),
            error,
            next_host: false,
            other_encryption: false,
            options_refused: false,
        }
    }

    fn next_host(mut self) -> Self {
        self.next_host = true;
        self
    }

    /// Both ways of `allow` or `prefer` failed: the second counts, the first is mentioned when it says something else.
    pub(super) fn and(self, mut second: Self) -> Self {
        if self.error.message != second.error.message {
            second.error.message = format!(
                "{} (before that: {})",
                second.error.message, self.error.message
            );
        }
        second
    }
}

/// One error from all hosts tried.
pub(super) fn combine(failures: Vec<Failure>) -> Error {
    let several = failures.len() > 1;
    let mut parts: Vec<String> = Vec::new();
    let mut last = None;
    for failure in failures {
        let part = format!("{}: {}", failure.endpoint, failure.error.message);
        if !parts.contains(&part) {
            parts.push(part);
        }
        // The hint and the class of the last one, unless an earlier one was more than unreachable.
        last = match last {
            Some(Error { kind, .. }) if kind != Kind::Unreachable => last,
            _ => Some(failure.error),
        };
    }
    let Some(mut error) = last else {
        return Error::new(Kind::Config, "no host to connect to");
    };
    let what = match (error.kind, several) {
        (Kind::Config, _) => "cannot use",
        (_, true) => "cannot connect to any host:",
        (_, false) => "cannot connect to",
    };
    error.message = format!("{what} {}", parts.join("; "));
    error
}

/// The host did not answer in time.
pub(super) fn timeout(endpoint: &Endpoint, limit: Duration) -> Failure {
    let message = format!("no answer within {} s", limit.as_secs());
    let error = Error::new(Kind::Unreachable, message).hint(
        "check host, port and firewall; connect_timeout=SECONDS (or PGCONNECT_TIMEOUT) waits longer",
    );
    Failure::new(endpoint, error).next_host()
}

/// The host's name has no address.
pub(super) fn unresolved(endpoint: &Endpoint, error: &std::io::Error) -> Failure {
    // getaddrinfo's text comes with a prefix of Rust's.
    let text = os_text(error);
    let why = text.rsplit(": ").next().unwrap_or(&text);
    let error = Error::new(
        Kind::Unreachable,
        format!("host name does not resolve: {why}"),
    )
    .hint("check the spelling of the host");
    Failure::new(endpoint, error).next_host()
}

/// The server does not fit `target_session_attrs`.
pub(super) fn unfit(endpoint: &Endpoint, what: &str) -> Failure {
    let error = Error::new(Kind::Unreachable, what)
        .hint("target_session_attrs asks for another kind of server: any takes every one");
    Failure::new(endpoint, error).next_host()
}

/// What is wrong with a server that pgperf cannot work with.
pub(super) fn check_version(
    endpoint: &Endpoint,
    version: &str,
    version_num: u32,
) -> Option<Failure> {
    let refused = |message: String| Error::new(Kind::Refused, message);
    let error = if version.contains("bouncer") {
        refused("this is PgBouncer's own console, not a database".to_owned())
            .hint("name a database that PgBouncer serves")
    } else if version_num == 0 {
        refused(format!(
            "not a PostgreSQL server: it calls its version \"{version}\""
        ))
    } else if version_num < 130_000 {
        refused(format!("PostgreSQL {version} is too old"))
            .hint("pgperf works with PostgreSQL 13 and newer")
    } else {
        return None;
    };
    Some(Failure::new(endpoint, error))
}

/// What an attempt's error means.
pub(super) fn describe(
    error: &tokio_postgres::Error,
    target: &Target,
    endpoint: &Endpoint,
    encrypted: bool,
) -> Failure {
    if let Some(db) = error.as_db_error() {
        return from_server(db, target, endpoint, encrypted);
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return from_tls(tls, target, endpoint);
    }
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    let io = find::<std::io::Error>(error);
    // tokio-postgres keeps its error's kind to itself, except in the text.
    let described = match (error.to_string().as_str(), cause.as_str(), io) {
        ("error connecting to server", _, Some(io)) => {
            return Failure::new(endpoint, unreachable(io, endpoint)).next_host();
        }
        (_, "password missing", _) => {
            let message = format!("a password is needed for role \"{}\"", target.user);
            Error::new(Kind::Refused, message).hint(password_hint(endpoint))
        }
        (_, "server does not support TLS", _) => {
            Error::new(Kind::Refused, "server does not offer TLS").hint(
                "turn it on in the server (ssl = on), or use sslmode=prefer if plain text will do",
            )
        }
        ("authentication error", "server did not use channel binding", _) => {
            Error::new(Kind::Refused, "server did not use channel binding")
                .hint("channel_binding=require needs TLS and a SCRAM password; prefer does without")
        }
        ("authentication error", why, _) => {
            Error::new(Kind::Refused, format!("authentication failed: {why}"))
        }
        ("error performing TLS handshake", why, _) => {
            let mut failure = Failure::new(endpoint, tls_error(why, target));
            failure.other_encryption = true;
            return failure;
        }
        (_, _, io) => {
            let what = match io.map(std::io::Error::kind) {
                // tokio-postgres says so when it is hung up on in the middle of a message, and "other" for all that it cannot read.
                Some(std::io::ErrorKind::Other | std::io::ErrorKind::InvalidInput) | None
                    if !error.is_closed() =>
                {
                    "what answers there does not speak PostgreSQL's protocol".to_owned()
                }
                Some(std::io::ErrorKind::UnexpectedEof) | None => {
                    "connection was closed before a server answered".to_owned()
                }
                Some(_) => io.map(os_text).unwrap_or_default(),
            };
            let mut failure = Failure::new(
                endpoint,
                Error::new(Kind::Unreachable, what)
                    .hint("is that the port of a PostgreSQL server?"),
            )
            .next_host();
            // A server may also hang up on the way of encryption that it does not like.
            failure.other_encryption = encrypted;
            return failure;
        }
    };
    Failure::new(endpoint, described)
}

/// The first error of that type among the causes, also inside of I/O errors, which hide theirs.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        let io = error.downcast_ref::<std::io::Error>();
        next = match io.and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn unreachable(io: &std::io::Error, endpoint: &Endpoint) -> Error {
    let unix = matches!(endpoint.address, Address::Unix(_));
    let (message, hint) = match io.kind() {
        std::io::ErrorKind::NotFound if unix => (
            "no such socket".to_owned(),
            "is the server running? -h HOST connects over the network, -h DIRECTORY to a socket elsewhere",
        ),
        std::io::ErrorKind::ConnectionRefused => (
            "connection refused".to_owned(),
            "is the server running, and listening there (listen_addresses, port)?",
        ),
        _ => (os_text(io), "check host, port and network"),
    };
    Error::new(Kind::Unreachable, message).hint(hint)
}

fn from_tls(tls: &rustls::Error, target: &Target, endpoint: &Endpoint) -> Failure {
    let error = tls_error(&tls.to_string(), target);
    let mut failure = Failure::new(endpoint, certificate_error(tls, error, target, endpoint));
    failure.other_encryption = true;
    failure
}

fn tls_error(why: &str, target: &Target) -> Error {
    let hint = match target.tls.mode {
        SslMode::VerifyCa | SslMode::VerifyFull => {
            "sslrootcert must hold the authority that signed the server's certificate; sslmode=require without sslrootcert does not check it"
        }
        _ => "sslmode=disable goes without TLS, if plain text will do",
    };
    Error::new(Kind::Refused, format!("TLS failed: {why}")).hint(hint)
}

/// The usual troubles with certificates in plain words.
fn certificate_error(
    tls: &rustls::Error,
    mut error: Error,
    target: &Target,
    endpoint: &Endpoint,
) -> Error {
    use rustls::{AlertDescription as Alert, CertificateError as Bad};
    let host = match &endpoint.address {
        Address::Tcp(name, _) => name.as_str(),
        Address::Unix(_) => "",
    };
    let trusted = target.tls.trusted();
    let what = match tls {
        // The last two are signatures of another authority with the same name.
        rustls::Error::InvalidCertificate(
            Bad::UnknownIssuer
            | Bad::BadSignature
            | Bad::UnsupportedSignatureAlgorithmForPublicKeyContext { .. },
        ) => {
            format!("server's certificate is not signed by any authority in {trusted}")
        }
        rustls::Error::InvalidCertificate(
            Bad::NotValidForName | Bad::NotValidForNameContext { .. },
        ) => {
            error.hint = Some(
                "connect by the name in the certificate, or use sslmode=verify-ca, which does not compare names"
                    .to_owned(),
            );
            format!("server's certificate is not for host name \"{host}\"")
        }
        rustls::Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => {
            "server's certificate has expired".to_owned()
        }
        rustls::Error::InvalidCertificate(Bad::Revoked) => {
            "server's certificate is revoked".to_owned()
        }
        rustls::Error::InvalidCertificate(Bad::Other(other))
            if other.to_string() == "UnsupportedCertVersion" =>
        {
            error.hint = Some(
                "reissue it with extensions (openssl x509 -req … -extfile), or go unchecked with sslmode=require without sslrootcert"
                    .to_owned(),
            );
            format!(
                "server's certificate is of X.509 version 1 and expired, or not directly signed by an authority in {trusted}"
            )
        }
        rustls::Error::InvalidCertificate(Bad::Other(other))
            if other.to_string() == "CaUsedAsEndEntity" =>
        {
            format!("server's certificate is an authority's own, and not one of {trusted}")
        }
        rustls::Error::AlertReceived(Alert::CertificateRequired | Alert::HandshakeFailure) => {
            error.hint = Some("give a client certificate with sslcert and sslkey".to_owned());
            format!("server refused the handshake ({tls})")
        }
        _ => return error,
    };
    error.message = format!("TLS failed: {what}");
    error
}

/// What to say about the password, and where one can be given.
fn password_hint(endpoint: &Endpoint) -> String {
    let from = &endpoint.password_from;
    match endpoint.password {
        Some(_) => from.clone(),
        None => format!("{from}; set PGPASSWORD or write it to ~/.pgpass"),
    }
}

/// The server was reached and said why not.
fn from_server(db: &DbError, target: &Target, endpoint: &Endpoint, encrypted: bool) -> Failure {
    let code = db.code().code();
    let text = db.message();
    let mut error = Error::new(Kind::Refused, text);
    error.sqlstate = Some(code.to_owned());
    error.hint = match code {
        "28P01" => Some(password_hint(endpoint)),
        "28000" => Some(authorization_hint(text, target, encrypted)),
        "42501" => {
            error.kind = Kind::Privilege;
            let (dbname, user) = (quoted(&target.dbname), quoted(&target.user));
            Some(format!("GRANT CONNECT ON DATABASE {dbname} TO {user}"))
        }
        "53300" => Some(
            "wait until sessions end, or raise max_connections (or the role's or database's CONNECTION LIMIT)"
                .to_owned(),
        ),
        "57P03" => {
            error.kind = Kind::Unreachable;
            let what = "the server is starting up, shutting down or in recovery: try again shortly";
            Some(what.to_owned())
        }
        _ if is_missing_database(&error) => {
            Some("list the databases with psql -l; name one with -d".to_owned())
        }
        _ => db.hint().map(str::to_owned),
    };
    let mut failure = Failure::new(endpoint, error);
    failure.next_host = code == "57P03";
    failure.other_encryption = code.starts_with("28");
    failure.options_refused = refuses_options(code, text);
    failure
}

/// Whether the database does not exist; `PgBouncer` has no code of its own for that.
pub(super) fn is_missing_database(error: &Error) -> bool {
    let bouncer = || {
        let text = &error.message;
        text.contains("no such database")
            || text.contains("database \"") && text.contains("does not exist")
    };
    match error.sqlstate.as_deref() {
        Some("3D000") => true,
        Some("08P01") => bouncer(),
        _ => false,
    }
}

/// PgBouncer says `unsupported startup parameter: options` (or, from 1.20, `… in options: …`) with 08P01; other poolers
/// say that they do not support options, under codes of their own.
fn refuses_options(code: &str, text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains("startup parameter")
        || (matches!(code, "0A000" | "08P01") && text.contains("options"))
        || (matches!(code, "0A000" | "08P01") && text.contains("command-line"))
}

/// 28000 has many reasons, told apart by the English text only; other languages get the general advice.
fn authorization_hint(text: &str, target: &Target, encrypted: bool) -> String {
    let user = &target.user;
    if text.contains("does not exist") {
        return format!(
            "give another role with -U, or CREATE ROLE {} LOGIN",
            quoted(user)
        );
    }
    if text.contains("not permitted to log in") {
        return format!("ALTER ROLE {} LOGIN", quoted(user));
    }
    if text.contains("Peer authentication") || text.contains("Ident authentication") {
        return format!(
            "run as the operating-system user that may be \"{user}\", or connect over TCP with -h localhost and a password"
        );
    }
    if text.contains("certificate") {
        return "give a client certificate with sslcert and sslkey".to_owned();
    }
    match (text.contains("pg_hba.conf"), encrypted) {
        (true, false) if target.tls.mode == SslMode::Disable => {
            "pg_hba.conf may want TLS: try sslmode=require; else add a line for this role, database and address".to_owned()
        }
        _ => "pg_hba.conf on the server must have a line for this role, database and address".to_owned(),
    }
}

/// The name as SQL writes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

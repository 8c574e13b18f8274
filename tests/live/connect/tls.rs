//! TLS: every `sslmode`, certificates that only libpq takes, revoked ones, and those of clients.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::authority::{Authority, ELLIPTIC, RSA};
use super::server::Server;
use super::{assert_cancels, open, value};

/// The outcome, and `+tls` or `+plain` for how the session turned out.
async fn encryption(conninfo: &str) -> String {
    match open(conninfo).await {
        Ok(connection) => {
            let sql = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
            let encrypted = value(&connection, sql).await == "t";
            assert_eq!(connection.is_encrypted(), encrypted, "{conninfo}");
            if encrypted { "tls" } else { "plain" }.to_owned()
        }
        Err(error) => error.to_string(),
    }
}

const TLS_HBA: &str = "local all all trust\nhostssl all onlytls 127.0.0.1/32 trust\nhostnossl all onlyplain 127.0.0.1/32 trust\nhost all postgres 127.0.0.1/32 trust\nhostssl all certified 127.0.0.1/32 cert\nhost all app 127.0.0.1/32 scram-sha-256\n";

#[tokio::test]
async fn tls_modes() {
    let authority = Authority::new(ELLIPTIC);
    let stranger = Authority::new(ELLIPTIC);
    authority.sign("named", "other", "subjectAltName=DNS:db.test");
    let server = Server::prepare(TLS_HBA, &[]);
    authority.install(
        &server,
        &[
            ("named.crt", "server.crt"),
            ("named.key", "server.key"),
            ("ca.crt", "ca.crt"),
        ],
    );
    server.launch();
    server.sql("create role onlytls login; create role onlyplain login; create role app login password 'right'").await;
    let port = server.port;
    let at = |host: &str, rest: &str| {
        format!("host={host} hostaddr=127.0.0.1 port={port} dbname=postgres {rest}")
    };
    let ours = format!("sslrootcert={}", authority.path("ca.crt"));
    let theirs = format!("sslrootcert={}", stranger.path("ca.crt"));
    let absent = format!("sslrootcert={}", authority.path("absent.crt"));
    let unknown = format!(
        "TLS failed: server's certificate is not signed by any authority in {}",
        stranger.path("ca.crt")
    );
    let misnamed = "TLS failed: server's certificate is not for host name \"wrong.test\"";
    let no_roots = format!(
        "cannot check the server's certificate: {} does not exist",
        authority.path("absent.crt")
    );
    let no_hba = |user: &str, how: &str| {
        format!(
            "no pg_hba.conf entry for host \"127.0.0.1\", user \"{user}\", database \"postgres\", {how}"
        )
    };
    for (host, rest, expected) in [
        ("db.test", "user=postgres sslmode=disable", "plain".to_owned()),
        ("db.test", "user=postgres sslmode=allow", "plain".to_owned()),
        ("db.test", "user=postgres", "tls".to_owned()),
        ("db.test", "user=postgres sslmode=prefer", "tls".to_owned()),
        ("db.test", "user=postgres sslmode=require", "tls".to_owned()),
        // What the server wants for this role decides where the client leaves it open.
        ("db.test", "user=onlytls sslmode=disable", no_hba("onlytls", "no encryption")),
        ("db.test", "user=onlytls sslmode=allow", "tls".to_owned()),
        ("db.test", "user=onlyplain sslmode=allow", "plain".to_owned()),
        ("db.test", "user=onlyplain sslmode=prefer", "plain".to_owned()),
        ("db.test", "user=onlyplain sslmode=require", no_hba("onlyplain", "SSL encryption")),
        // A root certificate is used, whatever the mode, and `prefer` then goes without TLS.
        ("wrong.test", &*format!("user=postgres sslmode=require {ours}"), "tls".to_owned()),
        ("db.test", &*format!("user=postgres sslmode=require {theirs}"), unknown.clone()),
        ("db.test", &*format!("user=postgres sslmode=prefer {theirs}"), "plain".to_owned()),
        ("db.test", &*format!("user=onlytls sslmode=prefer {theirs}"), no_hba("onlytls", "no encryption") + " (before that: " + &unknown + ")"),
        ("db.test", &*format!("user=postgres sslmode=require {absent}"), "tls".to_owned()),
        ("wrong.test", &*format!("user=postgres sslmode=verify-ca {ours}"), "tls".to_owned()),
        ("db.test", &*format!("user=postgres sslmode=verify-ca {theirs}"), unknown.clone()),
        ("db.test", &*format!("user=postgres sslmode=verify-ca {absent}"), no_roots.clone()),
        ("db.test", &*format!("user=postgres sslmode=verify-full {ours}"), "tls".to_owned()),
        ("wrong.test", &*format!("user=postgres sslmode=verify-full {ours}"), misnamed.to_owned()),
        ("db.test", &*format!("user=postgres sslmode=verify-full {theirs}"), unknown.clone()),
        ("db.test", "user=postgres sslrootcert=system", "TLS failed: server's certificate is not signed by any authority in the system's trusted certificates".to_owned()),
        // SCRAM bound to the channel, and one protocol version or the other.
        ("db.test", "user=app password=right sslmode=require channel_binding=require", "tls".to_owned()),
        ("db.test", "user=app password=right sslmode=disable channel_binding=require", "server did not use channel binding".to_owned()),
        ("db.test", "user=postgres sslmode=require ssl_max_protocol_version=TLSv1.2", "tls".to_owned()),
        ("db.test", "user=postgres sslmode=require ssl_min_protocol_version=TLSv1.3 sslsni=0", "tls".to_owned()),
    ] {
        let said = encryption(&at(host, rest)).await;
        let place = format!("cannot connect to {host} (127.0.0.1):{port}: ");
        assert_eq!(said.strip_prefix(&place).unwrap_or(&said), expected, "{host} {rest}");
    }
    let socket = format!("{} sslmode=verify-full {absent}", server.socket("postgres"));
    assert_eq!(encryption(&socket).await, "plain", "sockets know no TLS");
    // Cancelling goes the same way as the connection.
    let connection = open(&at(
        "db.test",
        &format!("user=onlytls sslmode=verify-full {ours}"),
    ))
    .await
    .expect("open");
    assert_cancels(&server, &connection).await;
}

#[tokio::test]
async fn certificates_that_only_libpq_takes() {
    let authority = Authority::new(RSA);
    authority.sign("common", "db.test", "basicConstraints=CA:FALSE");
    authority.sign_old("old", "db.test", false);
    authority.sign_old("expired", "db.test", true);
    // As in PostgreSQL's manual.
    authority.openssl("req -x509 -newkey rsa:2048 -nodes -keyout self.key -out self.crt -days 30 -subj /CN=db.test -addext subjectAltName=DNS:db.test");
    let stranger = Authority::new(ELLIPTIC);
    let server = Server::prepare(TLS_HBA, &[]);
    authority.install(
        &server,
        &[
            ("common.crt", "server.crt"),
            ("common.key", "server.key"),
            ("ca.crt", "ca.crt"),
        ],
    );
    server.launch();
    let port = server.port;
    let bad = |why: &str| format!("TLS failed: {why}");
    let authoritys = |trusted: &str| {
        bad(&format!(
            "server's certificate is an authority's own, and not one of {trusted}"
        ))
    };
    let old = |trusted: &str| {
        bad(&format!(
            "server's certificate is of X.509 version 1 and expired, or not directly signed by an authority in {trusted}"
        ))
    };
    let unknown = |trusted: &str| {
        bad(&format!(
            "server's certificate is not signed by any authority in {trusted}"
        ))
    };
    for (certificate, roots, good) in [
        ("common", "ca.crt", "tls".to_owned()),
        ("old", "ca.crt", "tls".to_owned()),
        ("expired", "ca.crt", old(&authority.path("ca.crt"))),
        ("self", "self.crt", "tls".to_owned()),
        ("self", "ca.crt", authoritys(&authority.path("ca.crt"))),
    ] {
        authority.install(
            &server,
            &[
                (&*format!("{certificate}.crt"), "server.crt"),
                (&*format!("{certificate}.key"), "server.key"),
            ],
        );
        server.reload().await;
        let (roots, theirs) = (authority.path(roots), stranger.path("ca.crt"));
        let misnamed = match good.as_str() {
            "tls" => bad("server's certificate is not for host name \"wrong.test\""),
            other => other.to_owned(),
        };
        let untrusted = match certificate {
            "common" => unknown(&theirs),
            "self" => authoritys(&theirs),
            _ => old(&theirs),
        };
        for (host, mode, roots, expected) in [
            (
                "db.test",
                "require sslrootcert=",
                "/absent",
                "tls".to_owned(),
            ),
            ("db.test", "verify-full sslrootcert=", &*roots, good.clone()),
            ("wrong.test", "verify-full sslrootcert=", &roots, misnamed),
            ("wrong.test", "verify-ca sslrootcert=", &roots, good.clone()),
            ("db.test", "verify-ca sslrootcert=", &theirs, untrusted),
        ] {
            let conninfo = format!(
                "host={host} hostaddr=127.0.0.1 port={port} user=postgres sslmode={mode}{roots}"
            );
            let said = encryption(&conninfo).await;
            let place = format!("cannot connect to {host} (127.0.0.1):{port}: ");
            assert_eq!(
                said.strip_prefix(&place).unwrap_or(&said),
                expected,
                "{certificate} {host} {mode}{roots}"
            );
        }
    }
}

#[tokio::test]
async fn revoked_certificates() {
    let authority = Authority::new(ELLIPTIC);
    authority.sign("server", "db.test", "subjectAltName=DNS:db.test");
    let settings = "[ca]\ndefault_ca=c\n[c]\ndatabase=index\ndefault_md=sha256\ndefault_crl_days=30\ncrlnumber=number\n";
    for (name, text) in [("settings", settings), ("index", ""), ("number", "01\n")] {
        fs::write(authority.directory.join(name), text).expect("write");
    }
    let ca = "ca -config settings -keyfile ca.key -cert ca.crt";
    authority.openssl(&format!("{ca} -gencrl -out none.crl"));
    authority.openssl(&format!("{ca} -revoke server.crt"));
    authority.openssl(&format!("{ca} -gencrl -out one.crl"));
    let server = Server::prepare(TLS_HBA, &[]);
    authority.install(
        &server,
        &[
            ("server.crt", "server.crt"),
            ("server.key", "server.key"),
            ("ca.crt", "ca.crt"),
        ],
    );
    server.launch();
    let port = server.port;
    for (list, expected) in [
        (authority.path("none.crl"), "tls".to_owned()),
        (
            authority.path("one.crl"),
            format!(
                "cannot connect to db.test (127.0.0.1):{port}: TLS failed: server's certificate is revoked"
            ),
        ),
        (
            authority.path("absent.crl"),
            format!(
                "cannot use {}: no such file or directory",
                authority.path("absent.crl")
            ),
        ),
        (
            authority.path("ca.crt"),
            format!(
                "cannot use {}: no revocation list in PEM format in it",
                authority.path("ca.crt")
            ),
        ),
    ] {
        let conninfo = format!(
            "host=db.test hostaddr=127.0.0.1 port={port} user=postgres sslmode=verify-full sslrootcert={} sslcrl={list}",
            authority.path("ca.crt")
        );
        assert_eq!(encryption(&conninfo).await, expected, "{list}");
    }
}

#[tokio::test]
async fn client_certificates() {
    let authority = Authority::new(ELLIPTIC);
    authority.sign("server", "db.test", "subjectAltName=DNS:db.test");
    authority.sign("client", "certified", "basicConstraints=CA:FALSE");
    authority.openssl("pkey -in client.key -traditional -out client-pkcs1.key");
    authority.openssl("pkey -in client.key -aes256 -passout pass:secret -out client-encrypted.key");
    authority.openssl("pkey -in client.key -outform DER -out client-der.key");
    let server = Server::prepare(TLS_HBA, &[]);
    authority.install(
        &server,
        &[
            ("server.crt", "server.crt"),
            ("server.key", "server.key"),
            ("ca.crt", "ca.crt"),
        ],
    );
    server.launch();
    server.sql("create role certified login").await;
    let port = server.port;
    let (certificate, key) = (authority.path("client.crt"), |name: &str| {
        authority.path(name)
    });
    fs::copy(key("client.key"), key("client-open.key")).expect("copy");
    fs::set_permissions(key("client-open.key"), fs::Permissions::from_mode(0o644)).expect("mode");
    let needed = format!(
        "cannot connect to db.test (127.0.0.1):{port}: connection requires a valid client certificate"
    );
    for (rest, expected) in [
        (
            format!("sslcert={certificate} sslkey={}", key("client.key")),
            "tls".to_owned(),
        ),
        (
            format!("sslcert={certificate} sslkey={}", key("client-pkcs1.key")),
            "tls".to_owned(),
        ),
        (String::new(), needed.clone()),
        (
            format!(
                "sslcertmode=disable sslcert={certificate} sslkey={}",
                key("client.key")
            ),
            needed.clone(),
        ),
        (
            format!(
                "sslcert={certificate} sslkey={}",
                key("client-encrypted.key")
            ),
            format!(
                "cannot use {}: it is encrypted, and pgperf asks for no passphrase",
                key("client-encrypted.key")
            ),
        ),
        (
            format!("sslcert={certificate} sslkey={}", key("client-der.key")),
            format!(
                "cannot use {}: no private key in PEM format in it",
                key("client-der.key")
            ),
        ),
        (
            format!("sslcert={certificate} sslkey={}", key("client-open.key")),
            format!(
                "cannot use {}: group or others may access it",
                key("client-open.key")
            ),
        ),
        (
            format!("sslcert={certificate} sslkey={}", key("absent.key")),
            format!(
                "cannot use {}: no such file or directory",
                key("absent.key")
            ),
        ),
        (
            format!(
                "sslcert={} sslkey={}",
                authority.path("ca.crt"),
                key("client.key")
            ),
            format!(
                "cannot use {}: with key {}: keys may not be consistent: KeyMismatch",
                authority.path("ca.crt"),
                key("client.key")
            ),
        ),
    ] {
        let conninfo = format!(
            "host=db.test hostaddr=127.0.0.1 port={port} user=certified dbname=postgres sslmode=require {rest}"
        );
        assert_eq!(encryption(&conninfo).await, expected, "{rest}");
    }
}

//! What refuses: passwords, databases, roles, addresses where nobody listens, servers of other kinds. Each in plain words.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::outcome;
use super::pooler::{answering, error_response, message, welcome};
use super::server::{Server, free_port, new_directory};

/// A server with every reason to refuse.
async fn refusing() -> Server {
    let hba = "local all postgres trust\nhost nologin all 127.0.0.1/32 reject\nhost all peered 127.0.0.1/32 reject\nhost all free 127.0.0.1/32 trust\nhost all nologin 127.0.0.1/32 trust\nhost all gone 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256";
    let server = Server::start(hba, &[]);
    server
        .sql("create role app login password 'right'; create role free login connection limit 0; create role nologin; \
              create role peered login; create database shop; create database closed; \
              revoke connect on database closed from public")
        .await;
    server
}

#[tokio::test]
async fn passwords() {
    let server = refusing().await;
    let port = server.port;
    let at = |rest: &str| format!("host=127.0.0.1 port={port} {rest}");
    let home = new_directory();
    let passfile = home.join("pgpass");
    fs::write(
        &passfile,
        "127.0.0.1:*:*:app:right\n127.0.0.1:*:*:other:x\n",
    )
    .expect("passfile");
    fs::set_permissions(&passfile, fs::Permissions::from_mode(0o600)).expect("mode");
    let passfile = passfile.display();
    let place = format!("cannot connect to 127.0.0.1:{port}:");
    for (conninfo, expected) in [
        (
            "user=app dbname=shop password=right".to_owned(),
            "ok".to_owned(),
        ),
        (
            format!("user=app dbname=shop passfile={passfile}"),
            "ok".to_owned(),
        ),
        (
            "user=app dbname=shop password=sesame".to_owned(),
            format!(
                "Refused: {place} password authentication failed for user \"app\" | the password came from connection string"
            ),
        ),
        (
            format!("user=other dbname=shop passfile={passfile}"),
            format!(
                "Refused: {place} password authentication failed for user \"other\" | the password came from {passfile}"
            ),
        ),
        (
            "user=app dbname=shop".to_owned(),
            format!(
                "Refused: {place} a password is needed for role \"app\" | no password was given; set PGPASSWORD or write it to ~/.pgpass"
            ),
        ),
        (
            format!("user=third dbname=shop passfile={passfile}"),
            format!(
                "Refused: {place} a password is needed for role \"third\" | no password was given: PGPASSWORD is not set and {passfile} has no line for 127.0.0.1:{port}:shop:third; set PGPASSWORD or write it to ~/.pgpass"
            ),
        ),
    ] {
        assert_eq!(outcome(&at(&conninfo)).await, expected, "{conninfo}");
    }
    fs::remove_dir_all(home).expect("clean up");
}

#[tokio::test]
async fn refusals() {
    let server = refusing().await;
    let port = server.port;
    let at = |rest: &str| format!("host=127.0.0.1 port={port} {rest}");
    let place = format!("cannot connect to 127.0.0.1:{port}:");
    for (conninfo, expected) in [
        (
            "user=app dbname=shpo password=right".to_owned(),
            format!(
                "Refused: {place} database \"shpo\" does not exist | databases there: closed, postgres, shop"
            ),
        ),
        (
            "user=app dbname=closed password=right".to_owned(),
            format!(
                "Privilege: {place} permission denied for database \"closed\" | GRANT CONNECT ON DATABASE \"closed\" TO \"app\""
            ),
        ),
        (
            "user=gone dbname=shop".to_owned(),
            format!(
                "Refused: {place} role \"gone\" does not exist | give another role with -U, or CREATE ROLE \"gone\" LOGIN"
            ),
        ),
        (
            "user=nologin dbname=shop".to_owned(),
            format!(
                "Refused: {place} role \"nologin\" is not permitted to log in | ALTER ROLE \"nologin\" LOGIN"
            ),
        ),
        (
            "user=peered dbname=shop".to_owned(),
            format!(
                "Refused: {place} pg_hba.conf rejects connection for host \"127.0.0.1\", user \"peered\", database \"shop\", no encryption | pg_hba.conf on the server must have a line for this role, database and address"
            ),
        ),
        (
            "user=free dbname=shop".to_owned(),
            format!(
                "Refused: {place} too many connections for role \"free\" | wait until sessions end, or raise max_connections (or the role's or database's CONNECTION LIMIT)"
            ),
        ),
        (
            "user=app dbname=shop password=right sslmode=require".to_owned(),
            format!(
                "Refused: {place} server does not offer TLS | turn it on in the server (ssl = on), or use sslmode=prefer if plain text will do"
            ),
        ),
        (
            "user=app dbname=shop password=right channel_binding=require".to_owned(),
            format!(
                "Refused: {place} server did not use channel binding | channel_binding=require needs TLS and a SCRAM password; prefer does without"
            ),
        ),
    ] {
        assert_eq!(outcome(&at(&conninfo)).await, expected, "{conninfo}");
    }
    let directory = server.directory.display();
    let socket = format!("host={directory} port={port} user=stranger dbname=shop");
    assert_eq!(
        outcome(&socket).await,
        format!(
            "Refused: cannot connect to {directory}/.s.PGSQL.{port}: no pg_hba.conf entry for host \"[local]\", user \"stranger\", database \"shop\", no encryption | pg_hba.conf on the server must have a line for this role, database and address"
        )
    );
}

#[tokio::test]
async fn unreachable() {
    let closed = free_port();
    let silent = TcpListener::bind("127.0.0.1:0").expect("bind");
    let silent_port = silent.local_addr().expect("address").port();
    let wrong = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("bind");
    let wrong_port = wrong.local_addr().expect("address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = wrong.accept().await {
            let mut request = [0; 256];
            let _read = stream.read(&mut request).await;
            let _sent = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let hint = "is the server running, and listening there (listen_addresses, port)?";
    for (conninfo, expected) in [
        (
            format!("host=127.0.0.1 port={closed} user=u"),
            format!("Unreachable: cannot connect to 127.0.0.1:{closed}: connection refused | {hint}"),
        ),
        (
            format!("host=db.invalid,127.0.0.1 port={closed} user=u"),
            format!("Unreachable: cannot connect to any host: db.invalid:{closed}: host name does not resolve: name or service not known; 127.0.0.1:{closed}: connection refused | {hint}"),
        ),
        (
            format!("host=db.invalid hostaddr=127.0.0.1 port={closed} user=u"),
            format!("Unreachable: cannot connect to db.invalid (127.0.0.1):{closed}: connection refused | {hint}"),
        ),
        (
            "host=/nowhere user=u".to_owned(),
            "Unreachable: cannot connect to /nowhere/.s.PGSQL.5432: no such socket | is the server running? -h HOST connects over the network, -h DIRECTORY to a socket elsewhere".to_owned(),
        ),
        (
            format!("host=127.0.0.1 port={silent_port} user=u connect_timeout=1"),
            format!("Unreachable: cannot connect to 127.0.0.1:{silent_port}: no answer within 1 s | check host, port and firewall; connect_timeout=SECONDS (or PGCONNECT_TIMEOUT) waits longer"),
        ),
    ] {
        assert_eq!(outcome(&conninfo).await, expected, "{conninfo}");
    }
    let place = format!("cannot connect to 127.0.0.1:{wrong_port}:");
    for (mode, expected) in [
        (
            "disable",
            format!(
                "Unreachable: {place} what answers there does not speak PostgreSQL's protocol | is that the port of a PostgreSQL server?"
            ),
        ),
        (
            "prefer",
            format!(
                "Unreachable: {place} what answers there does not speak PostgreSQL's protocol | is that the port of a PostgreSQL server?"
            ),
        ),
        (
            "require",
            format!(
                "Refused: {place} server does not offer TLS | turn it on in the server (ssl = on), or use sslmode=prefer if plain text will do"
            ),
        ),
    ] {
        let conninfo = format!("host=127.0.0.1 port={wrong_port} user=u sslmode={mode}");
        assert_eq!(outcome(&conninfo).await, expected, "{mode}");
    }
}

#[tokio::test]
async fn servers_that_cannot_be_used() {
    let server = Server::start("local all all trust", &[]);
    let starting = error_response("57P03", "the database system is starting up");
    let full = error_response("53300", "sorry, too many clients already");
    for (reply, expected) in [
        (
            starting.clone(),
            "Unreachable: the database system is starting up | the server is starting up, shutting down or in recovery: try again shortly",
        ),
        (
            full,
            "Refused: sorry, too many clients already | wait until sessions end, or raise max_connections (or the role's or database's CONNECTION LIMIT)",
        ),
        (
            welcome("12.22"),
            "Refused: PostgreSQL 12.22 is too old | pgperf works with PostgreSQL 13 and newer",
        ),
        (
            welcome("8.0.2"),
            "Refused: PostgreSQL 8.0.2 is too old | pgperf works with PostgreSQL 13 and newer",
        ),
        (
            welcome("1.18.0/bouncer"),
            "Refused: this is PgBouncer's own console, not a database | name a database that PgBouncer serves",
        ),
        (
            welcome("unknown"),
            "Refused: not a PostgreSQL server: it calls its version \"unknown\" | ",
        ),
        (
            error_response("08P01", "no such database: x"),
            "Refused: no such database: x | list the databases with psql -l; name one with -d",
        ),
        (
            message(b'R', &[0, 0, 0, 7]),
            "Refused: authentication failed: unsupported authentication method | ",
        ),
        (
            message(b'R', &[0; 4]),
            "Unreachable: connection was closed before a server answered | is that the port of a PostgreSQL server?",
        ),
    ] {
        let port = answering(reply, PathBuf::new()).await;
        let said = outcome(&format!("host=127.0.0.1 port={port} user=u dbname=x")).await;
        let place = format!("cannot connect to 127.0.0.1:{port}: ");
        assert_eq!(said.replace(&place, ""), expected);
    }
    // A server that is just starting is passed over.
    let port = answering(starting, PathBuf::new()).await;
    let directory = server.directory.display();
    let both = format!(
        "host=127.0.0.1,{directory} port={port},{} user=postgres",
        server.port
    );
    assert_eq!(outcome(&both).await, "ok");
}

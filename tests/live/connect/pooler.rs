//! A pooler, and servers that only say a few words.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use super::server::Server;
use super::{open, value};

/// Something that answers startup messages by itself: these bytes, or, when they are empty, as a pooler that passes everything
/// to the real server except sessions with options, which it refuses in `PgBouncer`'s words.
pub(crate) async fn answering(reply: Vec<u8>, server: PathBuf) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("bind");
    let port = listener.local_addr().expect("address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, reply.clone(), server.clone()));
        }
    });
    port
}

async fn answer(mut client: TcpStream, mut reply: Vec<u8>, server: PathBuf) -> std::io::Result<()> {
    let startup = loop {
        let length = client.read_u32().await?;
        let mut rest = vec![0; length as usize - 4];
        client.read_exact(&mut rest).await?;
        // The request for TLS is just this number; a cancel request has one of its own and is passed on.
        if rest != 80_877_103_u32.to_be_bytes() {
            break [&length.to_be_bytes()[..], &rest].concat();
        }
        client.write_all(b"N").await?;
    };
    if reply.is_empty() && startup.windows(9).any(|w| w == b"\0options\0") {
        reply = error_response("08P01", "unsupported startup parameter: options");
    }
    if !reply.is_empty() {
        return client.write_all(&reply).await;
    }
    let mut upstream = UnixStream::connect(server).await?;
    upstream.write_all(&startup).await?;
    tokio::io::copy_bidirectional(&mut client, &mut upstream)
        .await
        .map(|_| ())
}

pub(super) fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("short");
    [&[tag], &length.to_be_bytes()[..], body].concat()
}

pub(super) fn error_response(code: &str, text: &str) -> Vec<u8> {
    message(b'E', format!("SFATAL\0C{code}\0M{text}\0\0").as_bytes())
}

/// A server that lets everybody in and says that it is of this version.
pub(super) fn welcome(version: &str) -> Vec<u8> {
    let parameter = format!("server_version\0{version}\0");
    [
        message(b'R', &[0; 4]),
        message(b'S', parameter.as_bytes()),
        message(b'Z', b"I"),
    ]
    .concat()
}

#[tokio::test]
async fn poolers_get_no_session_settings() {
    let server = Server::start("local all all trust", &[]);
    let port = answering(Vec::new(), PathBuf::from(server.socket_path())).await;
    let pooled = format!("host=127.0.0.1 port={port} user=postgres dbname=postgres");
    let connection = open(&pooled).await.expect("open");
    assert!(connection.is_pooled());
    // Alone, a statement has the limits with it, and they are gone after it.
    assert_eq!(value(&connection, "show lock_timeout").await, "200ms");
    let results = connection
        .simple("select 1; select 2")
        .await
        .expect("batch");
    assert_eq!(results.len(), 2);
    let error = connection
        .simple("create table t (a int)")
        .await
        .expect_err("read-only");
    assert_eq!(error.sqlstate.as_deref(), Some("25006"));
    let rows: Vec<BTreeMap<String, String>> = connection
        .rows("select current_setting('statement_timeout') as limit", &[])
        .await
        .expect("rows");
    assert_eq!(rows[0]["limit"], "30s");
    connection.begin().await.expect("begin");
    assert_eq!(
        value(&connection, "show transaction_isolation").await,
        "repeatable read"
    );
    connection.end().await.expect("end");
    // A transaction that is opened, breaks and is cleaned up by batches.
    let broken = connection
        .simple("begin isolation level repeatable read read only; savepoint a; select nowhere")
        .await;
    assert!(broken.is_err());
    let results = connection
        .simple("rollback to savepoint a; show lock_timeout")
        .await
        .expect("as it is, without anything before it");
    assert_eq!(results[1].rows[0][0].as_deref(), Some("200ms"));
    connection
        .simple("select 1; rollback")
        .await
        .expect("rollback");
    assert_eq!(
        value(&connection, "show transaction_isolation").await,
        "read committed"
    );
    // What the session itself would hand on to the next client of the pooler.
    for (setting, expected) in [
        ("lock_timeout", "0"),
        ("statement_timeout", "0"),
        ("default_transaction_read_only", "off"),
    ] {
        assert_eq!(
            value(&connection, &format!("commit; show {setting}")).await,
            expected,
            "{setting}"
        );
    }
}

//! A pooler in transaction mode, as `PgBouncer` is one: after each transaction the client's next one runs on another server
//! session. Stricter than the real one, which may come back to the same.

use std::path::PathBuf;

use tokio::io::{AsyncReadExt, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};

/// Sessions that a client's transactions go around.
const SESSIONS: usize = 3;

/// Starts one in front of the server at this socket; its port.
pub(crate) async fn pooler(server: PathBuf) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let port = listener.local_addr().expect("address").port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(serve(client, server.clone()));
        }
    });
    port
}

/// Type and body of a message; the length is its own first four bytes.
async fn message<S: AsyncReadExt + Unpin>(from: &mut S) -> std::io::Result<(u8, Vec<u8>)> {
    let kind = from.read_u8().await?;
    let length = from.read_u32().await?;
    let mut whole = length.to_be_bytes().to_vec();
    whole.resize(length as usize, 0);
    from.read_exact(&mut whole[4..]).await?;
    Ok((kind, whole))
}

async fn serve(mut client: TcpStream, server: PathBuf) -> std::io::Result<()> {
    let startup = loop {
        let length = client.read_u32().await?;
        let mut rest = vec![0; length as usize - 4];
        client.read_exact(&mut rest).await?;
        // The request for TLS.
        if rest != 80_877_103_u32.to_be_bytes() {
            break [&length.to_be_bytes()[..], &rest].concat();
        }
        client.write_all(b"N").await?;
    };
    if startup.windows(9).any(|w| w == b"\0options\0") {
        let text = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0";
        let length = u32::try_from(text.len() + 4).expect("short");
        let refusal = [b"E".as_slice(), &length.to_be_bytes(), text].concat();
        return client.write_all(&refusal).await;
    }
    let mut sessions = Vec::new();
    for number in 0..SESSIONS {
        let mut session = UnixStream::connect(&server).await?;
        session.write_all(&startup).await?;
        // What the first one says of itself, the client is told.
        relay(&mut session, (number == 0).then_some(&mut client)).await?;
        sessions.push(session);
    }
    let mut turn = 0;
    loop {
        let (kind, body) = message(&mut client).await?;
        let session = &mut sessions[turn];
        session
            .write_all(&[&[kind], body.as_slice()].concat())
            .await?;
        // A query, or the end of a batch: then the server answers until it is ready.
        let ends = kind == b'Q' || kind == b'S';
        if ends && relay(session, Some(&mut client)).await? == b'I' {
            turn = (turn + 1) % SESSIONS;
        }
    }
}

/// Passes on what the server says until it is ready; whether it is in a transaction then.
async fn relay(
    session: &mut UnixStream,
    mut client: Option<&mut TcpStream>,
) -> std::io::Result<u8> {
    loop {
        let (kind, body) = message(session).await?;
        if let Some(client) = &mut client {
            client
                .write_all(&[&[kind], body.as_slice()].concat())
                .await?;
        }
        if kind == b'Z' {
            return Ok(body[4]);
        }
    }
}

//! Lists of hosts, and `target_session_attrs`.

use super::server::{Server, free_port};
use super::{open, outcome};

#[tokio::test]
async fn hosts_are_tried_until_one_fits() {
    let primary = Server::start(
        "local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 scram-sha-256",
        &[],
    );
    let standby = primary.standby();
    primary.sql("create role app login password 'right'").await;
    let closed = free_port();
    let (p, s) = (&primary, &standby);
    let list = |servers: &[&Server]| {
        let hosts: Vec<_> = servers
            .iter()
            .map(|s| s.directory.display().to_string())
            .collect();
        let ports: Vec<_> = servers.iter().map(|s| s.port.to_string()).collect();
        format!(
            "host={} port={} user=postgres",
            hosts.join(","),
            ports.join(",")
        )
    };
    let fits = "cannot connect to any host:";
    let (at_p, at_s) = (p.socket_path(), s.socket_path());
    for (servers, attribute, expected) in [
        ([p, s], "any", at_p.clone()),
        ([s, p], "any", at_s.clone()),
        ([s, p], "primary", at_p.clone()),
        ([s, p], "read-write", at_p.clone()),
        ([p, s], "standby", at_s.clone()),
        ([p, s], "read-only", at_s.clone()),
        ([p, s], "prefer-standby", at_s.clone()),
        ([p, p], "prefer-standby", at_p.clone()),
        (
            [p, p],
            "standby",
            format!("{fits} {at_p}: server is not a standby"),
        ),
        (
            [s, s],
            "primary",
            format!("{fits} {at_s}: server is a standby"),
        ),
        (
            [s, s],
            "read-write",
            format!("{fits} {at_s}: session is read-only"),
        ),
        (
            [p, p],
            "read-only",
            format!("{fits} {at_p}: session is not read-only"),
        ),
    ] {
        let conninfo = format!("{} target_session_attrs={attribute}", list(&servers));
        let said = match open(&conninfo).await {
            Ok(connection) => connection.endpoint().to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(said, expected, "{attribute}");
    }
    // A host that is down is passed over; one that refuses the password is not.
    let port = primary.port;
    let down = format!("host=127.0.0.1,127.0.0.1 port={closed},{port} user=app dbname=postgres");
    assert_eq!(outcome(&format!("{down} password=right")).await, "ok");
    let refused = format!(
        "host=127.0.0.1,{} port={port},{port} user=app dbname=postgres password=wrong",
        primary.directory.display()
    );
    assert_eq!(
        outcome(&refused).await,
        format!(
            "Refused: cannot connect to 127.0.0.1:{port}: password authentication failed for user \"app\" | the password came from connection string"
        )
    );
}

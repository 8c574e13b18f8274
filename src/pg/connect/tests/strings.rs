//! Connection strings: every form, every error, and any value whatever.

use proptest::prelude::*;

use crate::pg::connect::conninfo;
use crate::pg::connect::target::percent_encode;
use crate::pg::connect::tests::{SOCKETS, check, resolve};

#[test]
fn uris() {
    check(&[
        (&["postgresql://"], &[], &format!("{SOCKETS}me")),
        (&["postgres:///shop"], &[], &format!("{SOCKETS}shop")),
        (&["postgresql://db1"], &[], "postgresql://me@db1:5432/me"),
        (
            &["postgresql://db1:5433"],
            &[],
            "postgresql://me@db1:5433/me",
        ),
        (&["postgresql://db1:/x"], &[], "postgresql://me@db1:5432/x"),
        (&["postgresql://u@db1/x"], &[], "postgresql://u@db1:5432/x"),
        (
            &["postgresql://u:p@db1/x?sslmode=require"],
            &[],
            "postgresql://u@db1:5432/x password=p Require",
        ),
        (
            &["postgresql://u%40corp:p%2F%3A%25%40w@db1/we%22ird"],
            &[],
            "postgresql://u%40corp@db1:5432/we%22ird password=p/:%@w",
        ),
        (
            &["postgresql://h1:1,h2,[::1]:3/x"],
            &[],
            "postgresql://me@h1:1,h2:5432,[::1]:3/x",
        ),
        (
            &["postgresql://[2001:db8::1]/x"],
            &[],
            "postgresql://me@[2001:db8::1]:5432/x",
        ),
        (
            &["postgresql://h1,h2/x?port=7"],
            &[],
            "postgresql://me@h1:7,h2:7/x",
        ),
        (
            &["postgresql://%2Frun%2Fpg:7/x"],
            &[],
            "postgresql://me@%2Frun%2Fpg:7/x",
        ),
        (
            &["postgresql:///x?host=/run/pg&port=7"],
            &[],
            "postgresql://me@%2Frun%2Fpg:7/x",
        ),
        (
            &["postgresql://db1/x?user=a&user=b&password=s&application_name=n"],
            &[],
            "postgresql://b@db1:5432/x password=s",
        ),
        (
            &["postgresql://db1/x?ssl=true"],
            &[],
            "postgresql://me@db1:5432/x Require",
        ),
        (
            &["postgresql://:p@db1/x"],
            &[],
            "postgresql://me@db1:5432/x password=p",
        ),
        (
            &["postgresql://u:@db1/x"],
            &["PGPASSWORD=env"],
            "postgresql://u@db1:5432/x password=env",
        ),
        (
            &["postgresql://u:a?b:c@db1/x"],
            &[],
            "postgresql://u@db1:5432/x password=a?b:c",
        ),
    ]);
}

#[test]
fn broken_uris() {
    let port = "connection string: port: not a number from 1 to 65535 | in a URI, write \"/\" of a password as %2F, \"@\" as %40, \"?\" as %3F, \"#\" as %23, \"%\" as %25";
    check(&[
        (
            &["postgresql://[::1/x"],
            &[],
            "error: connection string: no \"]\" after the \"[\" of an IPv6 address",
        ),
        (
            &["postgresql://[]/x"],
            &[],
            "error: connection string: the IPv6 address in brackets is empty",
        ),
        (
            &["postgresql://[::1]5/x"],
            &[],
            "error: connection string: only \":port\" may follow \"]\"",
        ),
        (
            &["postgresql://db1/x?hots=y"],
            &[],
            "error: connection string: unknown keyword \"hots\" | did you mean host?",
        ),
        (
            &["postgresql://db1/x?host"],
            &[],
            "error: connection string: a parameter after \"?\" is not key=value",
        ),
        (
            &["postgresql://db1/x?options=-c a=b"],
            &[],
            "error: connection string: more than one \"=\" after \"options\" | write \"=\" as %3D inside a value",
        ),
        (
            &["postgresql://db1/%zz"],
            &[],
            "error: connection string: a \"%\" without two hexadecimal digits in the value of dbname | write a literal \"%\" as %25, \"@\" as %40, \":\" as %3A, \"/\" as %2F",
        ),
        (
            &["postgresql://db1/%00"],
            &[],
            "error: connection string: the forbidden %00 in the value of dbname | write a literal \"%\" as %25, \"@\" as %40, \":\" as %3A, \"/\" as %2F",
        ),
        (
            &["postgresql://db1:70000/x"],
            &[],
            &format!("error: {port}"),
        ),
        (&["postgresql://db1:0/x"], &[], &format!("error: {port}")),
        (
            &["mysql://db1/x"],
            &[],
            "error: connection string: mysql:// is not a PostgreSQL URI | use postgresql://user@host:port/dbname",
        ),
        (
            &["jdbc:postgresql://db1/x"],
            &[],
            "error: connection string: jdbc:postgresql:// is not a PostgreSQL URI | use postgresql://user@host:port/dbname",
        ),
    ]);
}

#[test]
fn no_part_of_a_badly_written_password_is_shown() {
    for text in [
        "postgresql://u:ses/ame@db1/x",
        "postgresql://u:12/ame@db1/x",
        "postgresql://u:ses@ame@db1/x",
        "postgresql://u:ses%ame@db1/x",
        "host=db1 password=ses ame",
        "host=db1 password='ses' ame",
        "host=db1 password=ses=ame sesame",
        "host=db1 password='sesame",
    ] {
        let error = resolve(&[text], &["PGUSER=me"]).expect_err(text);
        let shown = format!("{error} {:?} {error:?}", error.hint);
        assert!(
            !shown.contains("ses") && !shown.contains("ame@"),
            "{text}: {shown}"
        );
        assert!(!shown.contains("\"ame"), "{text}: {shown}");
    }
}

#[test]
fn lists() {
    check(&[
        (
            &["host=db1 port=5433 user=u dbname=x password=p sslmode=disable"],
            &[],
            "postgresql://u@db1:5433/x password=p Disable",
        ),
        (
            &[r"  host = db1  dbname='we ird'	user='o\'b' password='a\\b' "],
            &[],
            r"postgresql://o%27b@db1:5432/we%20ird password=a\b",
        ),
        (
            &[r"dbname=a\ b host=h"],
            &[],
            "postgresql://me@h:5432/a%20b",
        ),
        (&["host=a host=b"], &[], "postgresql://me@b:5432/me"),
        (
            &["host='' dbname=''"],
            &["PGHOST=h", "PGDATABASE=d"],
            &format!("{SOCKETS}me"),
        ),
        (&["host=a,b port=1,2"], &[], "postgresql://me@a:1,b:2/me"),
        (&["host=a,b port=,2"], &[], "postgresql://me@a:5432,b:2/me"),
        (
            &["host=a, port=1"],
            &[],
            "postgresql://me@a:1,%2Fvar%2Frun%2Fpostgresql:1,%2Ftmp:1/me",
        ),
        (
            &["host=a hostaddr=10.0.0.1"],
            &[],
            "postgresql://me@a:5432/me",
        ),
        (
            &["hostaddr=10.0.0.1,::1"],
            &[],
            "postgresql://me@10.0.0.1:5432,[::1]:5432/me",
        ),
        (
            &["host=a requiressl=1"],
            &[],
            "postgresql://me@a:5432/me Require",
        ),
        (
            &["host=a gssencmode=disable keepalives=0 client_encoding=latin1 krbsrvname=x"],
            &[],
            "postgresql://me@a:5432/me",
        ),
    ]);
}

#[test]
fn broken_lists() {
    check(&[
        (
            &["host=a dbname"],
            &[],
            "error: connection string: no \"=\" after \"dbname\" | quote a value with blanks: key='…'",
        ),
        (
            &["host=a user='x"],
            &[],
            "error: connection string: the quote after user= is not closed",
        ),
        (
            &["host=a ssl_mode=x"],
            &[],
            "error: connection string: unknown keyword \"ssl_mode\" | did you mean sslmode?",
        ),
        (
            &["host=a sslmode=no-verify"],
            &[],
            "error: connection string: sslmode: invalid value \"no-verify\" | one of disable, allow, prefer, require, verify-ca, verify-full",
        ),
        (
            &["host=a connect_timeout=soon"],
            &[],
            "error: connection string: connect_timeout: invalid integer \"soon\"",
        ),
        (
            &["host=a,b port=1,2,3"],
            &[],
            "error: connection string: port: 3 ports for 2 hosts",
        ),
        (
            &["host=a,b hostaddr=10.0.0.1"],
            &[],
            "error: connection string: hostaddr: 1 addresses for 2 hosts",
        ),
        (
            &["hostaddr=db1"],
            &[],
            "error: connection string: hostaddr: invalid IP address \"db1\"",
        ),
        (
            &["host=a gssencmode=require"],
            &[],
            "error: connection string: gssencmode: not supported: pgperf has no GSSAPI encryption",
        ),
        (
            &["host=a"],
            &["PGREQUIREAUTH=scram-sha-256"],
            "error: PGREQUIREAUTH: require_auth: not supported: pgperf cannot restrict the authentication method",
        ),
        (
            &["host=a sslnegotiation=direct"],
            &[],
            "error: connection string: sslnegotiation: direct needs sslmode=require or stronger",
        ),
        (
            &["host=a sslrootcert=system sslmode=require"],
            &[],
            "error: connection string: sslmode: sslrootcert=system may only be used with verify-full",
        ),
        (
            &["host=a target_session_attrs=master"],
            &[],
            "error: connection string: target_session_attrs: invalid value \"master\" | one of any, read-write, read-only, primary, standby, prefer-standby",
        ),
    ]);
}

/// The value as a quoted value of a list.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}

proptest! {
    #[test]
    fn any_value_survives_quoting(value in "\\PC*", other in "[ -~]*") {
        let text = format!("dbname={} password = {}", quoted(&value), quoted(&other));
        let pairs = conninfo::parse(&text, "text").expect("parse").expect("list");
        prop_assert_eq!(pairs, vec![("dbname", value), ("password", other)]);
    }

    #[test]
    fn any_value_survives_percent_encoding(user in "[^\0]+", password in "[^\0]+", dbname in "[^\0]+") {
        let encode = percent_encode;
        let text = format!("postgresql://{}:{}@h/{}", encode(&user), encode(&password), encode(&dbname));
        let pairs = conninfo::parse(&text, "text").expect("parse").expect("URI");
        let expected = vec![("user", user), ("password", password), ("host", "h".to_owned()), ("dbname", dbname)];
        prop_assert_eq!(pairs, expected);
    }

    #[test]
    fn no_text_breaks_the_parser(text in "\\PC*", tail in "[=@:/?&,%\\[\\]'\\\\ a1]*") {
        for text in [text.clone(), tail.clone(), format!("postgres://{text}{tail}"), format!("host={tail}{text}")] {
            let _parsed = conninfo::parse(&text, "text");
        }
    }
}

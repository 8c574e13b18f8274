//! Resolving: text in, target out, as libpq would have it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use proptest::prelude::*;

use crate::pg::Error;
use crate::pg::connect::conninfo;
use crate::pg::connect::tls::SslMode;
use crate::pg::connect::{ConnectOptions, Target};

/// A home directory of its own.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let name = format!("pgperf-resolve-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("temporary directory");
        Self(path)
    }

    fn write(&self, name: &str, mode: u32, text: &str) -> String {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("parent")).expect("directory");
        fs::write(&path, text).expect("file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("mode");
        path.display().to_string()
    }

    /// Hides the directory's name from expectations.
    fn hide(&self, text: &str) -> String {
        text.replace(&*self.0.to_string_lossy(), "~")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _removed = fs::remove_dir_all(&self.0);
    }
}

/// Resolves `-h`, `-p`, `-U` and a positional argument, in an environment of `NAME=value` words.
fn resolve(arguments: &[&str], environment: &[&str]) -> Result<(Target, Vec<String>), Error> {
    let mut options = ConnectOptions::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let field = match *argument {
            "-h" => &mut options.host,
            "-p" => &mut options.port,
            "-U" => &mut options.user,
            positional => {
                options.dbname = Some(positional.to_owned());
                continue;
            }
        };
        *field = rest.next().map(|value| (*value).to_owned());
    }
    let environment: BTreeMap<String, String> = environment
        .iter()
        .filter_map(|word| word.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Target::resolve(&options, &|name| environment.get(name).cloned())
}

/// The target as a URI, and behind it the password and whatever differs from the defaults; or the error and its hint.
fn show(resolved: Result<(Target, Vec<String>), Error>) -> String {
    let (target, warnings) = match resolved {
        Ok(resolved) => resolved,
        Err(Error { message, hint, .. }) => {
            return match hint {
                Some(hint) => format!("error: {message} | {hint}"),
                None => format!("error: {message}"),
            };
        }
    };
    let mut passwords: Vec<&str> = Vec::new();
    for endpoint in &target.endpoints {
        passwords.push(endpoint.password.as_ref().map_or("-", |p| &p.0));
    }
    passwords.dedup();
    let mut parts = vec![target.to_string()];
    if passwords != ["-"] {
        parts.push(format!("password={}", passwords.join(",")));
    }
    if target.tls.mode != SslMode::Prefer {
        parts.push(format!("{:?}", target.tls.mode));
    }
    parts.extend(warnings.iter().map(|warning| format!("warning: {warning}")));
    parts.join(" ")
}

/// Each case: arguments, environment, expectation. The environment has `PGUSER=me` if it names no role.
fn check(cases: &[(&[&str], &[&str], &str)]) {
    for (arguments, environment, expected) in cases {
        let mut all = vec!["PGUSER=me"];
        all.extend(*environment);
        assert_eq!(
            show(resolve(arguments, &all)),
            *expected,
            "{arguments:?} {environment:?}"
        );
    }
}

const SOCKETS: &str = "postgresql://me@%2Fvar%2Frun%2Fpostgresql:5432,%2Ftmp:5432/";

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

#[test]
fn options_and_environment() {
    check(&[
        (&[], &[], &format!("{SOCKETS}me")),
        (&["shop"], &[], &format!("{SOCKETS}shop")),
        (&[""], &["PGDATABASE=d"], &format!("{SOCKETS}d")),
        (
            &["shop", "-h", "db1", "-p", "7", "-U", "u"],
            &[],
            "postgresql://u@db1:7/shop",
        ),
        (
            &["-h", "/run/pg", "-p", "7"],
            &[],
            "postgresql://me@%2Frun%2Fpg:7/me",
        ),
        (
            &[],
            &[
                "PGHOST=h",
                "PGPORT=7",
                "PGDATABASE=d",
                "PGUSER=u",
                "PGPASSWORD=p",
                "PGSSLMODE=allow",
            ],
            "postgresql://u@h:7/d password=p Allow",
        ),
        (
            &[],
            &["PGHOST=h", "PGREQUIRESSL=1"],
            "postgresql://me@h:5432/me Require",
        ),
        (
            &[],
            &["PGHOST=h", "PGREQUIRESSL=1", "PGSSLMODE=disable"],
            "postgresql://me@h:5432/me Disable",
        ),
        (
            &["-h", "a"],
            &["PGHOST=h", "PGHOSTADDR=10.0.0.1"],
            "postgresql://me@a:5432/me",
        ),
        // As in psql, a connection string wins over options.
        (
            &["host=a user=x", "-h", "b", "-p", "7", "-U", "u"],
            &[],
            "postgresql://x@a:7/x",
        ),
        (&["-p", "x"], &[], "error: -p: port: invalid number \"x\""),
        (
            &[],
            &["PGPORT=x"],
            "error: PGPORT: port: invalid number \"x\"",
        ),
        // The variable is not a connection string.
        (
            &[],
            &["PGDATABASE=postgresql://h/x"],
            &format!("{SOCKETS}postgresql%3A%2F%2Fh%2Fx"),
        ),
        (
            &["-h", "a"],
            &["PGSSLROOTCERT=system"],
            "postgresql://me@a:5432/me VerifyFull",
        ),
    ]);
}

#[test]
fn fall_back_strings() {
    let both = [
        "PGPERF_DSN=postgresql://u:p@a/x",
        "DATABASE_URL=postgresql://b/y",
    ];
    check(&[
        (&[], &both, "postgresql://u@a:5432/x password=p"),
        (
            &[],
            &["DATABASE_URL=postgresql://b/y"],
            "postgresql://me@b:5432/y",
        ),
        (&[], &["DATABASE_URL=host=b"], "postgresql://me@b:5432/me"),
        (&[], &["PGPERF_DSN=shop"], &format!("{SOCKETS}shop")),
        (&["shop"], &both, &format!("{SOCKETS}shop")),
        (&["-h", "c"], &both, "postgresql://me@c:5432/me"),
        (&["-U", "u"], &both, "postgresql://u@a:5432/x password=p"),
        // The password is that of the role in the string.
        (&["-U", "other"], &both, "postgresql://other@a:5432/x"),
        (
            &[],
            &["DATABASE_URL=mysql://b/y"],
            "error: DATABASE_URL: mysql:// is not a PostgreSQL URI | use postgresql://user@host:port/dbname",
        ),
        (
            &[],
            &["DATABASE_URL=postgresql://b/y?schema=public"],
            "error: DATABASE_URL: unknown keyword \"schema\" | remove schema: it belongs to another driver; the server's own way is options=-csearch_path=…",
        ),
    ]);
}

#[test]
fn services() {
    let home = Home::new("services");
    home.write(
        ".pg_service.conf",
        0o644,
        "[shop]\nhost=db1\nport=7\nuser=u\npassword=p\n",
    );
    let named = home.write(
        "named.conf",
        0o644,
        "[other]\nhost=db2\nfoo=bar\n[shop]\nhost=db3\n",
    );
    home.write("etc/pg_service.conf", 0o644, "[system]\nhost=db4\n");
    let env = |more: &[&str]| {
        let mut env = vec![
            format!("HOME={}", home.0.display()),
            format!("PGSYSCONFDIR={}", home.0.join("etc").display()),
        ];
        env.extend(more.iter().map(|word| (*word).to_owned()));
        env
    };
    let by_file = format!("PGSERVICEFILE={named}");
    let by_keyword = format!("service=shop servicefile={named}");
    let absent = format!("PGSERVICEFILE={named}.absent");
    for (argument, environment, expected) in [
        ("service=shop", vec![], "postgresql://u@db1:7/u password=p"),
        (
            "service=shop port=8",
            vec!["PGPORT=9"],
            "postgresql://u@db1:8/u password=p",
        ),
        (
            "postgresql:///x?service=shop",
            vec!["PGPORT=9"],
            "postgresql://u@db1:7/x password=p",
        ),
        (
            "x",
            vec!["PGSERVICE=shop"],
            "postgresql://u@db1:7/x password=p",
        ),
        ("service=system", vec![], "postgresql://me@db4:5432/me"),
        (
            "service=shop",
            vec![&*by_file],
            "postgresql://me@db3:5432/me",
        ),
        (&*by_keyword, vec![], "postgresql://me@db3:5432/me"),
        (
            "service=system",
            vec![&*by_file],
            "postgresql://me@db4:5432/me",
        ),
        (
            "service=other",
            vec![&*by_file],
            "error: ~/named.conf:3: unknown keyword \"foo\" | the keywords are those of psql: host, port, dbname, user, sslmode, …",
        ),
        (
            "service=nix",
            vec![],
            "error: no definition of service \"nix\" in ~/.pg_service.conf, ~/etc/pg_service.conf",
        ),
        (
            "service=shop",
            vec![&*absent],
            "error: cannot read service file ~/named.conf.absent: No such file or directory (os error 2)",
        ),
    ] {
        let mut environment = env(&environment);
        // In libpq the service file wins over the environment.
        environment.push("PGUSER=me".to_owned());
        let environment: Vec<&str> = environment.iter().map(String::as_str).collect();
        let shown = home.hide(&show(resolve(&[argument], &environment)));
        assert_eq!(shown, expected, "{argument} {environment:?}");
    }
}

#[test]
fn passfiles() {
    let home = Home::new("passfiles");
    let path = home.write(".pgpass", 0o600, "db1:5432:x:me:one\ndb2:*:*:me:two\nlocalhost:*:*:*:socket\n/run/pg:7:*:*:run\n10.0.0.9:*:*:*:nine\n");
    let open = home.write("open", 0o640, "*:*:*:*:sesame\n");
    let at_home = format!("HOME={}", home.0.display());
    let by_variable = format!("PGPASSFILE={open}");
    let by_keyword = format!("host=db1 dbname=x passfile={path}");
    for (argument, environment, expected) in [
        (
            "host=db1 dbname=x",
            vec![],
            "postgresql://me@db1:5432/x password=one",
        ),
        ("host=db1 dbname=y", vec![], "postgresql://me@db1:5432/y"),
        (
            "host=db1,db2 dbname=x",
            vec![],
            "postgresql://me@db1:5432,db2:5432/x password=one,two",
        ),
        (
            "host=db1 hostaddr=10.0.0.9 dbname=x",
            vec![],
            "postgresql://me@db1:5432/x password=one",
        ),
        (
            "hostaddr=10.0.0.9 dbname=x",
            vec![],
            "postgresql://me@10.0.0.9:5432/x password=nine",
        ),
        ("dbname=x", vec![], &*format!("{SOCKETS}x password=socket")),
        (
            "host=/run/pg port=7",
            vec![],
            "postgresql://me@%2Frun%2Fpg:7/me password=run",
        ),
        (
            "host=localhost",
            vec![],
            "postgresql://me@localhost:5432/me password=socket",
        ),
        (
            "host=db1 dbname=x",
            vec!["PGPASSWORD=env"],
            "postgresql://me@db1:5432/x password=env",
        ),
        (
            "host=db1 dbname=x password=",
            vec![],
            "postgresql://me@db1:5432/x password=one",
        ),
        (
            "host=db1 dbname=x",
            vec![&*by_variable],
            "postgresql://me@db1:5432/x warning: password file ~/open is ignored: group or others may access it; run chmod 0600 on it",
        ),
        (
            &*by_keyword,
            vec![&*by_variable],
            "postgresql://me@db1:5432/x password=one",
        ),
        (
            "host=db1 dbname=x",
            vec!["PGPASSFILE=/nowhere"],
            "postgresql://me@db1:5432/x",
        ),
        (
            "host=db1 dbname=x",
            vec!["PGPASSFILE=/"],
            "postgresql://me@db1:5432/x warning: password file / is ignored: it is not a plain file",
        ),
    ] {
        let mut all = vec!["PGUSER=me", &*at_home];
        all.extend(&environment);
        let shown = home.hide(&show(resolve(&[argument], &all)));
        assert_eq!(shown, expected, "{argument} {environment:?}");
    }
}

#[test]
fn no_output_holds_a_password() {
    let home = Home::new("secrets");
    home.write(".pgpass", 0o600, "*:*:*:*:sesame\n");
    let at_home = format!("HOME={}", home.0.display());
    for (argument, environment) in [
        ("postgresql://u:sesame@db1/x", "A=b"),
        ("host=db1 password=sesame", "A=b"),
        ("host=db1", "PGPASSWORD=sesame"),
        ("host=db1", &*at_home),
    ] {
        let (target, _) = resolve(&[argument], &["PGUSER=me", environment]).expect(argument);
        assert!(target.endpoints[0].password.is_some(), "{argument}");
        let shown = format!("{target} {target:?} {target:#?}");
        assert!(!shown.contains("sesame"), "{argument}: {shown}");
    }
}

#[test]
fn the_process_owner_is_the_role() {
    let (target, _) = resolve(&["host=h"], &[]).expect("resolve");
    assert!(!target.user().is_empty());
    assert_eq!(target.user(), target.dbname());
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
        let encode = super::target::percent_encode;
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

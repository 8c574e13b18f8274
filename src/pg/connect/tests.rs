//! Resolving: text in, target out, as libpq would have it.

mod files;
mod strings;

use std::collections::BTreeMap;

use crate::pg::Error;
use crate::pg::connect::tls::SslMode;
use crate::pg::connect::{ConnectOptions, Target};

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
        // Options win over the connection string, and its address and password do not belong to them.
        (
            &[
                "host=a user=x password=p hostaddr=10.0.0.1",
                "-h",
                "b",
                "-p",
                "7",
            ],
            &[],
            "postgresql://x@b:7/x password=p",
        ),
        (
            &["postgresql://x:p@a:1,c:2/d", "-p", "7", "-U", "u"],
            &[],
            "postgresql://u@a:7,c:7/d",
        ),
        (
            &["postgresql://x:p@a/d", "-U", "x"],
            &[],
            "postgresql://x@a:5432/d password=p",
        ),
        (
            &["host=a password=p", "-U", "u"],
            &[],
            "postgresql://u@a:5432/u password=p",
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
fn the_process_owner_is_the_role() {
    let (target, _) = resolve(&["host=h"], &[]).expect("resolve");
    assert!(!target.user().is_empty());
    assert_eq!(target.user(), target.dbname());
}

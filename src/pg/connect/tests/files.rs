//! Service files and password files, and that no password is shown.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::pg::connect::tests::{SOCKETS, resolve, show};

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

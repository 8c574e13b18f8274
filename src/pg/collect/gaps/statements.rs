//! What was not seen of the statements.

use crate::model::gap::{Gap, Part};
use crate::model::ident::{quote_ident, quote_literal};
use crate::model::server::Server;
use crate::pg::collect::gaps::{RELOAD, YOUNG_SECONDS, ago, n, setting};
use crate::pg::error::Error;

const LIBRARY: &str = "pg_stat_statements";

/// `pg_stat_statements` is not installed in this database.
pub(in crate::pg::collect) fn no_extension(server: &Server) -> Gap {
    let mut gap = Gap::new(
        Part::Statements,
        format!(
            "pg_stat_statements is not installed in database {}",
            quote_ident(&server.database)
        ),
    )
    .effect("which statements cost most is not known");
    if !server
        .available_extensions
        .iter()
        .any(|name| name == LIBRARY)
    {
        gap = gap.close(
            "-- install the contrib package of the server (Debian has it in postgresql-NN, RPM in postgresqlNN-contrib)",
        );
    }
    for command in preload(server) {
        gap = gap.close(command);
    }
    gap.close("CREATE EXTENSION pg_stat_statements;")
}

/// It is installed, but reading it failed.
pub(in crate::pg::collect) fn unreadable_extension(server: &Server, error: &Error) -> Gap {
    let gap = |why: String| {
        Gap::new(
            Part::Statements,
            format!("pg_stat_statements could not be read: {why}"),
        )
        .effect("which statements cost most is not known")
    };
    match error.sqlstate.as_deref() {
        Some("55000") => {
            let mut gap = gap("its library is not loaded".to_owned());
            for command in preload(server) {
                gap = gap.close(command);
            }
            gap
        }
        Some("42501") => {
            let schema = server
                .extensions
                .get(LIBRARY)
                .map_or("public", |e| &e.schema);
            let user = quote_ident(&server.user);
            let schema = quote_ident(schema);
            gap(error.message.clone())
                .close(format!("GRANT USAGE ON SCHEMA {schema} TO {user};"))
                .close(format!(
                    "GRANT EXECUTE ON FUNCTION {schema}.pg_stat_statements(boolean) TO {user};"
                ))
                .close(format!("GRANT pg_monitor TO {user};"))
        }
        None => gap(error.message.clone()).close("ALTER EXTENSION pg_stat_statements UPDATE;"),
        Some(_) => gap(error.message.clone()),
    }
}

/// Commands that load the library, keeping what is loaded; none if it is.
fn preload(server: &Server) -> Vec<String> {
    const RESTART: &str = "-- restart the server";
    let Some(present) = server.settings.get("shared_preload_libraries") else {
        // Hidden from roles without pg_read_all_settings. Whether it is loaded shows by its settings.
        return if server.settings.contains_key("pg_stat_statements.max") {
            Vec::new()
        } else {
            vec![
                "SHOW shared_preload_libraries; -- as superuser, and if pg_stat_statements is not in it, keep what it lists in:"
                    .to_owned(),
                "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements';".to_owned(),
                RESTART.to_owned(),
            ]
        };
    };
    let mut libraries = list(&present.setting);
    let is_it = |name: &String| name.rsplit('/').next() == Some(LIBRARY);
    if libraries.iter().any(is_it) {
        return Vec::new();
    }
    libraries.push(LIBRARY.to_owned());
    // One literal a library: `'a, b'` would be taken for the name of a single one, and the server would not start.
    let libraries: Vec<String> = libraries.iter().map(|name| quote_literal(name)).collect();
    vec![
        format!(
            "ALTER SYSTEM SET shared_preload_libraries = {};",
            libraries.join(", ")
        ),
        RESTART.to_owned(),
    ]
}

/// `a, "b c"` as a list.
fn list(text: &str) -> Vec<String> {
    text.split(',')
        .map(|name| name.trim().trim_matches('"').to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

/// How the rows of `pg_stat_statements` came out.
#[derive(Debug, Default)]
pub(in crate::pg::collect) struct StatementCounts {
    /// Rows kept.
    pub(in crate::pg::collect) kept: usize,
    /// Rows beyond the limit.
    pub(in crate::pg::collect) cut: usize,
    /// Rows of other roles whose query id is hidden.
    pub(in crate::pg::collect) hidden: usize,
    /// Rows without a text though the role may see it.
    pub(in crate::pg::collect) purged: usize,
}

/// What `pg_stat_statements` leaves out.
pub(in crate::pg::collect) fn of_statements(
    server: &Server,
    counts: &StatementCounts,
    taken_at: f64,
) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let gap = |what: String| Gap::new(Part::Statements, what);
    if counts.cut > 0 {
        gaps.push(
            gap(format!(
                "{} statements with little time were left out",
                n(counts.cut)
            ))
            .count(counts.cut),
        );
    }
    if counts.hidden > 0 {
        gaps.push(
            gap(format!(
                "the texts of {} statements of other roles are hidden from {}",
                n(counts.hidden),
                quote_ident(&server.user)
            ))
            .effect("their time is counted, but they are not analysed")
            .close(format!(
                "GRANT pg_monitor TO {};",
                quote_ident(&server.user)
            ))
            .count(counts.hidden),
        );
    }
    if counts.purged > 0 {
        gaps.push(
            gap(format!(
                "{} statements have no text: the server discarded its file of texts",
                n(counts.purged)
            ))
            .effect("their time is counted, but they are not analysed")
            .close("SELECT pg_stat_statements_reset(); -- then wait until the workload has run")
            .count(counts.purged),
        );
    }
    if setting(server, "pg_stat_statements.track") == Some("none") {
        gaps.push(
            gap("pg_stat_statements.track is none: nothing new is counted".into())
                .effect("the figures are old")
                .close("ALTER SYSTEM SET pg_stat_statements.track = 'top';")
                .close(RELOAD),
        );
    }
    if setting(server, "compute_query_id") == Some("off") {
        gaps.push(
            gap("compute_query_id is off: pg_stat_statements counts nothing".into())
                .effect("the figures are old")
                .close("ALTER SYSTEM SET compute_query_id = 'auto';")
                .close(RELOAD),
        );
    }
    if let Some(dealloc) = server.statements_dealloc.filter(|&dealloc| dealloc > 0) {
        let max = server.number("pg_stat_statements.max", 5000.0);
        gaps.push(
            gap(format!(
                "pg_stat_statements was full {} and dropped its least used statements",
                if dealloc == 1 {
                    "once".to_owned()
                } else {
                    format!("{dealloc} times")
                }
            ))
            .effect("rare statements are missing, also expensive ones")
            .close(format!(
                "ALTER SYSTEM SET pg_stat_statements.max = {};",
                max * 2.0
            ))
            .close("-- restart the server")
            .count(usize::try_from(dealloc).unwrap_or(usize::MAX)),
        );
    }
    if let Some(age) = server.statements_reset.map(|reset| taken_at - reset)
        && age < YOUNG_SECONDS
    {
        gaps.push(
            gap(format!("pg_stat_statements counts since {} only", ago(age)))
                .effect("statements of the rest of the day or the week are missing"),
        );
    }
    if counts.kept + counts.cut == 0 {
        gaps.push(
            gap(format!(
                "pg_stat_statements has no statements of database {}",
                quote_ident(&server.database)
            ))
            .effect("there is no workload to advise on"),
        );
    }
    gaps
}

/// `pg_stat_activity` shows no texts of other roles.
pub(in crate::pg::collect) fn hidden_sessions(server: &Server, hidden: usize) -> Gap {
    let user = quote_ident(&server.user);
    Gap::new(
        Part::Activity,
        format!(
            "the statements of {} sessions are hidden from {user}",
            n(hidden)
        ),
    )
    .close(format!("GRANT pg_monitor TO {user};"))
    .count(hidden)
}

/// The texts could not be read at all, although the figures could.
pub(in crate::pg::collect) fn unreadable_texts(error: &Error) -> Gap {
    let gap = Gap::new(
        Part::Statements,
        format!("statement texts could not be read: {error}"),
    )
    .effect("the statements are not analysed");
    // The server converts every text before it looks at the database, so one text of another database in another encoding
    // is enough (SQLSTATE 22021 invalid byte sequence, 22P05 no equivalent character).
    match error.sqlstate.as_deref() {
        Some("22021" | "22P05") => gap.close(
            "SELECT pg_stat_statements_reset(0, d.oid, 0) FROM pg_database d JOIN pg_database own ON own.datname = current_database() WHERE d.encoding <> own.encoding; -- drops the statements of databases in other encodings",
        ),
        _ => gap,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::server::Setting;
    use crate::pg::error::Kind;

    fn server(settings: &[(&str, &str)]) -> Server {
        let setting = |value: &str| Setting {
            setting: value.to_owned(),
            unit: None,
            boot_val: None,
            pending_restart: false,
        };
        Server {
            database: "My Shop".into(),
            user: "app".into(),
            available_extensions: vec![LIBRARY.to_owned()],
            settings: settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), setting(value)))
                .collect(),
            ..Server::default()
        }
    }

    #[track_caller]
    fn commands(settings: &[(&str, &str)], expected: &[&str]) {
        assert_eq!(no_extension(&server(settings)).close, expected);
    }

    #[test]
    fn loading_the_library_keeps_what_is_loaded() {
        const LOADED: &str = "shared_preload_libraries";
        const CREATE: &str = "CREATE EXTENSION pg_stat_statements;";
        commands(&[(LOADED, "pg_stat_statements")], &[CREATE]);
        commands(&[(LOADED, "a, $libdir/pg_stat_statements")], &[CREATE]);
        commands(
            &[(LOADED, "")],
            &[
                "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements';",
                "-- restart the server",
                CREATE,
            ],
        );
        commands(
            &[(LOADED, "auto_explain, \"we'ird\"")],
            &[
                "ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', 'we''ird', 'pg_stat_statements';",
                "-- restart the server",
                CREATE,
            ],
        );
        // Hidden from the role, but its settings show that it is loaded.
        commands(&[("pg_stat_statements.max", "5000")], &[CREATE]);
        // Hidden from the role altogether.
        let hidden = no_extension(&server(&[])).close;
        assert!(hidden[0].starts_with("SHOW shared_preload_libraries;"));
        assert_eq!(hidden.len(), 4);
    }

    #[test]
    fn what_the_server_does_not_have_must_be_installed_first() {
        let bare = Server {
            available_extensions: vec![],
            ..server(&[("shared_preload_libraries", "pg_stat_statements")])
        };
        let gap = no_extension(&bare);
        assert!(gap.close[0].contains("contrib"));
        assert!(gap.what.contains("\"My Shop\""));
    }

    #[test]
    fn an_unreadable_extension_says_why() {
        let error = |sqlstate: Option<&str>| Error {
            sqlstate: sqlstate.map(str::to_owned),
            ..Error::new(Kind::Query, "no")
        };
        let close = |sqlstate| unreadable_extension(&server(&[]), &error(sqlstate)).close;
        assert!(close(Some("55000"))[1].starts_with("ALTER SYSTEM"));
        assert_eq!(
            close(Some("42501")),
            [
                "GRANT USAGE ON SCHEMA public TO app;",
                "GRANT EXECUTE ON FUNCTION public.pg_stat_statements(boolean) TO app;",
                "GRANT pg_monitor TO app;"
            ]
        );
        assert_eq!(close(None), ["ALTER EXTENSION pg_stat_statements UPDATE;"]);
        assert!(close(Some("XX000")).is_empty());
        assert_eq!(unreadable_texts(&error(Some("22P05"))).close.len(), 1);
        assert!(unreadable_texts(&error(Some("57014"))).close.is_empty());
    }

    #[test]
    fn losses_of_the_extension_are_counted() {
        let whole = StatementCounts {
            kept: 10,
            ..StatementCounts::default()
        };
        assert_eq!(of_statements(&server(&[]), &whole, 0.0), []);
        let counts = StatementCounts {
            kept: 10,
            cut: 1,
            hidden: 2,
            purged: 3,
        };
        let mut server = server(&[
            ("pg_stat_statements.track", "none"),
            ("compute_query_id", "off"),
            ("pg_stat_statements.max", "5000"),
        ]);
        server.statements_dealloc = Some(4);
        server.statements_reset = Some(1_000.0);
        let gaps = of_statements(&server, &counts, 1_060.0);
        assert_eq!(gaps.len(), 7);
        let counted: Vec<u64> = gaps.iter().filter_map(|gap| gap.count).collect();
        assert_eq!(counted, [1, 2, 3, 4]);
        assert!(gaps.iter().any(|gap| {
            gap.close.first().map(String::as_str)
                == Some("ALTER SYSTEM SET pg_stat_statements.max = 10000;")
        }));
        let empty = of_statements(&server, &StatementCounts::default(), 1e9);
        assert!(
            empty
                .iter()
                .any(|gap| gap.what.contains("has no statements of database"))
        );
    }
}

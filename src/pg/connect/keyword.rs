//! libpq's connection keywords: which there are, the variable of each, and what pgperf does with it.
//!
//! The list is that of libpq 18 (<https://www.postgresql.org/docs/current/libpq-connect.html>).

/// One keyword.
#[derive(Debug)]
pub(super) struct Keyword {
    /// As written in a connection string.
    pub(super) name: &'static str,
    /// Environment variable that gives it when nothing else does.
    pub(super) env: Option<&'static str>,
    /// What pgperf does with it.
    pub(super) support: Support,
}

/// What pgperf does with a keyword.
#[derive(Debug)]
pub(super) enum Support {
    /// Obeyed.
    Used,
    /// Accepted without effect, because nothing that the user relies on depends on it.
    Ignored,
    /// Accepted with one of these values (they say what pgperf does anyway). Any other value asks for something that
    /// pgperf cannot do; the text says what.
    Only(&'static [&'static str], &'static str),
}

use Support::{Ignored, Only, Used};

const fn keyword(name: &'static str, env: Option<&'static str>, support: Support) -> Keyword {
    Keyword { name, env, support }
}

/// Every keyword.
pub(super) const KEYWORDS: &[Keyword] = &[
    keyword("service", Some("PGSERVICE"), Used),
    keyword("servicefile", Some("PGSERVICEFILE"), Used),
    keyword("host", Some("PGHOST"), Used),
    keyword("hostaddr", Some("PGHOSTADDR"), Used),
    keyword("port", Some("PGPORT"), Used),
    keyword("dbname", Some("PGDATABASE"), Used),
    keyword("user", Some("PGUSER"), Used),
    keyword("password", Some("PGPASSWORD"), Used),
    keyword("passfile", Some("PGPASSFILE"), Used),
    keyword("connect_timeout", Some("PGCONNECT_TIMEOUT"), Used),
    keyword("options", Some("PGOPTIONS"), Used),
    keyword("application_name", Some("PGAPPNAME"), Used),
    keyword("target_session_attrs", Some("PGTARGETSESSIONATTRS"), Used),
    keyword("load_balance_hosts", Some("PGLOADBALANCEHOSTS"), Used),
    keyword("channel_binding", Some("PGCHANNELBINDING"), Used),
    keyword("sslmode", Some("PGSSLMODE"), Used),
    keyword("sslnegotiation", Some("PGSSLNEGOTIATION"), Used),
    keyword("sslrootcert", Some("PGSSLROOTCERT"), Used),
    keyword("sslcert", Some("PGSSLCERT"), Used),
    keyword("sslkey", Some("PGSSLKEY"), Used),
    keyword("sslcertmode", Some("PGSSLCERTMODE"), Used),
    keyword("sslcrl", Some("PGSSLCRL"), Used),
    keyword("sslsni", Some("PGSSLSNI"), Used),
    keyword(
        "ssl_min_protocol_version",
        Some("PGSSLMINPROTOCOLVERSION"),
        Used,
    ),
    keyword(
        "ssl_max_protocol_version",
        Some("PGSSLMAXPROTOCOLVERSION"),
        Used,
    ),
    keyword("keepalives", None, Used),
    keyword("keepalives_idle", None, Used),
    keyword("keepalives_interval", None, Used),
    keyword("keepalives_count", None, Used),
    keyword("tcp_user_timeout", None, Used),
    // Nothing to obey: UTF-8 is always spoken, compression of TLS is gone, Kerberos is never chosen.
    keyword("client_encoding", Some("PGCLIENTENCODING"), Ignored),
    keyword("fallback_application_name", None, Ignored),
    keyword("sslcompression", Some("PGSSLCOMPRESSION"), Ignored),
    keyword("sslkeylogfile", None, Ignored),
    keyword("krbsrvname", Some("PGKRBSRVNAME"), Ignored),
    keyword("gsslib", Some("PGGSSLIB"), Ignored),
    keyword("gssdelegation", Some("PGGSSDELEGATION"), Ignored),
    keyword(
        "min_protocol_version",
        Some("PGMINPROTOCOLVERSION"),
        Only(&["3.0"], "speaks protocol 3.0 only"),
    ),
    keyword(
        "max_protocol_version",
        Some("PGMAXPROTOCOLVERSION"),
        Ignored,
    ),
    // To ignore these would weaken what the user asked for.
    keyword(
        "gssencmode",
        Some("PGGSSENCMODE"),
        Only(&["disable", "prefer"], "has no GSSAPI encryption"),
    ),
    keyword(
        "requirepeer",
        Some("PGREQUIREPEER"),
        Only(&[], "cannot check the server process's owner"),
    ),
    keyword(
        "require_auth",
        Some("PGREQUIREAUTH"),
        Only(&[], "cannot restrict the authentication method"),
    ),
    keyword(
        "sslcrldir",
        Some("PGSSLCRLDIR"),
        Only(&[], "reads revocation lists from sslcrl only"),
    ),
    keyword(
        "sslpassword",
        None,
        Only(&[], "cannot read an encrypted sslkey"),
    ),
    keyword(
        "replication",
        None,
        Only(
            &["false", "off", "no", "0"],
            "needs an ordinary session, not a replication one",
        ),
    ),
    keyword(
        "scram_client_key",
        None,
        Only(&[], "cannot authenticate by SCRAM keys"),
    ),
    keyword(
        "scram_server_key",
        None,
        Only(&[], "cannot authenticate by SCRAM keys"),
    ),
    keyword(
        "oauth_issuer",
        None,
        Only(&[], "cannot authenticate by OAuth"),
    ),
    keyword(
        "oauth_client_id",
        None,
        Only(&[], "cannot authenticate by OAuth"),
    ),
    keyword(
        "oauth_client_secret",
        None,
        Only(&[], "cannot authenticate by OAuth"),
    ),
    keyword(
        "oauth_scope",
        None,
        Only(&[], "cannot authenticate by OAuth"),
    ),
];

/// The keyword of that name.
pub(super) fn find(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name)
}

/// What to try after an unknown keyword: the nearest known one, or where the keyword comes from.
pub(super) fn suggestion(unknown: &str) -> String {
    let asked = unknown.to_lowercase();
    // Words of other drivers and frameworks, often met in `DATABASE_URL`.
    let same = match asked.as_str() {
        "database" | "db" => Some("dbname"),
        "username" | "role" => Some("user"),
        "hostname" | "server" => Some("host"),
        "pass" | "pwd" => Some("password"),
        "timeout" => Some("connect_timeout"),
        "ssl" | "tls" => Some("sslmode"),
        "schema" | "currentschema" | "search_path" => {
            return format!(
                "remove {unknown}: it belongs to another driver; the server's own way is options=-csearch_path=…"
            );
        }
        "pgbouncer"
        | "connection_limit"
        | "pool_timeout"
        | "sslaccept"
        | "statement_cache_size"
        | "prepared_statements"
        | "pool"
        | "serverversion"
        | "charset" => {
            return format!(
                "remove {unknown}: it belongs to another driver, and libpq does not know it either"
            );
        }
        _ => None,
    };
    let nearest = same.or_else(|| {
        KEYWORDS
            .iter()
            .map(|keyword| (distance(&asked, keyword.name), keyword.name))
            .min()
            .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
            .map(|(_, name)| name)
    });
    match nearest {
        Some(name) => format!("did you mean {name}?"),
        None => "the keywords are those of psql: host, port, dbname, user, sslmode, …".to_owned(),
    }
}

/// Levenshtein's edit distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_name_the_nearest_keyword() {
        for (unknown, expected) in [
            ("hots", "did you mean host?"),
            ("ssl_mode", "did you mean sslmode?"),
            ("SSLMODE", "did you mean sslmode?"),
            ("database", "did you mean dbname?"),
            ("sslrootcrt", "did you mean sslrootcert?"),
            (
                "pgbouncer",
                "remove pgbouncer: it belongs to another driver, and libpq does not know it either",
            ),
            (
                "xyzzy",
                "the keywords are those of psql: host, port, dbname, user, sslmode, …",
            ),
        ] {
            assert_eq!(suggestion(unknown), expected, "{unknown}");
        }
    }

    #[test]
    fn names_and_variables_are_unique() {
        let mut names: Vec<_> = KEYWORDS.iter().map(|k| k.name).collect();
        names.extend(KEYWORDS.iter().filter_map(|k| k.env));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}

//! Values that statements were really sent with, from logs, put in the place of their parameters.
//!
//! `pg_stat_statements` keeps a text with `$n` for every constant; a log has the text as it was sent, with values in it or beside
//! it. Laid side by side, token by token, the one says which value each parameter of the other had. Where the two texts differ by
//! more than that, nothing is known.

use std::collections::{BTreeMap, HashMap};

use crate::model::explained::Explained;
use crate::model::snapshot::Snapshot;
use crate::model::unit::Count;
use crate::query::analyse::analyse;
use crate::query::catalog::Catalog;
use crate::query::lexer::{Kind, Token, join, lex};
use crate::query::log::parameters;
use crate::query::n_plus_one::Loops;
use crate::query::parse::Prepared;
use crate::query::usual::usual_text;
use crate::query::workload::{Query, Usual, Variant, Workload};

/// Puts the values that logs show in the place of parameters: a statement then runs in as many ways as the values that are kept of
/// it, each with its share of the executions; nothing has to be assumed of it.
pub fn with_sent_values(workload: &mut Workload, snapshot: &Snapshot, sent: &SentStatements<'_>) {
    let catalog = Catalog::new(snapshot);
    for query in &mut workload.queries {
        if query.parameters == 0 || query.unread.is_some() {
            continue;
        }
        let all = sent.all_of(query, snapshot);
        let times: u64 = all.iter().map(|sent| sent.times).sum();
        let variant = |sent: &Sent| {
            let analysed = analyse(&sent.usual.text, &catalog, &query.search_path).ok()?;
            Some(Variant {
                text: analysed.text,
                calls: query.calls * whole(sent.times) / whole(times),
                shape: analysed.shape,
            })
        };
        let variants: Option<Vec<Variant>> = all.iter().map(variant).collect();
        query.variants = variants.unwrap_or_default();
    }
}

/// A statement with values that it was sent with.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// The text with the values that came most often.
    pub usual: Usual,
    /// The values, by parameter. They are somebody's data: not to be printed.
    pub values: BTreeMap<usize, String>,
    /// How often they came.
    pub times: u64,
    /// Executions of the statement in the logs.
    pub executions: u64,
}

/// The statements of logs, found by `queryid` or by fingerprint.
#[derive(Debug)]
pub struct SentStatements<'a> {
    loops: &'a Loops,
    by_id: HashMap<i64, usize>,
    by_fingerprint: HashMap<u64, usize>,
}

impl<'a> SentStatements<'a> {
    /// Those of logs that were read.
    #[must_use]
    pub fn new(loops: &'a Loops) -> Self {
        let (mut by_id, mut by_fingerprint) = (HashMap::new(), HashMap::new());
        for (at, (id, text)) in loops.texts().enumerate() {
            if let Some(id) = id {
                by_id.insert(id, at);
            }
            if let Ok(prepared) = Prepared::new(text) {
                by_fingerprint.entry(prepared.fingerprint()).or_insert(at);
            }
        }
        Self {
            loops,
            by_id,
            by_fingerprint,
        }
    }

    /// What a statement of the workload was sent with most often.
    #[must_use]
    pub fn of(&self, query: &Query, snapshot: &Snapshot) -> Option<Sent> {
        self.all_of(query, snapshot).into_iter().next()
    }

    /// What a statement of the workload was sent with, most often first.
    fn all_of(&self, query: &Query, snapshot: &Snapshot) -> Vec<Sent> {
        let ids = query.queryids(snapshot);
        let by_id = ids.iter().find_map(|id| self.by_id.get(id));
        let at = by_id.or_else(|| self.by_fingerprint.get(&query.fingerprint));
        at.map_or_else(Vec::new, |at| {
            self.at(*at, &query.text, query.rows_per_call)
        })
    }

    /// What a text was sent with most often.
    #[must_use]
    pub fn of_text(&self, text: &str, queryid: Option<i64>) -> Option<Sent> {
        let by_id = queryid.and_then(|id| self.by_id.get(&id));
        let fingerprint = || Prepared::new(text).ok().map(|p| p.fingerprint());
        let at = by_id.or_else(|| self.by_fingerprint.get(&fingerprint()?))?;
        self.at(*at, text, 0.0).into_iter().next()
    }

    fn at(&self, at: usize, text: &str, rows_per_call: f64) -> Vec<Sent> {
        let Some((vectors, executions)) = self.loops.vectors(at) else {
            return Vec::new();
        };
        let sent = vectors.most_often().into_iter().filter_map(|vector| {
            let apart = vector.parameters.as_deref().map(parameters);
            let values = values(text, &vector.text, &apart.unwrap_or_default())?;
            let (text, parameters) = usual_text(text, rows_per_call, &values);
            Some(Sent {
                usual: Usual {
                    text,
                    parameters,
                    assumed: Vec::new(),
                },
                values,
                times: vector.count,
                executions,
            })
        });
        sent.collect()
    }
}

impl Sent {
    /// Where the values come from, for people.
    #[must_use]
    pub fn origin(&self) -> String {
        format!(
            "planned with the values that the logs show most often, {} of {} executions",
            Count(whole(self.times)),
            Count(whole(self.executions))
        )
    }

    /// Takes the values out of a plan again: findings show its conditions. Those that can be told are parameters again, other
    /// strings are left out, because the server writes values in its own way; that a pattern begins with a wildcard stays.
    pub fn mask(&self, plan: &mut Explained) {
        for node in &mut plan.nodes {
            for value in node.properties.values_mut() {
                if let Some(masked) = value.as_str().and_then(|text| self.masked(text)) {
                    *value = masked.into();
                }
                for value in value.as_array_mut().into_iter().flatten() {
                    if let Some(masked) = value.as_str().and_then(|text| self.masked(text)) {
                        *value = masked.into();
                    }
                }
            }
        }
    }

    /// A condition without values; `None` if there is none in it.
    fn masked(&self, condition: &str) -> Option<String> {
        let mut tokens = lex(condition).tokens;
        let mut found = false;
        for token in &mut tokens {
            let Some(Some(constant)) = constant(token) else {
                continue;
            };
            let known = self.values.iter().find(|(_, value)| **value == constant);
            let masked = match (known, token.kind) {
                _ if token.kind == Kind::String && constant.starts_with(['%', '_']) => {
                    "'%…'".to_owned()
                }
                (Some((number, _)), Kind::String | Kind::Number) => format!("${number}"),
                (None, Kind::String) => "'…'".to_owned(),
                _ => continue,
            };
            *token = Token::new(token.kind, token.start, masked);
            found = true;
        }
        found.then(|| join(&tokens))
    }
}

#[expect(clippy::cast_precision_loss, reason = "lines of a log")]
fn whole(count: u64) -> f64 {
    count as f64
}

/// The values of a text's parameters, from the text that was sent, and what came apart from it; `None` if the two are not the same
/// but for constants, or no value is known. NULL is not among them: a parameter says as much.
fn values(
    text: &str,
    sent: &str,
    apart: &[(usize, Option<String>)],
) -> Option<BTreeMap<usize, String>> {
    let code = |text| -> Vec<Token<'_>> {
        let tokens = lex(text).tokens.into_iter();
        let mut code: Vec<Token<'_>> = tokens.filter(Token::is_code).collect();
        while code.last().is_some_and(|t| t.is(";")) {
            code.pop();
        }
        code
    };
    let (ours, theirs) = (code(text), code(sent));
    let mut theirs = theirs.iter();
    let mut values = BTreeMap::new();
    for our in &ours {
        let their = theirs.next()?;
        let Some(number) = parameter(our) else {
            if !is_same(our, their) {
                return None;
            }
            continue;
        };
        let value = match parameter(their) {
            Some(their) => apart.iter().find(|(n, _)| *n == their)?.1.clone(),
            None if their.is("-") => Some(format!("-{}", constant(theirs.next()?)??)),
            None => constant(their)?,
        };
        if let Some(value) = value {
            let before = values.insert(number, value.clone());
            // A parameter that stands in several places has one value.
            if before.is_some_and(|before| before != value) {
                return None;
            }
        }
    }
    (theirs.next().is_none() && !values.is_empty()).then_some(values)
}

fn is_same(a: &Token<'_>, b: &Token<'_>) -> bool {
    a.text == b.text || a.kind == Kind::Word && a.text.eq_ignore_ascii_case(&b.text)
}

fn parameter(token: &Token<'_>) -> Option<usize> {
    let digits = token.text.strip_prefix('$')?;
    (token.kind == Kind::Parameter)
        .then_some(digits)?
        .parse()
        .ok()
}

/// The value of a constant, NULL as the inner `None`; the outer one = it is none, or is written in a way that is not read here.
#[expect(clippy::option_option, reason = "NULL is a value that is known")]
fn constant(token: &Token<'_>) -> Option<Option<String>> {
    let text = token.text.as_ref();
    match token.kind {
        Kind::Number => Some(Some(text.to_owned())),
        Kind::String => {
            let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
            Some(Some(inner.replace("''", "'")))
        }
        Kind::Word if token.is_any(&["true", "false"]) => Some(Some(text.to_owned())),
        Kind::Word if token.is_word("null") => Some(None),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "1=x 2=y"
    fn read(text: &str, sent: &str, apart: &str) -> Option<String> {
        let values = values(text, sent, &parameters(apart))?;
        let shown = values.iter().map(|(n, v)| format!("{n}={v}"));
        Some(shown.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn values_are_taken_out_of_plans_again() {
        let sent = Sent {
            usual: Usual::default(),
            values: BTreeMap::from([(1, "bob@example.org".to_owned()), (2, "77".to_owned())]),
            times: 1,
            executions: 1,
        };
        for (condition, expected) in [
            (
                "((email = 'bob@example.org'::text) AND (id = 77))",
                Some("((email = $1::text) AND (id = $2))"),
            ),
            (
                "(day = '2026-01-01 00:00:00'::timestamp without time zone)",
                Some("(day = '…'::timestamp without time zone)"),
            ),
            ("(name ~~ '%bob%'::text)", Some("(name ~~ '%…'::text)")),
            ("(name ~~ 'bob%'::text)", Some("(name ~~ '…'::text)")),
            ("(a = b)", None),
            ("Seq Scan", None),
        ] {
            assert_eq!(sent.masked(condition).as_deref(), expected, "{condition}");
        }
    }

    #[test]
    fn values_are_found_in_the_text_and_beside_it() {
        for (text, sent, apart, expected) in [
            (
                "select a from t where b = $1 limit $2",
                "SELECT a FROM t WHERE b = 'o''x' LIMIT 10;",
                "",
                Some("1=o'x 2=10"),
            ),
            (
                "select a from t where b = $1 limit $2",
                "select a from t where b = $1 limit 10",
                "$1 = 'o''x'",
                Some("1=o'x 2=10"),
            ),
            (
                "select a from t where b = $1 and c < $2",
                "select a from t /* 7 */ where b = -5 and c < null",
                "",
                Some("1=-5"),
            ),
            (
                "select a from t where b = $1 and c = $2",
                "select a from t where b = true and c = $1",
                "$1 = NULL",
                Some("1=true"),
            ),
            // Not the same, not whole, or nothing to tell.
            (
                "select a from t where b = $1",
                "select a from t where c = 1",
                "",
                None,
            ),
            (
                "select a from t where b = $1",
                "select a from t where b = $1",
                "",
                None,
            ),
            (
                "select a from t where b = $1",
                "select a from t where b = 1 + 1",
                "",
                None,
            ),
            (
                "select a from t where b in ($1)",
                "select a from t where b in (1, 2)",
                "",
                None,
            ),
            (
                "select a from t where b = $1",
                "select a from t where b = e'x'",
                "",
                None,
            ),
            ("select a from t", "select a from t", "", None),
            (
                "select a from t where b = $1 or c = $1",
                "select a from t where b = 1 or c = 2",
                "",
                None,
            ),
        ] {
            assert_eq!(read(text, sent, apart).as_deref(), expected, "{sent}");
        }
    }
}

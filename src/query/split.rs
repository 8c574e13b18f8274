//! A file of SQL → statements with line numbers and, if comments say so, figures.
//!
//! ```sql
//! -- calls=120 mean_ms=3.5 rows=1
//! select * from orders where user_id = 7;
//! ```
//! The figures stand in any comment before the statement or within it: `calls`, and one of `mean_ms` and `total_ms`; `rows`
//! is per call. Lines that begin with a backslash are psql's and are left out.

use crate::model::statement::{Source, Statement};
use crate::query::lexer::{Kind, Token, join, lex};
use crate::query::parse::Prepared;

/// A file of statements, read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Script {
    /// Its statements in order.
    pub statements: Vec<Statement>,
    /// What is no SQL. A file with errors is best refused as a whole: a statement left out silently is advice missed.
    pub errors: Vec<SyntaxError>,
    /// Statements, by position, that are not understood. The server may know better: they are errors only if it does not.
    pub doubts: Vec<(usize, SyntaxError)>,
    /// What was left out on purpose, one sentence each.
    pub notes: Vec<String>,
}

/// A place in the file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What was expected and what stands there.
    pub what: String,
}

impl std::fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "line {}, column {}: {}",
            self.line, self.column, self.what
        )
    }
}

/// Splits a file at its semicolons (those outside of strings, comments and parentheses of `BEGIN ATOMIC` bodies excepted)
/// and looks whether each statement can be read.
#[must_use]
pub fn statements_from_sql(text: &str) -> Script {
    let mut script = Script::default();
    let plain = without_psql(text, &mut script.notes);
    let lexed = lex(&plain);
    if let Some((offset, what)) = lexed.open {
        script
            .errors
            .push(error_at(text, offset, format!("this {what} does not end")));
        return script;
    }
    for chunk in lexed.tokens.split(|t| t.is(";")) {
        if let Some(first) = chunk.iter().find(|t| t.is_code()) {
            read(&mut script, text, chunk, first);
        }
    }
    script
}

fn read(script: &mut Script, text: &str, chunk: &[Token<'_>], first: &Token<'_>) {
    // The comments before the statement belong to it, but its text starts behind them.
    let body: Vec<Token<'_>> = chunk
        .iter()
        .skip_while(|t| t.start < first.start)
        .cloned()
        .collect();
    let end = body
        .iter()
        .rposition(Token::is_code)
        .map_or(body.len(), |i| i + 1);
    let sql = join(&body[..end]);
    if let Ok(prepared) = Prepared::new(&sql)
        && prepared.is_query()
        && let Err(misread) = prepared.parse()
    {
        let offset = misread.offset.unwrap_or(sql.len()).min(sql.len());
        let error = error_at(text, first.start + offset, misread.what);
        if !prepared.is_one_statement() {
            script.errors.push(error);
            return;
        }
        script.doubts.push((script.statements.len(), error));
    }
    let mut statement = Statement {
        source: Source::File,
        toplevel: true,
        query: Some(sql),
        line: Some(position(text, first.start).0),
        calls: 1,
        rows: 0,
        ..Statement::default()
    };
    for comment in chunk.iter().filter(|t| t.kind == Kind::Comment) {
        figures(&mut statement, &comment.text);
    }
    script.statements.push(statement);
}

/// Takes `calls=120 mean_ms=3.5` out of a comment.
fn figures(statement: &mut Statement, comment: &str) {
    let words = comment.split(|c: char| c.is_whitespace() || c == ',' || c == ';');
    let value = |name: &str| {
        (words.clone())
            .filter_map(|w| w.trim_start_matches(['-', '/', '*']).split_once('='))
            .find(|(key, _)| *key == name)
            .and_then(|(_, value)| value.trim_end_matches(['*', '/']).parse::<f64>().ok())
            .filter(|v| v.is_finite() && *v >= 0.0)
    };
    #[allow(
        clippy::cast_possible_truncation,
        reason = "saturates, and no count comes near"
    )]
    let whole = |v: f64| v.round() as i64;
    #[allow(clippy::cast_precision_loss, reason = "it was read from a float")]
    let calls = |s: &Statement| s.calls as f64;
    if let Some(n) = value("calls") {
        statement.calls = whole(n);
    }
    if let Some(total) = value("total_ms") {
        statement.total_exec_time = Some(total);
    }
    if let Some(mean) = value("mean_ms") {
        statement.mean_exec_time = Some(mean);
        statement.total_exec_time = Some(mean * calls(statement));
    }
    if let (Some(total), None) = (statement.total_exec_time, statement.mean_exec_time)
        && statement.calls > 0
    {
        statement.mean_exec_time = Some(total / calls(statement));
    }
    if let Some(rows) = value("rows") {
        statement.rows = whole(rows * calls(statement));
    }
}

/// Blanks the lines that psql would take for itself, keeping every offset.
fn without_psql(text: &str, notes: &mut Vec<String>) -> String {
    let mut plain = text.to_owned();
    if !text.contains('\\') {
        return plain;
    }
    // Only code can hold a command of psql, not a string that happens to have a line beginning with a backslash.
    let code: Vec<(usize, usize)> = (lex(text).tokens.iter())
        .filter(|t| !matches!(t.kind, Kind::String | Kind::Quoted | Kind::Comment))
        .map(|t| (t.start, t.start + t.text.len()))
        .collect();
    let mut start = 0;
    for (number, line) in (1_usize..).zip(text.split_inclusive('\n')) {
        let content = line.trim_end_matches(['\n', '\r']);
        let slash = start + (content.len() - content.trim_start().len());
        let in_code = code.binary_search_by(|(from, to)| {
            if *to <= slash {
                std::cmp::Ordering::Less
            } else if *from > slash {
                std::cmp::Ordering::Greater
            } else {
                std::cmp::Ordering::Equal
            }
        });
        if content.trim_start().starts_with('\\') && in_code.is_ok() {
            let command = content.split_whitespace().next().unwrap_or_default();
            notes.push(format!(
                "line {number}: {command} is a command of psql and was left out"
            ));
            plain.replace_range(start..start + content.len(), &" ".repeat(content.len()));
        }
        start += line.len();
    }
    plain
}

fn error_at(text: &str, offset: usize, what: String) -> SyntaxError {
    let (line, column) = position(text, offset);
    SyntaxError { line, column, what }
}

/// Line and column of an offset.
fn position(text: &str, offset: usize) -> (u32, u32) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    (small(line), small(column))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn statements_carry_lines_and_figures() {
        let script = statements_from_sql(
            "-- calls=120 mean_ms=3.5\nselect ';' from t where a = $$;$$;\n\n/* calls=2, total_ms=10 rows=4 */ update t\n set a = 1 /* ; */ ;\n\\set x 1\nselect 1 -- calls=7\n;;",
        );
        assert_eq!(script.errors, []);
        assert_eq!(
            script.notes,
            ["line 6: \\set is a command of psql and was left out"]
        );
        let rows: Vec<_> = (script.statements.iter())
            .map(|s| {
                (
                    s.line,
                    s.query.as_deref().unwrap(),
                    s.calls,
                    s.total_exec_time,
                    s.mean_exec_time,
                    s.rows,
                )
            })
            .collect();
        assert_eq!(
            rows,
            [
                (
                    Some(2),
                    "select ';' from t where a = $$;$$",
                    120,
                    Some(420.0),
                    Some(3.5),
                    0
                ),
                (Some(4), "update t\n set a = 1", 2, Some(10.0), Some(5.0), 8),
                (Some(7), "select 1", 7, None, None, 0),
            ]
        );
    }

    #[test]
    fn an_error_says_where() {
        let errors = |text: &str| -> Vec<String> {
            let errors = statements_from_sql(text).errors;
            errors.iter().map(ToString::to_string).collect()
        };
        let doubts = |text: &str| -> Vec<String> {
            let script = statements_from_sql(text);
            assert_eq!(script.errors, []);
            (script.doubts.iter())
                .map(|(at, error)| format!("{at} {error}: {:?}", script.statements[*at].query))
                .collect()
        };
        assert_eq!(
            doubts("select 1;\n  select a from\n  t where größe = ) ;"),
            [
                "1 line 3, column 19: Expected: an expression, found: ): Some(\"select a from\\n  t where größe = )\")"
            ]
        );
        assert_eq!(
            errors("select 1;\nselect 'x;\n"),
            ["line 2, column 8: this string does not end"]
        );
        assert_eq!(
            doubts("select 1;\nselect a frm t x;"),
            [
                "1 line 2, column 14: Expected: end of statement, found: t: Some(\"select a frm t x\")"
            ]
        );
        assert_eq!(
            errors("select 1;\nselect a \u{1} t x;"),
            ["line 2, column 10: Expected: end of statement, found: \u{1}"]
        );
        assert_eq!(
            errors("vacuum t; begin; select '\n\\d' from t;"),
            Vec::<String>::new()
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = statements_from_sql(&text);
        }
    }
}

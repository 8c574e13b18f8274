//! What a statement could do beside reading, as far as its text tells: the pure half of the gate before `EXPLAIN (ANALYZE)`.
//!
//! `EXPLAIN (ANALYZE)` executes. A READ ONLY transaction that is rolled back stops INSERT, but not `dblink_exec`, advisory locks,
//! `pg_reload_conf()` or `pg_terminate_backend()`. So a statement has to be one SELECT without anything that writes or locks, and
//! everything that it could call is looked up in the catalog by name (`pg::gate`), wherever the name could mean a call: it is easier
//! to be sure that a name is harmless than to resolve an expression as the server would.
//!
//! On a server for trying things out one INSERT, UPDATE, DELETE or MERGE may pass as well: it is rolled back too, and what runs with
//! it (triggers, rules, defaults, checks, what cascades) is looked up like everything else.

use std::collections::BTreeSet;

use sqlparser::ast::{Query, SetExpr, Statement, TableFactor, Visit, Visitor};
use std::ops::ControlFlow;

use crate::query::lexer::{Kind, Token, lex};
use crate::query::parse::Prepared;

/// The names in a text that could make the server do something, folded as the server folds them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Names in front of a parenthesis: functions, if there are such.
    pub called: BTreeSet<String>,
    /// Names behind a dot: `row.f` calls `f(row)` where the row has no such column.
    pub attributes: BTreeSet<String>,
    /// Operators.
    pub operators: BTreeSet<String>,
    /// All names: relations, types and whatever else.
    pub names: BTreeSet<String>,
}

/// What a statement may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum May {
    /// Read only.
    Read,
    /// Write rows of tables, too.
    Write,
}

/// Whether a text is one INSERT, UPDATE, DELETE or MERGE.
#[must_use]
pub fn writes(text: &str) -> bool {
    let parsed = Prepared::new(text).and_then(|prepared| Ok(is_dml(&prepared.parse()?.ast)));
    parsed.unwrap_or(false)
}

fn is_dml(statement: &Statement) -> bool {
    use Statement::{Delete, Insert, Merge, Update};
    match statement {
        Insert { .. } | Update { .. } | Delete { .. } | Merge { .. } => true,
        // WITH … INSERT, whose parts may not write.
        Statement::Query(query) => is_write(&query.body),
        _ => false,
    }
}

fn is_write(body: &SetExpr) -> bool {
    matches!(
        body,
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_)
    )
}

/// Why a text is not one SELECT that only reads, or one statement that writes rows where it may, as far as it can be told without a
/// server; nothing if it is.
#[must_use]
pub fn refusal(text: &str, may: May) -> Option<String> {
    let prepared = match Prepared::new(text) {
        Ok(prepared) => prepared,
        Err(misread) => return Some(format!("it is not understood: {}", misread.what)),
    };
    if !prepared.is_one_statement() {
        return Some("it is more than one statement".into());
    }
    let parsed = match prepared.parse() {
        Ok(parsed) => parsed,
        Err(misread) => return Some(format!("it is not understood: {}", misread.what)),
    };
    if parsed.locks || has_word_pair(text, "for", &["update", "share", "no", "key"]) {
        return Some("it locks rows".into());
    }
    if escaped_name(text) {
        return Some("a name in it is written with escapes (U&\"…\")".into());
    }
    let read = match &parsed.ast {
        statement if may == May::Write && is_dml(statement) => {
            statement.visit(&mut Writes { tops: 1 })
        }
        Statement::Query(query) => query.visit(&mut Writes { tops: 0 }),
        _ => return Some("it is no SELECT".into()),
    };
    match read {
        ControlFlow::Break(what) => Some(what.to_owned()),
        ControlFlow::Continue(()) => None,
    }
}

/// Looks for what writes inside of a statement.
struct Writes {
    /// Statements that are met first, and may write.
    tops: usize,
}

impl Visitor for Writes {
    type Break = &'static str;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        if !query.locks.is_empty() {
            return ControlFlow::Break("it locks rows");
        }
        if self.tops > 0 && is_write(&query.body) {
            // Counted when the statement in it is met.
            return ControlFlow::Continue(());
        }
        body(&query.body)
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Self::Break> {
        match factor {
            TableFactor::Table { .. }
            | TableFactor::Derived { .. }
            | TableFactor::Function { .. }
            | TableFactor::TableFunction { .. }
            | TableFactor::UNNEST { .. }
            | TableFactor::NestedJoin { .. } => ControlFlow::Continue(()),
            _ => ControlFlow::Break("it reads from something that is no table and no function"),
        }
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<Self::Break> {
        match statement {
            Statement::Query(_) => ControlFlow::Continue(()),
            _ if self.tops > 0 => {
                self.tops -= 1;
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Break("something in it is no SELECT"),
        }
    }
}

fn body(body: &SetExpr) -> ControlFlow<&'static str> {
    match body {
        SetExpr::Select(select) if select.into.is_some() => {
            ControlFlow::Break("it makes a table (SELECT INTO)")
        }
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) | SetExpr::Table(_) => {
            ControlFlow::Continue(())
        }
        SetExpr::SetOperation { left, right, .. } => {
            self::body(left)?;
            self::body(right)
        }
        _ => {
            ControlFlow::Break("a part of it writes (WITH … AS (INSERT, UPDATE, DELETE or MERGE))")
        }
    }
}

/// Whether two words follow each other.
fn has_word_pair(text: &str, first: &str, second: &[&str]) -> bool {
    let lexed = lex(text);
    let code: Vec<&Token<'_>> = lexed.tokens.iter().filter(|t| t.is_code()).collect();
    code.windows(2)
        .any(|pair| pair[0].is_word(first) && pair[1].is_any(second))
}

/// Whether a quoted name is written with escapes, so that its text is not its name.
fn escaped_name(text: &str) -> bool {
    let escaped = |token: &Token<'_>| token.kind == Kind::Quoted && !token.text.starts_with('"');
    lex(text).tokens.iter().any(escaped)
}

/// The names in a text, of a statement, a view or a policy.
#[must_use]
pub fn mentions(text: &str) -> Mentions {
    let lexed = lex(text);
    let code: Vec<&Token<'_>> = lexed.tokens.iter().filter(|t| t.is_code()).collect();
    let mut found = Mentions::default();
    for (at, token) in code.iter().enumerate() {
        if token.kind == Kind::Operator {
            found.operators.insert(token.text.to_string());
        }
        if !token.is_name() {
            continue;
        }
        let name = token.name();
        let before = at.checked_sub(1).map(|before| code[before]);
        let after = code.get(at + 1);
        if after.is_some_and(|t| t.is("(")) {
            found.called.insert(name.clone());
        } else if before.is_some_and(|t| t.is(".")) {
            found.attributes.insert(name.clone());
        }
        found.names.insert(name);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_reads_passes() {
        for text in [
            "select * from orders where id = 7",
            "with a as (select 1) select * from a union all values (2)",
            "table orders",
            "select count(*) from a, lateral (select * from b where b.x = a.x limit 1) c",
            "select * from generate_series(1, 10) g where exists (select from orders)",
            "select substring(name for 3) from t",
            "select 'for update; delete from x' from t -- for update",
        ] {
            assert_eq!(refusal(text, May::Read), None, "{text}");
        }
    }

    #[test]
    fn what_writes_or_locks_does_not() {
        for (text, why) in [
            ("delete from orders", "no SELECT"),
            ("insert into t values (1)", "no SELECT"),
            ("create table t as select 1", "no SELECT"),
            ("explain analyze create table t as select 1", "no SELECT"),
            ("select 1 into t", "makes a table"),
            ("select * into t from orders", "makes a table"),
            (
                "with gone as (delete from orders returning id) select * from gone",
                "writes",
            ),
            (
                "select * from (with n as (insert into t values (1) returning 1) select * from n) x",
                "writes",
            ),
            (
                "select 1 union (with u as (update t set a = 1 returning 1) select * from u)",
                "writes",
            ),
            ("select * from orders for update", "locks"),
            ("select * from orders for no key update", "locks"),
            ("select * from (select * from orders for share) o", "locks"),
            ("select 1; select 2", "more than one"),
            ("select 1; drop table t", "more than one"),
            ("begin", "no SELECT"),
            ("copy t to program 'x'", ""),
            ("call p()", ""),
            ("do $$ begin end $$", ""),
            ("select U&\"d\\0061t\"()", "escapes"),
            ("select 'open", "not understood"),
            ("", ""),
        ] {
            let refused = refusal(text, May::Read).unwrap_or_else(|| panic!("{text} passed"));
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }

    #[test]
    fn one_statement_that_writes_rows_passes_where_it_may() {
        for text in [
            "delete from orders where id = 7",
            "insert into t values (1) on conflict do nothing returning id",
            "insert into t select * from orders",
            "with a as (select 1) insert into t select * from a",
            "update t set a = (select max(b) from u) from v where v.id = t.id",
            "merge into t using u on t.id = u.id when matched then delete",
            "select 1",
        ] {
            assert_eq!(refusal(text, May::Write), None, "{text}");
            assert_eq!(writes(text), text != "select 1", "{text}");
        }
        for (text, why) in [
            ("delete from orders; select 1", "more than one"),
            ("select * from orders for update", "locks"),
            ("create table t as select 1", "no SELECT"),
            ("truncate orders", "no SELECT"),
            ("drop table t", "no SELECT"),
            ("explain analyze delete from orders", "no SELECT"),
            ("copy t from program 'x'", ""),
            ("vacuum", ""),
            (
                "with gone as (delete from orders returning id) insert into t select * from gone",
                "no SELECT",
            ),
        ] {
            let refused = refusal(text, May::Write).unwrap_or_else(|| panic!("{text} passed"));
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }

    #[test]
    fn names_that_could_call_are_found_where_they_hide() {
        let found = mentions(
            "select Dblink_Exec ('x'), \"Odd Name\"/* c */(1), c.sneaky, a |@| b from s.view_x v where 'quoted(' = $$f($$",
        );
        let set = |names: &[&str]| {
            names
                .iter()
                .map(|n| (*n).to_owned())
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(found.called, set(&["dblink_exec", "Odd Name"]));
        assert_eq!(found.attributes, set(&["sneaky", "view_x"]));
        assert_eq!(found.operators, set(&["|@|", "="]));
        assert!(found.names.contains("view_x") && found.names.contains("c"));
        assert!(!found.names.contains("quoted") && !found.called.contains("f"));
    }
}

//! `non-sargable`: a filter compares what is made of a column, so that no index on the column can find the rows.

use crate::audit::finding::Severity;
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::scan::{SCANS, compared, index_on, is_indexed, waste};
use crate::audit::view::View;
use crate::model::catalog::Table;
use crate::query::comparison::{Comparison, Form};
use crate::query::expression::is_text_relabel;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "non-sargable",
    title: "A filter compares an expression of a column, which hides the column from indexes",
    page: "\
An index on a column finds rows by the column's own values. A cast, a function or arithmetic around the column makes another value
of each, which is only known after the row was read: created::date = '2026-01-01', lower(email) = 'x', id + 1 = 5, or an integer column
that is compared with a numeric parameter, where the server casts the column.

Told by: the filter of a scan that throws away nine tenths of at least 10,000 rows (or 1,000 blocks) compares such an expression with
a value by =, <, <=, >, >= or = ANY. What only renames a type (varchar as text) does not count, nor an expression that has an index.

Do: compare the bare column: with a range instead of a cast or date_trunc, with a value of the column's own type. Where the
expression is meant, an index on the expression finds it.

All right when: another condition of the statement finds the few rows.",
    check: Check::Plan(check),
};

/// Comparisons that an index answers.
const INDEXED: &[&str] = &["=", "<", "<=", ">", ">=", "= ANY"];

fn check(view: &View<'_>) -> Vec<Hit> {
    let scans = view.nodes(SCANS);
    let hits = scans.filter_map(|(at, _)| {
        let wasted = waste(view, at)?;
        let table = view.table(at);
        let hiding = |comparison: &Comparison| hides(view, table, comparison);
        let hidden = compared(view, at).into_iter().find(hiding)?;
        let mut evidence = vec![
            format!("{} {} {}", hidden.operand, hidden.operator, hidden.value),
            wasted.evidence,
        ];
        let column = hidden.columns.first()?;
        let index = table.and_then(|table| index_on(view, table, column));
        if let Some(index) = index {
            evidence.push(format!("index {index} on {column} cannot be used for it"));
        }
        Some(Hit {
            node: at,
            share: wasted.share,
            least: Severity::Info,
            evidence,
            fix: advice(&hidden, table).into(),
        })
    });
    hits.collect()
}

/// Whether it hides one column from an index that would answer the comparison.
fn hides(view: &View<'_>, table: Option<&Table>, comparison: &Comparison) -> bool {
    let [column] = comparison.columns.as_slice() else {
        return false;
    };
    let changed = match &comparison.form {
        Form::Column | Form::Other => false,
        Form::Cast(to) => match table.and_then(|table| table.column(column)) {
            Some(known) => !is_text_relabel(&known.base_type, to),
            // A varchar column is cast to text whenever it is compared.
            None => to != "text",
        },
        Form::Call(_) | Form::Operation(_) => true,
    };
    changed
        && INDEXED.contains(&comparison.operator.as_str())
        && !table.is_some_and(|table| is_indexed(view, table, &comparison.operand))
}

/// What to write instead.
fn advice(hidden: &Comparison, table: Option<&Table>) -> String {
    let column = hidden.columns.first().map_or("", String::as_str);
    let known = table.and_then(|table| table.column(column));
    let own_type = known.map_or("its own type", |known| known.type_name.as_str());
    let expression = || {
        format!(
            "an index on the expression, ({}), finds the rows if the expression is immutable; so does a condition on {column} itself that says \
             the same",
            hidden.expression
        )
    };
    match &hidden.form {
        Form::Cast(to) if to == "date" => format!(
            "compare {column} itself with a range: {column} >= the day and {column} < the day after"
        ),
        Form::Cast(to) if is_number(to) && known.is_some_and(|c| c.category == "N") => format!(
            "compare {column} with a value of its own type, {own_type}: cast the value or bind the parameter as that; now {column} is \
             cast to {to} in each row"
        ),
        Form::Cast(_) => format!(
            "compare {column} with a value of its own type, {own_type}: cast the value, not the column"
        ),
        Form::Call(name) if name == "date_trunc" => format!(
            "compare {column} itself with a range: {column} >= the begin of the period and {column} < the begin of the next"
        ),
        Form::Call(name)
            if matches!(name.as_str(), "date_part" | "extract")
                && hidden.operand.to_ascii_lowercase().contains("year") =>
        {
            format!(
                "compare {column} itself with a range: from the first of January to before the first of the next"
            )
        }
        Form::Call(name) if name == "coalesce" => format!(
            "write the condition on {column} itself, with OR {column} IS NULL if its default passes the condition; or an index on ({})",
            hidden.expression
        ),
        Form::Operation(sign)
            if matches!(sign.as_str(), "+" | "-" | "*" | "/")
                && known.is_none_or(|c| matches!(c.category.as_str(), "N" | "D" | "T")) =>
        {
            format!("bring the arithmetic to the other side, so that {column} stands alone")
        }
        _ => expression(),
    }
}

/// Whether a type, as EXPLAIN names it, is a number.
fn is_number(name: &str) -> bool {
    matches!(
        name,
        "numeric" | "bigint" | "integer" | "smallint" | "double precision" | "real"
    )
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::found;

    const DDL: &str = "create table people ( -- rows=100000 pages=2000
id int primary key, email text, name varchar(40), code char(5), born timestamp);
create index people_email_idx on people (email);
";

    fn told(filter: &str, ddl: &str) -> String {
        let plan = format!(
            "Seq Scan on people  (cost=0..900 rows=500 width=40) (actual time=0.1..40.0 rows=1 loops=1)
  Filter: {filter}
  Rows Removed by Filter: 99999
Execution Time: 41.0 ms"
        );
        found("non-sargable", &plan, ddl)
    }

    #[test]
    fn what_hides_a_column_is_told_with_what_to_do() {
        for (filter, advice) in [
            (
                "(lower(email) = 'a@b.c'::text)",
                "index people_email_idx on email cannot be used",
            ),
            (
                "((born)::date = '2000-01-01'::date)",
                "born >= the day and born < the day after",
            ),
            ("((id)::numeric = 5.0)", "its own type, integer"),
            ("((id)::text = '5'::text)", "cast the value, not the column"),
            (
                "((code)::text = 'abcde'::text)",
                "cast the value, not the column",
            ),
            (
                "((id * 2) > 199000)",
                "bring the arithmetic to the other side",
            ),
            (
                "(date_trunc('month'::text, born) = '2000-01-01'::timestamp without time zone)",
                "the begin of the next",
            ),
            (
                "(EXTRACT(year FROM born) = '2000'::numeric)",
                "from the first of January",
            ),
            (
                "(EXTRACT(hour FROM born) = '3'::numeric)",
                "an index on the expression",
            ),
            (
                "(COALESCE(email, ''::text) = 'x'::text)",
                "OR email IS NULL",
            ),
        ] {
            let told = told(filter, DDL);
            assert!(told.contains(advice), "{filter}: {told}");
        }
    }

    #[test]
    fn what_hides_nothing_is_not_told() {
        for filter in [
            "(email = 'a@b.c'::text)",
            "((name)::text = 'x'::text)",
            "(born > (now() - '1 day'::interval))",
            "(lower(email) <> 'a@b.c'::text)",
            "(lower(email) ~~ 'a%'::text)",
            "((email || (name)::text) = 'ab'::text)",
            "(email IS NULL)",
        ] {
            assert_eq!(told(filter, DDL), "", "{filter}");
        }
        let indexed = format!("{DDL}create index on people (lower(email));\n");
        assert_eq!(told("(lower(email) = 'a@b.c'::text)", &indexed), "");
    }
}

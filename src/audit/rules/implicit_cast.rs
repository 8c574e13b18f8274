//! `implicit-cast`: a whole number is compared with one of another type, so that the column is converted row by row.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::{Text, converts};
use crate::model::unit::Count;
use crate::query::facts::{Side, Test};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "implicit-cast",
    title: "A column is converted to the type of the value that it is compared with",
    page: "\
Where a bigint column is compared with a numeric or a double precision value, the server converts the column, not the value, and an
index on the column cannot be used. Drivers and ORMs that send every number as numeric or double do that.

Told by: an integer column is compared with a value that is cast to numeric or double precision; or a numeric
column with one that is cast to double precision. The table has at least 10,000 rows and no other condition finds few by an index.

Do: send the value in the column's type, or cast it: id = $1::bigint.

All right when: the statement reads most of the table anyway.",
    check: Check::Sql(check),
};

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let conditions = text.facts().conditions.iter();
    let hits = conditions.filter_map(|condition| {
        let Test::Compare {
            left,
            right,
            operator,
            ..
        } = &condition.test
        else {
            return None;
        };
        let ((
            Side::Column(column),
            Side::Value {
                value,
                text: written,
            },
        )
        | (
            Side::Value {
                value,
                text: written,
            },
            Side::Column(column),
        )) = (left, right)
        else {
            return None;
        };
        let owner = text.owner(column, condition.block)?;
        let (table, known) = text.column(column, condition.block)?;
        let of = converts(known, value)?;
        if *operator == "<>" || !text.is_large(owner) || text.is_narrowed(owner) {
            return None;
        }
        Some(TextHit {
            object: format!("{}.{}", table.name, known.name),
            confirmed: text.leads_index(table, &known.name),
            least: Severity::Info,
            evidence: vec![format!(
                "{} is {}, {written} is {of}: converted for each of {} rows",
                known.name,
                known.type_name,
                Count(table.rows())
            )],
            fix: Fix::from(format!(
                "send the value as {}, or cast it: {written}::{}",
                known.type_name, known.type_name
            )),
        })
    });
    hits.collect()
}

//! `update-delete-no-where`: every row of a table is changed.

use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Rule, TextHit};
use crate::audit::text::Text;
use crate::model::unit::Count;
use crate::query::facts::{Form, Join, Source};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "update-delete-no-where",
    title: "Every row of a table is changed",
    page: "\
Without a WHERE each row gets a new version or goes: the table may double, all of its indexes are written, and every other writer of
it waits.

Told by: UPDATE or DELETE without WHERE, FROM or USING, of a table of at least 10,000 rows, or of one whose size is not known.

Do: TRUNCATE to empty a table; else work in batches, and leave alone rows that already have the value: WHERE column IS DISTINCT FROM value.

All right when: it is a table of intermediate results, or a migration.",
    check: Check::Sql(check),
};

fn check(text: &Text<'_>) -> Vec<TextHit> {
    let blocks = text.facts().blocks.iter().enumerate();
    let hits = blocks.filter_map(|(at, block)| {
        let deletes = match block.form {
            Form::Delete => true,
            Form::Update => false,
            _ => return None,
        };
        let mut relations = text.relations(at);
        let target = relations.next().filter(|_| relations.next().is_none())?;
        let relation = &text.facts().relations[target];
        let table = relation.join == Join::Target && matches!(relation.source, Source::Table(_));
        // With a catalog, a table that is not in it is a temporary one.
        let meant = text.snapshot.is_none() || text.is_large(target);
        if block.filtered || !table || !meant {
            return None;
        }
        let rows = text.rows(target);
        Some(TextHit {
            object: relation.name.clone(),
            confirmed: rows.is_some(),
            least: if rows.is_some() {
                Severity::Low
            } else {
                Severity::Info
            },
            evidence: vec![match rows {
                Some(rows) => format!("{} has {} rows", relation.name, Count(rows)),
                None => "how many rows it has is not known".to_owned(),
            }],
            fix: Fix::from(if deletes {
                "TRUNCATE empties a table at once; to delete in part, do it in batches"
            } else {
                "change only rows that do not have the value yet (IS DISTINCT FROM), in batches"
            }),
        })
    });
    hits.collect()
}

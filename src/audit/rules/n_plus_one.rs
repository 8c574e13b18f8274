//! `n-plus-one`: a statement that is run once for each row of another.

use crate::audit::finding::Fix;
use crate::audit::repeated::fix;
use crate::audit::rules::{Check, Rule};
use crate::query::n_plus_one::{Kind, NPlusOne};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "n-plus-one",
    title: "A statement is run once for each row of another",
    page: "\
A program reads a list, and then asks for something of each row by a statement of its own: the owner of each order, the items of
each order, how many there are. Each of these is fast, so that no list of slow statements shows them; together they take a round
trip for each row, planning and locks each time, and the page gets slower with every row that is added.

Told by: in pg_stat_statements (audit --watch), one statement is executed as often as another gives rows, a foreign key or a name
leads from the one's rows to the other, and both rise and fall together from sample to sample. Questions that are asked always as
often for each page, whatever its list has, are not told; where a short list always has as many rows, the two cannot be told
apart, and it is possible at most. In logs (audit --log), a session runs the same statement with other values row after row, after
the same other statement, and how often depends on the data, or it is ten times and more. The score says how sure that is: from
0.65 on it is likely, below it is possible and never more than low. Counters alone give 0.80 at most; where both sources show the
same it is surer.

Do: ask once for all rows, by the statement given: it takes an array of the keys. Or join it to the parent. ORMs have a word for
it: includes (Rails), select_related and prefetch_related (Django), selectinload (SQLAlchemy), include (Prisma), JOIN FETCH and
@BatchSize (Hibernate).

All right when: the list is always short, or what is asked for is kept in a cache that was empty while this was looked at.",
    check: Check::Repeated(check),
};

fn check(case: &NPlusOne) -> Option<Fix> {
    let advice = match case.kind {
        Kind::BelongsTo | Kind::HasMany => "ask for the rows of all parents at once",
        Kind::FirstOfMany => "ask for the first rows of all parents at once",
        Kind::Aggregate => "count for all parents at once",
        _ => return None,
    };
    Some(fix(case, advice))
}

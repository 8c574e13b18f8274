//! `write-loop`: rows that are written one by one.

use crate::audit::finding::Fix;
use crate::audit::repeated::fix;
use crate::audit::rules::{Check, Rule};
use crate::query::n_plus_one::{Kind, NPlusOne};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "write-loop",
    title: "Rows are written one by one",
    page: "\
A program inserts, updates or deletes many rows by a statement each. Every one of them is a round trip, is executed by itself, and
outside of a transaction waits for the disk at its own commit. One statement for all rows, or COPY, is many times faster.

Told by: in logs (audit --log), a session writes to one table row after row, 20 times or more in the middle case, with other
values each time. In pg_stat_statements (audit --watch), single rows are inserted for each row of another statement, or written by
the key of rows that another statement read, and both rise and fall together.

Do: write all rows by the statement given, which takes an array for each column; or INSERT with several rows of VALUES, or COPY
for thousands. ORMs have a word for it: insert_all (Rails), bulk_create (Django), createMany (Prisma), hibernate.jdbc.batch_size.

All right when: each row has to be committed by itself, such as a job that is marked as done; or the driver sends them as a batch
without waiting for each (a pipeline), which costs no round trips.",
    check: Check::Repeated(check),
};

fn check(case: &NPlusOne) -> Option<Fix> {
    let advice = match case.kind {
        Kind::Insert => "insert all rows by one statement, or by COPY",
        Kind::Update => "update all rows by one statement",
        Kind::Delete => "delete all rows by one statement",
        _ => return None,
    };
    Some(fix(case, advice))
}

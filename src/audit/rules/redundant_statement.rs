//! `redundant-statement`: the same is asked again.

use crate::audit::finding::Fix;
use crate::audit::repeated::fix;
use crate::audit::rules::{Check, Rule};
use crate::query::n_plus_one::{Kind, NPlusOne};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "redundant-statement",
    title: "The same statement is run again with the same values",
    page: "\
Within one request a program asks what it has asked before: the same statement with the same values, and nothing that it wrote in
between. Settings, the current user, a price list are read again by each part of a page that needs them.

Told by: in logs (audit --log), within one transaction, or one right after another, a session runs a SELECT with values that it ran
it with before, at least twice more than needed, in three units of work or more, and writes nothing in between. Statements that
lock rows or call functions that give something else each time are left out. Counters cannot show it: they keep no values.

Do: keep what was read for as long as the request lasts, or pass it on; what hardly changes can be kept longer.

All right when: the program waits for what another session writes (it polls), or has to see the newest state each time.",
    check: Check::Repeated(check),
};

fn check(case: &NPlusOne) -> Option<Fix> {
    (case.kind == Kind::Again)
        .then(|| fix(case, "keep what was read for as long as the request lasts"))
}

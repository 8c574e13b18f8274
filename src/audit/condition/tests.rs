//! Conditions of table `o` in, what an index can make of them out.

use super::*;

#[test]
fn and_is_taken_apart() {
    for (text, parts) in [
        ("(kind = 3)", vec!["kind = 3"]),
        (
            "((o.kind = 3) AND (o.total > '5'::numeric))",
            vec!["o.kind = 3", "o.total > '5'::numeric"],
        ),
        (
            "((a = ' AND (') AND ((b = 1) OR ((c = 2) AND (d = 3))))",
            vec!["a = ' AND ('", "(b = 1) OR ((c = 2) AND (d = 3))"],
        ),
        ("active", vec!["active"]),
    ] {
        assert_eq!(conjuncts(text), parts, "{text}");
    }
}

#[test]
fn conditions_are_comparisons_of_a_column() {
    for (text, expected) in [
        ("(kind = 3)", "kind Equality"),
        ("(o.kind = 3)", "kind Equality"),
        ("((o.status)::text = 'open'::text)", "status Equality"),
        ("(o.kind = ANY ('{1,2}'::integer[]))", "kind Equality"),
        (
            "(o.created >= '2026-01-01 00:00:00'::timestamp without time zone)",
            "created Range",
        ),
        (
            "(o.created >= (now() - '7 days'::interval))",
            "created Range",
        ),
        ("(o.closed IS NULL)", "closed Equality"),
        ("(o.closed IS NOT NULL)", "closed Exception"),
        ("(o.status <> 'done'::text)", "status Exception"),
        ("(NOT o.done)", "done Equality"),
        ("o.done", "done Equality"),
        ("(o.customer_id = c.id)", "customer_id Equality join"),
        ("(c.id = o.customer_id)", "customer_id Equality join"),
        ("(o.total > (InitPlan 1).col1)", "total Range"),
        ("(o.total > $0)", "total Range"),
        ("(o.\"Odd name\" = 1)", "\"Odd name\" Equality"),
        // None of these is found by a plain column of a btree index.
        ("((o.status = 'a'::text) OR (o.kind = 3))", ""),
        ("(o.status ~~ '%a%'::text)", ""),
        ("(o.status <> $1)", ""),
        ("(o.total = o.paid)", ""),
        ("(total > (paid + 1))", ""),
        ("((o.id)::numeric = 5.0)", ""),
        ("(lower(o.status) = 'a'::text)", ""),
        ("((o.id % 1000) = 7)", ""),
        ("(random() < 0.5)", ""),
        ("(NOT (hashed SubPlan 1))", ""),
        ("(SubPlan 1)", ""),
        ("(c.id = 3)", ""),
    ] {
        let told = comparison(text, "o").map_or_else(String::new, |c| {
            let join = if c.is_join { " join" } else { "" };
            format!("{} {:?}{join}", c.column, c.kind)
        });
        assert_eq!(told, expected, "{text}");
    }
}

#[test]
fn equality_comes_before_one_range() {
    let text =
        "((o.created > 'x'::date) AND (o.kind = 3) AND (o.total < 5) AND (o.status <> 'a'::text))";
    let all = comparisons(text, "o").unwrap();
    assert_eq!(key_columns(&all), ["kind", "created"]);
    assert!(comparisons("((o.kind = 3) AND (o.name ~~ '%a'::text))", "o").is_none());
}

#[test]
fn nonsense_is_no_condition() {
    for text in [
        "",
        "(",
        ")",
        "((",
        "'",
        "\"",
        "(a = ",
        "= 3",
        "é = 'é",
        "(o.\"a = 3)",
    ] {
        let _ = (conjuncts(text), comparison(text, "o"), names(text));
    }
}

//! `row-misestimate`: where the planner's idea of the rows begins to be wrong.

use crate::audit::estimate::{Off, first_off, rows};
use crate::audit::finding::{Fix, Severity};
use crate::audit::rules::{Check, Hit, Rule};
use crate::audit::view::View;
use crate::model::catalog::Table;
use crate::model::change::Change;
use crate::model::explained::Node;
use crate::model::unit::{Count, Percent};
use crate::query::comparison::{Comparison, Form, columns, comparisons};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "row-misestimate",
    title: "The planner expected far more or fewer rows than came",
    page: "\
The planner chooses joins, their order and memory by how many rows it expects. A wrong figure low in the plan is carried upwards, where
it makes wrong choices: a nested loop for many rows, a sort that does not fit.

Told by: expected and real rows of a node (both per loop) differ ten times or more, and by 1,000 rows in all. Only the lowest such
nodes are reported; those that may have been stopped early, or whose figures are not their own, are left out.

Do: ANALYZE, where the statistics are old; extended statistics (CREATE STATISTICS), where columns depend on one another; statistics on the
expression, where an expression is compared; more statistics for a column whose values are unevenly spread.

All right when: the plan above is the right one all the same.",
    check: Check::Plan(check),
};

/// A factor that is seldom harmless.
const VERY_FAR: f64 = 100.0;
/// Changes since ANALYZE that make statistics old, as autovacuum reckons with its defaults.
const CHANGED: f64 = 0.1;
const CHANGED_ROWS: f64 = 50.0;

fn check(view: &View<'_>) -> Vec<Hit> {
    let found = first_off(view).into_iter().filter(|(at, _)| {
        let node = &view.explained.nodes[*at];
        // Of what is neither a table, a join nor a grouping (a function, a CTE) there are no statistics that could be better.
        let known = node.relation().is_some() || is_join(node) || is_grouping(node);
        known && !is_computed(view, node) && worth(view, *at)
    });
    found.map(|(at, off)| hit(view, at, off)).collect()
}

/// Whether it compares with what another part of the statement computes: the planner takes a fixed share then, and no statistics of the
/// table would tell it better.
fn is_computed(view: &View<'_>, node: &Node) -> bool {
    let returns = has_returned_values(view);
    conditions(node).iter().any(|condition| {
        let value = &condition.value;
        value.contains("InitPlan ") || value.contains("SubPlan ") || returns && value.contains('$')
    })
}

/// Whether `$0` is the value of an `InitPlan`, as up to 16, and no parameter.
fn has_returned_values(view: &View<'_>) -> bool {
    let mut names = view
        .explained
        .nodes
        .iter()
        .filter_map(|node| node.text("Subplan Name"));
    names.any(|name| name.contains("returns $"))
}

/// Whether the node, or the join that was planned with the figure, costs something. What the topmost join gives decides no other join.
fn worth(view: &View<'_>, at: usize) -> bool {
    let joins = |n: &usize| is_join(&view.explained.nodes[*n]);
    match view.explained.ancestors(at).find(joins) {
        Some(planned_with) => view.subtree_matters(planned_with),
        None => !is_join(&view.explained.nodes[at]) && view.subtree_matters(at),
    }
}

fn is_join(node: &Node) -> bool {
    matches!(node.node_type(), "Nested Loop" | "Hash Join" | "Merge Join")
}

fn is_grouping(node: &Node) -> bool {
    matches!(node.node_type(), "Aggregate" | "Group" | "Unique")
}

fn hit(view: &View<'_>, at: usize, off: Off) -> Hit {
    let node = &view.explained.nodes[at];
    let (word, loops) = (if off.is_under() { "more" } else { "fewer" }, node.loops());
    let each = if loops > 1.0 {
        format!(" in each of {} loops", Count(loops))
    } else {
        String::new()
    };
    let mut evidence = vec![format!(
        "{} expected, {} came{each}: {} times {word}",
        rows(off.planned),
        Count(off.actual),
        Count(off.factor)
    )];
    let (why, fix) = cause(view, at, off);
    evidence.extend(why);
    Hit {
        node: at,
        // What a better figure would save cannot be said.
        share: 0.0,
        least: if off.factor >= VERY_FAR {
            Severity::Low
        } else {
            Severity::Info
        },
        evidence,
        fix,
    }
}

/// Why, as far as that can be told, and what to do.
fn cause(view: &View<'_>, at: usize, off: Off) -> (Option<String>, Fix) {
    let node = &view.explained.nodes[at];
    let conditions = conditions(node);
    let joined = conditions.iter().any(|c| !columns(&c.value).is_empty());
    if is_join(node) || joined {
        return (
            None,
            "the values of the join columns match more or less often than their statistics say: ANALYZE both tables; where the join is on \
             several columns that depend on one another, or follows a filter that decides them, no statistics of one table tell that, \
             and a simpler statement (a temporary table in between, with ANALYZE) does"
                .into(),
        );
    }
    if is_grouping(node) {
        return of_groups(node);
    }
    // Up to 16 the value of an `InitPlan` is printed as a parameter too.
    if conditions.iter().any(|c| is_generic(&c.value)) {
        let why = "the plan is a generic one: it was made for any value of its parameters";
        let advice = "SET plan_cache_mode = force_custom_plan for this statement, if its values differ much in how many rows they find";
        return (Some(why.into()), advice.into());
    }
    let Some(table) = view.table(at) else {
        return (None, of_conditions(node, &conditions, off, None));
    };
    if let Some(why) = stale(table) {
        let fix = Fix {
            changes: vec![Change::Analyze { table: table.qualified() }],
            ..format!(
                "ANALYZE {}; where that happens often, let autovacuum come earlier: autovacuum_analyze_scale_factor of the table",
                table.qualified()
            )
            .into()
        };
        return (Some(why), fix);
    }
    (
        None,
        of_conditions(node, &conditions, off, Some((view, table))),
    )
}

/// What the scan's conditions compare.
fn conditions(node: &Node) -> Vec<Comparison> {
    let alias = node.text("Alias").or(node.relation()).unwrap_or("");
    let texts = ["Index Cond", "Filter", "Recheck Cond"];
    let texts = texts.iter().filter_map(|name| node.text(name));
    texts.flat_map(|text| comparisons(text, alias)).collect()
}

/// Whether a value is a parameter that was not known when it was planned: `$1`.
fn is_generic(value: &str) -> bool {
    let number = value.trim_matches(['(', ')']).strip_prefix('$');
    number.is_some_and(|n| n.starts_with(|c: char| matches!(c, '1'..='9')))
}

/// Whether the statistics of a table are older than what is in it.
fn stale(table: &Table) -> Option<String> {
    let stats = table.stats.as_ref()?;
    #[expect(clippy::cast_precision_loss, reason = "counts of rows")]
    let (changed, live) = (stats.n_mod_since_analyze as f64, stats.n_live_tup as f64);
    if changed > CHANGED * live + CHANGED_ROWS {
        return Some(if stats.last_analyze.is_none() {
            format!(
                "{} was never analyzed, as far as the server remembers, and {} rows changed",
                table.qualified(),
                Count(changed)
            )
        } else {
            format!(
                "{} rows of {} changed since its last ANALYZE, {} of it",
                Count(changed),
                table.qualified(),
                Percent((changed / live.max(1.0)).min(1.0))
            )
        });
    }
    let unseen = stats.last_analyze.is_none()
        && table.columns.iter().all(|c| c.stats.is_none())
        && live > 0.0;
    unseen.then(|| format!("{} has no statistics", table.qualified()))
}

fn of_groups(node: &Node) -> (Option<String>, Fix) {
    let mut keys = Vec::new();
    for key in node.list("Group Key") {
        for (_, name) in columns(key) {
            if !keys.contains(&name) {
                keys.push(name);
            }
        }
    }
    let advice = match keys.as_slice() {
        [] => "the rows after grouping are a guess".to_owned(),
        [one] => format!(
            "the number of distinct values of {one} is wrongly known: ANALYZE with a higher statistics target (ALTER TABLE … ALTER COLUMN {one} SET \
             STATISTICS 1000), or set it (SET (n_distinct = …))"
        ),
        several => format!(
            "combinations of {} are counted as if the columns were independent: CREATE STATISTICS (ndistinct) on them, if they are of one table",
            several.join(", ")
        ),
    };
    (None, advice.into())
}

/// What to do about a scan whose table was analyzed, or is not known.
fn of_conditions(
    node: &Node,
    conditions: &[Comparison],
    off: Off,
    known: Option<(&View<'_>, &Table)>,
) -> Fix {
    let table = node.relation().unwrap_or("the table");
    let plain = |c: &&Comparison| c.form == Form::Column;
    let mut names: Vec<&str> = Vec::new();
    for comparison in conditions.iter().filter(plain) {
        if let Some(name) = comparison.columns.first()
            && !names.contains(&name.as_str())
        {
            names.push(name);
        }
    }
    if let Some(expression) = conditions
        .iter()
        .find(|c| !matches!(c.form, Form::Column | Form::Cast(_)))
    {
        return format!(
            "nothing is known of {}: CREATE STATISTICS {table}_expr_stat ON ({}) FROM {table} (14 and later) or an index on it, then ANALYZE; better still a condition on the \
             bare column",
            expression.expression, expression.expression
        )
        .into();
    }
    match names.as_slice() {
        [] => format!("ANALYZE {table}").into(),
        [one] => format!(
            "ANALYZE {table}; where that changes nothing, more statistics of {one}: ALTER TABLE {table} ALTER COLUMN {one} SET STATISTICS 1000, then ANALYZE"
        )
        .into(),
        several if has_statistics(known, several) => format!(
            "there are extended statistics on {}: ANALYZE {table}, with a higher target (ALTER STATISTICS … SET STATISTICS 1000) if that changes nothing",
            several.join(", ")
        )
        .into(),
        several => {
            let advice = format!(
                "{} are counted as if they were independent{}: CREATE STATISTICS on them, then ANALYZE {table}",
                several.join(", "),
                if off.is_under() { ", and rows with these values go together" } else { "" }
            );
            let changes = known.map(|(_, table)| vec![statistics(table, several)]);
            Fix { changes: changes.unwrap_or_default(), ..advice.into() }
        }
    }
}

/// Whether extended statistics hold two of the columns.
fn has_statistics(known: Option<(&View<'_>, &Table)>, columns: &[&str]) -> bool {
    let all = known.and_then(|(view, table)| Some((view.snapshot?, table)));
    all.is_some_and(|(snapshot, table)| {
        let mut of_table = snapshot
            .extended_stats
            .iter()
            .filter(|s| s.table_oid == table.oid);
        of_table.any(|s| {
            s.columns
                .iter()
                .filter(|c| columns.contains(&c.as_str()))
                .count()
                > 1
        })
    })
}

fn statistics(table: &Table, columns: &[&str]) -> Change {
    let mut name = table.qualified();
    name.name = format!("{}_{}_stat", table.name, columns.join("_"));
    Change::CreateStatistics {
        name,
        kinds: Vec::new(),
        columns: columns.iter().map(|&c| c.to_owned()).collect(),
        table: table.qualified(),
    }
}

#[cfg(test)]
mod tests {
    use crate::audit::testing::found;

    fn told(filter: &str, figures: &str) -> String {
        let plan = format!(
            "Seq Scan on people  (cost=0..900 rows=50 width=40) (actual time=0.1..40.0 rows=50000 loops=1)
  Filter: {filter}
  Rows Removed by Filter: 50000
Execution Time: 41.0 ms"
        );
        let ddl = format!(
            "create table people ( -- rows=100000 pages=2000 {figures}\nid int primary key, city text, zip text, n int);\n"
        );
        found("row-misestimate", &plan, &ddl)
    }

    #[test]
    fn the_cause_is_told() {
        let fresh = "n_live_tup=100000 n_mod_since_analyze=10";
        for (filter, figures, expected) in [
            (
                "(n = 7)",
                "n_live_tup=100000 n_mod_since_analyze=50000",
                "ANALYZE public.people",
            ),
            (
                "((city = 'x'::text) AND (zip = 'y'::text))",
                fresh,
                "CREATE STATISTICS public.people_city_zip_stat",
            ),
            ("(n = 7)", fresh, "ALTER COLUMN n SET STATISTICS 1000"),
            (
                "((n % 2) = 0)",
                fresh,
                "CREATE STATISTICS people_expr_stat ON (n % 2) FROM people",
            ),
            ("(n = $1)", fresh, "force_custom_plan"),
        ] {
            let told = told(filter, figures);
            assert!(
                told.contains("50 rows expected, 50,000 came: 1,000 times more"),
                "{told}"
            );
            assert!(told.contains(expected), "{filter} {figures}: {told}");
        }
    }
}

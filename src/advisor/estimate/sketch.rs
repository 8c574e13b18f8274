//! From the chosen path to a Plan in EXPLAIN's words, and to the indexes that it uses.

use crate::advisor::estimate::index::Source;
use crate::advisor::estimate::path::{Arena, Path, Step};
use crate::advisor::estimate::question::Question;
use crate::model::plan::Plan;

/// The plan below a node.
pub(crate) fn plan(question: &Question<'_>, arena: &Arena<'_>, node: usize) -> Plan {
    let Some(here) = arena.nodes.get(node) else {
        return Plan::default();
    };
    let mut plan = Plan {
        startup_cost: here.startup,
        total_cost: here.total,
        plan_rows: here.rows,
        ..Plan::default()
    };
    match here.step {
        Step::Scan {
            name,
            relation,
            index,
        } => {
            plan.node_type = name.trim_end_matches(" Backward").into();
            plan.index_name = index.map(name_of);
            plan.hypothetical = index.and_then(position_of);
            if let Some(base) = question
                .bases
                .get(relation)
                .filter(|_| name != "Bitmap Index Scan")
            {
                plan.relation_name = Some(
                    base.table
                        .map_or_else(|| base.alias.to_owned(), |t| t.name.clone()),
                );
                plan.alias = Some(base.alias.to_owned());
            }
        }
        Step::Other(name) => plan.node_type = name.into(),
        Step::Join(name, kind) => {
            plan.node_type = name.into();
            plan.join_type = Some(kind.to_owned());
        }
    }
    plan.plans = here
        .children
        .iter()
        .flatten()
        .map(|&child| self::plan(question, arena, child))
        .collect();
    plan
}

/// An index that does not exist is named by its definition.
fn name_of(source: Source<'_>) -> String {
    match source {
        Source::Existing(index) => index.name.clone(),
        Source::Hypothetical(_, index) => {
            format!("<{} {}>", index.definition.table.name, index.definition)
        }
    }
}

fn position_of(source: Source<'_>) -> Option<usize> {
    match source {
        Source::Existing(_) => None,
        Source::Hypothetical(position, _) => Some(position),
    }
}

/// Adds the positions of the hypothetical indexes below a path's node.
pub(crate) fn collect_used(arena: &Arena<'_>, node: usize, used: &mut Vec<usize>) {
    let Some(here) = arena.nodes.get(node) else {
        return;
    };
    if let Step::Scan {
        index: Some(Source::Hypothetical(position, _)),
        ..
    } = here.step
    {
        used.push(position);
    }
    for child in here.children.iter().flatten() {
        collect_used(arena, *child, used);
    }
}

/// A node over several plans: the arms of a UNION, or a query with its subqueries.
pub(crate) fn over(
    node_type: &str,
    total: f64,
    paths: &[Path],
    question: &Question<'_>,
    arena: &Arena<'_>,
) -> Plan {
    Plan {
        node_type: node_type.to_owned(),
        total_cost: total,
        plan_rows: paths.iter().map(|p| p.rows).sum(),
        plans: paths
            .iter()
            .map(|p| plan(question, arena, p.node))
            .collect(),
        ..Plan::default()
    }
}

//! Plan → Shape, for a statement that the server can plan and the parser cannot read.
//!
//! EXPLAIN prints conditions and keys in a dialect of its own that is far smaller than SQL: constants with casts, operators in
//! infix, IN as `= ANY`, every column with its table. So a SELECT that would give much the same plan is written from them
//! (`select`), and that is analysed like any other text. What of it cannot be read is left out. The outcome says what a plan
//! filters, joins and sorts by, not what the statement says: it is good for candidates, which the planner then judges by the
//! statement's own text, and not for counting rows.

pub(crate) mod condition;
mod select;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::model::catalog::Table;
use crate::model::ident::QualifiedName;
use crate::model::plan::Plan;
use crate::model::snapshot::Snapshot;
use crate::query::analyse::analyse;
use crate::query::catalog::Catalog;
use crate::query::from_plan::select::rewrite;
use crate::query::lexer::{Kind, Token};
use crate::query::parse::Prepared;
use crate::query::shape::Shape;
use crate::query::workload::{QueryKind, Reason};

/// Parts that are tried one by one when a text is not understood as a whole.
const MOST_PARTS: usize = 500;

/// The Shape that shows in a verbose plan of a statement.
pub(crate) fn shape_of(
    plan: &Plan,
    prepared: &Prepared<'_>,
    catalog: &Catalog<'_>,
) -> Result<(QueryKind, Shape), Reason> {
    let code: Vec<&Token<'_>> = prepared.code().collect();
    let named = code.iter().filter(|t| t.is_name()).map(|t| t.name());
    let named: BTreeSet<String> = named.collect();
    let read = |keep: &dyn Fn(usize) -> bool| {
        let (text, parts) = rewrite(plan, catalog.snapshot, &named, keep);
        (analyse(&text, catalog, &[]), parts)
    };
    let (mut analysed, parts) = read(&|_| true);
    if matches!(analysed, Err(Reason::Unparsed(_))) {
        let readable: BTreeSet<usize> = (0..parts.min(MOST_PARTS))
            .filter(|&part| read(&|p| p == part).0.is_ok())
            .collect();
        analysed = read(&|part| readable.contains(&part)).0;
    }
    let write = write(plan);
    let kind = write.map_or(QueryKind::Select, |(kind, _)| kind);
    let mut shape = match analysed {
        Ok(analysed) => analysed.shape,
        Err(Reason::NoTables) if kind == QueryKind::Insert => return Err(Reason::OnlyWrites),
        Err(reason) => return Err(reason),
    };
    for block in &mut shape.blocks {
        block.inexact = true;
    }
    // A plan tells the columns that it passes on, which may be more than are asked for.
    for relation in &mut shape.relations {
        relation.columns = None;
    }
    if let Some(table) = write.and_then(|(_, node)| table(node, catalog)) {
        shape.target = Some(table.oid);
        shape.written = written(&code, table);
        if kind == QueryKind::Update && shape.written.is_empty() {
            shape.written = table.columns.iter().map(|c| c.name.clone()).collect();
        }
    }
    Ok((kind, shape))
}

/// A SELECT that would give much the same plan, for a plan whose statement nobody knows; `None` where nothing of it can be read. Tables
/// without schema, as EXPLAIN prints them without VERBOSE, are looked up by their names.
pub(crate) fn statement_of(plan: &Plan, snapshot: &Snapshot) -> Option<String> {
    let catalog = Catalog::new(snapshot);
    let mut plan = plan.clone();
    name_schemas(&mut plan, snapshot);
    let (text, parts) = rewrite(&plan, snapshot, &BTreeSet::new(), &|_| true);
    let is_read = |text: &str| analyse(text, &catalog, &[]).is_ok();
    if is_read(&text) {
        return Some(text);
    }
    let readable: BTreeSet<usize> = (0..parts.min(MOST_PARTS))
        .filter(|&part| is_read(&rewrite(&plan, snapshot, &BTreeSet::new(), &|p| p == part).0))
        .collect();
    let (text, _) = rewrite(&plan, snapshot, &BTreeSet::new(), &|part| {
        readable.contains(&part)
    });
    is_read(&text).then_some(text)
}

/// Puts in the schemas of tables whose names only one table has.
fn name_schemas(plan: &mut Plan, snapshot: &Snapshot) {
    if let (None, Some(name)) = (&plan.schema, &plan.relation_name) {
        let mut named = snapshot.tables.iter().filter(|table| table.name == *name);
        let first = named.next().filter(|_| named.next().is_none());
        plan.schema = first.map(|table| table.schema.clone());
    }
    for below in &mut plan.plans {
        name_schemas(below, snapshot);
    }
}

/// What the statement itself writes; writing CTEs are only read.
fn write(plan: &Plan) -> Option<(QueryKind, &Plan)> {
    let kind = match plan.operation.as_deref()? {
        "Insert" => QueryKind::Insert,
        "Update" => QueryKind::Update,
        "Delete" => QueryKind::Delete,
        "Merge" => QueryKind::Merge,
        _ => return None,
    };
    Some((kind, plan))
}

/// The relation that a node scans or writes to.
fn table<'s>(node: &Plan, catalog: &Catalog<'s>) -> Option<&'s Table> {
    let (schema, name) = (node.schema.as_ref()?, node.relation_name.as_ref()?);
    catalog
        .snapshot
        .table_named(&QualifiedName::new(schema, name))
}

/// The columns of a table that some SET of the statement assigns to: `set a = 1, (b, c) = (2, 3), d[1] = 4`.
fn written(code: &[&Token<'_>], table: &Table) -> BTreeSet<String> {
    let mut written = BTreeSet::new();
    let sets = code.iter().enumerate().filter(|(_, t)| t.is_word("set"));
    for (set, _) in sets {
        let mut depth = 0_usize;
        // Whether an assignment's target is being read, and not its value.
        let mut target = true;
        for (before, token) in code[set..].iter().zip(&code[set + 1..]) {
            match (token.kind, token.text.as_ref()) {
                (Kind::Mark, "(" | "[") => depth += 1,
                (Kind::Mark, ")" | "]") if depth == 0 => break,
                (Kind::Mark, ")" | "]") => depth -= 1,
                (Kind::Mark, ",") if depth == 0 => target = true,
                (Kind::Operator, "=") if depth == 0 => target = false,
                _ if depth == 0 && token.is_any(&["where", "from", "returning", "when"]) => break,
                // In `home.street` and `tags[n]` the column is what comes first.
                _ if target
                    && token.is_name()
                    && (before.is_word("set") || before.is("(") || before.is(",")) =>
                {
                    written.extend(table.column(&token.name()).map(|c| c.name.clone()));
                }
                _ => {}
            }
        }
    }
    written
}

//! Tree + catalog → Shape: resolves every name and says what the statement asks of each table.
//!
//! The planner's own rewrites are followed where they decide which index can serve: views, subqueries and CTEs are seen
//! through when PostgreSQL pulls them up or pushes conditions into them, strict conditions make outer joins inner ones,
//! EXISTS and IN become semi-joins.

pub(crate) mod compare;
pub(crate) mod condition;
pub(crate) mod from;
pub(crate) mod keys;
pub(crate) mod limit;
pub(crate) mod nearest;
pub(crate) mod outer;
pub(crate) mod scope;
pub(crate) mod select;
pub(crate) mod side;
#[cfg(test)]
mod tests;
pub(crate) mod with;
pub(crate) mod write;

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use sqlparser::ast::{Expr, Query as QueryAst, Statement as Ast};

use crate::model::catalog::TableKind;
use crate::query::analyse::scope::Frame;
use crate::query::analyse::select::Place;
use crate::query::analyse::with::Cte;
use crate::query::catalog::{Catalog, TableOf};
use crate::query::parse::Prepared;
use crate::query::shape::{Block, ColumnRef, Join, JoinKind, Relation, Role, Shape};
use crate::query::tree::{Child, walk};
use crate::query::workload::{QueryKind, Reason};

/// What one text turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysed {
    /// Text that the server can EXPLAIN.
    pub text: String,
    /// Highest `$n`.
    pub parameters: usize,
    /// Our fingerprint.
    pub fingerprint: u64,
    /// Kind of statement.
    pub kind: QueryKind,
    /// What it asks of the tables.
    pub shape: Shape,
}

/// Analyses one text under a search path.
///
/// # Errors
/// The reason why the statement has no place in a workload.
pub fn analyse(
    text: &str,
    catalog: &Catalog<'_>,
    search_path: &[String],
) -> Result<Analysed, Reason> {
    let prepared = Prepared::new(text).map_err(|e| e.reason(text))?;
    if !prepared.is_query() {
        return Err(Reason::Utility);
    }
    let fingerprint = prepared.fingerprint();
    analyse_prepared(&prepared, text, fingerprint, catalog, search_path)
}

/// The same for a text that was prepared, and whose fingerprint is known.
pub(crate) fn analyse_prepared(
    prepared: &Prepared<'_>,
    text: &str,
    fingerprint: u64,
    catalog: &Catalog<'_>,
    search_path: &[String],
) -> Result<Analysed, Reason> {
    let parsed = prepared.parse().map_err(|e| e.reason(text))?;
    let (kind, shape) = shape(&parsed.ast, parsed.locks, catalog, search_path)?;
    Ok(Analysed {
        text: parsed.text,
        parameters: parsed.parameters,
        fingerprint,
        kind,
        shape,
    })
}

/// The Shape of a tree.
fn shape(
    ast: &Ast,
    locks: bool,
    catalog: &Catalog<'_>,
    search_path: &[String],
) -> Result<(QueryKind, Shape), Reason> {
    let mut analysis = Analysis {
        catalog,
        path: search_path,
        locks,
        shape: Shape::default(),
        tables: Vec::new(),
        nullable: Vec::new(),
        outer_joins: Vec::new(),
        edges: Vec::new(),
        frames: Vec::new(),
        ctes: Vec::new(),
        deferred: None,
        outer_reads: Vec::new(),
        correlated: HashMap::new(),
        depth: 0,
    };
    let kind = analysis.statement(ast)?;
    if locks {
        for relation in &mut analysis.shape.relations {
            // Subqueries are not locked, but which one FOR UPDATE stood in is not known any more.
            let role = analysis.shape.blocks[relation.block].role;
            if matches!(role, Role::Top | Role::MaterializedCte) {
                relation.columns = None;
            }
        }
    }
    let foreign = (analysis.tables.iter()).all(|t| t.table.kind == TableKind::Foreign);
    let nothing = analysis.tables.is_empty();
    let shape = analysis.finish();
    match (nothing, foreign) {
        (true, _) if kind == QueryKind::Insert => Err(Reason::OnlyWrites),
        (true, _) => Err(Reason::NoTables),
        (false, true) => Err(Reason::ForeignTable),
        (false, false) => Ok((kind, shape)),
    }
}

/// The work in progress. `'a` is the tree, `'s` the Snapshot.
pub(crate) struct Analysis<'a, 's> {
    pub(crate) catalog: &'a Catalog<'s>,
    /// Schemas for unqualified names.
    pub(crate) path: &'a [String],
    /// Whether rows are locked somewhere.
    pub(crate) locks: bool,
    pub(crate) shape: Shape,
    /// Per relation, its table.
    pub(crate) tables: Vec<TableOf<'a, 's>>,
    /// Per relation, the outer joins that may set its columns to NULL.
    pub(crate) nullable: Vec<Vec<usize>>,
    pub(crate) outer_joins: Vec<OuterJoin>,
    pub(crate) edges: Vec<Edge>,
    /// Blocks being read, innermost last.
    pub(crate) frames: Vec<Frame>,
    /// CTEs that can be named.
    pub(crate) ctes: Vec<Cte<'a>>,
    /// Columns that an output column reads; counted only when something reads the output.
    pub(crate) deferred: Option<Vec<ColumnRef>>,
    /// Columns of outer blocks that the subquery being read has read.
    pub(crate) outer_reads: Vec<ColumnRef>,
    /// Those of the subqueries already read.
    pub(crate) correlated: HashMap<*const QueryAst, Vec<ColumnRef>>,
    /// Views and CTEs being seen through.
    pub(crate) depth: usize,
}

/// A LEFT, RIGHT or FULL JOIN.
#[derive(Debug, Clone)]
pub(crate) struct OuterJoin {
    /// Relations on the optional side.
    pub(crate) optional: Range<usize>,
    /// Both sides are optional.
    pub(crate) full: bool,
    /// A strict condition above it makes it an inner join.
    pub(crate) inner: bool,
    /// `WHERE optional.key IS NULL` makes it an anti-join.
    pub(crate) anti: bool,
}

/// A join condition whose kind depends on what becomes of its outer join.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    pub(crate) join: Join,
    pub(crate) outer_join: Option<usize>,
}

impl<'a, 's> Analysis<'a, 's> {
    fn statement(&mut self, ast: &'a Ast) -> Result<QueryKind, Reason> {
        match ast {
            Ast::Query(query) => {
                let (_, kind) = self.query(query, &Place::top())?;
                Ok(kind)
            }
            // The query of an INSERT is the outermost block itself.
            Ast::Insert(insert) if insert.source.is_some() => Ok(self.write(ast, 0, true)?.1),
            Ast::Insert(_) | Ast::Update(_) | Ast::Delete(_) | Ast::Merge(_) => {
                let block = self.block(None, Role::Top);
                Ok(self.write(ast, block, true)?.1)
            }
            _ => Err(Reason::Utility),
        }
    }

    /// Adds a block.
    pub(crate) fn block(&mut self, parent: Option<usize>, role: Role) -> usize {
        self.shape.blocks.push(Block {
            parent,
            role,
            order_complete: true,
            group_complete: true,
            ..Block::default()
        });
        self.shape.blocks.len() - 1
    }

    /// Adds a use of a base table.
    pub(crate) fn relation(&mut self, table: TableOf<'a, 's>, alias: &str, block: usize) -> usize {
        self.tables.push(table);
        self.shape.relations.push(Relation {
            table_oid: table.table.oid,
            alias: alias.to_owned(),
            block,
            predicates: Vec::new(),
            disjunctions: Vec::new(),
            columns: Some(BTreeSet::new()),
        });
        self.nullable.push(Vec::new());
        self.shape.relations.len() - 1
    }

    /// Reads an expression that is no condition: marks its columns, analyses its subqueries.
    pub(crate) fn read(&mut self, expr: &'a Expr, block: usize) -> Result<(), Reason> {
        let mut parts = Vec::new();
        walk(expr, |child| {
            match child {
                Child::Expr(Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => parts.push(child),
                Child::Expr(_) => {}
                _ => parts.push(child),
            }
            true
        });
        for part in parts {
            match part {
                Child::Expr(name) => {
                    if let Some(named) = self.name(name)? {
                        self.touch_named(&named);
                    }
                }
                Child::Scalar(query) => {
                    self.subquery(query, Role::Scalar, JoinKind::Correlated, block)?;
                }
                Child::Test(query) => {
                    self.subquery(query, Role::Semi, JoinKind::Correlated, block)?;
                }
                Child::Row(name) => self.read_row(name)?,
            }
        }
        Ok(())
    }

    /// Puts the joins in their final form.
    fn finish(mut self) -> Shape {
        for mut edge in self.edges {
            if let Some(outer) = edge.outer_join.map(|id| &self.outer_joins[id]) {
                edge.join.kind = match outer {
                    OuterJoin { inner: true, .. } => JoinKind::Inner,
                    OuterJoin { anti: true, .. } => JoinKind::Anti,
                    OuterJoin { full: true, .. } => JoinKind::Full,
                    _ => JoinKind::Left,
                };
            }
            if !self.shape.joins.contains(&edge.join) {
                self.shape.joins.push(edge.join);
            }
        }
        self.shape
    }
}

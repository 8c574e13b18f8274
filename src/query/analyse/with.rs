//! What stands for a query: views and CTEs, seen through or computed apart.

use std::ops::ControlFlow;
use std::rc::Rc;

use sqlparser::ast::{
    Cte as CteAst, CteAsMaterialized, Ident, Query as QueryAst, SetExpr, With, visit_relations,
};

use crate::model::ident::quote_ident;
use crate::query::analyse::Analysis;
use crate::query::analyse::scope::Output;
use crate::query::analyse::select::Place;
use crate::query::catalog::TableOf;
use crate::query::shape::{ColumnRef, JoinKind, Role};
use crate::query::tree::{fold, parts};
use crate::query::workload::Reason;

/// Views and CTEs in one another deeper than this are not seen through; PostgreSQL itself has no limit.
const MAX_DEPTH: usize = 24;

/// A CTE that can be named.
#[derive(Debug, Clone)]
pub(crate) struct Cte<'a> {
    pub(crate) name: String,
    body: Body<'a>,
    columns: Vec<String>,
    /// Blocks that its query can see: those around the WITH.
    frames: usize,
    /// CTEs that its query can name: those before it.
    ctes: usize,
}

#[derive(Debug, Clone)]
enum Body<'a> {
    /// Written into the place that names it, as PostgreSQL does.
    Inlined(&'a QueryAst),
    /// Computed once; its outputs.
    Computed(Rc<Vec<Output>>),
}

impl<'a, 's> Analysis<'a, 's> {
    pub(crate) fn view(
        &mut self,
        view: TableOf<'a, 's>,
        block: usize,
    ) -> Result<Vec<Output>, Reason> {
        let name = &view.table.name;
        let Some(query) = view.view() else {
            if view.table.extension.is_some() {
                return Ok(Vec::new());
            }
            return Err(Reason::Unparsed(format!(
                "definition of view {} not readable",
                quote_ident(name)
            )));
        };
        self.deeper(name)?;
        // A view sees nothing of the statement around it, and its names were resolved when it was made: the collector reads
        // the definition under the path of its own session.
        let frames = std::mem::take(&mut self.frames);
        let ctes = std::mem::take(&mut self.ctes);
        let path = std::mem::replace(&mut self.path, &self.catalog.snapshot.server.search_path);
        let read = self.query(
            query,
            &Place::derived(block, Role::Derived, JoinKind::Correlated),
        );
        self.path = path;
        self.ctes = ctes;
        self.frames = frames;
        self.depth -= 1;
        let mut outputs = read?.0;
        for (output, column) in outputs.iter_mut().zip(&view.table.columns) {
            output.name.clone_from(&column.name);
        }
        Ok(outputs)
    }

    pub(crate) fn deeper(&mut self, name: &str) -> Result<(), Reason> {
        if self.depth >= MAX_DEPTH {
            return Err(Reason::Unparsed(format!(
                "{} nests deeper than {MAX_DEPTH} views",
                quote_ident(name)
            )));
        }
        self.depth += 1;
        Ok(())
    }

    /// The outputs of a CTE at a place that names it.
    pub(crate) fn cte(&mut self, position: usize, block: usize) -> Result<Vec<Output>, Reason> {
        let cte = self.ctes[position].clone();
        let mut outputs = match cte.body {
            Body::Computed(outputs) => outputs.as_ref().clone(),
            Body::Inlined(query) => {
                self.deeper(&cte.name)?;
                let frames = self.frames.split_off(cte.frames.min(self.frames.len()));
                let ctes = self.ctes.split_off(cte.ctes.min(self.ctes.len()));
                let read = self.query(
                    query,
                    &Place::derived(block, Role::Derived, JoinKind::Correlated),
                );
                self.frames.extend(frames);
                self.ctes.extend(ctes);
                self.depth -= 1;
                read?.0
            }
        };
        rename(&mut outputs, &cte.columns);
        Ok(outputs)
    }

    /// Makes the CTEs of a WITH nameable. Those that PostgreSQL computes apart are analysed here and now: MATERIALIZED,
    /// recursive, writing, or named more than once.
    pub(crate) fn with(
        &mut self,
        with: &'a With,
        query: &'a QueryAst,
        block: usize,
    ) -> Result<(), Reason> {
        for cte in &with.cte_tables {
            let name = fold(&cte.alias.name);
            let columns: Vec<String> = cte.alias.columns.iter().map(|c| fold(&c.name)).collect();
            let uses = uses(query, &cte.alias.name);
            let writes = matches!(
                cte.query.body.as_ref(),
                SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_)
            );
            let recursive = with.recursive && self::uses(&cte.query, &cte.alias.name) > 0;
            let inlined = match cte.materialized {
                Some(CteAsMaterialized::Materialized) => false,
                Some(CteAsMaterialized::NotMaterialized) => true,
                None => uses == 1,
            };
            let body = if inlined && !writes && !recursive && !self.locks {
                Body::Inlined(&cte.query)
            } else if uses == 0 && !writes {
                // Never executed.
                Body::Computed(Rc::new(Vec::new()))
            } else {
                Body::Computed(Rc::new(self.computed(
                    cte,
                    recursive.then_some(&columns),
                    block,
                )?))
            };
            self.ctes.push(Cte {
                name,
                body,
                columns,
                frames: self.frames.len(),
                ctes: self.ctes.len(),
            });
        }
        Ok(())
    }

    pub(crate) fn computed(
        &mut self,
        cte: &'a CteAst,
        recursive: Option<&[String]>,
        block: usize,
    ) -> Result<Vec<Output>, Reason> {
        let mut place = Place::derived(block, Role::MaterializedCte, JoinKind::Correlated);
        place.recursive = recursive.map(|columns| (fold(&cte.alias.name), columns.to_vec()));
        let mut outputs = self.query(&cte.query, &place)?.0;
        seal(&mut outputs);
        // What nobody outside reads is still computed and stored.
        let reads: Vec<ColumnRef> = outputs.iter().flat_map(|o| o.reads.clone()).collect();
        for column in &reads {
            self.touch(column);
        }
        Ok(outputs)
    }

    /// Makes the first arm of a recursive CTE nameable in the second.
    pub(crate) fn recursion(&mut self, name: &str, columns: &[String], mut outputs: Vec<Output>) {
        seal(&mut outputs);
        rename(&mut outputs, columns);
        self.ctes.push(Cte {
            name: name.to_owned(),
            body: Body::Computed(Rc::new(outputs)),
            columns: Vec::new(),
            frames: self.frames.len(),
            ctes: self.ctes.len(),
        });
    }
}

fn rename(outputs: &mut [Output], columns: &[String]) {
    for (output, column) in outputs.iter_mut().zip(columns) {
        output.name.clone_from(column);
    }
}

/// Nothing reaches through these outputs any more.
fn seal(outputs: &mut [Output]) {
    for target in outputs.iter_mut().filter_map(|o| o.target.as_mut()) {
        target.pushes = false;
        target.looks_up = false;
    }
}

/// How often a query names a table so.
fn uses(query: &QueryAst, name: &Ident) -> usize {
    let name = fold(name);
    let mut count = 0;
    let _ = visit_relations(query, |relation| {
        count += usize::from(matches!(parts(relation).as_slice(), [one] if *one == name));
        ControlFlow::<()>::Continue(())
    });
    count
}

//! INSERT, UPDATE, DELETE, MERGE: the target, what is written, and what is read on the way.

use sqlparser::ast::{
    Assignment, AssignmentTarget, Delete, FromTable, Insert, Merge, MergeAction, MergeClauseKind,
    MergeUpdateKind, OnConflictAction, OnInsert, OutputClause, SelectItem, Statement as Ast,
    TableObject, TableWithJoins, Update, UpdateTableFromKind,
};

use crate::query::analyse::from::Ctx;
use crate::query::analyse::scope::{Frame, Item, Output, What};
use crate::query::analyse::select::Place;
use crate::query::analyse::{Analysis, OuterJoin};
use crate::query::catalog::Found;
use crate::query::shape::{JoinKind, Role};
use crate::query::tree::{fold, last_part, parts};
use crate::query::workload::{QueryKind, Reason};

impl<'a> Analysis<'a, '_> {
    /// Reads a writing statement into a block. Only the outermost one has a target; a writing CTE is just read.
    pub(crate) fn write(
        &mut self,
        ast: &'a Ast,
        block: usize,
        top: bool,
    ) -> Result<(Vec<Output>, QueryKind), Reason> {
        self.frames.push(Frame {
            items: Vec::new(),
            merged: Vec::new(),
            link: JoinKind::Correlated,
            hidden: false,
        });
        let written = match ast {
            Ast::Insert(insert) => (self.insert(insert, block, top)?, QueryKind::Insert),
            Ast::Update(update) => (self.update(update, block, top)?, QueryKind::Update),
            Ast::Delete(delete) => (self.delete(delete, block, top)?, QueryKind::Delete),
            Ast::Merge(merge) => (self.merge_into(merge, block, top)?, QueryKind::Merge),
            _ => return Err(Reason::Utility),
        };
        self.frames.pop();
        Ok(written)
    }

    fn insert(
        &mut self,
        insert: &'a Insert,
        block: usize,
        top: bool,
    ) -> Result<Vec<Output>, Reason> {
        let TableObject::TableName(name) = &insert.table else {
            return Err(Reason::Unparsed(
                "INSERT into something that is no table".into(),
            ));
        };
        let parts = parts(name);
        let (schema, table) = match parts.as_slice() {
            [table] => (None, table.as_str()),
            [.., schema, table] => (Some(schema.as_str()), table.as_str()),
            [] => return Err(Reason::Unparsed("INSERT without a table".into())),
        };
        let Found::Table(target) = self.catalog.find(schema, table, self.path) else {
            return Err(Reason::UnknownTable(table.to_owned()));
        };
        if top {
            self.shape.target = Some(target.table.oid);
        }
        if let Some(source) = &insert.source {
            let place = if self.shape.blocks.is_empty() {
                Place::top()
            } else {
                Place::inner(block, Role::Top, JoinKind::Correlated, false)
            };
            self.query(source, &place)?;
        }
        // The conflicting row is found by the unique index; reading it and `excluded` needs no other.
        let columns: Vec<String> = target
            .table
            .columns
            .iter()
            .map(|c| c.name.clone())
            .collect();
        let alias = insert.table_alias.as_ref().map(|a| fold(&a.alias));
        self.opaque(alias.as_deref().unwrap_or(table), &columns);
        let outputs = self.returning(insert.returning.as_deref(), block)?;
        if let Some(OnInsert::OnConflict(conflict)) = &insert.on
            && let OnConflictAction::DoUpdate(action) = &conflict.action
        {
            self.opaque("excluded", &columns);
            self.assign(&action.assignments, block, top)?;
            if let Some(condition) = &action.selection {
                self.read(condition, block)?;
            }
        }
        Ok(outputs)
    }

    /// Makes the row that is written nameable.
    fn opaque(&mut self, name: &str, columns: &[String]) {
        if let Some(frame) = self.frames.last_mut() {
            frame.items.push(Item {
                name: name.to_owned(),
                schema: None,
                what: What::Opaque {
                    columns: Some(columns.to_vec()),
                    depends: Vec::new(),
                },
            });
        }
    }

    /// Reads the target of UPDATE or DELETE as the first item of FROM. The whole row is needed, whatever is named.
    fn target(&mut self, from: &'a TableWithJoins, block: usize, top: bool) -> Result<(), Reason> {
        let relation = self.tables.len();
        self.table_with_joins(from, block)?;
        let Some(found) = self.tables.get(relation) else {
            return Err(Reason::NoTables);
        };
        if top {
            self.shape.target = Some(found.table.oid);
        }
        self.shape.relations[relation].columns = None;
        Ok(())
    }

    fn update(
        &mut self,
        update: &'a Update,
        block: usize,
        top: bool,
    ) -> Result<Vec<Output>, Reason> {
        self.target(&update.table, block, top)?;
        if let Some(UpdateTableFromKind::BeforeSet(from) | UpdateTableFromKind::AfterSet(from)) =
            &update.from
        {
            for from in from {
                self.table_with_joins(from, block)?;
            }
        }
        if let Some(selection) = &update.selection {
            self.condition(selection, Ctx::Filter, block)?;
        }
        self.assign(&update.assignments, block, top)?;
        self.returning(update.returning.as_deref(), block)
    }

    fn delete(
        &mut self,
        delete: &'a Delete,
        block: usize,
        top: bool,
    ) -> Result<Vec<Output>, Reason> {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        for (i, from) in from.iter().enumerate() {
            if i == 0 {
                self.target(from, block, top)?;
            } else {
                self.table_with_joins(from, block)?;
            }
        }
        for using in delete.using.iter().flatten() {
            self.table_with_joins(using, block)?;
        }
        if let Some(selection) = &delete.selection {
            self.condition(selection, Ctx::Filter, block)?;
        }
        self.returning(delete.returning.as_deref(), block)
    }

    fn merge_into(
        &mut self,
        merge: &'a Merge,
        block: usize,
        top: bool,
    ) -> Result<Vec<Output>, Reason> {
        let relation = self.tables.len();
        self.factor(&merge.table, block)?;
        let target = self.tables.get(relation).ok_or(Reason::NoTables)?;
        if top {
            self.shape.target = Some(target.table.oid);
        }
        self.shape.relations[relation].columns = None;
        let optional = relation..self.tables.len();
        self.factor(&merge.source, block)?;
        // With WHEN NOT MATCHED the source is joined to a target row that may be missing.
        let inserts = (merge.clauses.iter()).any(|c| c.clause_kind != MergeClauseKind::Matched);
        let ctx = if inserts {
            let id = self.outer_joins.len();
            self.outer_joins.push(OuterJoin {
                optional,
                full: false,
                inner: false,
                anti: false,
            });
            self.nullable[relation].push(id);
            Ctx::On(id)
        } else {
            Ctx::Filter
        };
        self.condition(&merge.on, ctx, block)?;
        for clause in &merge.clauses {
            if let Some(predicate) = &clause.predicate {
                self.read(predicate, block)?;
            }
            match &clause.action {
                MergeAction::Update(update) => {
                    if let MergeUpdateKind::Set(assignments) = &update.kind {
                        self.assign(assignments, block, top)?;
                    }
                }
                MergeAction::Insert(insert) => {
                    if let sqlparser::ast::MergeInsertKind::Values(values) = &insert.kind {
                        for value in values.rows.iter().flat_map(|row| &row.content) {
                            self.read(value, block)?;
                        }
                    }
                }
                MergeAction::Delete { .. } | MergeAction::DoNothing { .. } => {}
            }
        }
        match &merge.output {
            Some(OutputClause::Returning { select_items, .. }) => {
                self.returning(Some(select_items), block)
            }
            _ => Ok(Vec::new()),
        }
    }

    fn assign(
        &mut self,
        assignments: &'a [Assignment],
        block: usize,
        top: bool,
    ) -> Result<(), Reason> {
        for assignment in assignments {
            if top {
                match &assignment.target {
                    AssignmentTarget::ColumnName(name) => {
                        self.shape.written.insert(last_part(name));
                    }
                    AssignmentTarget::Tuple(names) => {
                        self.shape.written.extend(names.iter().map(last_part));
                    }
                }
            }
            self.read(&assignment.value, block)?;
        }
        Ok(())
    }

    fn returning(
        &mut self,
        items: Option<&'a [SelectItem]>,
        block: usize,
    ) -> Result<Vec<Output>, Reason> {
        self.outputs(items.unwrap_or_default(), block, &Place::top())
    }
}

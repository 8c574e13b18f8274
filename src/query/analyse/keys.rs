//! Keys of a block: GROUP BY, HAVING, ORDER BY, DISTINCT, and `min`/`max`, which the end of an index answers.

use sqlparser::ast::{
    Distinct, Expr, GroupByExpr, OrderBy, OrderByExpr, OrderByKind, OrderBySort, Select,
    SelectItem, Value,
};

use crate::query::analyse::Analysis;
use crate::query::analyse::from::Ctx;
use crate::query::analyse::scope::{Named, Output, Target};
use crate::query::analyse::select::output_name;
use crate::query::literal::literal;
use crate::query::shape::{ColumnRef, OrderKey};
use crate::query::tree::{Calls, arguments, fold, last_part};
use crate::query::workload::Reason;

/// What a sort or group key is.
enum Key<'a> {
    Column(Target),
    Constant,
    Other(#[expect(dead_code, reason = "says which, in Debug")] &'a Expr),
}

impl<'a> Analysis<'a, '_> {
    /// GROUP BY; whether there is one.
    pub(crate) fn group(
        &mut self,
        select: &'a Select,
        outputs: &[Output],
        block: usize,
    ) -> Result<bool, Reason> {
        let (keys, modified) = match &select.group_by {
            GroupByExpr::Expressions(keys, modifiers) => (keys.as_slice(), !modifiers.is_empty()),
            GroupByExpr::All(_) => (&[][..], true),
        };
        for key in keys {
            match self.key(key, select, outputs, true)? {
                Key::Column(target) if target.is_direct() => {
                    self.touch(&target.column);
                    let group = &mut self.shape.blocks[block].group;
                    if !group.contains(&target.column) {
                        group.push(target.column);
                    }
                }
                Key::Constant => {}
                Key::Column(_) | Key::Other(_) => {
                    self.read_key(key, block)?;
                    self.shape.blocks[block].group_complete = false;
                }
            }
        }
        self.shape.blocks[block].group_complete &= !modified;
        Ok(modified || !keys.is_empty())
    }

    /// Reads a key unless it names an output, which was read already.
    pub(crate) fn read_key(&mut self, key: &'a Expr, block: usize) -> Result<(), Reason> {
        match key {
            Expr::Identifier(_) => {
                if let Ok(Some(named)) = self.name(key) {
                    self.touch_named(&named);
                }
                Ok(())
            }
            key => self.read(key, block),
        }
    }

    /// Conditions of HAVING without aggregates are moved to WHERE, as PostgreSQL does.
    pub(crate) fn having(&mut self, having: &'a Expr, block: usize) -> Result<(), Reason> {
        let mut calls = Calls::default();
        calls.add(having);
        if calls.aggregates.is_empty() && calls.windows.is_empty() {
            self.condition(having, Ctx::Filter, block)
        } else {
            self.read(having, block)
        }
    }

    pub(crate) fn order(
        &mut self,
        keys: &[&'a OrderByExpr],
        select: &'a Select,
        outputs: &[Output],
        block: usize,
    ) -> Result<(), Reason> {
        let mut complete = true;
        if let Some(first) = keys.first() {
            self.shape.blocks[block].nearest = self.nearest(first, select)?;
        }
        for key in keys {
            let found = self.key(&key.expr, select, outputs, false)?;
            let using = matches!(key.options.sort, Some(OrderBySort::Using(_)));
            match found {
                Key::Column(target) if target.is_direct() && !using => {
                    self.touch(&target.column);
                    let descending = matches!(key.options.sort, Some(OrderBySort::Desc));
                    let key = OrderKey {
                        column: target.column,
                        descending,
                        nulls_first: key.options.nulls_first.unwrap_or(descending),
                    };
                    let order = &mut self.shape.blocks[block].order;
                    if complete && !order.iter().any(|k| k.column == key.column) {
                        order.push(key);
                    }
                }
                Key::Constant => {}
                Key::Column(_) | Key::Other(_) => {
                    self.read_key(&key.expr, block)?;
                    complete = false;
                }
            }
        }
        self.shape.blocks[block].order_complete &= complete;
        Ok(())
    }

    /// What a key of ORDER BY or GROUP BY sorts by: a position, a name of an output (first for ORDER BY, last for GROUP
    /// BY), or a column.
    fn key(
        &self,
        key: &'a Expr,
        select: &'a Select,
        outputs: &[Output],
        grouping: bool,
    ) -> Result<Key<'a>, Reason> {
        if let Expr::Nested(inner) = key {
            return self.key(inner, select, outputs, grouping);
        }
        if let Expr::Value(value) = key {
            let position = match &value.value {
                Value::Number(text, _) => text.parse::<usize>().ok(),
                _ => None,
            };
            return Ok(match position.and_then(|p| p.checked_sub(1)) {
                Some(position) => match outputs.get(position).and_then(|o| o.target.clone()) {
                    Some(target) => Key::Column(target),
                    None => Key::Other(key),
                },
                None => Key::Constant,
            });
        }
        let alias = |name: &str| {
            let aliased = select.projection.iter().any(|item| match item {
                SelectItem::ExprWithAlias { alias, .. } => fold(alias) == name,
                SelectItem::UnnamedExpr(expr) => output_name(expr) == name,
                _ => false,
            });
            aliased
                .then(|| outputs.iter().find(|o| o.name == name))
                .flatten()
        };
        let by_alias = |output: &Output| match output.target.clone() {
            Some(target) => Key::Column(target),
            None => Key::Other(key),
        };
        if let Expr::Identifier(ident) = key {
            let output = alias(&fold(ident));
            if !grouping && let Some(output) = output {
                return Ok(by_alias(output));
            }
            return match (self.name(key), output) {
                (
                    Ok(Some(Named::Column {
                        target,
                        outer: false,
                        ..
                    })),
                    _,
                ) => Ok(Key::Column(target)),
                (Ok(Some(Named::Row(_))) | Err(_), Some(output)) => Ok(by_alias(output)),
                (Ok(_), _) => Ok(Key::Other(key)),
                (Err(reason), None) => Err(reason),
            };
        }
        match self.name(key)? {
            Some(Named::Column {
                target,
                outer: false,
                ..
            }) => Ok(Key::Column(target)),
            _ if literal(key).is_some() => Ok(Key::Constant),
            _ => Ok(Key::Other(key)),
        }
    }

    /// `min(a)`, `max(b)` as the only aggregates of a block over one table.
    pub(crate) fn min_max(&mut self, calls: &Calls<'a>, block: usize) {
        let mut columns = Vec::new();
        for call in &calls.aggregates {
            let name = last_part(&call.name);
            let column = match arguments(call).as_slice() {
                [argument] if matches!(name.as_str(), "min" | "max") && call.filter.is_none() => {
                    self.name(argument)
                }
                _ => return,
            };
            match column {
                Ok(Some(Named::Column {
                    target,
                    outer: false,
                    ..
                })) if target.is_direct() => {
                    if !columns.contains(&target.column) {
                        columns.push(target.column);
                    }
                }
                _ => return,
            }
        }
        self.shape.blocks[block].min_max = columns;
    }

    pub(crate) fn distinct(
        &mut self,
        select: &'a Select,
        outputs: &[Output],
        block: usize,
    ) -> Result<(), Reason> {
        let keys: Option<Vec<ColumnRef>> = match &select.distinct {
            None | Some(Distinct::All) => return Ok(()),
            Some(Distinct::Distinct) => {
                let direct = |o: &Output| {
                    o.target
                        .as_ref()
                        .filter(|t| t.is_direct())
                        .map(|t| t.column.clone())
                };
                let wild = select.projection.iter().any(|i| {
                    matches!(
                        i,
                        SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)
                    )
                });
                (!wild)
                    .then(|| outputs.iter().map(direct).collect())
                    .flatten()
            }
            Some(Distinct::On(exprs)) => {
                let mut keys = Some(Vec::new());
                for expr in exprs {
                    match self.key(expr, select, outputs, false)? {
                        Key::Column(target) if target.is_direct() => {
                            self.touch(&target.column);
                            if let Some(keys) = &mut keys {
                                keys.push(target.column);
                            }
                        }
                        _ => {
                            self.read_key(expr, block)?;
                            keys = None;
                        }
                    }
                }
                keys
            }
        };
        self.shape.blocks[block].distinct = keys.unwrap_or_default();
        Ok(())
    }
}

pub(crate) fn order_keys(order: Option<&OrderBy>) -> Vec<&OrderByExpr> {
    match order.map(|o| &o.kind) {
        Some(OrderByKind::Expressions(keys)) => keys.iter().collect(),
        _ => Vec::new(),
    }
}

//! Which column a name means: the items of FROM, block by block, and the lineage of derived columns.

use std::rc::Rc;

use sqlparser::ast::Expr;

use crate::query::analyse::Analysis;
use crate::query::shape::{ColumnRef, JoinKind};
use crate::query::tree::fold;
use crate::query::workload::Reason;

/// What a statement can name in one block.
#[derive(Debug)]
pub(crate) struct Frame {
    /// Items of FROM so far.
    pub(crate) items: Vec<Item>,
    /// Columns that USING or NATURAL merged: both sides have them, and naming them is not ambiguous.
    pub(crate) merged: Vec<String>,
    /// How comparisons in it with columns of outer blocks count.
    pub(crate) link: JoinKind,
    /// Its items cannot be seen from the subquery being read (a subquery in FROM without LATERAL).
    pub(crate) hidden: bool,
}

/// One item of FROM.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// Alias, or the name of the table.
    pub(crate) name: String,
    /// Schema, for tables without alias: they may be named with it.
    pub(crate) schema: Option<String>,
    /// What it is.
    pub(crate) what: What,
}

/// What an item of FROM is.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// A base table: position in `Shape::relations`.
    Base(usize),
    /// A subquery, view or CTE.
    Derived(Rc<Vec<Output>>),
    /// A function, a list of values, a system table: not ours to index.
    Opaque {
        /// Its columns, if known.
        columns: Option<Vec<String>>,
        /// Columns that its rows depend on (arguments of a function in FROM).
        depends: Vec<ColumnRef>,
    },
}

/// An output column of a subquery.
#[derive(Debug, Clone, Default)]
pub(crate) struct Output {
    /// Its name.
    pub(crate) name: String,
    /// What it is, if it is a plain column.
    pub(crate) target: Option<Target>,
    /// Every base column that computing it reads.
    pub(crate) reads: Vec<ColumnRef>,
}

/// A plain column, seen through any number of subqueries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The base column.
    pub(crate) column: ColumnRef,
    /// The same column of the other arms of a UNION.
    pub(crate) also: Vec<ColumnRef>,
    /// Whether a condition on it filters the base table (not through LIMIT, aggregation, a materialized CTE).
    pub(crate) pushes: bool,
    /// Whether the base table can be looked up by it once per row of another table.
    pub(crate) looks_up: bool,
}

impl Target {
    /// A column of a table in the same block.
    pub(crate) fn plain(column: ColumnRef) -> Self {
        Self {
            column,
            also: Vec::new(),
            pushes: true,
            looks_up: true,
        }
    }

    /// All base columns.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &ColumnRef> {
        std::iter::once(&self.column).chain(&self.also)
    }

    /// Whether it is one column of a table that no subquery hides, so that an index can give its order.
    pub(crate) fn is_direct(&self) -> bool {
        self.looks_up && self.also.is_empty()
    }
}

/// What a name turned out to be.
#[derive(Debug, Clone)]
pub(crate) enum Named {
    /// A plain column; `outer` if of an outer block.
    Column {
        /// The column.
        target: Target,
        /// Everything that reading it reads.
        reads: Vec<ColumnRef>,
        /// Whether an outer block has it.
        outer: bool,
    },
    /// A computed column of a subquery, or one that several items have.
    Computed {
        /// What it is computed from.
        reads: Vec<ColumnRef>,
        /// Whether an outer block has it.
        outer: bool,
    },
    /// A whole row of the item.
    Row(What),
    /// A system column (`ctid`) of that relation.
    System(usize),
}

const SYSTEM_COLUMNS: &[&str] = &["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"];

impl Analysis<'_, '_> {
    /// What an identifier or a dotted name means. `None` if the expression is no name.
    pub(crate) fn name(&self, expr: &Expr) -> Result<Option<Named>, Reason> {
        match expr {
            Expr::Identifier(ident) => self.unqualified(&fold(ident), ident.quote_style.is_some()),
            Expr::CompoundIdentifier(idents) => {
                let parts: Vec<String> = idents.iter().map(fold).collect();
                match parts.as_slice() {
                    [item, column] => self.qualified(None, item, column),
                    [.., schema, item, column] => self.qualified(Some(schema), item, column),
                    _ => Ok(None),
                }
            }
            _ => Ok(None),
        }
        .map(|named| {
            named.filter(|_| matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)))
        })
    }

    fn visible(&self) -> impl Iterator<Item = (bool, &Frame)> {
        let top = self.frames.len();
        (self.frames.iter().enumerate().rev())
            .filter(|(_, frame)| !frame.hidden)
            .map(move |(i, frame)| (i + 1 < top, frame))
    }

    fn unqualified(&self, name: &str, quoted: bool) -> Result<Option<Named>, Reason> {
        let mut opaque = None;
        let mut row = None;
        for (outer, frame) in self.visible() {
            let mut found = frame
                .items
                .iter()
                .filter_map(|item| self.in_item(item, name, outer));
            if let Some(first) = found.next() {
                if frame.merged.iter().any(|m| m == name) {
                    return Ok(Some(first));
                }
                return Ok(Some(found.fold(first, |one, other| one.or(other, outer))));
            }
            for item in &frame.items {
                if opaque.is_none()
                    && let What::Opaque {
                        columns: None,
                        depends,
                    } = &item.what
                {
                    opaque = Some(Named::Computed {
                        reads: depends.clone(),
                        outer,
                    });
                }
                if row.is_none() && item.name == name {
                    row = Some(Named::Row(item.what.clone()));
                }
            }
        }
        match row.or(opaque) {
            Some(named) => Ok(Some(named)),
            // Words that the parser reads as names: DEFAULT, CURRENT_USER, …
            None if !quoted && KEYWORDS.contains(&name) => Ok(None),
            None => Err(Reason::Unparsed(format!("column {name} not found"))),
        }
    }

    fn qualified(
        &self,
        schema: Option<&str>,
        item: &str,
        column: &str,
    ) -> Result<Option<Named>, Reason> {
        for (outer, frame) in self.visible() {
            let found = frame
                .items
                .iter()
                .find(|i| i.name == item && schema.is_none_or(|s| i.schema.as_deref() == Some(s)));
            let Some(found) = found else { continue };
            if let Some(named) = self.in_item(found, column, outer) {
                return Ok(Some(named));
            }
            return match &found.what {
                What::Opaque {
                    columns: None,
                    depends,
                } => Ok(Some(Named::Computed {
                    reads: depends.clone(),
                    outer,
                })),
                _ => Err(Reason::Unparsed(format!(
                    "column {item}.{column} not found"
                ))),
            };
        }
        // `(row).field` written without parentheses is no valid SQL, but `column.field` of a composite may parse so.
        if schema.is_none()
            && let Ok(Some(named @ Named::Column { .. })) = self.unqualified(item, true)
        {
            return Ok(Some(named));
        }
        Err(Reason::Unparsed(format!(
            "table or alias {item} not found in FROM"
        )))
    }

    pub(crate) fn in_item(&self, item: &Item, name: &str, outer: bool) -> Option<Named> {
        match &item.what {
            What::Base(relation) => {
                if self.tables[*relation].column(name).is_some() {
                    let column = ColumnRef {
                        relation: *relation,
                        column: name.to_owned(),
                    };
                    return Some(Named::Column {
                        target: Target::plain(column.clone()),
                        reads: vec![column],
                        outer,
                    });
                }
                SYSTEM_COLUMNS
                    .contains(&name)
                    .then_some(Named::System(*relation))
            }
            What::Derived(outputs) => {
                let output = outputs.iter().find(|o| o.name == name)?;
                let reads = output.reads.clone();
                Some(match &output.target {
                    Some(target) => Named::Column {
                        target: target.clone(),
                        reads,
                        outer,
                    },
                    None => Named::Computed { reads, outer },
                })
            }
            What::Opaque { columns, depends } => (columns.as_ref()?.iter().any(|c| c == name))
                .then(|| Named::Computed {
                    reads: depends.clone(),
                    outer,
                }),
        }
    }

    /// Marks a column as read.
    pub(crate) fn touch(&mut self, column: &ColumnRef) {
        if let Some(deferred) = &mut self.deferred {
            deferred.push(column.clone());
        } else if let Some(columns) = &mut self.shape.relations[column.relation].columns
            && !columns.contains(&column.column)
        {
            columns.insert(column.column.clone());
        }
    }

    /// Marks all that an item has as read.
    pub(crate) fn touch_row(&mut self, what: &What) {
        match what {
            What::Base(relation) if self.deferred.is_some() => {
                let columns = self.columns_of(*relation);
                for column in &columns {
                    self.touch(column);
                }
            }
            What::Base(relation) => self.shape.relations[*relation].columns = None,
            What::Derived(outputs) => {
                for column in outputs.iter().flat_map(|o| &o.reads) {
                    self.touch(column);
                }
            }
            What::Opaque { .. } => {}
        }
    }

    /// All columns of a relation.
    pub(crate) fn columns_of(&self, relation: usize) -> Vec<ColumnRef> {
        (self.tables[relation].table.columns.iter())
            .map(|c| ColumnRef {
                relation,
                column: c.name.clone(),
            })
            .collect()
    }

    /// Marks what a name means as read.
    pub(crate) fn touch_named(&mut self, named: &Named) {
        match named {
            Named::Column { reads, .. } | Named::Computed { reads, .. } => {
                for column in reads {
                    self.touch(column);
                }
            }
            Named::Row(what) => self.touch_row(what),
            // An index-only scan has no system columns.
            Named::System(relation) => self.shape.relations[*relation].columns = None,
        }
        if let Named::Column {
            outer: true, reads, ..
        }
        | Named::Computed { outer: true, reads } = named
        {
            self.outer_reads.extend(reads.iter().cloned());
        }
    }
}

impl Named {
    /// What an ambiguous name reads.
    fn or(self, other: Self, outer: bool) -> Self {
        let reads = |named| match named {
            Self::Column { reads, .. } | Self::Computed { reads, .. } => reads,
            Self::Row(_) | Self::System(_) => Vec::new(),
        };
        let mut all = reads(self);
        all.extend(reads(other));
        Self::Computed { reads: all, outer }
    }
}

/// Words without parentheses that stand for a value and that sqlparser may read as a column.
const KEYWORDS: &[&str] = &[
    "default",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "localtime",
    "localtimestamp",
    "session_user",
    "system_user",
    "user",
];

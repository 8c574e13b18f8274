//! Groups: the conditions of one use of a table, sorted into EQ, R, J, O and S (see `candidates`).

use std::collections::BTreeSet;

use crate::advisor::expressions::expression_key;
use crate::model::catalog::Table;
use crate::model::index::IndexKey;
use crate::query::shape::{Block, Join, JoinKind, Operator, Predicate, Relation, Shape};
use crate::query::workload::Query;

/// The groups of one relation. A statement with ORs gives one more for each arm.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Groups {
    /// Equality columns, most used by the whole load first, then in the order of the statement.
    pub(super) eq: Vec<IndexKey>,
    /// Range columns; text prefixes come with their operator class.
    pub(super) range: Vec<IndexKey>,
    /// Join columns, one list for each other relation.
    pub(super) joins: Vec<Vec<IndexKey>>,
    /// Sort orders that save a sort: ORDER BY, GROUP BY, DISTINCT, min/max.
    pub(super) orders: Vec<Vec<IndexKey>>,
    /// Every column read; `None` = all of the table.
    pub(super) read: Option<BTreeSet<String>>,
}

/// Sorts the conditions of a relation. `rank` is the load that compares a column by equality, `unique` are the column sets
/// of the table's unique indexes, `needed` chooses among the equality columns.
pub(super) fn groups(
    query: &Query,
    relation: usize,
    table: &Table,
    rank: &dyn Fn(&str) -> f64,
    unique: &[BTreeSet<&str>],
    needed: &dyn Fn(Vec<IndexKey>) -> Vec<IndexKey>,
) -> Vec<Groups> {
    let shape = &query.shape;
    let used = &shape.relations[relation];
    let block = &shape.blocks[used.block];
    let implied = implied(shape, relation);
    let eq = equalities(used.predicates.iter().chain(&implied), table, rank);
    let base = Groups {
        eq: needed(eq),
        range: ranges(used.predicates.iter(), table),
        joins: joins(shape, relation, table),
        orders: Vec::new(),
        read: used.columns.clone(),
    };
    let mut orders = orders(block, relation, table, &base.eq, unique);
    if block.limit.is_some() && filtered_elsewhere(shape, relation) {
        // Reading in order until enough rows of the *other* table match reads on and on when they are rare.
        orders.clear();
    }
    let mut all = arms(used, table, rank, &base);
    all.insert(0, Groups { orders, ..base });
    all
}

/// Conditions that follow for columns that are joined to a column which is compared with a constant, as the planner draws the
/// conclusion: `c.id = $1 and o.customer_id = c.id` is `o.customer_id = $1` as well.
fn implied(shape: &Shape, relation: usize) -> Vec<Predicate> {
    let joined = shape.joins.iter().filter(|j| j.equality);
    let pairs = joined.filter_map(|join| {
        let (own, other) = sides(join, relation)?;
        let (left, right) = (&join.left, &join.right);
        let partner = if left.relation == other && right.column == own {
            left
        } else {
            right
        };
        let constant = |p: &&Predicate| {
            p.operator == Operator::Eq && p.expression.is_none() && p.column == partner.column
        };
        let found = shape.relations[other].predicates.iter().find(constant)?;
        Some(Predicate {
            column: own.to_owned(),
            ..found.clone()
        })
    });
    pairs.collect()
}

/// Whether another relation of the same block has conditions of its own.
pub(super) fn filtered_elsewhere(shape: &Shape, relation: usize) -> bool {
    let block = shape.relations[relation].block;
    let others = shape
        .relations
        .iter()
        .enumerate()
        .filter(|(i, r)| *i != relation && r.block == block);
    others
        .flat_map(|(_, r)| &r.predicates)
        .any(|p| p.operator.is_equality() || p.operator.is_range())
}

/// One Groups for each arm of each OR: the arm's columns with the equalities that hold for all arms.
fn arms(used: &Relation, table: &Table, rank: &dyn Fn(&str) -> f64, base: &Groups) -> Vec<Groups> {
    let mut all = Vec::new();
    for or in &used.disjunctions {
        let own: Vec<Groups> = (or.iter())
            .map(|arm| Groups {
                eq: equalities(arm.iter(), table, rank),
                range: ranges(arm.iter(), table),
                ..Groups::default()
            })
            .collect();
        // One arm that no index serves makes the rest of the OR read the whole table as well.
        if own
            .iter()
            .any(|arm| arm.eq.is_empty() && arm.range.is_empty())
        {
            continue;
        }
        for arm in own {
            if !base.eq.is_empty() {
                let eq = base.eq.iter().chain(&arm.eq).cloned().collect();
                all.push(Groups { eq, ..arm.clone() });
            }
            all.push(arm);
        }
    }
    all
}

fn key(column: &str, table: &Table) -> Option<IndexKey> {
    table
        .column(column)
        .filter(|c| c.btree && c.generated != "v")
        .map(|c| IndexKey::column(&c.name))
}

/// The key that a condition asks for.
fn key_of(predicate: &Predicate, table: &Table) -> Option<IndexKey> {
    match &predicate.expression {
        None => key(&predicate.column, table),
        Some(text) => expression_key(text),
    }
}

fn equalities<'a>(
    predicates: impl Iterator<Item = &'a Predicate>,
    table: &Table,
    rank: &dyn Fn(&str) -> f64,
) -> Vec<IndexKey> {
    let mut keys: Vec<IndexKey> = Vec::new();
    for predicate in predicates.filter(|p| p.operator.is_equality()) {
        if let Some(key) = key_of(predicate, table)
            && !keys.contains(&key)
        {
            keys.push(key);
        }
    }
    // A stable sort: equal rank keeps the order of the statement.
    keys.sort_by(|a, b| {
        rank(b.column_name().unwrap_or("")).total_cmp(&rank(a.column_name().unwrap_or("")))
    });
    keys
}

fn ranges<'a>(predicates: impl Iterator<Item = &'a Predicate>, table: &Table) -> Vec<IndexKey> {
    let mut keys: Vec<IndexKey> = Vec::new();
    for predicate in predicates {
        let key = match predicate.operator {
            // Nearly every row is NOT NULL: nothing to search by.
            Operator::IsNotNull => None,
            Operator::LikePrefix => pattern_key(predicate, table),
            ref operator if operator.is_range() => key_of(predicate, table),
            _ => None,
        };
        if let Some(key) = key
            && !keys.contains(&key)
        {
            keys.push(key);
        }
    }
    keys
}

/// A key that serves `LIKE 'abc%'`: the plain column under C collation, else with the pattern operator class. Nondeterministic
/// collations have no LIKE before 18, and no pattern search ever.
fn pattern_key(predicate: &Predicate, table: &Table) -> Option<IndexKey> {
    let plain = key_of(predicate, table)?;
    let column = table.column(&predicate.column)?;
    let opclass = match column.base_type.as_str() {
        _ if column.collation_is_c => None,
        _ if column.collation.is_some() && !column.collation_deterministic => return None,
        // What a call makes of a string is a text.
        "text" | "varchar" | "bpchar" if predicate.expression.is_some() => Some("text_pattern_ops"),
        "text" => Some("text_pattern_ops"),
        "varchar" => Some("varchar_pattern_ops"),
        "bpchar" => Some("bpchar_pattern_ops"),
        _ => return None,
    };
    Some(IndexKey {
        opclass: opclass.map(str::to_owned),
        ..plain
    })
}

/// Join columns of the relation, a list for each relation on the other side that may come first.
fn joins(shape: &Shape, relation: usize, table: &Table) -> Vec<Vec<IndexKey>> {
    let mut others: Vec<(usize, Vec<IndexKey>)> = Vec::new();
    for join in shape.joins.iter().filter(|j| j.equality) {
        let Some((own, other)) = sides(join, relation) else {
            continue;
        };
        let Some(key) = key(own, table) else { continue };
        match others.iter_mut().find(|(o, _)| *o == other) {
            Some((_, keys)) if keys.contains(&key) => {}
            Some((_, keys)) => keys.push(key),
            None => others.push((other, vec![key])),
        }
    }
    others.into_iter().map(|(_, keys)| keys).collect()
}

/// The column of `relation` in a join and the relation on the other side, if that other side can be the outer one.
fn sides(join: &Join, relation: usize) -> Option<(&str, usize)> {
    let inner_right = join.right.relation == relation && join.left.relation != relation;
    let inner_left = join.left.relation == relation && join.right.relation != relation;
    if inner_right {
        return Some((&join.right.column, join.left.relation));
    }
    // The left side of an outer join or of a NOT EXISTS cannot be looked up from the right.
    let swappable = matches!(join.kind, JoinKind::Inner | JoinKind::Semi);
    (inner_left && swappable).then_some((join.left.column.as_str(), join.right.relation))
}

/// Orders that reading this relation by an index could provide, without the columns that equality holds constant.
fn orders(
    block: &Block,
    relation: usize,
    table: &Table,
    eq: &[IndexKey],
    unique: &[BTreeSet<&str>],
) -> Vec<Vec<IndexKey>> {
    let constant = |column: &str| eq.iter().any(|k| k.column_name() == Some(column));
    let mut orders: Vec<Vec<IndexKey>> = Vec::new();
    let mut add = |keys: Vec<IndexKey>| {
        if !keys.is_empty() && !orders.contains(&keys) {
            orders.push(keys);
        }
    };
    let by: Vec<IndexKey> = block
        .order
        .iter()
        .take_while(|k| k.column.relation == relation)
        .map_while(|k| {
            let plain = key(&k.column.column, table)?;
            Some(IndexKey {
                descending: k.descending,
                nulls_first: k.nulls_first,
                ..plain
            })
        })
        .filter(|k| k.column_name().is_some_and(|c| !constant(c)))
        .collect();
    add(forwards(up_to_unique(by, eq, unique)));
    for list in [&block.group, &block.distinct] {
        if list.iter().all(|c| c.relation == relation) {
            add(list
                .iter()
                .filter(|c| !constant(&c.column))
                .map_while(|c| key(&c.column, table))
                .collect());
        }
    }
    for extreme in block.min_max.iter().filter(|c| c.relation == relation) {
        add(key(&extreme.column, table).into_iter().collect());
    }
    orders
}

/// Keys behind a complete unique key change nothing: `ORDER BY id, created_at` is `ORDER BY id`.
fn up_to_unique(
    mut keys: Vec<IndexKey>,
    eq: &[IndexKey],
    unique: &[BTreeSet<&str>],
) -> Vec<IndexKey> {
    let mut seen: BTreeSet<&str> = eq.iter().filter_map(IndexKey::column_name).collect();
    let complete = keys.iter().position(|key| {
        seen.extend(key.column_name());
        unique.iter().any(|set| set.is_subset(&seen))
    });
    if let Some(last) = complete {
        keys.truncate(last + 1);
    }
    keys
}

/// The same order the plain way round where a backward scan gives it: `(a DESC, b DESC)` is read from `(a, b)`.
fn forwards(keys: Vec<IndexKey>) -> Vec<IndexKey> {
    let reversed: Vec<IndexKey> = keys.iter().map(IndexKey::reversed).collect();
    let plain = |keys: &[IndexKey]| {
        keys.iter()
            .filter(|k| !k.descending && !k.nulls_first)
            .count()
    };
    if plain(&reversed) > plain(&keys) {
        reversed
    } else {
        keys
    }
}

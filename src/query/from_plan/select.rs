//! Plan → the text of a SELECT over the same tables with the same conditions, order, groups and limits.

use std::collections::BTreeSet;

use crate::model::catalog::Table;
use crate::model::ident::{QualifiedName, quote_ident};
use crate::model::plan::Plan;
use crate::model::snapshot::Snapshot;
use crate::query::from_plan::condition::{conjuncts, key};

/// The text, and of how many parts (conditions, keys) it could be made. Only those that `keep` wants, by number, are in it.
/// `named` are the names in the statement.
pub(super) fn rewrite(
    plan: &Plan,
    snapshot: &Snapshot,
    named: &BTreeSet<String>,
    keep: &dyn Fn(usize) -> bool,
) -> (String, usize) {
    let mut writer = Writer {
        snapshot,
        named,
        keep,
        parts: 0,
        derived: 0,
        aliases: BTreeSet::new(),
    };
    let select = writer.select(plan);
    (select.text(), writer.parts)
}

/// The work in progress.
struct Writer<'w> {
    snapshot: &'w Snapshot,
    named: &'w BTreeSet<String>,
    keep: &'w dyn Fn(usize) -> bool,
    /// Parts so far.
    parts: usize,
    /// Subqueries in FROM so far.
    derived: usize,
    /// Names of tables so far.
    aliases: BTreeSet<String>,
}

/// A SELECT in the making.
#[derive(Default)]
struct Select {
    /// Items of FROM, joined; empty = none.
    from: String,
    /// Whether `from` is more than one item.
    joined: bool,
    /// WHERE.
    conditions: Vec<String>,
    /// Whether it aggregates.
    grouped: bool,
    /// GROUP BY.
    groups: Vec<String>,
    /// HAVING.
    having: Vec<String>,
    /// Whether it has window functions.
    windows: bool,
    /// ORDER BY.
    order: Vec<String>,
    /// LIMIT, rows.
    limit: Option<f64>,
    /// What can be named in it.
    names: Vec<String>,
}

impl Select {
    fn text(&self) -> String {
        let mut text = match (self.from.is_empty(), self.grouped, self.windows) {
            (true, ..) => "SELECT 1".to_owned(),
            (_, true, true) => "SELECT *, count(*), count(*) OVER ()".to_owned(),
            (_, true, false) => "SELECT *, count(*)".to_owned(),
            (_, false, true) => "SELECT *, count(*) OVER ()".to_owned(),
            (_, false, false) => "SELECT *".to_owned(),
        };
        let mut clause = |word: &str, parts: &[String], between: &str| {
            if !parts.is_empty() {
                text = format!("{text} {word} {}", parts.join(between));
            }
        };
        if !self.from.is_empty() {
            clause("FROM", std::slice::from_ref(&self.from), "");
        }
        clause("WHERE", &self.conditions, " AND ");
        clause("GROUP BY", &self.groups, ", ");
        clause("HAVING", &self.having, " AND ");
        clause("ORDER BY", &self.order, ", ");
        if let Some(rows) = self.limit {
            clause("LIMIT", &[format!("{rows:.0}")], "");
        }
        text
    }

    /// Whether it can be part of another one's FROM as it is.
    fn is_plain(&self) -> bool {
        self.limit.is_none() && !self.grouped && !self.windows
    }

    /// As the right side of a join.
    fn operand(&self) -> String {
        if self.joined {
            format!("({})", self.from)
        } else {
            self.from.clone()
        }
    }

    /// Both side by side.
    fn cross(mut self, other: Self) -> Self {
        if self.from.is_empty() {
            self.from = other.from;
            self.joined = other.joined;
        } else if !other.from.is_empty() {
            self.from = format!("{} CROSS JOIN {}", self.from, other.operand());
            self.joined = true;
        }
        self.conditions.extend(other.conditions);
        self.names.extend(other.names);
        self
    }

    /// Adds rows of which nothing is known but their name: of a function, a CTE, a subquery.
    fn with_unknown(self, name: &str) -> Self {
        self.cross(Self {
            from: format!("unnest(NULL) AS {}", quote_ident(name)),
            names: vec![name.to_owned()],
            ..Self::default()
        })
    }
}

/// Whether a node is the plan of a subquery in an expression, or of a CTE.
fn is_subplan(node: &Plan) -> bool {
    let relationship = node.parent_relationship.as_deref();
    matches!(relationship, Some("InitPlan" | "SubPlan"))
}

/// The nodes whose rows a node reads.
fn inputs(node: &Plan) -> Vec<&Plan> {
    node.plans.iter().filter(|p| !is_subplan(p)).collect()
}

/// What is below the sorts that the planner put in for a node that wants its rows in order.
fn unsorted(mut node: &Plan) -> &Plan {
    while let "Sort" | "Incremental Sort" | "Gather Merge" | "Gather" = node.node_type.as_str()
        && let [below] = inputs(node).as_slice()
        && below.plans.len() <= 2
    {
        node = below;
    }
    node
}

fn is_scan(node: &Plan) -> bool {
    node.relation_name.is_some() && node.operation.is_none()
}

impl<'w> Writer<'w> {
    fn select(&mut self, node: &Plan) -> Select {
        let mut select = match node.node_type.as_str() {
            _ if is_scan(node) => self.scan(node),
            "Limit" => self.limit(node),
            "Sort" | "Incremental Sort" => self.sort(node),
            "Aggregate" | "Group" if node.partial_mode.as_deref() != Some("Partial") => {
                self.aggregate(node)
            }
            "WindowAgg" => self.windows(node),
            "Nested Loop" | "Hash Join" | "Merge Join" => self.join(node),
            "Append" | "Merge Append" | "Recursive Union" | "SetOp" => self.union(node),
            _ => self.pass(node),
        };
        for child in node.plans.iter().filter(|p| is_subplan(p)) {
            let subquery = self.select(child);
            if !subquery.from.is_empty() {
                let condition = format!("({}) IS NOT NULL", subquery.text());
                select.conditions.push(condition);
            }
        }
        select
    }

    /// One use of a table; of a partition as one of the partitioned table, unless the statement names the partition.
    fn scan(&mut self, node: &Plan) -> Select {
        let name = node.relation_name.as_deref().unwrap_or_default();
        let own = node.alias.as_deref().unwrap_or(name);
        let root = self.root(node);
        let (schema, table) = match root {
            Some(root) => (Some(root.schema.as_str()), root.name.as_str()),
            None => (node.schema.as_deref(), name),
        };
        let alias = root.map_or(own, |_| family(own));
        let alias = if self.aliases.contains(alias) {
            own
        } else {
            alias
        };
        self.aliases.insert(alias.to_owned());
        let schema = schema.map_or_else(String::new, |s| format!("{}.", quote_ident(s)));
        let mut select = Select {
            from: format!("{schema}{} AS {}", quote_ident(table), quote_ident(alias)),
            names: vec![alias.to_owned()],
            ..Select::default()
        };
        let rename = Some((own, alias)).filter(|(own, alias)| own != alias);
        for text in [&node.index_cond, &node.recheck_cond, &node.filter] {
            let conditions = self.conditions(text.as_deref(), rename);
            select.conditions.extend(conditions);
        }
        select
    }

    /// The partitioned table of a scanned partition.
    fn root(&self, node: &Plan) -> Option<&'w Table> {
        let (schema, name) = (node.schema.as_ref()?, node.relation_name.as_ref()?);
        let table = self
            .snapshot
            .table_named(&QualifiedName::new(schema, name))?;
        let root = self.snapshot.root_of(table);
        (root.oid != table.oid && !self.named.contains(name)).then_some(root)
    }

    fn limit(&mut self, node: &Plan) -> Select {
        let mut select = self.first(node);
        if select.limit.is_some() {
            select = self.wrap(&select);
        }
        select.limit = Some(node.plan_rows.max(1.0));
        select
    }

    fn sort(&mut self, node: &Plan) -> Select {
        let mut select = self.first(node);
        if select.limit.is_some() {
            select = self.wrap(&select);
        }
        select.order = self.keys(&node.sort_key);
        select
    }

    fn aggregate(&mut self, node: &Plan) -> Select {
        let mut select = self.unordered(node);
        select.grouped = true;
        select.groups = self.keys(&node.group_key);
        select.having = self.conditions(node.filter.as_deref(), None);
        select
    }

    fn windows(&mut self, node: &Plan) -> Select {
        let mut select = self.unordered(node);
        select.windows = true;
        select
    }

    /// The input of a node that has its rows sorted, or loses their order.
    fn unordered(&mut self, node: &Plan) -> Select {
        match inputs(node).first() {
            Some(input) => self.item(unsorted(input)),
            None => Select::default(),
        }
    }

    fn join(&mut self, node: &Plan) -> Select {
        let inputs = inputs(node);
        let [outer, inner] = inputs.as_slice() else {
            return self.pass(node);
        };
        let (left, right) = if node.merge_cond.is_some() {
            (self.item(unsorted(outer)), self.item(unsorted(inner)))
        } else {
            (self.item(outer), self.item(inner))
        };
        let mut on = Vec::new();
        for text in [&node.hash_cond, &node.merge_cond, &node.join_filter] {
            on.extend(self.conditions(text.as_deref(), None));
        }
        let kind = node.join_type.as_deref().unwrap_or("Inner");
        // `Right Semi` and the like keep the rows of the inner side.
        let (left, right) = match kind.strip_prefix("Right") {
            Some(_) => (right, left),
            None => (left, right),
        };
        let mut select = match kind.strip_prefix("Right ").unwrap_or(kind) {
            "Left" | "Right" => outer_join(left, right, on, "LEFT"),
            "Full" => outer_join(left, right, on, "FULL"),
            "Semi" => exists(left, right, on, "EXISTS"),
            "Anti" => exists(left, right, on, "NOT EXISTS"),
            _ => {
                let mut both = left.cross(right);
                both.conditions.extend(on);
                both
            }
        };
        let filter = self.conditions(node.filter.as_deref(), None);
        select.conditions.extend(filter);
        select
    }

    /// Several inputs one after another: partitions of one table, or arms of UNION.
    fn union(&mut self, node: &Plan) -> Select {
        let inputs = inputs(node);
        if let Some(scan) = self.partitions(&inputs) {
            let mut select = self.select(scan);
            // A Merge Append has the order that its inputs come in.
            select.order = self.keys(&node.sort_key);
            return select;
        }
        let mut arms: Vec<Select> = inputs.iter().map(|input| self.select(input)).collect();
        for arm in arms.iter_mut().filter(|arm| arm.limit.is_none()) {
            arm.order.clear();
        }
        let texts: Vec<String> = (arms.iter())
            .filter(|arm| !arm.from.is_empty())
            .map(|arm| format!("({})", arm.text()))
            .collect();
        let names: Vec<String> = arms.into_iter().flat_map(|arm| arm.names).collect();
        self.derive(&texts.join(" UNION ALL "), &names)
    }

    /// One of several scans, if each is of a partition of the same use of the same table.
    fn partitions<'p>(&self, inputs: &[&'p Plan]) -> Option<&'p Plan> {
        let use_of = |node: &Plan| {
            let root = self.root(node)?.oid;
            Some((root, family(node.alias.as_deref()?).to_owned()))
        };
        let scans: Vec<&Plan> = inputs.iter().map(|input| unsorted(input)).collect();
        let first = use_of(scans.first()?)?;
        let same = |scan: &&Plan| is_scan(scan) && use_of(scan).as_ref() == Some(&first);
        (scans.iter().all(same)).then(|| scans[0])
    }

    /// A node that passes on what it reads, or a leaf that reads no table.
    fn pass(&mut self, node: &Plan) -> Select {
        let mut select = self.first(node);
        let conditions = self.conditions(node.filter.as_deref(), None);
        if node.alias.is_some() && node.operation.is_none() || !conditions.is_empty() {
            select = self.plain(select);
        }
        if let Some(alias) = (node.alias.as_deref()).filter(|_| node.operation.is_none()) {
            select = select.with_unknown(alias);
        }
        select.conditions.extend(conditions);
        select
    }

    fn first(&mut self, node: &Plan) -> Select {
        match inputs(node).first() {
            Some(input) => self.select(input),
            None => Select::default(),
        }
    }

    /// A node as an item of FROM.
    fn item(&mut self, node: &Plan) -> Select {
        let select = self.select(node);
        self.plain(select)
    }

    /// Without anything but FROM and WHERE. An order without a limit is of no use to who reads it.
    fn plain(&mut self, mut select: Select) -> Select {
        if select.is_plain() {
            select.order.clear();
            select
        } else {
            self.wrap(&select)
        }
    }

    /// As a subquery in FROM. What could be named in it may be named outside as well, but is not known there.
    fn wrap(&mut self, select: &Select) -> Select {
        if select.from.is_empty() {
            return Select {
                conditions: select.conditions.clone(),
                ..Select::default()
            };
        }
        self.derive(&select.text(), &select.names)
    }

    fn derive(&mut self, text: &str, names: &[String]) -> Select {
        if text.is_empty() {
            return Select::default();
        }
        self.derived += 1;
        let subquery = Select {
            from: format!("LATERAL ({text}) AS \"subquery {}\"", self.derived),
            ..Select::default()
        };
        (names.iter()).fold(subquery, |select, name| select.with_unknown(name))
    }

    fn conditions(&mut self, text: Option<&str>, rename: Option<(&str, &str)>) -> Vec<String> {
        let conditions = text.map_or_else(Vec::new, |text| conjuncts(text, rename));
        let kept = conditions.into_iter().filter(|_| self.part());
        kept.map(|condition| format!("({condition})")).collect()
    }

    /// Keys up to the first that cannot be read.
    fn keys(&mut self, texts: &[String]) -> Vec<String> {
        let kept: Vec<Option<String>> = (texts.iter())
            .map(|text| key(text).filter(|_| self.part()))
            .collect();
        kept.into_iter().map_while(|key| key).collect()
    }

    /// Counts a part; whether it is wanted.
    fn part(&mut self) -> bool {
        self.parts += 1;
        (self.keep)(self.parts - 1)
    }
}

/// The alias of the table of a partition's alias: the server numbers those, `e_1`, `e_2`.
fn family(alias: &str) -> &str {
    match alias.rsplit_once('_') {
        Some((family, number))
            if !family.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) =>
        {
            family
        }
        _ => alias,
    }
}

fn outer_join(mut left: Select, mut right: Select, on: Vec<String>, kind: &str) -> Select {
    if left.from.is_empty() || right.from.is_empty() {
        return left.cross(right);
    }
    right.conditions.extend(on);
    if kind == "FULL" {
        // What was filtered before is no condition on the joined rows.
        right.conditions.append(&mut left.conditions);
    }
    let on = if right.conditions.is_empty() {
        "true".to_owned()
    } else {
        right.conditions.join(" AND ")
    };
    left.from = format!("{} {kind} JOIN {} ON {on}", left.from, right.operand());
    left.joined = true;
    left.names.extend(right.names);
    left
}

fn exists(mut left: Select, mut right: Select, on: Vec<String>, word: &str) -> Select {
    right.conditions.extend(on);
    if !right.from.is_empty() {
        left.conditions.push(format!("{word} ({})", right.text()));
    }
    left
}

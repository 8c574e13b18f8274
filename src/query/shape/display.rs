//! A Shape as text, one line a relation, join and block: what `--explain`-like output and tests show.

use std::fmt;

use crate::query::shape::{
    Block, ColumnRef, Join, JoinKind, Limit, Operand, Operator, Predicate, Relation, Role, Shape,
};

/// ```text
/// o: status = paid, created_at >= ?, (a = 1 | b = 2); reads id, status
/// c: ; reads *
/// join o.customer_id = c.id
/// block 0: order o.created_at desc; limit 10
/// ```
/// A relation outside of block 0 says which one it is in: `o@1`.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<String> = self.relations.iter().map(relation).collect();
        lines.extend(self.joins.iter().map(|j| self.join(j)));
        lines.extend(
            (0..)
                .zip(&self.blocks)
                .filter_map(|(i, b)| self.block(i, b)),
        );
        if !self.written.is_empty() {
            let written: Vec<&str> = self.written.iter().map(String::as_str).collect();
            lines.push(format!("writes {}", written.join(", ")));
        }
        f.write_str(&lines.join("\n"))
    }
}

impl Shape {
    fn column(&self, column: &ColumnRef) -> String {
        let alias = self
            .relations
            .get(column.relation)
            .map_or("?", |r| r.alias.as_str());
        format!("{alias}.{}", column.column)
    }

    fn columns(&self, columns: &[ColumnRef]) -> String {
        let names: Vec<String> = columns.iter().map(|c| self.column(c)).collect();
        names.join(", ")
    }

    fn join(&self, join: &Join) -> String {
        let operator = if join.equality { "=" } else { "<>=" };
        let kind = match join.kind {
            JoinKind::Inner => "join",
            JoinKind::Left => "left join",
            JoinKind::Full => "full join",
            JoinKind::Semi => "semi join",
            JoinKind::Anti => "anti join",
            JoinKind::Correlated => "correlated",
        };
        format!(
            "{kind} {} {operator} {}",
            self.column(&join.left),
            self.column(&join.right)
        )
    }

    /// Nothing for a block that asks nothing.
    fn block(&self, number: usize, block: &Block) -> Option<String> {
        let mut asks = Vec::new();
        if let Some(nearest) = &block.nearest {
            let column = self.column(&nearest.column);
            let of = nearest.expression.as_ref().unwrap_or(&column);
            asks.push(format!("nearest {of} {} ?", nearest.operator));
        } else if !block.order.is_empty() || !block.order_complete {
            let keys = block.order.iter().map(|k| {
                let direction = if k.descending { " desc" } else { "" };
                let nulls = match (k.nulls_first, k.descending) {
                    (true, false) => " nulls first",
                    (false, true) => " nulls last",
                    _ => "",
                };
                format!("{}{direction}{nulls}", self.column(&k.column))
            });
            asks.push(format!("order {}", listed(keys, block.order_complete)));
        }
        if !block.group.is_empty() || !block.group_complete {
            let keys = block.group.iter().map(|c| self.column(c));
            asks.push(format!("group {}", listed(keys, block.group_complete)));
        }
        if !block.distinct.is_empty() {
            asks.push(format!("distinct {}", self.columns(&block.distinct)));
        }
        if !block.min_max.is_empty() {
            asks.push(format!("min/max {}", self.columns(&block.min_max)));
        } else if block.aggregates {
            asks.push("aggregates".to_owned());
        }
        match block.limit {
            Some(Limit::Rows(rows)) => asks.push(format!("limit {rows}")),
            Some(Limit::Parameter) => asks.push("limit ?".to_owned()),
            None => {}
        }
        let role = match block.role {
            Role::Top => "",
            Role::Derived => " derived",
            Role::MaterializedCte => " materialized",
            Role::Semi => " semi",
            Role::Anti => " anti",
            Role::Scalar => " scalar",
            Role::Lateral => " lateral",
        };
        let place = block.parent.map_or(String::new(), |p| format!(" in {p}"));
        if asks.is_empty() && number == 0 {
            return None;
        }
        let asks = if asks.is_empty() {
            String::new()
        } else {
            format!(": {}", asks.join("; "))
        };
        Some(format!("block {number}{role}{place}{asks}"))
    }
}

fn listed(keys: impl Iterator<Item = String>, complete: bool) -> String {
    let more = (!complete).then(|| "…".to_owned());
    let keys: Vec<String> = keys.chain(more).collect();
    keys.join(", ")
}

fn relation(relation: &Relation) -> String {
    let predicates = relation.predicates.iter().map(ToString::to_string);
    let ors = relation.disjunctions.iter().map(|arms| {
        let arms: Vec<String> = (arms.iter())
            .map(|arm| {
                arm.iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(" & ")
            })
            .collect();
        format!("({})", arms.join(" | "))
    });
    let all: Vec<String> = predicates.chain(ors).collect();
    let reads = match &relation.columns {
        None => "*".to_owned(),
        Some(columns) if columns.is_empty() => "-".to_owned(),
        Some(columns) => columns
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", "),
    };
    let block = match relation.block {
        0 => String::new(),
        block => format!("@{block}"),
    };
    format!(
        "{}{block}: {}; reads {reads}",
        relation.alias,
        all.join(", ")
    )
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expression.as_deref().unwrap_or(&self.column))?;
        match &self.operator {
            Operator::Eq => f.write_str(" =")?,
            Operator::In(Some(n)) => write!(f, " in[{n}]")?,
            Operator::In(None) => f.write_str(" in[?]")?,
            Operator::IsNull => f.write_str(" is null")?,
            Operator::IsNotNull => f.write_str(" is not null")?,
            Operator::Lt => f.write_str(" <")?,
            Operator::Le => f.write_str(" <=")?,
            Operator::Gt => f.write_str(" >")?,
            Operator::Ge => f.write_str(" >=")?,
            Operator::Between => f.write_str(" between")?,
            Operator::LikePrefix => f.write_str(" like-prefix")?,
            Operator::Like => f.write_str(" like")?,
            Operator::NotEq => f.write_str(" <>")?,
            Operator::Other(operator) => write!(f, " {operator}")?,
        }
        match &self.operand {
            Operand::Literal(text) => write!(f, " {text}"),
            Operand::Literals(texts) => write!(f, " {}", texts.join(" ")),
            Operand::Unknown | Operand::Parameters(_) | Operand::Ago(_) | Operand::Element(_) => {
                f.write_str(" ?")
            }
            Operand::None => Ok(()),
        }
    }
}

//! Index definitions: those that exist, and those that could.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::ident::{QualifiedName, quote_ident};
use crate::model::stats::IndexStats;

/// What an index key is taken from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyOf {
    /// A column, by unquoted name.
    Column(String),
    /// An expression, SQL text as the server prints it.
    Expression(String),
}

/// One key of an index, with its order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IndexKey {
    /// Column or expression.
    pub of: KeyOf,
    /// DESC.
    #[serde(default)]
    pub descending: bool,
    /// NULLS FIRST (the default with DESC, so `DESC NULLS FIRST` prints as `DESC`).
    #[serde(default)]
    pub nulls_first: bool,
    /// Operator class when it is not the type's default for the method: `text_pattern_ops`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opclass: Option<String>,
    /// Collation when it is not the column's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<String>,
}

impl IndexKey {
    /// An ascending key on a column with all defaults.
    pub fn column(name: impl Into<String>) -> Self {
        Self {
            of: KeyOf::Column(name.into()),
            descending: false,
            nulls_first: false,
            opclass: None,
            collation: None,
        }
    }

    /// The column name, if the key is a plain column.
    #[must_use]
    pub fn column_name(&self) -> Option<&str> {
        match &self.of {
            KeyOf::Column(name) => Some(name),
            KeyOf::Expression(_) => None,
        }
    }

    /// The same key read backwards.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self {
            descending: !self.descending,
            nulls_first: !self.nulls_first,
            ..self.clone()
        }
    }
}

impl fmt::Display for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.of {
            KeyOf::Column(name) => f.write_str(&quote_ident(name))?,
            KeyOf::Expression(text) if is_call(text) => f.write_str(text)?,
            KeyOf::Expression(text) => write!(f, "({text})")?,
        }
        if let Some(collation) = &self.collation {
            write!(f, " COLLATE {}", quote_ident(collation))?;
        }
        if let Some(opclass) = &self.opclass {
            write!(f, " {opclass}")?;
        }
        match (self.descending, self.nulls_first) {
            (false, false) => Ok(()),
            (false, true) => f.write_str(" NULLS FIRST"),
            (true, true) => f.write_str(" DESC"),
            (true, false) => f.write_str(" DESC NULLS LAST"),
        }
    }
}

/// The function's name, without its schema, of an expression that is one call.
fn function(call: &str) -> &str {
    let name = call.split('(').next().unwrap_or(call);
    name.rsplit('.').next().unwrap_or(name)
}

/// Whether an expression is one function call, which an index takes without parentheses around it.
fn is_call(text: &str) -> bool {
    let named =
        text.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
    let Some(arguments) = named.strip_prefix('(').filter(|_| named.len() < text.len()) else {
        return false;
    };
    let (mut depth, mut quote) = (1_u32, None);
    for (at, c) in arguments.char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1 == arguments.len();
        }
    }
    false
}

/// What an index is, apart from its name: enough to compare two, to print the DDL and to ask the planner about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IndexDefinition {
    /// Oid of the table.
    pub table_oid: u32,
    /// Name of the table.
    pub table: QualifiedName,
    /// Access method: `btree`, `gin`, `gist`, `brin`, `hash`, …
    pub method: String,
    /// Keys in order.
    pub keys: Vec<IndexKey>,
    /// INCLUDE columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// WHERE predicate, SQL text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicate: Option<String>,
    /// UNIQUE.
    #[serde(default)]
    pub unique: bool,
}

impl IndexDefinition {
    /// Names of the key columns (expressions are left out).
    pub fn key_columns(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().filter_map(IndexKey::column_name)
    }

    /// Whether every question this (btree) index answers is answered by `other` too: same method, table and predicate, and
    /// these keys are the first of `other`'s in the same direction, or all reversed; its INCLUDE columns are found there.
    /// A unique index is served only by an equal unique one.
    #[must_use]
    pub fn is_prefix_of(&self, other: &Self) -> bool {
        let same_kind = self.table_oid == other.table_oid
            && self.method == other.method
            && self.predicate == other.predicate
            && self.keys.len() <= other.keys.len();
        if !same_kind || self.unique && !(other.unique && self.keys.len() == other.keys.len()) {
            return false;
        }
        let held =
            |name: &String| other.include.contains(name) || other.key_columns().any(|c| c == name);
        let first = &other.keys[..self.keys.len()];
        let forward = self.keys == first;
        let backward = self.method == "btree"
            && self
                .keys
                .iter()
                .map(IndexKey::reversed)
                .eq(first.iter().cloned());
        (forward || backward) && self.include.iter().all(held)
    }

    /// The name PostgreSQL would choose (`table_col_col_idx`), cut to 63 bytes the same way; not yet made unique.
    #[must_use]
    pub fn default_name(&self) -> String {
        let columns: Vec<&str> = self
            .keys
            .iter()
            .map(|k| match &k.of {
                KeyOf::Column(name) => name,
                KeyOf::Expression(text) if is_call(text) => function(text),
                KeyOf::Expression(_) => "expr",
            })
            .chain(self.include.iter().map(String::as_str))
            .collect();
        make_object_name(&self.table.name, &columns.join("_"), "idx")
    }
}

/// `makeObjectName` of PostgreSQL's `indexcmds.c`: cuts the longer of the two parts until the whole fits 63 bytes.
fn make_object_name(first: &str, second: &str, label: &str) -> String {
    const LIMIT: usize = 63;
    let (mut first, mut second) = (first.to_owned(), second.to_owned());
    while first.len() + second.len() + label.len() + 2 > LIMIT {
        if first.len() > second.len() {
            first.pop()
        } else {
            second.pop()
        };
    }
    format!("{first}_{second}_{label}")
}

/// `(a, b DESC) INCLUDE (c) WHERE …`: the part of the DDL after the table, with `USING` unless it is a btree.
impl fmt::Display for IndexDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.method != "btree" {
            write!(f, "USING {} ", self.method)?;
        }
        let keys: Vec<String> = self.keys.iter().map(ToString::to_string).collect();
        write!(f, "({})", keys.join(", "))?;
        if !self.include.is_empty() {
            let include: Vec<_> = self.include.iter().map(|c| quote_ident(c)).collect();
            write!(f, " INCLUDE ({})", include.join(", "))?;
        }
        if let Some(predicate) = &self.predicate {
            write!(f, " WHERE {predicate}")?;
        }
        Ok(())
    }
}

/// An index that exists.
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are pg_index's own columns"
)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// `pg_index.indexrelid`.
    pub oid: u32,
    /// Schema, unquoted.
    pub schema: String,
    /// Name, unquoted.
    pub name: String,
    /// What it is.
    #[serde(flatten)]
    pub definition: IndexDefinition,
    /// Whether expressions or predicate could not be read, so that the definition is incomplete.
    #[serde(default)]
    pub incomplete: bool,
    /// `indisprimary`.
    #[serde(default)]
    pub primary: bool,
    /// `indisexclusion`.
    #[serde(default)]
    pub exclusion: bool,
    /// `indisvalid`: usable by queries.
    pub valid: bool,
    /// `indisready`: maintained by writes.
    pub ready: bool,
    /// `indisreplident`.
    #[serde(default)]
    pub replica_identity: bool,
    /// `indisclustered`.
    #[serde(default)]
    pub clustered: bool,
    /// `indnullsnotdistinct` (15+).
    #[serde(default)]
    pub nulls_not_distinct: bool,
    /// Constraint that it backs, if any.
    #[serde(default)]
    pub constraint: Option<String>,
    /// Partitioned index that it is attached to, if any.
    #[serde(default)]
    pub parent_oid: Option<u32>,
    /// 8 kB pages as of the last VACUUM/ANALYZE.
    pub relpages: f64,
    /// Entries as of then.
    pub reltuples: f64,
    /// Whether it has expressions whose statistics the role may not see.
    #[serde(default)]
    pub stats_hidden: bool,
    /// Usage counters; `None` = not seen.
    #[serde(default)]
    pub stats: Option<IndexStats>,
}

/// An index this many times larger is no substitute: reading more pages is what the narrower one spares.
pub const MUCH_LARGER: f64 = 3.0;

impl Index {
    /// Whether nothing but queries depends on it.
    #[must_use]
    pub fn is_droppable(&self) -> bool {
        self.usable()
            && !self.incomplete
            && !self.primary
            && !self.exclusion
            && !self.definition.unique
            && !self.replica_identity
            && !self.clustered
            && self.constraint.is_none()
            && self.parent_oid.is_none()
    }

    /// Whether this one stays and answers all that `index` answers: a twin, or one whose first keys are the same. Of twins the one
    /// that backs a constraint, or is older, stays.
    #[must_use]
    pub fn stands_in_for(&self, index: &Self) -> bool {
        if self.oid == index.oid || !self.usable() || self.incomplete {
            return false;
        }
        let wide = IndexDefinition {
            unique: false,
            ..self.definition.clone()
        };
        if wide == index.definition {
            return !self.is_droppable() || self.oid < index.oid;
        }
        let narrower = index.definition.keys.len() + index.definition.include.len()
            < wide.keys.len() + wide.include.len();
        narrower
            && index.definition.is_prefix_of(&wide)
            && self.relpages <= MUCH_LARGER * index.relpages
    }

    /// Schema and name.
    #[must_use]
    pub fn qualified(&self) -> QualifiedName {
        QualifiedName::new(&self.schema, &self.name)
    }

    /// Whether the planner may use it now.
    #[must_use]
    pub fn usable(&self) -> bool {
        self.valid && self.ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(keys: &[IndexKey]) -> IndexDefinition {
        IndexDefinition {
            table_oid: 1,
            table: QualifiedName::new("public", "t"),
            method: "btree".into(),
            keys: keys.to_vec(),
            include: vec![],
            predicate: None,
            unique: false,
        }
    }

    fn desc(name: &str) -> IndexKey {
        IndexKey {
            descending: true,
            nulls_first: true,
            ..IndexKey::column(name)
        }
    }

    #[test]
    fn a_prefix_is_served_forwards_and_backwards_but_not_mixed() {
        let (a, b) = (IndexKey::column("a"), IndexKey::column("b"));
        let wide = index(&[a.clone(), b.clone()]);
        assert!(index(std::slice::from_ref(&a)).is_prefix_of(&wide));
        assert!(index(&[desc("a"), desc("b")]).is_prefix_of(&wide));
        assert!(!index(&[desc("a"), b.clone()]).is_prefix_of(&wide));
        assert!(!index(&[b]).is_prefix_of(&wide));
        assert!(
            !IndexDefinition {
                predicate: Some("a > 1".into()),
                ..index(&[a])
            }
            .is_prefix_of(&wide)
        );
    }

    #[test]
    fn names_are_cut_as_the_server_cuts_them() {
        let mut long = index(&[IndexKey::column("c".repeat(40))]);
        long.table.name = "t".repeat(40);
        assert_eq!(long.default_name().len(), 63);
        assert_eq!(
            index(&[IndexKey::column("a"), desc("b")]).default_name(),
            "t_a_b_idx"
        );
        let expression = |text: &str| {
            let mut key = IndexKey::column("");
            key.of = KeyOf::Expression(text.into());
            index(&[key]).default_name()
        };
        assert_eq!(expression("lower(email)"), "t_lower_idx");
        assert_eq!(expression("at::date"), "t_expr_idx");
    }

    #[test]
    fn only_a_single_call_needs_no_parentheses() {
        for (text, shown) in [
            ("lower(email)", "lower(email)"),
            ("shop.net(total, ')')", "shop.net(total, ')')"),
            ("lower(a) || lower(b)", "(lower(a) || lower(b))"),
            ("data->>'k'", "(data->>'k')"),
            ("(a)", "((a))"),
            ("at::date", "(at::date)"),
        ] {
            let mut key = IndexKey::column("");
            key.of = KeyOf::Expression(text.into());
            assert_eq!(key.to_string(), shown);
        }
    }

    #[test]
    fn ddl_tail() {
        let mut i = index(&[
            desc("a"),
            IndexKey {
                nulls_first: false,
                ..desc("B")
            },
        ]);
        i.include = vec!["c".into()];
        i.predicate = Some("(d IS NULL)".into());
        assert_eq!(
            i.to_string(),
            r#"(a DESC, "B" DESC NULLS LAST) INCLUDE (c) WHERE (d IS NULL)"#
        );
    }
}

//! The workload of the fleet: distinct statements of the shapes that applications send, most of them look-ups and short
//! joins, some reports, some writes. Each is text with values in it; the server normalizes them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::fleet::{Column, Kind, Table};
use crate::random::Random;

/// Distinct statements.
pub(crate) const STATEMENTS: usize = 5000;

/// All executions in order: each statement once, and by Zipf's law the first ones much more often, with other values.
pub(crate) fn executions(random: &mut Random, tables: &[Table]) -> Vec<String> {
    let mut writer = Writer { random, tables };
    let mut seen = BTreeSet::new();
    let mut templates = Vec::new();
    while templates.len() < STATEMENTS {
        templates.extend(writer.template().filter(|t| seen.insert(t.clone())));
    }
    let times = |rank: usize| 1 + 400 / (rank + 1);
    (0..STATEMENTS)
        .flat_map(|rank| vec![rank; times(rank)])
        .map(|rank| writer.with_values(&templates[rank]))
        .collect()
}

/// Writes templates: statements with a mark such as `{status}` for each value.
struct Writer<'a> {
    random: &'a mut Random,
    tables: &'a [Table],
}

impl<'a> Writer<'a> {
    fn template(&mut self) -> Option<String> {
        let table = self.table();
        match self.random.below(20) {
            0..=2 => Some(self.by_key(table)),
            3..=5 => self.page(table),
            6 | 7 => self.filter(table),
            8..=11 => self.join(table),
            12 | 13 => self.aggregate(table),
            14 => self.text(table),
            15 => self.semi_join(table),
            16 => self.in_list(table),
            17 | 18 => self.update(table),
            _ => self.insert_or_delete(table),
        }
    }

    /// Large tables are asked more often than their number would say.
    fn table(&mut self) -> &'a Table {
        let tables = self.tables;
        let (one, other) = (self.random.one(tables), self.random.one(tables));
        if one.rows > other.rows { one } else { other }
    }

    fn any(&mut self, table: &'a Table, wanted: impl Fn(Kind) -> bool) -> Option<&'a Column> {
        let columns = table.columns(wanted);
        (!columns.is_empty()).then(|| *self.random.one(&columns))
    }

    /// A few columns, or all.
    fn output(&mut self, table: &'a Table, alias: &str) -> String {
        if self.random.percent(30) {
            return format!("{alias}*");
        }
        let count = self.random.between(1, 5);
        let names: BTreeSet<&str> = (0..count)
            .map(|_| self.random.one(&table.columns).name.as_str())
            .collect();
        let names: Vec<String> = names.iter().map(|n| format!("{alias}{n}")).collect();
        names.join(", ")
    }

    /// `column = value`, of a column that is worth comparing.
    fn equality(&mut self, table: &'a Table, alias: &str) -> Option<String> {
        let column = self.any(table, |k| {
            matches!(k, Kind::Parent(_) | Kind::Status | Kind::Code | Kind::Flag)
        })?;
        Some(format!("{alias}{} = {}", column.name, mark(column)))
    }

    /// A range on a column that has an order.
    fn range(&mut self, table: &'a Table, alias: &str) -> Option<String> {
        let column = self.any(table, |k| {
            matches!(k, Kind::Time | Kind::Day | Kind::Amount | Kind::Count)
        })?;
        let (name, mark) = (&column.name, mark(column));
        Some(match self.random.below(3) {
            0 => format!("{alias}{name} >= {mark}"),
            1 => format!("{alias}{name} < {mark}"),
            _ => format!(
                "{alias}{name} BETWEEN {mark} AND {}",
                mark.replace('}', "+}")
            ),
        })
    }

    fn by_key(&mut self, table: &'a Table) -> String {
        let output = self.output(table, "");
        format!("SELECT {output} FROM {} WHERE id = {{id}}", table.name)
    }

    fn page(&mut self, table: &'a Table) -> Option<String> {
        let condition = self.equality(table, "")?;
        let order = self.any(table, |k| {
            matches!(k, Kind::Time | Kind::Day | Kind::Id | Kind::Amount)
        })?;
        let output = self.output(table, "");
        let direction = if self.random.percent(70) { " DESC" } else { "" };
        let offset = if self.random.percent(20) {
            " OFFSET {small}"
        } else {
            ""
        };
        Some(format!(
            "SELECT {output} FROM {} WHERE {condition} ORDER BY {}{direction} LIMIT {{small}}{offset}",
            table.name, order.name
        ))
    }

    fn filter(&mut self, table: &'a Table) -> Option<String> {
        let output = self.output(table, "");
        let mut conditions = vec![self.equality(table, "")?];
        conditions.extend(self.range(table, ""));
        if self.random.percent(30) {
            conditions.extend(self.equality(table, ""));
        }
        conditions.dedup();
        Some(format!(
            "SELECT {output} FROM {} WHERE {}",
            table.name,
            conditions.join(" AND ")
        ))
    }

    /// Two to six tables along foreign keys.
    fn join(&mut self, table: &'a Table) -> Option<String> {
        let mut joined = vec![table];
        let mut from = format!("{} t0", table.name);
        let wanted = 2 + self.random.below(5).min(self.random.below(5));
        for number in 1..wanted {
            let at = self.random.below(joined.len());
            let Some(column) = self.any(joined[at], |k| matches!(k, Kind::Parent(_))) else {
                break;
            };
            let Kind::Parent(parent) = column.kind else {
                break;
            };
            let kind = if self.random.percent(25) {
                "LEFT JOIN"
            } else {
                "JOIN"
            };
            let parent = &self.tables[parent];
            let _ = write!(
                from,
                " {kind} {} t{number} ON t{number}.id = t{at}.{}",
                parent.name, column.name
            );
            joined.push(parent);
        }
        if joined.len() < 2 {
            return None;
        }
        let first = self.output(table, "t0.");
        let filtered = self.random.below(joined.len());
        let alias = format!("t{filtered}.");
        let condition = self.equality(joined[filtered], &alias)?;
        let range = self
            .range(table, "t0.")
            .map_or_else(String::new, |r| format!(" AND {r}"));
        let end = if self.random.percent(40) {
            " ORDER BY t0.id DESC LIMIT {small}"
        } else {
            ""
        };
        Some(format!(
            "SELECT {first}, t1.id FROM {from} WHERE {condition}{range}{end}"
        ))
    }

    fn aggregate(&mut self, table: &'a Table) -> Option<String> {
        let group = self.any(table, |k| {
            matches!(k, Kind::Status | Kind::Parent(_) | Kind::Day)
        })?;
        let sum = self
            .any(table, |k| matches!(k, Kind::Amount | Kind::Count))
            .map_or_else(
                || "count(*)".into(),
                |c| format!("count(*), sum({})", c.name),
            );
        let condition = self.range(table, "")?;
        let (name, group) = (&table.name, &group.name);
        Some(match self.random.below(4) {
            0 => format!("SELECT {sum} FROM {name} WHERE {condition}"),
            1 => format!("SELECT max({group}) FROM {name} WHERE {condition}"),
            2 => format!(
                "SELECT {group}, {sum} FROM {name} GROUP BY {group} ORDER BY {group} LIMIT {{small}}"
            ),
            _ => format!("SELECT {group}, {sum} FROM {name} WHERE {condition} GROUP BY {group}"),
        })
    }

    fn text(&mut self, table: &'a Table) -> Option<String> {
        let column = self.any(table, |k| matches!(k, Kind::Name | Kind::Code))?;
        let output = self.output(table, "");
        let (name, table) = (&column.name, &table.name);
        Some(match self.random.below(3) {
            0 => format!("SELECT {output} FROM {table} WHERE {name} LIKE {{prefix}}"),
            1 => format!("SELECT {output} FROM {table} WHERE lower({name}) = {{code}}"),
            _ => format!("SELECT {output} FROM {table} WHERE {name} = {{code}} AND id > {{id}}"),
        })
    }

    fn semi_join(&mut self, table: &'a Table) -> Option<String> {
        let column = self.any(table, |k| matches!(k, Kind::Parent(_)))?;
        let Kind::Parent(parent) = column.kind else {
            return None;
        };
        let parent = &self.tables[parent];
        let condition = self.equality(table, "c.")?;
        let not = if self.random.percent(25) { "NOT " } else { "" };
        Some(format!(
            "SELECT p.id FROM {} p WHERE {not}EXISTS (SELECT 1 FROM {} c WHERE c.{} = p.id AND {condition}) LIMIT {{small}}",
            parent.name, table.name, column.name
        ))
    }

    fn in_list(&mut self, table: &'a Table) -> Option<String> {
        let column = self.any(table, |k| {
            matches!(k, Kind::Parent(_) | Kind::Code | Kind::Id)
        })?;
        // Always three: PostgreSQL 18 takes lists of different length for the same statement.
        let marks = [mark(column); 3].join(", ");
        let output = self.output(table, "");
        Some(format!(
            "SELECT {output} FROM {} WHERE {} IN ({marks})",
            table.name, column.name
        ))
    }

    fn update(&mut self, table: &'a Table) -> Option<String> {
        let set = self.any(table, |k| {
            !matches!(k, Kind::Id | Kind::Parent(_) | Kind::Payload)
        })?;
        let condition = if self.random.percent(75) {
            "id = {id}".into()
        } else {
            format!("{} AND id = {{id}}", self.equality(table, "")?)
        };
        Some(format!(
            "UPDATE {} SET {} = {} WHERE {condition}",
            table.name,
            set.name,
            mark(set)
        ))
    }

    fn insert_or_delete(&mut self, table: &'a Table) -> Option<String> {
        if self.random.percent(40) {
            let condition = self.equality(table, "")?;
            return Some(format!(
                "DELETE FROM {} WHERE id = -{{id}} AND {condition}",
                table.name
            ));
        }
        let columns = table.columns(|k| !matches!(k, Kind::Id | Kind::Parent(_) | Kind::Payload));
        let count = self
            .random
            .between(1, columns.len().max(1))
            .min(columns.len());
        let columns = columns.get(..count).filter(|c| !c.is_empty())?;
        let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
        let marks: Vec<&str> = columns.iter().map(|c| mark(c)).collect();
        Some(format!(
            "INSERT INTO {} ({}) VALUES ({})",
            table.name,
            names.join(", "),
            marks.join(", ")
        ))
    }

    /// Puts a value in the place of each mark.
    fn with_values(&mut self, template: &str) -> String {
        let mut parts = template.split('{');
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (mark, rest) = part.split_once('}').unwrap_or((part, ""));
            text.push_str(&self.value(mark));
            text.push_str(rest);
        }
        text
    }

    fn value(&mut self, mark: &str) -> String {
        let random = &mut *self.random;
        match mark {
            "id" => random.between(1, 50).to_string(),
            "small" => random.between(1, 30).to_string(),
            "status" => format!(
                "'{}'",
                random.one(&["open", "paid", "sent", "done", "lost"])
            ),
            "code" => format!("'C{}'", random.below(1 << 20)),
            "prefix" => format!(
                "'{}{}%'",
                random.one(&["a", "k", "z"]),
                random.one(&["b", "m"])
            ),
            "amount" => format!("{}.5", random.below(1000)),
            "amount+" => format!("{}.5", random.between(1000, 1200)),
            "count" => random.below(100).to_string(),
            "count+" => random.between(100, 120).to_string(),
            "time" => format!(
                "'2025-{:02}-{:02} 12:00+00'",
                random.between(7, 12),
                random.between(1, 28)
            ),
            "time+" => format!("'2026-01-{:02} 12:00+00'", random.between(1, 28)),
            "day" => format!(
                "'2026-{:02}-{:02}'",
                random.between(1, 12),
                random.between(1, 28)
            ),
            "day+" => format!("'2027-01-{:02}'", random.between(1, 28)),
            _ => random.one(&["true", "false"]).to_string(),
        }
    }
}

/// The mark of a value that a column could hold.
fn mark(column: &Column) -> &'static str {
    match column.kind {
        Kind::Id | Kind::Parent(_) => "{id}",
        Kind::Status => "{status}",
        Kind::Code | Kind::Name => "{code}",
        Kind::Amount => "{amount}",
        Kind::Count => "{count}",
        Kind::Time => "{time}",
        Kind::Day => "{day}",
        Kind::Flag | Kind::Payload => "{flag}",
    }
}

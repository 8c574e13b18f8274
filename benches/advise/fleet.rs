//! A database as large installations have it: 500 tables or more of 5 to 30 columns in five schemas, tied by foreign keys, with 2,000
//! indexes of which some are useless and many a useful one is missing. Sizes are skewed as they are in practice: most tables
//! are tiny, a few hold most rows.

use std::fmt::Write as _;

use crate::random::Random;

/// Tables, and indexes with those of the primary keys.
/// Tables unless told otherwise; four indexes for each.
pub(crate) const TABLES: usize = 500;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The primary key, 1 to the number of rows.
    Id,
    /// Refers to the table at that position.
    Parent(usize),
    /// One of a few words, the first much more often than the last.
    Status,
    /// Hardly a value twice.
    Code,
    /// Text to look up by its beginning or in lower case.
    Name,
    Amount,
    Count,
    Time,
    Day,
    Flag,
    Payload,
}

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) struct Table {
    /// As statements name it.
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: usize,
    indexes: Vec<String>,
}

impl Table {
    /// Columns of which `wanted` is true.
    pub(crate) fn columns(&self, wanted: impl Fn(Kind) -> bool) -> Vec<&Column> {
        self.columns.iter().filter(|c| wanted(c.kind)).collect()
    }
}

const AREAS: [&str; 10] = [
    "sales", "billing", "stock", "shipping", "staff", "crm", "web", "support", "finance", "auth",
];
const THINGS: [&str; 50] = [
    "account", "address", "agent", "asset", "audit", "batch", "bill", "budget", "campaign", "case",
    "category", "channel", "claim", "comment", "contact", "contract", "coupon", "credit",
    "customer", "device", "document", "event", "fee", "file", "group", "invoice", "item", "job",
    "ledger", "lead", "log", "member", "message", "note", "offer", "order", "package", "partner",
    "payment", "plan", "price", "product", "project", "quote", "refund", "report", "session",
    "ticket", "token", "visit",
];
/// Tables of these areas lie in a schema of that name, the others in public.
pub(crate) const SCHEMAS: [&str; 4] = ["crm", "web", "support", "finance"];

/// So many tables, at most 1,000, parents before children.
pub(crate) fn tables(random: &mut Random, count: usize) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    for position in 0..count {
        let area = AREAS[position % 10];
        let thing = THINGS[position / 10 % THINGS.len()];
        // The second five hundred are named in the plural.
        let thing = format!("{thing}{}", if position < TABLES { "" } else { "s" });
        // Names differ without their schema too: PostgreSQL 18 leaves it out of `queryid`.
        let name = if SCHEMAS.contains(&area) {
            format!("{area}.{area}_{thing}")
        } else {
            format!("{area}_{thing}")
        };
        // 37 and 50 have no common factor: sizes are spread over the areas.
        let rows = match position * 37 / 10 % 50 {
            49 => 100_000,
            46..=48 => 10_000,
            28..=45 => random.between(1000, 4000),
            _ => random.between(10, 50),
        };
        let columns = columns(random, &tables);
        tables.push(Table {
            name,
            columns,
            rows,
            indexes: Vec::new(),
        });
    }
    index(random, &mut tables);
    tables
}

fn columns(random: &mut Random, tables: &[Table]) -> Vec<Column> {
    let mut columns = vec![Column {
        name: "id".into(),
        kind: Kind::Id,
    }];
    let parents = if tables.is_empty() {
        0
    } else {
        random.between(1, 3)
    };
    for _ in 0..parents {
        let parent = random.below(tables.len());
        let thing = tables[parent].name.rsplit(['_', '.']).next().unwrap_or("x");
        let name = format!("{thing}_id");
        if !columns.iter().any(|c| c.name == name) {
            columns.push(Column {
                name,
                kind: Kind::Parent(parent),
            });
        }
    }
    let common = [
        ("status", Kind::Status),
        ("code", Kind::Code),
        ("name", Kind::Name),
        ("amount", Kind::Amount),
        ("quantity", Kind::Count),
        ("created_at", Kind::Time),
        ("updated_at", Kind::Time),
        ("due_on", Kind::Day),
        ("active", Kind::Flag),
        ("payload", Kind::Payload),
    ];
    // Most tables are narrow, a few are wide.
    let wanted = 5 + random.below(26).min(random.below(26));
    let mut round = 1;
    while columns.len() < wanted {
        for (name, kind) in common {
            if columns.len() < wanted && random.percent(70) {
                let suffix = if round > 1 {
                    format!("_{round}")
                } else {
                    String::new()
                };
                columns.push(Column {
                    name: format!("{name}{suffix}"),
                    kind,
                });
            }
        }
        round += 1;
    }
    columns
}

/// Gives out the indexes that are not primary keys: first foreign keys (60 % of them), then what grew over the years.
fn index(random: &mut Random, tables: &mut [Table]) {
    let mut left = 3 * tables.len();
    for table in tables.iter_mut() {
        let parents = table.columns(|k| matches!(k, Kind::Parent(_)));
        let keys: Vec<String> = parents.iter().map(|c| c.name.clone()).collect();
        for key in keys {
            if random.percent(60) {
                table.indexes.push(key);
                left -= 1;
            }
        }
    }
    while left > 0 {
        let at = random.below(tables.len());
        let table = &mut tables[at];
        let keys: Vec<&str> = table
            .columns(|k| !matches!(k, Kind::Payload | Kind::Id))
            .iter()
            .map(|c| c.name.as_str())
            .collect();
        let first = *random.one(&keys);
        let second = *random.one(&keys);
        let text = match random.below(6) {
            0 | 1 => first.to_owned(),
            2 if first != second => format!("{first}, {second}"),
            3 if first != second => format!("{first}, {second} DESC"),
            4 if first != second => format!("{first}) INCLUDE ({second}"),
            5 => format!("{first}) WHERE ({second} IS NOT NULL"),
            _ => continue,
        };
        if table.indexes.len() < 12 && !table.indexes.contains(&text) {
            table.indexes.push(text);
            left -= 1;
        }
    }
}

/// The script that makes them: tables with rows, then indexes and foreign keys. One statement an element.
pub(crate) fn script(tables: &[Table]) -> Vec<String> {
    let mut script: Vec<String> = SCHEMAS
        .iter()
        .map(|s| format!("CREATE SCHEMA {s}"))
        .collect();
    for (position, table) in tables.iter().enumerate() {
        script.push(create(table));
        script.push(fill(table, position, tables));
    }
    for table in tables {
        script.push(format!("ALTER TABLE {} ADD PRIMARY KEY (id)", table.name));
        for keys in &table.indexes {
            script.push(format!("CREATE INDEX ON {} ({keys})", table.name));
        }
    }
    for table in tables {
        for column in &table.columns {
            if let Kind::Parent(parent) = column.kind {
                script.push(format!(
                    "ALTER TABLE {} ADD FOREIGN KEY ({}) REFERENCES {}",
                    table.name, column.name, tables[parent].name
                ));
            }
        }
    }
    script
}

fn create(table: &Table) -> String {
    let mut columns = String::new();
    for column in &table.columns {
        let kind = match column.kind {
            Kind::Id | Kind::Parent(_) => "bigint",
            Kind::Status | Kind::Code | Kind::Name => "text",
            Kind::Amount => "numeric(12,2)",
            Kind::Count => "integer",
            Kind::Time => "timestamptz",
            Kind::Day => "date",
            Kind::Flag => "boolean",
            Kind::Payload => "jsonb",
        };
        let _ = write!(columns, ", {} {kind}", column.name);
        if column.kind == Kind::Id {
            let next = table.rows + 1;
            let _ = write!(columns, " GENERATED BY DEFAULT AS IDENTITY (START {next})");
        }
    }
    format!("CREATE TABLE {} ({})", table.name, &columns[2..])
}

/// Rows by arithmetic on the row number `g`: `hashint4` is the same function in all versions, `random()` is not.
fn fill(table: &Table, position: usize, tables: &[Table]) -> String {
    let mut values = String::new();
    for (place, column) in table.columns.iter().enumerate() {
        let hash = format!(
            "(hashint4(g + {}) & 1048575)",
            position * 7919 + place * 104_729
        );
        let value = match column.kind {
            Kind::Id => "g".into(),
            // Cubed: a few parents have most of the children.
            Kind::Parent(parent) => format!(
                "1 + floor({} * power({hash} / 1048576.0::float8, 3))::bigint",
                tables[parent].rows
            ),
            Kind::Status => format!(
                "(ARRAY['open','paid','sent','done','held','lost','void'])[1 + floor(7 * power({hash} / 1048576.0::float8, 4))::int]"
            ),
            Kind::Code => format!("'C' || {hash}"),
            Kind::Name => {
                format!("chr(97 + {hash} % 26) || chr(97 + g % 26) || 'name ' || {hash} % 5000")
            }
            Kind::Amount => format!("({hash} % 100000) / 100.0"),
            Kind::Count => format!("{hash} % 100"),
            Kind::Time => {
                format!("timestamptz '2026-01-01 00:00+00' - make_interval(mins => {hash} / 4)")
            }
            Kind::Day => format!("date '2026-01-01' + ({hash} % 365)"),
            Kind::Flag => format!("{hash} % 10 > 0"),
            Kind::Payload => format!("jsonb_build_object('k', {hash} % 100)"),
        };
        let _ = write!(values, ", {value}");
    }
    format!(
        "INSERT INTO {} SELECT {} FROM generate_series(1, {}) AS g",
        table.name,
        &values[2..],
        table.rows
    )
}

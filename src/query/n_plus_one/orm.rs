//! Who wrote a statement, by its style, and what its user writes to get all rows at once.

use serde::Serialize;

use crate::query::n_plus_one::Kind;

/// A library that writes SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Orm {
    /// Ruby on Rails.
    Rails,
    /// Django.
    Django,
    /// `SQLAlchemy`.
    SqlAlchemy,
    /// Prisma.
    Prisma,
    /// Hibernate, which Spring Data JPA is built on.
    Hibernate,
}

impl Orm {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rails => "Rails (Active Record)",
            Self::Django => "Django",
            Self::SqlAlchemy => "SQLAlchemy",
            Self::Prisma => "Prisma",
            Self::Hibernate => "Hibernate",
        }
    }

    /// Tells it by a statement about one table.
    #[must_use]
    pub fn of(text: &str, table: &str) -> Option<Self> {
        let quoted = format!("\"{table}\"");
        let qualified = format!("{quoted}.\"");
        let upper = ["SELECT ", "INSERT ", "UPDATE ", "DELETE "];
        if hibernate(text, table) {
            return Some(Self::Hibernate);
        }
        let aliased = format!("{table}.");
        if text.contains("AS anon_") || sqlalchemy(text, table, &aliased) {
            return Some(Self::SqlAlchemy);
        }
        if !upper.iter().any(|word| text.contains(word)) || !text.contains(&quoted) {
            return None;
        }
        // `"public"."User"."id"`
        if text.contains(&format!("\".{quoted}.\"")) || text.contains("COUNT(*) AS \"_count\"") {
            return Some(Self::Prisma);
        }
        let rails = text.contains(&format!("{quoted}.*"))
            || text.contains("SELECT COUNT(*) FROM \"")
            || text.starts_with("SELECT 1 AS one FROM \"")
            || text.ends_with(" RETURNING \"id\"")
            || text.starts_with(&format!("DELETE FROM {quoted} WHERE {qualified}"));
        let django = text.contains("AS \"__count\"")
            || text.contains(&format!("RETURNING {qualified}"))
            || text.starts_with(&format!("SELECT {qualified}"))
            || text.contains("SELECT 1 AS \"a\" FROM \"")
            || text.starts_with(&format!("DELETE FROM {quoted} WHERE {quoted}.\"id\" IN ("));
        match (rails, django) {
            (true, false) => Some(Self::Rails),
            (false, true) => Some(Self::Django),
            _ => None,
        }
    }

    /// What its user writes instead.
    #[must_use]
    pub fn hint(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Self::Rails, Kind::Again) => {
                "keep what was read in an instance variable (@owner ||= …); the query cache of a request spares the server only the same SQL within it"
            }
            (Self::Django, Kind::Again) => {
                "keep the objects, or the evaluated query set; each new filter() or get() asks again"
            }
            (Self::SqlAlchemy, Kind::Again) => {
                "session.get() gives what the session has already read; a select asks again"
            }
            (Self::Prisma, Kind::Again) => "keep the result, or pass it on; Prisma caches none",
            (Self::Hibernate, Kind::Again) => {
                "find() gives what the session has already read; a query asks again unless the query cache is on"
            }
            (Self::Rails, Kind::BelongsTo | Kind::HasMany) => {
                "load the association with the list: includes(:…) or preload(:…); strict_loading shows where it is missing"
            }
            (Self::Rails, Kind::FirstOfMany) => {
                "an association with a limit is not preloaded; ask for the first rows of all parents by one query with LATERAL"
            }
            (Self::Rails, Kind::Aggregate) => {
                "count for all rows at once with group(:…).count, or keep the number in a counter_cache column"
            }
            (Self::Rails, Kind::Insert) => "insert_all takes all rows at once",
            (Self::Rails, Kind::Update) => "update_all or upsert_all takes all rows at once",
            (Self::Rails, Kind::Delete) => "where(id: ids).delete_all",
            (Self::Django, Kind::BelongsTo) => "select_related(\"…\") on the list's query set",
            (Self::Django, Kind::HasMany) => "prefetch_related(\"…\") on the list's query set",
            (Self::Django, Kind::FirstOfMany) => {
                "prefetch_related(Prefetch(\"…\", queryset=….[:n])), which Django 4.2 and later can slice"
            }
            (Self::Django, Kind::Aggregate) => "annotate(n=Count(\"…\")) on the list's query set",
            (Self::Django, Kind::Insert) => "bulk_create(objects)",
            (Self::Django, Kind::Update) => {
                "bulk_update(objects, fields), or update() on a query set"
            }
            (Self::Django, Kind::Delete) => "filter(pk__in=…).delete()",
            (Self::SqlAlchemy, Kind::BelongsTo) => {
                "options(joinedload(…)) or selectinload(…) on the list's select; raiseload shows where it is missing"
            }
            (Self::SqlAlchemy, Kind::HasMany) => {
                "options(selectinload(…)) on the list's select; raiseload shows where it is missing"
            }
            (Self::SqlAlchemy, Kind::FirstOfMany) => {
                "one select with a lateral() subquery for the first rows of all parents"
            }
            (Self::SqlAlchemy, Kind::Aggregate) => {
                "one select with func.count() and group_by() for all parents"
            }
            (Self::SqlAlchemy, Kind::Insert) => "session.execute(insert(Model), [rows…])",
            (Self::SqlAlchemy, Kind::Update) => "session.execute(update(Model), [rows…])",
            (Self::SqlAlchemy, Kind::Delete) => "delete(Model).where(Model.id.in_(ids))",
            (Self::Prisma, Kind::BelongsTo | Kind::HasMany) => {
                "include (or select) the relation in the list's findMany, instead of a query for each row"
            }
            (Self::Prisma, Kind::FirstOfMany) => {
                "include the relation with take: n in the list's findMany"
            }
            (Self::Prisma, Kind::Aggregate) => {
                "include: { _count: { select: { …: true } } } in the list's findMany"
            }
            (Self::Prisma, Kind::Insert) => "createMany({ data: […] })",
            (Self::Prisma, Kind::Update) => {
                "updateMany where all rows get the same values, else one UPDATE by $executeRaw"
            }
            (Self::Prisma, Kind::Delete) => "deleteMany({ where: { id: { in: […] } } })",
            (Self::Hibernate, Kind::BelongsTo | Kind::HasMany | Kind::FirstOfMany) => {
                "JOIN FETCH or @EntityGraph for this list; @BatchSize or hibernate.default_batch_fetch_size for all"
            }
            (Self::Hibernate, Kind::Aggregate) => {
                "one query with count(…) and GROUP BY for all parents"
            }
            (Self::Hibernate, Kind::Insert | Kind::Update | Kind::Delete) => {
                "hibernate.jdbc.batch_size with order_inserts and order_updates; identifiers by sequence, because IDENTITY switches batches of inserts off"
            }
        }
    }
}

/// `u1_0.id` (6) and `user0_.id as id1_0_` (5).
fn hibernate(text: &str, table: &str) -> bool {
    let Some(after) = text.split(&format!(" from {table} ")).nth(1) else {
        return false;
    };
    let alias = after.split_whitespace().next().unwrap_or_default();
    let numbered = |stem: &str| {
        stem.ends_with(|c: char| c.is_ascii_digit())
            && stem.starts_with(|c: char| c.is_ascii_alphabetic())
    };
    let six = alias.strip_suffix("_0").is_some_and(numbered);
    let five = alias.strip_suffix('_').is_some_and(numbered);
    six || five
}

/// `SELECT users.id AS users_id, … \nFROM users \nWHERE users.id = $1`, each clause on its own line.
fn sqlalchemy(text: &str, table: &str, aliased: &str) -> bool {
    let labelled = text.contains(&format!(" AS {table}_")) && text.contains(aliased);
    let lines = text.starts_with("SELECT ") && text.contains(&format!(" \nFROM {table}"));
    labelled || lines && text.contains(aliased)
}

-- Everything that a collector meets: weird names, every kind of relation, key, constraint and statistic.
create extension if not exists pg_stat_statements;
create schema "My Schema";
create domain email as text check (value ~ '@');
create domain work_email as email;
create type mood as enum ('sad', 'ok', 'happy');
create type pair as (a int, b text);
create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

create table customers (
    id bigint primary key,
    mail work_email not null,
    mood mood,
    tags text[],
    doc jsonb,
    raw json,
    place point,
    pair pair,
    span int4range,
    amount numeric(10, 2),
    code char(3),
    name varchar(20),
    plain text collate "C",
    folded text collate ci,
    doubled bigint generated always as (id * 2) stored,
    raws json[],
    born date
) with (fillfactor = 80);
insert into customers (id, mail, mood, tags, doc, place, span, amount, code, name, plain, folded, born)
select
    i, 'secret' || i || '@x', (array['sad', 'ok', 'happy'])[1 + i % 3]::mood,
    array['t' || i % 5, 'quote " comma , brace }', 'back\slash', null], jsonb_build_object('k', i), point(i, i),
    int4range(i, i + 3), i % 10, 'abc', 'secret''s ' || i % 20, 'c' || i % 7, 'F' || i, date '2001-01-01' + i
from generate_series(1, 1000) i;

create index customers_expression on customers (lower(mail), (id + 1));
create index customers_partial on customers (mood, born desc) include (name) where name <> 'secret' and born is not null;
create index customers_gin on customers using gin (doc jsonb_path_ops);
create index customers_options on customers (name varchar_pattern_ops, plain collate "POSIX" desc nulls last, born nulls first);
create statistics customers_together (ndistinct, dependencies) on amount, name from customers;

create table "My Schema"."we""ird; drop table x" (
    "Größe" int primary key,
    "select" text,
    customer bigint references customers on delete cascade,
    span int4range,
    check ("Größe" > 0 and "select" <> 'secret'),
    exclude using gist (span with &&)
);
insert into "My Schema"."we""ird; drop table x" select i, 's' || i, i from generate_series(1, 10) i;
create index on "My Schema"."we""ird; drop table x" ("select", "Größe" desc);

create table part (id int, at date not null, kind text) partition by range (at);
create table part_1 partition of part for values from ('2020-01-01') to ('2021-01-01');
create table part_2 partition of part for values from ('2021-01-01') to ('2022-01-01') partition by list (kind);
create table part_2_a partition of part_2 default;
create index part_at on part (at, id);
insert into part select i, date '2020-01-01' + i % 700, 'k' || i % 10 from generate_series(1, 3000) i;

create view "My Schema".moods as select c.mood, w."Größe" from customers c
    join "My Schema"."we""ird; drop table x" w on w.customer = c.id where c.name <> 'secret';
create materialized view counts as select mood, count(*) as n from customers group by 1;
create table never (a int);
insert into never select generate_series(1, 1000);
vacuum analyze customers, part, "My Schema"."we""ird; drop table x", counts;

-- one row a text that runs when a relation or type of one of these names is used: a view, a policy, a check of a domain ($1 names, $2 names looked at before)
-- reads pg_class, pg_policy, pg_constraint, pg_type, pg_namespace, and the definitions through pg_get_viewdef and pg_get_expr
-- needs no privilege; opens what the views read, so that it waits behind ACCESS EXCLUSIVE: lock_timeout
-- new in 13: first variant
select
    'view ' || n.nspname || '.' || c.relname as place,
    pg_catalog.pg_get_viewdef(c.oid) as text
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'v'
    and n.nspname <> all ('{pg_catalog,information_schema}'::pg_catalog.name[])
    and c.relname = any ($1::pg_catalog.text[])
    and c.relname <> all ($2::pg_catalog.text[])
union all
select
    'policy ' || p.polname || ' of ' || n.nspname || '.' || c.relname,
    pg_catalog.pg_get_expr(p.polqual, p.polrelid)
from pg_catalog.pg_policy p
join pg_catalog.pg_class c on c.oid = p.polrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relname = any ($1::pg_catalog.text[])
    and c.relname <> all ($2::pg_catalog.text[])
    and p.polqual is not null
union all
select
    'a check of domain ' || n.nspname || '.' || t.typname,
    pg_catalog.pg_get_constraintdef(k.oid)
from pg_catalog.pg_constraint k
join pg_catalog.pg_type t on t.oid = k.contypid
join pg_catalog.pg_namespace n on n.oid = t.typnamespace
where t.typname = any ($1::pg_catalog.text[])
    and t.typname <> all ($2::pg_catalog.text[])
    and k.contypid <> 0
order by 1, 2

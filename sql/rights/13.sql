-- one row: what the session's role may do with the table $1 (schema), $2 (name)
-- reads pg_class, pg_namespace
-- needs no privilege
-- new in 13: first variant
select
    pg_catalog.json_build_object('schema', n.nspname, 'name', c.relname) as "table",
    current_user::pg_catalog.text as role,
    pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text as owner,
    pg_catalog.pg_has_role(c.relowner, 'usage') as owns,
    pg_catalog.has_schema_privilege(n.oid, 'create') as creates,
    false as maintains
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1::pg_catalog.text and c.relname = $2::pg_catalog.text
order by c.oid

-- one row a query id ($1, bigint[]): its text, at most $2 characters of it
-- reads pg_stat_statements(true) of the extension's schema: the server reads all texts, however few are asked for
-- needs pg_read_all_stats for other roles' texts
-- new in 1.4: first variant
select distinct on (s.queryid)
    s.queryid,
    pg_catalog.left(s.query, $2::pg_catalog.int4) as query
from @extschema@.pg_stat_statements(showtext := true) s
join pg_catalog.unnest($1::pg_catalog.int8[]) k (queryid) on k.queryid = s.queryid
order by s.queryid, s.query collate "C"

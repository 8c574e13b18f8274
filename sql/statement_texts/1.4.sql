-- one row a query id ($2, bigint[]) and role of this database ($1, oid): the text
-- reads pg_stat_statements(true) of the extension's schema
-- needs pg_read_all_stats for other roles' texts
-- new in 1.4: first variant
select distinct on (s.queryid, s.userid)
    s.queryid,
    s.userid::pg_catalog.int8 as userid,
    s.query
from @extschema@.pg_stat_statements(showtext := true) s
join pg_catalog.unnest($2::pg_catalog.int8[]) k (queryid) on k.queryid = s.queryid
where s.dbid = $1
order by s.queryid, s.userid, s.query collate "C"

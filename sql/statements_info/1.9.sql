-- one row: since when pg_stat_statements counts, and how many statements it has evicted
-- reads pg_stat_statements_info of the extension's schema
-- needs no privilege
-- new in 1.9: first variant
select
    i.dealloc,
    extract(epoch from i.stats_reset)::pg_catalog.float8 as stats_reset
from @extschema@.pg_stat_statements_info i

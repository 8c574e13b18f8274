-- one row: how many checkpoints there were, and why
-- reads pg_stat_bgwriter
-- needs no privilege
-- new in 13: first variant
select
    b.checkpoints_timed::pg_catalog.float8 as timed,
    b.checkpoints_req::pg_catalog.float8 as requested,
    extract(epoch from b.stats_reset)::pg_catalog.float8 as stats_reset
from pg_catalog.pg_stat_bgwriter b

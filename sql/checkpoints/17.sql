-- one row: how many checkpoints there were, and why
-- reads pg_stat_checkpointer
-- needs no privilege
-- new in 17: the view of its own
select
    c.num_timed::pg_catalog.float8 as timed,
    c.num_requested::pg_catalog.float8 as requested,
    extract(epoch from c.stats_reset)::pg_catalog.float8 as stats_reset
from pg_catalog.pg_stat_checkpointer c

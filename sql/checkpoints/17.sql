-- one row: how many checkpoints there were, and why, and who wrote buffers
-- reads pg_stat_checkpointer, pg_stat_bgwriter
-- needs no privilege
-- new in 17: the view of its own
select
    c.num_timed::pg_catalog.float8 as timed,
    c.num_requested::pg_catalog.float8 as requested,
    c.write_time,
    c.sync_time,
    c.buffers_written::pg_catalog.float8 as buffers_written,
    b.buffers_clean::pg_catalog.float8 as buffers_clean,
    b.buffers_alloc::pg_catalog.float8 as buffers_alloc,
    extract(epoch from c.stats_reset)::pg_catalog.float8 as stats_reset
from pg_catalog.pg_stat_checkpointer c, pg_catalog.pg_stat_bgwriter b

-- one row: how many checkpoints there were, and why, and who wrote buffers
-- reads pg_stat_bgwriter
-- needs no privilege
-- new in 13: first variant
select
    b.checkpoints_timed::pg_catalog.float8 as timed,
    b.checkpoints_req::pg_catalog.float8 as requested,
    b.checkpoint_write_time as write_time,
    b.checkpoint_sync_time as sync_time,
    b.buffers_checkpoint::pg_catalog.float8 as buffers_written,
    b.buffers_clean::pg_catalog.float8 as buffers_clean,
    b.buffers_alloc::pg_catalog.float8 as buffers_alloc,
    extract(epoch from b.stats_reset)::pg_catalog.float8 as stats_reset
from pg_catalog.pg_stat_bgwriter b

-- one row a setting: all planner settings, those named in $1 (text[]), and those that wait for a restart
-- reads pg_settings
-- needs pg_read_all_settings for the hidden ones (shared_preload_libraries): their rows are absent without it
-- new in 13: first variant
select
    s.name,
    s.setting,
    s.unit,
    s.boot_val,
    s.pending_restart
from pg_catalog.pg_settings s
where s.category like 'Query Tuning%' or s.name = any ($1::pg_catalog.text[]) or s.pending_restart
order by s.name collate "C"

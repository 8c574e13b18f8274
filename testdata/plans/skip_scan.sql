-- The second column of an index is asked for: a search for each value of the first.
-- since: 18
-- expect: many-index-searches
set enable_seqscan = off;
set enable_bitmapscan = off;
set enable_hashjoin = off;
set enable_mergejoin = off;
set enable_material = off;
set max_parallel_workers_per_gather = 0;
set default_statistics_target = 1000;
create table if not exists visits as
select n % 100 as site, n / 100 as page, n as visitor from generate_series(1, 200000) n;
create index if not exists visits_site_page_idx on visits (site, page);
analyze visits;
select v.* from small s join visits v on v.page = s.id;

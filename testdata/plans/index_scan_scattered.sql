-- Each row lies on another page, and each is wanted.
set enable_seqscan = off;
set enable_bitmapscan = off;
set default_statistics_target = 1000;
create table if not exists visits as
select n % 100 as site, n / 100 as page, n as visitor from generate_series(1, 200000) n;
create index if not exists visits_site_page_idx on visits (site, page);
analyze visits;
select * from visits where site = 5;

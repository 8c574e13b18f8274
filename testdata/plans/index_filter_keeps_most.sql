-- The filter keeps nearly all that the index finds.
set enable_seqscan = off;
set enable_bitmapscan = off;
set default_statistics_target = 1000;
create table if not exists tickets as
select n as id, n / 25000 as queue, n % 100 as state, repeat('x', 100) as body from generate_series(1, 100000) n;
create index if not exists tickets_queue_idx on tickets (queue);
analyze tickets;
select * from tickets where queue = 2 and state > 3;

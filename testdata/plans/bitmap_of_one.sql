-- One index finds what is meant, nearly.
set enable_seqscan = off;
set max_parallel_workers_per_gather = 0;
set default_statistics_target = 1000;
create table if not exists parts as
select n as id, n % 10 as color, (n / 10) % 10 as size, repeat('p', 100) as body from generate_series(1, 200000) n;
create index if not exists parts_color_idx on parts (color);
create index if not exists parts_size_idx on parts (size);
analyze parts;
select * from parts where color = 3 and size < 9;

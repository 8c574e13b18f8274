-- A small table is read in no time.
select * from small where name = 'name 7';

-- The rows at the beginning of the index are gone, and nobody has removed their entries.
-- explain: rollback
-- expect: read-efficiency-idx
delete from sparse where id < 249000;
select * from sparse order by id limit 1;

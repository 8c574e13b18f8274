-- Ten rows.
-- explain: rollback
select id from small where id <= 10 for update;

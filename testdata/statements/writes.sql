-- expect: update-delete-no-where
update orders set note = $1;

-- expect: update-delete-no-where
delete from jobs;

-- expect: update-delete-no-where
with gone as (delete from jobs returning id) select count(*) from gone;

-- expect: update-delete-no-where
-- catalog: none
delete from sessions;

-- expect: nothing
update settings set value = $1;

-- expect: nothing
delete from tmp_import;

-- expect: nothing
delete from jobs where state = $1;

-- expect: nothing
update orders o set note = c.name from customers c where c.id = o.customer_id;

-- expect: nothing
insert into jobs (id, state, run_at) values ($1, $2, $3) on conflict (id) do update set state = excluded.state;

-- expect: insert-no-columns
insert into blocked values ($1, $2);

-- expect: insert-no-columns
insert into archived select id, now() from orders where status = $1;

-- expect: nothing
insert into blocked (customer_id, reason) values ($1, $2);

-- expect: nothing
insert into jobs default values;

-- expect: for-update-no-limit
-- rows: 20000
select id from orders where status = $1 for update;

-- expect: for-update-no-limit
-- rows: 1
select id, payload from jobs where state = $1 and run_at <= now() order by run_at limit $2 for update;

-- expect: nothing
-- rows: 1
select id, payload from jobs where state = $1 and run_at <= now() order by run_at limit $2 for update skip locked;

-- expect: nothing
-- rows: 1
select id, total from orders where id = $1 for update;

-- the newest of one owner, on purpose one at a time
-- expect: nothing
-- rows: 1
select id from jobs where owner_id = $1 order by run_at desc limit 1 for update;

-- expect: nothing
-- rows: 20000
select id from orders where status = $1 for share;

-- the lock is of the part that has a limit and does not wait
-- expect: nothing
-- rows: 5000
with next as (select id from jobs where state = $1 limit 5000 for update skip locked) select j.id from jobs j join next on next.id = j.id;

-- no comparison keeps it from being written otherwise but the lock, which the tree does not hold
-- expect: function-on-column
-- rewrite: none
select id from orders where date(created_at) = $1 for update;

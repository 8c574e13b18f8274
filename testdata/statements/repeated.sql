-- expect: cache-candidate
-- calls: 40000
-- mean: 3
select code, name from countries order by name;

-- expect: cache-candidate
-- calls: 90000
-- mean: 2.5
-- severity: high
-- share: 0.2
select code, name from countries where region = $1 order by name limit $2;

-- expect: matview-candidate
-- calls: 2000
-- mean: 900
select status, count(*), sum(total) from orders group by status;

-- expect: cache-candidate
-- calls: 50000
-- mean: 20
select count(*) from jobs where state = $1;

-- seldom
-- expect: nothing
-- calls: 100
-- mean: 3
select code, name from countries order by name;

-- cheap
-- expect: nothing
-- calls: 40000
-- mean: 0.05
select code, name from countries order by name;

-- another for each customer
-- expect: nothing
-- calls: 90000
-- mean: 3
select id, total from orders where customer_id = $1;

-- whatever is asked for now
-- expect: nothing
-- calls: 90000
-- mean: 3
select count(*) from jobs where state = $1 and run_at < now();

-- a parameter that may be anything
-- expect: nothing
-- calls: 90000
-- mean: 3
select count(*) from jobs where state = $1 and run_at < $2;

-- expect: nothing
-- calls: 9
-- mean: 900
select status, count(*), sum(total) from orders group by status;

-- Half of the rows: no index would help. Nothing is known of the expression.
-- expect: row-misestimate
select count(*) from orders where id % 2 = 0;

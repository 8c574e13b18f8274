-- An integer is compared with a numeric, so that each is cast.
-- expect: non-sargable
select * from orders where id = 5.0;

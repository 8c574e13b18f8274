-- The inner side is made of each outer row.
select count(*) from customers c, lateral generate_series(1, 12 + c.id % 3) g where c.id <= 2000;

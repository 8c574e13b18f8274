-- Tables of crystaldba/postgres-mcp's tests that are skipped there (tests/integration/dta), at four times the rows.
CREATE TABLE customers (id serial PRIMARY KEY, region varchar(50), city varchar(100), age int, income_level varchar(20), signup_date date);
CREATE TABLE products (id serial PRIMARY KEY, category varchar(50), subcategory varchar(50), price decimal(10,2), availability boolean, launch_date date);
CREATE TABLE sales (id serial PRIMARY KEY, customer_id int REFERENCES customers (id), product_id int REFERENCES products (id),
    sale_date date, quantity int, total_amount decimal(12,2), payment_method varchar(20), status varchar(20));
INSERT INTO customers (region, city, age, income_level, signup_date)
  SELECT (ARRAY['North', 'South', 'East', 'West'])[1 + i % 4],
    (ARRAY[['NYC', 'Boston', 'Chicago'], ['Miami', 'Dallas', 'Houston'], ['Philadelphia', 'DC', 'Atlanta'], ['LA', 'Seattle', 'Portland']])[1 + i % 4][1 + i % 3],
    25 + i % 50, (ARRAY['Low', 'Medium', 'High', 'Premium'])[1 + i % 4], current_date - i % 1000
  FROM generate_series(1, 20000) i;
INSERT INTO products (category, subcategory, price, availability, launch_date)
  SELECT (ARRAY['Electronics', 'Clothing', 'Home', 'Sports', 'Books'])[1 + i % 5],
    (ARRAY[['Phones', 'Computers', 'TVs'], ['Shirts', 'Pants', 'Shoes'], ['Kitchen', 'Bedroom', 'Living'], ['Football', 'Basketball', 'Tennis'], ['Fiction', 'NonFiction', 'Reference']])[1 + i % 5][1 + i % 3],
    (ARRAY[500, 50, 100, 30, 15])[1 + i % 5] + i % 100, i % 10 <> 0, current_date - i % 500
  FROM generate_series(1, 20000) i;
INSERT INTO sales (customer_id, product_id, sale_date, quantity, total_amount, payment_method, status)
  SELECT 1 + i % 20000, 1 + (i * 7) % 19997, current_date - i % 365, 1 + i % 5, (i * 37 % 1000 + 50)::numeric,
    CASE WHEN i % 50 < 25 THEN 'Credit' WHEN i % 50 < 40 THEN 'Debit' WHEN i % 50 < 48 THEN 'PayPal' ELSE 'Cash' END,
    CASE WHEN i % 50 < 25 THEN 'Completed' WHEN i % 50 < 40 THEN 'Pending' WHEN i % 50 < 48 THEN 'Processing' ELSE 'Canceled' END
  FROM generate_series(1, 80000) i;
CREATE TABLE large_table (id serial PRIMARY KEY, high1 int, high2 varchar(100), high3 int, medium1 int, medium2 varchar(50), low1 int, low2 varchar(10));
INSERT INTO large_table (high1, high2, high3, medium1, medium2, low1, low2)
  SELECT i, 'value-' || i, i * 37 % 10000, i % 100, 'category-' || i % 50, i % 5, (ARRAY['A', 'B', 'C'])[1 + i % 3] FROM generate_series(1, 50000) i;
VACUUM ANALYZE;

==== cases
D: two equalities of which one implies the other
# As postgres-mcp wants it. Each city is in one region here, so the city alone would find the same rows, but statistics of single
# columns cannot show that: see L in gaps.sql for what can.
SELECT * FROM customers WHERE region = 'North' AND city = 'NYC' ORDER BY age DESC
-> public.customers (region, city)

D: two equalities and a range
SELECT * FROM products WHERE category = 'Electronics' AND subcategory = 'Phones' AND price BETWEEN 500 AND 505 ORDER BY launch_date
-> public.products (category, subcategory, price)

D: newest of a status
# postgres-mcp wants (sale_date, status).
SELECT s.*, c.region FROM sales s JOIN customers c ON s.customer_id = c.id
  WHERE s.sale_date > current_date - interval '30 days' AND s.status = 'Completed' ORDER BY s.sale_date DESC LIMIT 100
-> public.sales (status, sale_date)
over public.sales (sale_date, status)

D: range of one and equality of another
# postgres-mcp wants (customer_id, product_id): the range first.
SELECT s.sale_date, s.quantity, s.total_amount FROM sales s WHERE s.customer_id BETWEEN 100 AND 500 AND s.product_id = 42 ORDER BY s.sale_date
-> public.sales (product_id, customer_id)
over public.sales (customer_id, product_id)

D: two columns that go together
# As postgres-mcp wants it. The server takes the two for independent: a quarter of the rows, where it is half.
SELECT count(*), sum(total_amount) FROM sales WHERE payment_method = 'Credit' AND status = 'Completed' GROUP BY sale_date HAVING count(*) > 5
-> public.sales (payment_method, status)

D: a column of many values
SELECT * FROM large_table WHERE high1 = 12345 ORDER BY id LIMIT 100
-> public.large_table (high1)

D: a text of many values
SELECT * FROM large_table WHERE high2 = 'value-12345'
-> public.large_table (high2)

D: a column of a hundred values
SELECT * FROM large_table WHERE medium1 = 42
-> public.large_table (medium1)

-- The tables of TPC-H at a fiftieth of its smallest scale, with made-up rows of the same kind: four lines an order, three orders a
-- customer and month, values spread evenly. Its statements are those of the benchmark, with the values of its validation runs.
CREATE TABLE nation (n_nationkey int PRIMARY KEY, n_name text NOT NULL, n_regionkey int NOT NULL);
CREATE TABLE supplier (s_suppkey int PRIMARY KEY, s_name text NOT NULL, s_nationkey int NOT NULL, s_acctbal numeric NOT NULL);
CREATE TABLE part (p_partkey int PRIMARY KEY, p_name text NOT NULL, p_brand char(10) NOT NULL, p_type text NOT NULL, p_size int NOT NULL, p_container char(10) NOT NULL);
CREATE TABLE customer (c_custkey int PRIMARY KEY, c_name text NOT NULL, c_nationkey int NOT NULL, c_phone char(15) NOT NULL, c_acctbal numeric NOT NULL, c_mktsegment char(10) NOT NULL);
CREATE TABLE orders (o_orderkey int PRIMARY KEY, o_custkey int NOT NULL, o_orderstatus char(1) NOT NULL, o_totalprice numeric NOT NULL, o_orderdate date NOT NULL, o_orderpriority char(15) NOT NULL, o_comment text NOT NULL);
CREATE TABLE lineitem (l_orderkey int NOT NULL, l_partkey int NOT NULL, l_suppkey int NOT NULL, l_linenumber int NOT NULL, l_quantity numeric NOT NULL, l_extendedprice numeric NOT NULL, l_discount numeric NOT NULL, l_returnflag char(1) NOT NULL, l_shipdate date NOT NULL, l_commitdate date NOT NULL, l_receiptdate date NOT NULL, l_shipinstruct char(25) NOT NULL, l_shipmode char(10) NOT NULL, l_comment text NOT NULL);
INSERT INTO nation SELECT i, 'NATION ' || i, i % 5 FROM generate_series(0, 24) i;
INSERT INTO supplier SELECT i, 'Supplier#' || i, i % 25, i * 37 % 10000 FROM generate_series(1, 200) i;
INSERT INTO part SELECT i, 'part ' || md5(i::text), 'Brand#' || 11 + i * 7 % 25, (ARRAY['PROMO', 'STANDARD', 'SMALL', 'ECONOMY', 'LARGE', 'MEDIUM'])[1 + i % 6] || ' ' || i % 25, 1 + i * 13 % 50, (ARRAY['SM CASE', 'MED BOX', 'LG BAG', 'JUMBO JAR'])[1 + i % 4] FROM generate_series(1, 4000) i;
INSERT INTO customer SELECT i, 'Customer#' || i, i * 11 % 25, 10 + i % 25 || '-' || i, i * 101 % 11000 - 1000, (ARRAY['BUILDING', 'AUTOMOBILE', 'MACHINERY', 'HOUSEHOLD', 'FURNITURE'])[1 + i * 7 % 5] FROM generate_series(1, 3000) i;
INSERT INTO orders SELECT i, 1 + (i::bigint * 7919 % 3000)::int, (ARRAY['O', 'F', 'P'])[1 + i % 3], 1000 + i::bigint * 3571 % 400000, date '1992-01-01' + (i::bigint * 104729 % 2400)::int, (ARRAY['1-URGENT', '2-HIGH', '3-MEDIUM', '4-NOT SPECIFIED', '5-LOW'])[1 + i % 5], repeat('o', 40) FROM generate_series(1, 30000) i;
INSERT INTO lineitem SELECT o_orderkey, 1 + ((o_orderkey::bigint * 4 + n) * 2654435 % 4000)::int, 1 + ((o_orderkey::bigint * 4 + n) * 48271 % 200)::int, n, 1 + (o_orderkey * 3 + n) % 50, 1000 + (o_orderkey::bigint * 17 + n * 331) % 90000, ((o_orderkey + n) % 11) / 100.0, (ARRAY['R', 'A', 'N'])[1 + (o_orderkey + n) % 3], o_orderdate + 1 + (o_orderkey * 5 + n * 31) % 120, o_orderdate + 30 + (o_orderkey + n * 7) % 60, o_orderdate + 2 + (o_orderkey * 5 + n * 31) % 150, (ARRAY['DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN'])[1 + (o_orderkey + n) % 4], (ARRAY['REG AIR', 'AIR', 'RAIL', 'SHIP', 'TRUCK', 'MAIL', 'FOB'])[1 + (o_orderkey * 3 + n) % 7], repeat('l', 25) FROM orders, generate_series(1, 4) n;
VACUUM ANALYZE;

==== cases
T: 3
SELECT l_orderkey, sum(l_extendedprice * (1 - l_discount)) AS revenue, o_orderdate FROM customer, orders, lineitem
  WHERE c_mktsegment = 'BUILDING' AND c_custkey = o_custkey AND l_orderkey = o_orderkey AND o_orderdate < date '1992-01-15' AND l_shipdate > date '1992-01-15'
  GROUP BY l_orderkey, o_orderdate ORDER BY revenue DESC, o_orderdate LIMIT 10
-> any

T: 4
SELECT o_orderpriority, count(*) FROM orders WHERE o_orderdate >= date '1993-07-01' AND o_orderdate < date '1993-07-15'
  AND EXISTS (SELECT * FROM lineitem WHERE l_orderkey = o_orderkey AND l_commitdate < l_receiptdate) GROUP BY o_orderpriority ORDER BY o_orderpriority
-> any

T: 6
SELECT sum(l_extendedprice * l_discount) FROM lineitem WHERE l_shipdate >= date '1994-01-01' AND l_shipdate < date '1994-02-01' AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24
-> any

T: 10
SELECT c_custkey, c_name, sum(l_extendedprice * (1 - l_discount)) AS revenue, n_name FROM customer, orders, lineitem, nation
  WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey AND o_orderdate >= date '1993-10-01' AND o_orderdate < date '1993-10-15' AND l_returnflag = 'R' AND c_nationkey = n_nationkey
  GROUP BY c_custkey, c_name, n_name ORDER BY revenue DESC LIMIT 20
-> any

T: 12
SELECT l_shipmode, count(*) FROM orders, lineitem WHERE o_orderkey = l_orderkey AND l_shipmode IN ('MAIL', 'SHIP') AND l_commitdate < l_receiptdate
  AND l_shipdate < l_commitdate AND l_receiptdate >= date '1994-01-01' AND l_receiptdate < date '1994-02-01' GROUP BY l_shipmode ORDER BY l_shipmode
-> any

T: 17
SELECT sum(l_extendedprice) / 7.0 FROM lineitem, part WHERE p_partkey = l_partkey AND p_brand = 'Brand#23' AND p_container = 'MED BOX'
  AND l_quantity < (SELECT 0.2 * avg(l_quantity) FROM lineitem WHERE l_partkey = p_partkey)
-> any

T: 18 for one customer
SELECT c_name, o_orderkey, o_orderdate, o_totalprice, sum(l_quantity) FROM customer, orders, lineitem
  WHERE c_custkey = 77 AND c_custkey = o_custkey AND o_orderkey = l_orderkey GROUP BY c_name, o_orderkey, o_orderdate, o_totalprice ORDER BY o_totalprice DESC LIMIT 100
-> any

T: the lines of an order
SELECT * FROM lineitem WHERE l_orderkey = 4711
-> any

T: the last orders of a customer
SELECT * FROM orders WHERE o_custkey = 77 ORDER BY o_orderdate DESC LIMIT 5
-> any

T: what a supplier shipped
SELECT l_orderkey, l_quantity FROM lineitem WHERE l_suppkey = 17 AND l_shipdate BETWEEN date '1995-03-01' AND date '1995-03-31'
-> any

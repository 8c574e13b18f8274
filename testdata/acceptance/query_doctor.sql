-- Tables of Query-Doctor/analyzer's tests of GIN (src/remote/gin-indexes.test.ts) and of sort directions, with rarer values where
-- theirs match a third of the table: there a LIMIT of 10 finds its rows on the first page, and no index is needed.
CREATE TABLE products (id serial PRIMARY KEY, data jsonb NOT NULL, price numeric NOT NULL);
INSERT INTO products (data, price) SELECT jsonb_build_object('category', 'c' || i % 500, 'a', i, 'name', 'product' || i) || CASE WHEN i % 300 = 0 THEN '{"b": true}'::jsonb ELSE '{}' END, i % 500
  FROM generate_series(1, 30000) i;
CREATE TABLE events (id serial PRIMARY KEY, payload jsonb NOT NULL);
INSERT INTO events (payload) SELECT jsonb_build_object('type', 'click', 'x', i, 'y', i * 2) || CASE WHEN i % 500 = 0 THEN '{"element_id": "btn"}'::jsonb ELSE '{}' END
    || CASE WHEN i % 700 = 0 THEN '{"delta": 50}'::jsonb ELSE '{}' END
  FROM generate_series(1, 30000) i;
CREATE TABLE indexed AS SELECT * FROM products;
CREATE INDEX ON indexed USING gin (data jsonb_path_ops);
CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL);
INSERT INTO users (name) SELECT 'user' || i FROM generate_series(1, 30000) i;
CREATE TABLE readings (id serial PRIMARY KEY, device int NOT NULL, at timestamptz NOT NULL, value int);
INSERT INTO readings (device, at, value) SELECT i % 200, timestamptz '2024-01-01' + i * interval '1 minute', i * 31 % 977 FROM generate_series(1, 60000) i;
VACUUM ANALYZE;

==== cases
F: @>
SELECT * FROM products WHERE data @> '{"category": "c7"}' LIMIT 10
-> [clone] public.products USING gin (data jsonb_path_ops)
-> [hypopg estimate] none: cannot judge

F: ?
SELECT * FROM events WHERE payload ? 'element_id' LIMIT 10
-> [clone] public.events USING gin (payload)
-> [hypopg estimate] none: cannot judge

F: ?|
SELECT * FROM events WHERE payload ?| array['element_id', 'delta'] LIMIT 10
-> [clone] public.events USING gin (payload)
-> [hypopg estimate] none: cannot judge

F: ?&
SELECT * FROM events WHERE payload ?& array['element_id', 'delta'] LIMIT 10
-> [clone] public.events USING gin (payload)
-> [hypopg estimate] none: cannot judge

F: a document and a column
SELECT * FROM products WHERE data @> '{"category": "c7"}' AND price > 100 LIMIT 10
-> [clone] public.products USING gin (data jsonb_path_ops)
-> [hypopg estimate] none: cannot judge

F: two operators on one column
SELECT * FROM products WHERE data @> '{"a": 1}' AND data ? 'b' LIMIT 10
-> [clone] public.products USING gin (data)
-> [hypopg estimate] none: cannot judge

F: alias
SELECT * FROM products p WHERE p.data @> '{"category": "c7"}' LIMIT 10
-> [clone] public.products USING gin (data jsonb_path_ops)
-> [hypopg estimate] none: cannot judge

F: no document
SELECT * FROM users WHERE name = 'alice' LIMIT 10
-> public.users (name)

F: one that exists
SELECT * FROM indexed WHERE data @> '{"category": "c7"}' LIMIT 10
-> none: existing indexes already serve

F: a third of the table
# As Query Doctor tests it: ten rows of very many are on the first pages.
SELECT * FROM products WHERE data ? 'name' LIMIT 10
-> none

F: mixed directions
SELECT * FROM readings ORDER BY device, at DESC LIMIT 50
-> public.readings (device, at DESC)

F: equality, then mixed directions
SELECT * FROM readings WHERE device = 7 ORDER BY value DESC, at LIMIT 5
-> public.readings (device, value DESC, at)

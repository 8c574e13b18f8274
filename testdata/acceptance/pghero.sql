-- The tables of ankane/pghero's tests (test/support/migrations.rb, test/test_helper.rb): 10,000 users, here with all columns filled.
CREATE EXTENSION ltree;
CREATE EXTENSION pg_trgm;
CREATE TABLE cities (id bigserial PRIMARY KEY, name varchar);
INSERT INTO cities (name) SELECT 'City ' || n FROM generate_series(1, 100) n;
CREATE TABLE states (id bigserial PRIMARY KEY, name varchar);
INSERT INTO states (name) SELECT 'State ' || n FROM generate_series(1, 50) n;
CREATE TABLE users (id bigserial PRIMARY KEY, city_id int, login_attempts int, email varchar, zip_code varchar, active boolean,
    country varchar, path ltree, range int4range, description text, ts_description tsvector, last_known_ip inet, metadata jsonb,
    created_at timestamp, updated_at timestamp);
INSERT INTO users (city_id, login_attempts, email, zip_code, active, country, path, range, description, last_known_ip, metadata,
    created_at, updated_at)
  SELECT n % 100, n % 30, 'person' || n || '@example.org', CASE WHEN n % 40 <> 0 THEN '12345' END, true, 'Test ' || n % 50,
    ('root.' || n % 20 || '.' || n)::ltree, int4range(n % 1000, n % 1000 + 10), 'about ' || n, '10.0.0.0'::inet + n,
    jsonb_build_object('n', n), timestamp '2024-01-01' - n * interval '1 minute', timestamp '2024-01-01' - n * interval '1 hour'
  FROM generate_series(1, 10000) n;
UPDATE users SET ts_description = to_tsvector('simple', description);
-- The same people with an index on many columns, none of them a btree but one.
CREATE TABLE members AS SELECT * FROM users;
ALTER TABLE members ADD PRIMARY KEY (id);
UPDATE members SET zip_code = 'z' || id % 500;
CREATE INDEX ON members (updated_at);
CREATE INDEX ON members USING gist (country gist_trgm_ops);
CREATE INDEX ON members USING hash (zip_code);
CREATE INDEX ON members USING gist (path);
CREATE INDEX ON members USING gist (range);
CREATE INDEX ON members USING gist (ts_description);
CREATE INDEX ON members USING gist (last_known_ip inet_ops);
CREATE INDEX ON members USING brin (created_at);
CREATE INDEX ON members USING gin (metadata);
VACUUM FULL users, members;
VACUUM ANALYZE;

==== cases
C: one column
SELECT * FROM users WHERE city_id = 1
-> public.users (city_id)

C: two columns
SELECT * FROM users WHERE city_id = 1 AND login_attempts = 2
-> public.users (city_id, login_attempts)

C: unique column
SELECT * FROM users WHERE city_id = 1 AND email = 'person2@example.org'
-> public.users (email)

C: order of the whole table
# pghero answers (created_at), (login_attempts, created_at), … without asking what they cost: every row by index is dearer than a sort.
SELECT * FROM users ORDER BY login_attempts, created_at
-> none: no index lowers its cost

C: order that ends
SELECT * FROM users ORDER BY created_at LIMIT 20
-> public.users (created_at)

C: order by two that ends
SELECT * FROM users ORDER BY login_attempts, created_at LIMIT 20
-> public.users (login_attempts, created_at)

C: mixed directions
# pghero stops at the first DESC and answers (login_attempts).
SELECT * FROM users ORDER BY login_attempts DESC, created_at LIMIT 20
-> public.users (login_attempts DESC, created_at)
over public.users (login_attempts)

C: order behind a unique column
SELECT * FROM users ORDER BY id, created_at LIMIT 20
-> none: existing indexes already serve

C: unique column and order
SELECT * FROM users WHERE email = 'person2@example.org' ORDER BY created_at
-> public.users (email)

C: equality and order
SELECT * FROM users WHERE login_attempts = 1 ORDER BY created_at LIMIT 10
-> public.users (login_attempts, created_at)

C: equality and an order that no index has
SELECT * FROM users WHERE login_attempts = 1 ORDER BY now()
-> public.users (login_attempts)

C: IN
SELECT * FROM users WHERE city_id IN (1, 2)
-> public.users (city_id)

C: LIKE with an unknown pattern
SELECT * FROM users WHERE email LIKE $1
-> [clone] public.users USING gin (email gin_trgm_ops)
-> [hypopg estimate] none: cannot judge

C: equality and LIKE
SELECT * FROM users WHERE city_id = $1 AND email LIKE $2
-> public.users (city_id)

C: LIKE and a column of one value
SELECT * FROM users WHERE email LIKE $1 AND active = $2
-> [clone] public.users USING gin (email gin_trgm_ops)
-> [hypopg estimate] none: cannot judge

C: ILIKE
SELECT * FROM users WHERE email ILIKE $1
-> [clone] public.users USING gin (email gin_trgm_ops)
-> [hypopg estimate] none: cannot judge

C: not equal
SELECT * FROM users WHERE city_id != $1 AND login_attempts = 2
-> public.users (login_attempts)

C: NOT IN
SELECT * FROM users WHERE city_id NOT IN ($1) AND login_attempts = 2
-> public.users (login_attempts)

C: BETWEEN
SELECT * FROM users WHERE city_id BETWEEN 1 AND 2
-> public.users (city_id)

C: two ranges
SELECT * FROM users WHERE city_id > $1 AND login_attempts > $2
-> public.users (city_id)

C: parameter
SELECT * FROM users WHERE city_id = $1
-> public.users (city_id)

C: IS NULL
SELECT * FROM users WHERE zip_code IS NULL
-> public.users (zip_code)

C: IS NULL and equality
# pghero answers (zip_code). Both take 88 kB, and this one fetches 8 rows where that one fetches 125; the planner asks 20.7 for the
# one and 19.3 for the other, because the rows of one value lie in order.
SELECT * FROM users WHERE zip_code IS NULL AND login_attempts = 3
-> public.users (zip_code, login_attempts)

C: IS NOT NULL and equality
SELECT * FROM users WHERE zip_code IS NOT NULL AND login_attempts = $1
-> public.users (login_attempts)

C: update
UPDATE users SET email = 'test' WHERE city_id = 1
-> public.users (city_id)

C: delete
DELETE FROM users WHERE city_id = 1
-> public.users (city_id)

C: OR of the same column
# pghero does not know the structure.
SELECT FROM users WHERE login_attempts = 0 OR login_attempts = 1
-> public.users (login_attempts)

C: OR in an AND
SELECT FROM users WHERE city_id = 1 AND (login_attempts = 0 OR login_attempts = 1)
-> public.users (city_id, login_attempts)

C: join of everything
SELECT * FROM users INNER JOIN cities ON cities.id = users.city_id
-> none: no index lowers its cost

C: no such table
SELECT * FROM non_existent_table WHERE id = 1
-> [estimate] none: non_existent_table

C: no table
SELECT now()
-> [estimate] none: reads no user table

C: no condition
SELECT * FROM users
-> [hypopg estimate] none: it has none that an index could serve

C: fifty rows
SELECT * FROM states WHERE name = 'State 1'
-> [hypopg estimate] none: too small for an index to matter

C: catalog
SELECT count(*) AS count FROM pg_extension WHERE extname = $1
-> [estimate] none: reads no user table

C: insert
INSERT INTO users (login_attempts) VALUES (1)
-> [hypopg estimate] none: only inserts

C: setting
SET client_encoding TO 'UTF8'
-> [estimate] none: utility statement

C: existing btree
SELECT * FROM members WHERE updated_at > '2023-12-31'
-> none: existing indexes already serve

C: existing primary key
SELECT * FROM members WHERE id = 1
-> none: existing indexes already serve

C: existing hash, equality
SELECT * FROM members WHERE zip_code = 'z90'
-> none

C: existing hash, IN
SELECT * FROM members WHERE zip_code IN ('z90', 'z99')
-> none

C: existing hash, range
SELECT * FROM members WHERE zip_code > 'z98'
-> public.members (zip_code)

C: existing trigrams, equality
# pghero says that trigrams do not serve it; from 14 on they do, and the server plans them like a btree.
SELECT * FROM members WHERE country = 'Test 1'
-> [clone hypopg] none: no index lowers its cost
-> [estimate] public.members (country)

C: existing GiST on a path, equality
SELECT * FROM members WHERE path = 'root.3.3'
-> none

C: existing GiST on a range, equality
SELECT * FROM members WHERE range = '[5,15)'
-> none

C: existing GiST on an address, equality
SELECT * FROM members WHERE last_known_ip = '10.0.0.7'::inet
-> none

C: existing GiST on an address, range
# pghero counts it as covered. Addresses follow the order of the rows, and a btree knows that: 56.8 becomes 8.6.
SELECT * FROM members WHERE last_known_ip > '10.0.39.0'::inet
-> public.members (last_known_ip)

C: existing BRIN, equality
# pghero counts it as covered. The summary reads 128 pages for one row, though.
SELECT * FROM members WHERE created_at = '2023-12-30'
-> public.members (created_at)

C: existing BRIN, order
SELECT * FROM members ORDER BY created_at LIMIT 10
-> public.members (created_at)

C: existing GIN, equality
SELECT * FROM members WHERE metadata = '{"n": 7}'::jsonb
-> public.members (metadata)

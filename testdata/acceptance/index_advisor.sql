-- Tables of supabase/index_advisor's tests (test/sql/multi_index.sql and others, issue 10), with rows in them.
CREATE TABLE author (id serial PRIMARY KEY, name text NOT NULL);
CREATE TABLE publisher (id serial PRIMARY KEY, name text NOT NULL, corporate_address text);
CREATE TABLE book (id serial PRIMARY KEY, author_id int NOT NULL REFERENCES author (id),
    publisher_id int NOT NULL REFERENCES publisher (id), title text);
CREATE TABLE review (id serial PRIMARY KEY, book_id int REFERENCES book (id), body text NOT NULL);
INSERT INTO author (name) SELECT 'author ' || n FROM generate_series(1, 5000) n;
INSERT INTO publisher (name) SELECT 'publisher ' || n FROM generate_series(1, 200) n;
INSERT INTO book (author_id, publisher_id, title) SELECT 1 + (n::bigint * 7919) % 5000, 1 + (n * 31) % 200, 'book ' || n FROM generate_series(1, 40000) n;
INSERT INTO review (book_id, body) SELECT 1 + (n::bigint * 104729) % 40000, 'review ' || n FROM generate_series(1, 80000) n;
CREATE TABLE shelf (id int, name text, about json);
INSERT INTO shelf SELECT n, 'shelf ' || n, '{}' FROM generate_series(1, 40000) n;
CREATE TABLE leaflet (id int, name text);
CREATE TABLE "Subscription" (id int PRIMARY KEY, "customerId" int, is_premium boolean, "startedAt" timestamp);
INSERT INTO "Subscription" SELECT n, n % 4000, n % 3 = 0, timestamp '2024-01-01' + n * interval '1 minute' FROM generate_series(1, 40000) n;
CREATE INDEX ON "Subscription" ("customerId", is_premium);
CREATE FUNCTION get_info(x int) RETURNS text LANGUAGE sql AS $$ SELECT 'foo' $$;
VACUUM ANALYZE;

==== cases
B: four tables
# index_advisor answers (author_id), (publisher_id) on book and (book_id) on review.
SELECT book.id, book.title, publisher.name AS publisher_name, author.name AS author_name, review.body review_body
  FROM book JOIN publisher ON book.publisher_id = publisher.id JOIN author ON book.author_id = author.id
    JOIN review ON book.id = review.book_id
  WHERE author.id = $1 AND publisher.id = $2
-> public.book (author_id)
-> public.review (book_id)

B: one column
SELECT * FROM shelf WHERE id = $1
-> public.shelf (id)

B: a table with a json column
SELECT * FROM shelf WHERE id = 7 AND about::text <> 'x'
-> public.shelf (id)

B: an empty table
# index_advisor answers (id).
SELECT * FROM leaflet WHERE id = $1
-> [hypopg estimate] none: is empty or was never analyzed

B: as PostgREST calls a function
WITH pgrst_source AS (WITH pgrst_payload AS (SELECT $1 AS json_data), pgrst_body AS (SELECT CASE WHEN json_typeof(json_data) = $4 THEN json_data ELSE json_build_array(json_data) END AS val FROM pgrst_payload), pgrst_args AS (SELECT * FROM json_to_recordset((SELECT val FROM pgrst_body)) AS _("x" integer)) SELECT "public"."get_info"("x" := (SELECT "x" FROM pgrst_args LIMIT $5)) AS pgrst_scalar) SELECT $6::bigint AS total_result_set, pg_catalog.count(_postgrest_t) AS page_total, coalesce((json_agg(_postgrest_t.pgrst_scalar)->$7)::text, $8) AS body FROM (SELECT "get_info".* FROM "pgrst_source" AS "get_info" LIMIT $2 OFFSET $3) _postgrest_t
-> [estimate] none: reads no user table

B: as PostgREST reads a table
WITH pgrst_source AS (SELECT "public"."shelf".* FROM "public"."shelf" WHERE "public"."shelf"."name" = $1 LIMIT $2 OFFSET $3)
  SELECT null::bigint AS total_result_set, pg_catalog.count(_postgrest_t) AS page_total, coalesce(json_agg(_postgrest_t), '[]')::character varying AS body
  FROM (SELECT * FROM pgrst_source) _postgrest_t
-> public.shelf (name)

B: a semicolon in a comment
SELECT * FROM shelf -- all; of them
  WHERE /* ; */ id = 3
-> public.shelf (id)

B: two statements
SELECT * FROM shelf WHERE id = 1; SELECT * FROM review WHERE book_id = 1
-> public.review (book_id)
-> public.shelf (id)

M: an index that begins with the column
# index_advisor's issue 10: it answers (customer_id).
SELECT * FROM "Subscription" WHERE "customerId" = 17
-> none: existing indexes already serve

M: the same index
SELECT * FROM "Subscription" WHERE "customerId" = 17 AND is_premium
-> none

M: the other order of the same columns
SELECT * FROM "Subscription" WHERE is_premium = true AND "customerId" = 17
-> none

M: the whole index read backwards
SELECT * FROM "Subscription" ORDER BY "customerId" DESC, is_premium DESC LIMIT 10
-> none: existing indexes already serve

M: unique keys find the row already
SELECT * FROM "Subscription" WHERE id = 5 AND "startedAt" > '2024-01-01' AND "customerId" = 5
-> none

P: quoted names in the DDL
# HypoPG's issue 87: names with capitals gave DDL that no server takes.
SELECT * FROM "Subscription" WHERE "startedAt" = '2024-01-01 00:30'
-> public."Subscription" ("startedAt")

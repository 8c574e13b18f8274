-- The tables of ankane/dexter's tests (test/support/schema.sql): 100,000 posts of 1,000 blogs and 10 users.
CREATE TABLE posts (id int, blog_id int, user_id int, json json, jsonb jsonb, "point" point, indexed int);
INSERT INTO posts SELECT n, n % 1000, n % 10, '{}', '{}', NULL, n FROM generate_series(1, 100000) n;
CREATE INDEX ON posts (indexed);
CREATE VIEW posts_view AS SELECT id AS view_id FROM posts;
CREATE MATERIALIZED VIEW posts_materialized AS SELECT * FROM posts;
CREATE TABLE blogs (id int PRIMARY KEY, title text);
INSERT INTO blogs (id) SELECT n FROM generate_series(0, 999) n;
CREATE TABLE events (id int, blog_id int) PARTITION BY HASH (blog_id);
CREATE TABLE events_0 PARTITION OF events FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE events_1 PARTITION OF events FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE events_2 PARTITION OF events FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO events (id, blog_id) SELECT n, n FROM generate_series(1, 100000) n;
CREATE SCHEMA "Bar";
CREATE TABLE "Bar"."Foo" ("Id" int);
INSERT INTO "Bar"."Foo" SELECT n FROM generate_series(1, 100000) n;
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE comments (id int, post_id int) SERVER elsewhere;
VACUUM ANALYZE;

==== cases
A: one column
SELECT * FROM posts WHERE id = 1
-> public.posts (id)

A: the whole table
SELECT * FROM posts
-> [hypopg estimate] none: it has none that an index could serve

A: two columns of the whole table
# dexter tries four indexes and says itself that it should be none.
SELECT id, blog_id FROM posts
-> [hypopg estimate] none: it has none that an index could serve

A: two columns
SELECT * FROM posts WHERE user_id = 1 AND blog_id = 2
-> public.posts (user_id, blog_id)

A: equality and range
# dexter answers (blog_id), its cost bar hides the better one.
SELECT * FROM posts WHERE user_id = 1 AND blog_id < 10
-> public.posts (user_id, blog_id)
over public.posts (blog_id)

A: equality, then the order
SELECT * FROM posts WHERE user_id = 1 ORDER BY blog_id LIMIT 1000
-> public.posts (user_id, blog_id)

A: join
SELECT * FROM posts INNER JOIN blogs ON blogs.id = posts.blog_id WHERE blogs.id = 1
-> public.posts (blog_id)

A: update
UPDATE posts SET user_id = 2 WHERE user_id = 1
-> public.posts (user_id)

A: delete
DELETE FROM posts WHERE user_id = 1
-> public.posts (user_id)

A: view
SELECT * FROM posts_view WHERE view_id = 1
-> public.posts (id)

A: materialized view
SELECT * FROM posts_materialized WHERE id = 1
-> public.posts_materialized (id)

A: no such table
SELECT * FROM missing WHERE id = 1
-> [estimate] none: missing

A: foreign table
SELECT * FROM comments WHERE post_id = 1
-> [estimate] none: foreign table

A: information schema
SELECT * FROM information_schema.tables WHERE table_name = 'x'
-> [estimate] none: reads no user table

A: catalog by name
SELECT * FROM pg_catalog.pg_class WHERE relname = 'x'
-> [estimate] none: reads no user table

A: catalog without a name
SELECT * FROM pg_index WHERE indrelid = 1
-> [estimate] none: reads no user table

A: no table
SELECT 1
-> [estimate] none: reads no user table

A: a column that does not exist
SELECT bad FROM posts
-> [estimate] none: column bad

A: partitioned table
SELECT * FROM events WHERE blog_id = 1
-> public.events (blog_id)

A: partitioned table and one of its partitions
# dexter builds both and calls that a defect: the parent's index covers the child.
SELECT * FROM events WHERE blog_id = 1; SELECT * FROM events_0 WHERE blog_id = 1
-> public.events (blog_id)

A: a partition alone
SELECT * FROM events_0 WHERE blog_id = 1
-> public.events_0 (blog_id)

A: CTE with a condition inside
WITH cte AS (SELECT * FROM posts WHERE id = 1) SELECT * FROM cte
-> public.posts (id)

A: CTE with a condition outside
WITH cte AS (SELECT * FROM posts) SELECT * FROM cte WHERE id = 1
-> public.posts (id)

A: MATERIALIZED
WITH cte AS MATERIALIZED (SELECT * FROM posts) SELECT * FROM cte WHERE id = 1
-> [hypopg estimate] none: it has none that an index could serve

A: NOT MATERIALIZED
WITH cte AS NOT MATERIALIZED (SELECT * FROM posts) SELECT * FROM cte WHERE id = 1
-> public.posts (id)

A: order backwards
SELECT * FROM posts ORDER BY user_id DESC LIMIT 10
-> public.posts (user_id)

A: order by position
SELECT user_id FROM posts ORDER BY 1 LIMIT 10
-> public.posts (user_id)

A: order by alias
SELECT user_id AS u FROM posts ORDER BY u LIMIT 10
-> public.posts (user_id)

A: order by a position of *
# dexter loses it and says that this is not ideal.
SELECT * FROM posts ORDER BY 1 DESC LIMIT 10
-> public.posts (id)

A: order by two
SELECT * FROM posts ORDER BY user_id, blog_id LIMIT 10
-> public.posts (user_id, blog_id)

A: mixed directions
# dexter's own test of it is skipped.
SELECT * FROM posts ORDER BY user_id DESC, blog_id LIMIT 10
-> public.posts (user_id DESC, blog_id)

A: mixed directions the other way round
SELECT * FROM posts ORDER BY user_id, blog_id DESC LIMIT 10
-> public.posts (user_id, blog_id DESC)

A: nulls where the plain index has them not
SELECT * FROM posts ORDER BY user_id DESC NULLS LAST LIMIT 10
-> public.posts (user_id DESC NULLS LAST)

A: quoted names
SELECT * FROM "Bar"."Foo" WHERE "Id" = 10000
-> "Bar"."Foo" ("Id")

A: parameter
SELECT * FROM posts WHERE id = $1
-> public.posts (id)

A: already indexed
SELECT * FROM posts WHERE indexed = 1
-> none: existing indexes already serve

A: json is compared as text only
SELECT * FROM posts WHERE json::text = '{}' AND id = 4
-> public.posts (id)

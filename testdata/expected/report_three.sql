-- pgperf 0.1.0: index advice for database shop
-- server: PostgreSQL 15.18 (Debian 15.18-0+deb12u1), seen 2026-02-03 04:05:06 UTC
-- planner: estimate: arithmetic over the statistics, no planner was asked: costs are estimates (214 questions); hypopg is not installed in database shop, and no local PostgreSQL 15 was found; plans are timed as 37 statements ran here: beside sequential reads, index reads take 2.1 times and joins, sorts and groups 1.5 times as long as on the usual server (modelled times off by a factor of 1.4 instead of 2.1)
-- analysed: 97.3 % of 41.0 min of execution time (212 of 224 statements, 1 by plan, counted over 6.2 days)
-- left out: 12 statements: 7 text not visible (42.0 s), 2 not understood: expected an expression, found \x1b[2J (24.0 s), 1 table tmp_import not found (420 ms), 1 table tmp_export not found, 1 for other reasons
-- not seen: hypopg is not installed in database shop, so costs are estimates. Sizes and ratios may be off by a factor of 2
--   apt install postgresql-15-hypopg
--   CREATE EXTENSION hypopg;
--
-- Run this with psql as the owner of the tables, without -1 (--single-transaction): CREATE and DROP INDEX CONCURRENTLY
-- cannot run inside a transaction block. If CREATE INDEX CONCURRENTLY fails or is cancelled, it leaves an INVALID index
-- of that name: drop it (the undo line), then run the statement again. Invalid indexes are listed by
--   SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid;
-- The file is UTF-8 and holds nothing but DDL and comments, so that any client can run it:
--   PGCLIENTENCODING=UTF8 PGOPTIONS='-c statement_timeout=0' psql -v ON_ERROR_STOP=1 -f FILE

-- 1. [P0] Create an index on public.orders
-- The filter of 7 statements on its columns reads the whole table today
-- priority: P0: saves 61.9 % of the analysed load, 3.2 h a day; 13,931 executions a day
-- saves: 3.2 h per day, 61.9 % of the analysed load; cost 883,089,699 → 104,192 (8,476×)
-- size: 25 MB
-- writes: 1.2 s per day more
-- confidence: high: the real planner on a copy of the statistics; statistics of orders are 3.2 h old
-- effort: one statement, does not block writes
-- risk: adds 1.2 % to writes on orders
-- helps: 12,345 executions, mean 943 ms, cost 71,534 → 8.44 (8,476×): SELECT o.id, o.total FROM orders o WHERE o.customer_id = $1 AND o.created_at > $2 ORDER BY o.created_at DESC LIMIT $3 -- the page of a customer
--   before: Limit > Sort > Seq Scan on orders
--   after: Limit > Index Scan using orders_customer_id_created_at_idx on orders
-- helps: 12,345 executions, mean 943 ms, cost 71,534 → 8.44 (8,476×): SELECT o.id, o.total FROM orders o WHERE o.customer_id = $1 AND o.created_at > $2 ORDER BY o.created_at DESC LIMIT $3 -- the page of a customer
--   before: Limit > Sort > Seq Scan on orders
--   after: Limit > Index Scan using orders_customer_id_created_at_idx on orders
-- helps: 12,345 executions, mean 943 ms, cost 71,534 → 8.44 (8,476×): SELECT o.id, o.total FROM orders o WHERE o.customer_id = $1 AND o.created_at > $2 ORDER BY o.created_at DESC LIMIT $3 -- the page of a customer
--   before: Limit > Sort > Seq Scan on orders
--   after: Limit > Index Scan using orders_customer_id_created_at_idx on orders
-- helps: 12,345 executions, mean 943 ms, cost 71,534 → 8.44 (8,476×): SELECT o.id, o.total FROM orders o WHERE o.customer_id = $1 AND o.created_at > $2 ORDER BY o.created_at DESC LIMIT $3 -- the page of a customer
--   before: Limit > Sort > Seq Scan on orders
--   after: Limit > Index Scan using orders_customer_id_created_at_idx on orders
-- helps: 12,345 executions, mean 943 ms, cost 71,534 → 8.44 (8,476×): SELECT o.id, o.total FROM orders o WHERE o.customer_id = $1 AND o.created_at > $2 ORDER BY o.created_at DESC LIMIT $3 -- the page of a customer
--   before: Limit > Sort > Seq Scan on orders
--   after: Limit > Index Scan using orders_customer_id_created_at_idx on orders
-- and 2 more statements
CREATE INDEX CONCURRENTLY orders_customer_id_created_at_idx ON public.orders (customer_id, created_at);
-- undo: DROP INDEX CONCURRENTLY public.orders_customer_id_created_at_idx;

-- 2. [P2] Replace an index on "My Schema"."we""ird; drop table x"
-- The filter of 7 statements on its columns reads the whole table today
-- priority: P2: saves < 0.1 % of the analysed load
-- saves: 50.0 % of the cost of what it helps; cost 100.00 → 50.00 (2.0×)
-- size: 25 MB; what is dropped then frees 30 MB: 5.0 MB less
-- writes: price unknown: no write figures were seen
-- confidence: low, try it on a staging server first: arithmetic, no planner was asked; we"ird\x1b[31m has no statistics
-- effort: one statement, does not block writes
-- risk: adds 1.2 % to writes on orders
-- helps: line 42, 1 execution, cost 100.00 → 50.00 (2.0×): select '\x1b]0;owned\x07', "x" -- ; drop table x; /* \u{202e}😀 日本語 */ from "We""ird" where a=$1
--   SQL not understood (Expected: ), found: \x1b[31mx near "x) from \u{202e}gone"): read off its plan, asked with its own text
--   values: cre\x1b[31mated taken to keep 1.2 % of the table, as the rows returned say (unknown values: 33.3 %)
--   values: state taken to keep 95.0 % of the table in 74.9 % of the calls, how often which value is asked for is not known (unknown values: 25.0 %)
--   prepared: from its sixth execution in a session on it may keep a plan made without values, which costs 90.00 and does not use the index (Seq Scan on \x1b[31mred); SET plan_cache_mode = force_custom_plan in its sessions prevents that
CREATE INDEX CONCURRENTLY U&"we""ird; drop table x_Größe_new\000Aline\001B[31m\\_idx" ON "My Schema"."we""ird; drop table x" ("Größe", U&"new\000Aline\001B[31m\\");
-- only if what stands above succeeded, as with ON_ERROR_STOP:
DROP INDEX CONCURRENTLY "My Schema".U&"old\202E";
-- undo: DROP INDEX CONCURRENTLY "My Schema".U&"we""ird; drop table x_Größe_new\000Aline\001B[31m\\_idx";

-- 3. [P3] Drop an index on public.orders
-- No scan in 30 days, and orders_status_created_at_idx answers the same
-- priority: P3
-- size: frees 25 MB
-- writes: 1.5 min per day less
-- confidence: high
-- effort: one statement, does not block writes
DROP INDEX CONCURRENTLY public.orders_status_idx;
-- undo: CREATE INDEX CONCURRENTLY orders_status_idx ON public.orders (status);

-- 4. [P0] Create statistics on columns of "My Schema"."we""ird; drop table x"
-- The filter of 7 statements on its columns reads the whole table today
-- priority: P0: saves 61.9 % of the analysed load, 3.2 h a day; 13,931 executions a day
-- confidence: high: the real planner on a copy of the statistics; statistics of orders are 3.2 h old
-- effort: one statement, does not block writes
-- risk: adds 1.2 % to writes on orders
-- misjudged: 120 executions, 100 rows counted, 1 expected (84×): select '\x1b]0;owned\x07', "x" -- ; drop table x; /* \u{202e}😀 日本語 */ from "We""ird" where a=$1
CREATE STATISTICS "My Schema".U&"stat\001B" (dependencies) ON "Größe", U&"new\000Aline\001B[31m\\" FROM "My Schema"."we""ird; drop table x";
ANALYZE "My Schema"."we""ird; drop table x";
-- undo: DROP STATISTICS "My Schema".U&"stat\001B";

-- 5. [P0] Analyze "My Schema"."we""ird; drop table x"
-- The filter of 7 statements on its columns reads the whole table today
-- priority: P0: saves 61.9 % of the analysed load, 3.2 h a day; 13,931 executions a day
-- confidence: high: the real planner on a copy of the statistics; statistics of orders are 3.2 h old
-- effort: one statement, does not block writes
-- risk: adds 1.2 % to writes on orders
ANALYZE "My Schema"."we""ird; drop table x";

-- 6. [P2] Change random_page_cost, for the whole server
-- of 10,000,000 blocks that statements asked for, shared buffers had 99.9 %
-- priority: P2
-- confidence: low, try it on a staging server first
-- by hand: ALTER SYSTEM SET random_page_cost = 1.1;
-- by hand: SELECT pg_reload_conf();
-- undo: ALTER SYSTEM SET random_page_cost = 4;

-- The table adv of powa-team/pg_qualstats' tests (test/sql/02_advisor.sql), at fifty times the rows.
CREATE EXTENSION pg_trgm;
CREATE TABLE adv (id1 int, id2 int, id3 int, val text);
INSERT INTO adv SELECT i, i, i, 'line ' || i FROM generate_series(1, 50000) i;
VACUUM ANALYZE;

==== cases
E: what the test runs
# pg_qualstats answers (id1) and (val, id1, id2, id3): each value is unique, so no column behind the first finds fewer rows.
SELECT * FROM adv WHERE id1 < 0;
SELECT count(*) FROM adv WHERE id1 < 500;
SELECT * FROM adv WHERE val = 'meh';
SELECT * FROM adv WHERE id1 = 0 AND val = 'meh';
SELECT * FROM adv WHERE id1 = 1 AND val = 'meh';
SELECT * FROM adv WHERE id1 = 1 AND id2 = 2 AND val = 'meh';
SELECT * FROM adv WHERE id1 = 6 AND id2 = 6 AND id3 = 6 AND val = 'meh'
-> public.adv (id1)
-> public.adv (val)
over public.adv (id1) + public.adv (val, id1, id2, id3)

E: patterns without a letter that is free
# pg_qualstats lists ILIKE as what no index helps. LIKE without a wildcard is an equality.
SELECT * FROM adv WHERE val ILIKE 'moh'; SELECT count(*) FROM adv WHERE val ILIKE 'moh'
-> [clone] public.adv USING gin (val gin_trgm_ops)
-> [hypopg estimate] none: cannot judge

E: LIKE without a wildcard
SELECT * FROM adv WHERE val LIKE 'moh'
-> public.adv (val)

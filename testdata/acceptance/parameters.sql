-- Statements as pg_stat_statements keeps them: without their values.
CREATE TABLE mails (id bigserial PRIMARY KEY, address varchar(200) NOT NULL, folder int NOT NULL, sent timestamptz NOT NULL, subject text NOT NULL, size numeric NOT NULL, flags text[]);
INSERT INTO mails (address, folder, sent, subject, size, flags)
  SELECT 'user' || i || '@example.org', i % 60, timestamptz '2024-01-01' + i * interval '1 minute', 'subject ' || md5(i::text), i, ARRAY['f' || i % 5] FROM generate_series(1, 60000) i;
VACUUM ANALYZE;

==== cases
R: LIKE
# A generic plan cannot know that the pattern has a prefix: without trigrams nothing is worth it.
SELECT * FROM mails WHERE address LIKE $1
-> none: pg_trgm is not installed

R: LIMIT
SELECT * FROM mails WHERE folder = $1 ORDER BY sent DESC LIMIT $2
-> public.mails (folder, sent)

R: LIMIT and OFFSET
SELECT * FROM mails ORDER BY sent DESC LIMIT $1 OFFSET $2
-> public.mails (sent)

R: = ANY
SELECT * FROM mails WHERE folder = ANY($1)
-> public.mails (folder)

R: IN with three
SELECT * FROM mails WHERE folder IN ($1, $2, $3)
-> public.mails (folder)

R: = ANY with a cast
SELECT * FROM mails WHERE address = ANY($1::text[])
-> public.mails (address)

R: a parameter that nothing gives a type
SELECT *, $1 AS tag FROM mails WHERE address = $2
-> public.mails (address)

R: an interval and a parameter
SELECT * FROM mails WHERE sent > now() - interval $1 AND folder = $2
-> public.mails (folder, sent)

R: a date and a parameter
SELECT * FROM mails WHERE sent >= date $1 AND folder = $2
-> public.mails (folder, sent)

R: NULL or equal
SELECT * FROM mails WHERE ($1 IS NULL OR folder = $1) AND address = $2
-> public.mails (address)

R: a parameter cast to another type
# Compared as numeric, the whole number's index is of no use; compared as text, a varchar's is.
SELECT * FROM mails WHERE address = $1::text AND id = $2::numeric
-> public.mails (address)

R: a call of a parameter
SELECT * FROM mails WHERE address = lower($1)
-> public.mails (address)

R: update with parameters only
UPDATE mails SET subject = $1, size = $2 WHERE address = $3
-> public.mails (address)

-- The same day as a range.
select count(*) from orders where created >= timestamp '2026-03-01' and created < timestamp '2026-03-02';

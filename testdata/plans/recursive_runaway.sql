-- Every path through fifty rows.
-- expect: recursive-runaway
with recursive r(id, depth) as (
    select 1, 0
    union all
    select s.id, r.depth + 1 from r cross join (values (1), (2)) v(k) join small s on s.id = r.id + v.k where r.depth < 15
)
select count(*) from r;

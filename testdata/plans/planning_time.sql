-- Every order of ten joins is weighed.
-- expect: planning-time
set join_collapse_limit = 20;
set from_collapse_limit = 20;
set geqo = off;
select count(*) from small a join small b using (name) join small c using (name) join small d using (name) join small e using (name)
join small f using (name) join small g using (name) join small h using (name) join small i using (name) join small j using (name);

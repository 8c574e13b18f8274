-- Few pairs.
select a.id, b.id from small a join small b on a.name < b.name;

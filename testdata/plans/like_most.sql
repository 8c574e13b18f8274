-- Nearly all match.
select count(*) from orders where note like '%order%';

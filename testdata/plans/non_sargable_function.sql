-- A function of the column.
-- expect: non-sargable, seq-scan-selective
select count(*) from orders where upper(status) = 'OPEN';

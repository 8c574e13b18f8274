-- Nearly all rows of the table were deleted.
-- expect: read-efficiency-seq
select sum(value) from sparse;

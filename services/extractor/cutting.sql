-- name: text_width
select coalesce(avg(octet_length(sampled::text)), 0)::double precision from (:rows) as sampled;

-- name: memory
-- With 4 MB, the default, joins and groups of some hundred thousand rows go through files.
set local work_mem = '32MB';

-- name: scan_tables
set local enable_indexscan = off;
set local enable_indexonlyscan = off;
set local enable_bitmapscan = off;

-- name: explain_cost
explain (format json) :rows;

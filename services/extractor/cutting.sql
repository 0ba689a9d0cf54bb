-- name: text_width
select coalesce(avg(octet_length(sampled::text)), 0)::double precision from (:rows limit 1000) as sampled;

-- name: scan_tables
set local enable_indexscan = off;
set local enable_indexonlyscan = off;
set local enable_bitmapscan = off;

-- name: explain_cost
explain (format json) :rows;

-- Reading tables in one order and one text form, so that equal contents give equal hashes.

-- name: begin
begin isolation level repeatable read read only;

-- name: pin
set local timezone = 'UTC'; set local datestyle = 'ISO, MDY'; set local intervalstyle = 'postgres';
set local extra_float_digits = 3; set local bytea_output = 'hex'; set local lc_monetary = 'C';
set local search_path = pg_catalog; set local jit = off;

-- name: end
rollback;

-- name: columns
select a.attname as name, array_position(x.indkey::smallint[], a.attnum) as key_place,
       a.attcollation <> 0 as collated
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_index x on x.indrelid = c.oid and x.indisprimary
 where n.nspname = $1 and c.relname = $2
 order by a.attname collate "C";

-- name: rows
select {columns} from {table} t order by {order}

-- Which rows of one table are gone from the source. `{…}` are quoted identifiers and fragments made of them.

-- name: create
-- Places count the runs, oldest first: even, the run had the row; odd, it marked it, or it is this run, which has the row.
create temporary table transfuse_keys (key uuid not null, place integer not null) on commit drop;

-- name: latest
create temporary table transfuse_found on commit drop as
select k.key, max(k.place) % 2 = 0 as gone, null::integer as depth
  from pg_temp.transfuse_keys k
 group by k.key
having bool_or(k.place % 2 = 0);

-- name: known
select count(*) from pg_temp.transfuse_found;

-- name: keep_gone
delete from pg_temp.transfuse_found f
 where not f.gone or not exists (select from {table} t where t.{key} = f.key::{type_name});

-- name: leaves
-- Rows to which no other one refers that is gone and was not taken yet: children before their parents.
update pg_temp.transfuse_found f set depth = $1
 where f.depth is null
   and not exists (select from {table} t join {table} r on r.{key} <> t.{key} and ({matches})
                     join pg_temp.transfuse_found o on o.depth is null and o.key::{type_name} = r.{key}
                    where t.{key} = f.key::{type_name});

-- name: analyze
analyze pg_temp.transfuse_found;

-- name: found
select key from pg_temp.transfuse_found order by depth nulls last, key

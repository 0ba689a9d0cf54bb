-- What a dry run does instead of writing to the target: copies of its tables, over which the tables themselves show through.

-- name: make
select transfuse.make_shadow($1, $2::text::jsonb);

-- name: drop
select transfuse.drop_shadow($1);

-- name: is_dry_run
select mode = 'check' from transfuse.run where id = $1;

-- name: columns
-- What can be written of a table, in its order.
select a.attname as name
  from pg_attribute a
 where a.attrelid = to_regclass($1::text) and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
 order by a.attnum;

-- name: begin_bringing
select set_config('transfuse.bringing', 'on', true);

-- name: end_bringing
select set_config('transfuse.bringing', 'off', true);

-- name: bring_by_key
insert into {shadow} ({names}) overriding system value
select {names} from {table} t
 where t.{key} in (select k.key::{type_name} from unnest($1::text[]) as k (key))
   and not exists (select from {shadow} u where u.{key} = t.{key})

-- name: bring_by_columns
insert into {shadow} ({names}) overriding system value
select {names} from {table} t
 where exists (select from pg_temp.transfuse_staged s where {identity})
   and not exists (select from {shadow} u where {covered})

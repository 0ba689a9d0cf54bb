-- Statements of an undo: `{…}` are quoted identifiers and fragments made of them. The temporary table numbers its rows from 1.

-- name: stage
drop table if exists pg_temp.transfuse_former;
create temporary table transfuse_former (ordinal integer, key text, written_by xid{columns}) on commit drop;

-- name: column
, {name} text

-- name: index
create index on pg_temp.transfuse_former (ordinal);
analyze pg_temp.transfuse_former;

-- name: remove
delete from pg_temp.transfuse_former where ordinal = any ($1::integer[])

-- name: among
and f.ordinal between $1 and $2

-- name: lock
select count(*) from (
    select from pg_temp.transfuse_former f join {table} t on {identity} for update of t) held

-- name: found
select f.ordinal, t.xmin::text::bigint as written_by,
       t.xmin in (select m.transaction_id::xid from transfuse.manifest m where m.run_id = any ($1::uuid[])) as ours
  from pg_temp.transfuse_former f join {table} t on {identity}

-- name: identity
t.{key} = f.key::{type_name}

-- name: own
and t.xmin = f.written_by

-- name: find_own
-- Where the target does not keep keys apart: the rows that were written by these runs, others of the same key are not meant.
update pg_temp.transfuse_former f set written_by = t.xmin
  from {table} t
 where {known}
   and t.xmin in (select m.transaction_id::xid from transfuse.manifest m where m.run_id = any ($1::uuid[]))

-- name: referred
select distinct f.ordinal
  from pg_temp.transfuse_former f
  join {table} t on {identity}
  join {referring} r on {refers}
 where {apart}

-- name: apart
not exists (select from pg_temp.transfuse_former g where g.key::{type_name} = r.{key})

-- name: anyone
true

-- name: delete
delete from {table} t using pg_temp.transfuse_former f where {identity} {among}

-- name: update
update {table} t set {assignments} from pg_temp.transfuse_former f where {identity} {among}

-- name: assignment
{column} = f.{name}::{type_name}

-- name: insert
insert into {table} ({columns}) overriding system value
select {values} from pg_temp.transfuse_former f where true {among} order by f.ordinal

-- name: value
f.{name}::{type_name}

-- name: refused
select * from transfuse.refused_rows($1, $2);

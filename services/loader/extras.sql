-- Rows of the target that no row of the source explains. `{…}` are quoted identifiers.

-- name: create
create temporary table transfuse_explained (key uuid not null, place integer not null) on commit drop

-- name: gather
analyze pg_temp.transfuse_explained

-- name: extra
create temporary table transfuse_extra on commit drop as
select t.{key}::text as key from {table} t
 where not exists (select from pg_temp.transfuse_explained e where e.key{cast} = t.{key})

-- name: extra_or_repeated
-- A key that stands in several rows explains one of them.
create temporary table transfuse_extra on commit drop as
select t.{key}::text as key
  from (select r.{key}, row_number() over (partition by r.{key}) as place from {table} r) t
 where t.place > 1 or not exists (select from pg_temp.transfuse_explained e where e.key{cast} = t.{key})

-- name: forget
truncate pg_temp.transfuse_explained

-- name: deleted
-- Of extra rows those that the source had when they were loaded.
with gone as (
    delete from pg_temp.transfuse_extra x where x.key in (select e.key::text from pg_temp.transfuse_explained e) returning 1
)
select count(*) from gone

-- name: left
-- Of extra rows those that other runs of the migration wrote: the source had them then. $1 loaded what is compared.
with gone as (
    delete from pg_temp.transfuse_extra x using {table} t
     where t.{key}::text = x.key
       and t.xmin in (select o.id from transfuse.own_transactions($1) as o (id))
       and t.xmin not in (select m.transaction_id::xid from transfuse.manifest m where m.run_id = $1 and m.pass <= 2)
    returning 1
)
select count(*) from gone

-- name: count
select count(*) from pg_temp.transfuse_extra

-- name: first
select key from pg_temp.transfuse_extra order by key limit $1

-- name: drop
drop table pg_temp.transfuse_explained, pg_temp.transfuse_extra

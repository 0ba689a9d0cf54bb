-- Statements of a comparison: staged rows beside those of the target. Nothing is written. `{…}` as in staging.sql.

-- name: compare
-- Rows that are equal are left out. Where the target has several rows of one key, each that differs is told.
select s.ordinal, t.{key} is not null as found, array_remove(array[{differing}], null)::integer[] as places
  from pg_temp.transfuse_staged s left join {table} t on {identity}
 where t.{key} is null or not ({same})

-- name: differing
case when not ({same}) then {place} end

-- name: there
select k.place::integer as place from unnest($1::text[]) with ordinality as k (key, place)
 where exists (select from {table} t where t.{key} = k.key::{type_name})

-- name: earlier
-- Of some keys those whose row an earlier run of the migration wrote: not somebody else, and not $2, which loaded what is compared.
select k.place::integer as place from unnest($1::text[]) with ordinality as k (key, place)
 where exists (select from {table} t
                where t.{key} = k.key::{type_name}
                  and t.xmin in (select o.id from transfuse.own_transactions($2) as o (id))
                  and t.xmin not in (select m.transaction_id::xid from transfuse.manifest m where m.run_id = $2 and m.pass <= 2))

-- name: rounded
-- Columns whose type rounds what is assigned to it, which the temporary table's does not, with that type. Of a domain the first
-- length on the way to what it rests on.
with recursive resting as (
    select a.attname as name, t.oid, t.typtype, t.typbasetype, case when a.atttypmod >= 0 then a.atttypmod else t.typtypmod end as typmod
      from pg_attribute a join pg_type t on t.oid = a.atttypid
      join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relname = $2 and a.attnum > 0 and not a.attisdropped
    union all
    select r.name, t.oid, t.typtype, t.typbasetype, case when r.typmod >= 0 then r.typmod else t.typtypmod end
      from resting r join pg_type t on t.oid = r.typbasetype
     where r.typtype = 'd'
)
select name, format_type(oid, typmod) as type_name from resting
 where typtype <> 'd' and typmod >= 0 and oid in (1083, 1114, 1184, 1186, 1266);

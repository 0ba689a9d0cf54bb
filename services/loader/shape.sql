-- What the loader asks the target's catalogue about one table, once per mapping and run.

-- name: table
select c.oid::bigint as oid, row_security_active(c.oid) as guarded
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = $1 and c.relname = $2;

-- name: types
select a.attname as name, a.atttypid::bigint as oid, format_type(a.atttypid, a.atttypmod) as type_name
  from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = $1 and c.relname = $2 and a.attnum > 0 and not a.attisdropped;

-- name: columns
with recursive base as (
    select a.attname, a.attnum, t.oid, t.typtype, t.typbasetype
      from pg_attribute a join pg_type t on t.oid = a.atttypid
     where a.attrelid = $1::bigint::oid and a.attnum > 0 and not a.attisdropped
    union all
    select b.attname, b.attnum, t.oid, t.typtype, t.typbasetype
      from base b join pg_type t on t.oid = b.typbasetype
     where b.typtype = 'd'
)
select attname as name, oid::bigint as oid, format_type(oid, -1) as type_name, typtype = 'e' as label
  from base
 where typtype <> 'd'
 order by attnum;

-- name: constraints
select c.conname as name, c.contype in ('p', 'u') as is_key,
       array(select a.attname::text from unnest(c.conkey) with ordinality k (attnum, place)
               join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.attnum order by k.place) as columns
  from pg_constraint c
 where c.conrelid = $1::bigint::oid
union all
select i.relname, true,
       array(select a.attname::text from unnest(x.indkey::smallint[]) with ordinality k (attnum, place)
               join pg_attribute a on a.attrelid = x.indrelid and a.attnum = k.attnum
              where k.place <= x.indnkeyatts order by k.place)
  from pg_index x join pg_class i on i.oid = x.indexrelid
 where x.indrelid = $1::bigint::oid and x.indisunique
   and not exists (select from pg_constraint c where c.conindid = x.indexrelid and c.conrelid = x.indrelid);

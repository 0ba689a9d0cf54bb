-- What finishing asks of the target's catalogue, and does to its sequences.

-- name: sequences
with used as (
    select d.objid as sequence, d.refobjid as relation, d.refobjsubid as attnum
      from pg_depend d
     where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
       and d.refobjsubid > 0
    union
    select d.refobjid, f.adrelid, f.adnum
      from pg_attrdef f join pg_depend d on d.classid = 'pg_attrdef'::regclass and d.objid = f.oid
     where d.refclassid = 'pg_class'::regclass
)
select a.attname as "column", n.nspname as schema, c.relname as name, s.seqincrement > 0 as ascending
  from used u
  join pg_class c on c.oid = u.sequence and c.relkind = 'S'
  join pg_namespace n on n.oid = c.relnamespace
  join pg_sequence s on s.seqrelid = c.oid
  join pg_attribute a on a.attrelid = u.relation and a.attnum = u.attnum and a.atttypid in (20, 21, 23)
  join pg_class t on t.oid = u.relation
  join pg_namespace tn on tn.oid = t.relnamespace
 where tn.nspname = $1 and t.relname = $2
 order by 1, 2, 3;

-- name: advance
select setval($1::text::regclass, found.reached)
  from (select {extreme}({column})::bigint as reached from {table}) found, {sequence} s
 where found.reached {beyond} s.last_value or (found.reached = s.last_value and not s.is_called)

-- name: unguarded
select n.nspname as schema, c.relname as name
  from unnest($1::text[], $2::text[]) as wanted (schema, name)
  join pg_namespace n on n.nspname = wanted.schema
  join pg_class c on c.relnamespace = n.oid and c.relname = wanted.name
 where c.relkind in ('r', 'p') and not c.relrowsecurity
 order by 1, 2;

-- name: has_column
select exists (
    select from pg_attribute a
      join pg_class c on c.oid = a.attrelid
      join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relname = $2 and a.attname = $3 and a.attnum > 0 and not a.attisdropped);

-- name: holds_values
select exists (select from {table} where {column} is not null)

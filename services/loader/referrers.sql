-- Who refers to rows of a table, as the target's catalogue says it.

-- name: enforced
-- `readable` where an anti-join sees every row: the right to read, and no policy of others that hides some.
select n.nspname as schema, c.relname as name,
       array(select a.attname::text from unnest(f.conkey) with ordinality k (attnum, place)
               join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.attnum order by k.place) as columns,
       array(select a.attname::text from unnest(f.confkey) with ordinality k (attnum, place)
               join pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.attnum order by k.place) as referenced,
       has_table_privilege(c.oid, 'select')
           and (not row_security_active(c.oid)
                or exists (select from transfuse.target_schema s where s.name = n.nspname)) as readable
  from pg_constraint f
  join pg_class c on c.oid = f.conrelid
  join pg_namespace n on n.oid = c.relnamespace
  join pg_class t on t.oid = f.confrelid
  join pg_namespace tn on tn.oid = t.relnamespace
 where f.contype = 'f' and f.conparentid = 0 and tn.nspname = $1 and t.relname = $2
 order by 1, 2, 3;

-- name: match
r.{column} = t.{referenced}

-- name: other
not exists (select from pg_temp.transfuse_gone o where o.key::{type_name} = r.{key} and not o.stays)

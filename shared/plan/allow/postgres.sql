-- name: sound_functions
select p.proname
from pg_catalog.pg_proc as p
join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
where n.nspname = 'pg_catalog'
group by p.proname
having bool_and(p.provolatile in ('i', 's'))
   and not bool_or(p.oid in (select o.oprcode from pg_catalog.pg_operator as o) and p.proname <> all (array[
       'timezone', 'array_append', 'array_cat', 'array_prepend', 'json_extract_path', 'json_extract_path_text',
       'jsonb_extract_path', 'jsonb_extract_path_text', 'textcat']))
   and not bool_or(p.oid in (select a.aggtransfn from pg_catalog.pg_aggregate as a
                             union select a.aggfinalfn from pg_catalog.pg_aggregate as a
                             union select m.amproc from pg_catalog.pg_amproc as m))
   and bool_or(
       p.prorettype <> all (array['internal', 'cstring', 'trigger', 'event_trigger', 'void']::regtype[])
       and not p.proargtypes::oid[] && array['internal', 'cstring']::regtype[]::oid[]
   )
order by p.proname

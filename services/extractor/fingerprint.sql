-- Where the rows of tables lie. PostgreSQL 9.5 and later.

-- name: files
-- Of a table also its children's, of a view also those that it is made of: all that a statement on it reads.
with recursive part as (
    select n.nspname || '.' || c.relname as table_name, c.oid
    from unnest($1::text[], $2::text[]) as wanted (schema, name)
    join pg_namespace n on n.nspname = wanted.schema
    join pg_class c on c.relnamespace = n.oid and c.relname = wanted.name
    union
    select part.table_name, below.oid
    from part
    cross join lateral (
        select i.inhrelid from pg_inherits i where i.inhparent = part.oid
        union all
        select d.refobjid
        from pg_rewrite r
        join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
        where r.ev_class = part.oid and d.refobjid <> part.oid
    ) as below (oid)
)
select part.table_name, n.nspname || '.' || c.relname as name, 'file ' || c.oid || '.' || c.relfilenode as place
from part
join pg_class c on c.oid = part.oid
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f');

-- name: columns
select n.nspname || '.' || c.relname as table_name,
       n.nspname || '.' || c.relname || '.' || a.attname as name,
       a.attnum || ' ' || format_type(a.atttypid, a.atttypmod) as place
from unnest($1::text[], $2::text[]) as wanted (schema, name)
join pg_namespace n on n.nspname = wanted.schema
join pg_class c on c.relnamespace = n.oid and c.relname = wanted.name
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped;

-- Reads pg_catalog only, PostgreSQL 9.5 and later: what came with a later version (attidentity, attgenerated, relispartition)
-- is asked for through to_jsonb, which gives NULL where there is no such column.

-- name: search_path
select current_setting('search_path') as before, set_config('search_path', 'pg_catalog', true);

-- name: restore_search_path
select set_config('search_path', $1, true);

-- name: version
select current_setting('server_version_num')::integer as version, to_regnamespace($1) is not null as present;

-- name: tables
select c.oid::bigint as table_oid,
       c.relname::text as name,
       c.relkind::text as kind,
       c.relrowsecurity as row_security,
       case when c.relkind = 'p' then coalesce(leaves.estimate, -1) else c.reltuples::bigint end as row_estimate,
       case when c.relkind = 'p' then coalesce(leaves.pages, 0) else c.relpages::bigint end
         * current_setting('block_size')::bigint as byte_estimate,
       coalesce(children.schemas, '{}') as child_schemas,
       coalesce(children.names, '{}') as child_names
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
    select array_agg(cn.nspname::text order by cn.nspname, child.relname) as schemas,
           array_agg(child.relname::text order by cn.nspname, child.relname) as names
    from pg_inherits i
    join pg_class child on child.oid = i.inhrelid
    join pg_namespace cn on cn.oid = child.relnamespace
    where i.inhparent = c.oid
) as children
left join lateral (
    with recursive tree as (
        select i.inhrelid from pg_inherits i where i.inhparent = c.oid
        union all
        select i.inhrelid from pg_inherits i join tree on i.inhparent = tree.inhrelid
    )
    select sum(greatest(leaf.reltuples, 0))::bigint as estimate, sum(leaf.relpages)::bigint as pages
    from tree join pg_class leaf on leaf.oid = tree.inhrelid and leaf.relkind = 'r'
) as leaves on c.relkind = 'p'
where n.nspname = $1 and c.relkind in ('r', 'v', 'm', 'f', 'p')
order by c.relname;

-- name: columns
select a.attrelid::bigint as table_oid,
       a.attname::text as name,
       a.atttypid::bigint as type_oid,
       a.atttypmod as typmod,
       format_type(a.atttypid, a.atttypmod) as type_name,
       a.attnotnull as not_null,
       a.atthasdef as has_default,
       coalesce(to_jsonb(a) ->> 'attgenerated', '') as generated,
       coalesce(to_jsonb(a) ->> 'attidentity', '') as identity
from pg_attribute a
join pg_class c on c.oid = a.attrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relkind in ('r', 'v', 'm', 'f', 'p') and a.attnum > 0 and not a.attisdropped
order by a.attrelid, a.attnum;

-- name: types
with recursive used as (
    select distinct a.atttypid as oid
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = $1 and c.relkind in ('r', 'v', 'm', 'f', 'p') and a.attnum > 0 and not a.attisdropped
    union
    select unnest($2::bigint[])::oid
), resting as (
    select u.oid, u.oid as base, -1 as typmod, t.typnotnull as not_null
    from used u join pg_type t on t.oid = u.oid
    union all
    select r.oid, t.typbasetype, case when t.typtypmod <> -1 then t.typtypmod else r.typmod end, r.not_null or t.typnotnull
    from resting r join pg_type t on t.oid = r.base
    where t.typtype = 'd'
), bases as (
    select r.oid, r.base, r.typmod, r.not_null
    from resting r join pg_type t on t.oid = r.base
    where t.typtype <> 'd'
)
select b.oid::bigint as oid,
       format_type(b.oid, null) as name,
       t.typtype::text as kind,
       t.typcategory = 'A' and t.typelem <> 0 and t.typlen = -1 as is_array,
       t.typelem::bigint as element_oid,
       b.base::bigint as base_oid,
       b.typmod as base_typmod,
       format_type(b.base, nullif(b.typmod, -1)) as base_name,
       b.not_null,
       coalesce((
           select array_agg(e.enumlabel::text order by e.enumsortorder) from pg_enum e where e.enumtypid = b.base
       ), '{}') as labels
from bases b
join pg_type t on t.oid = b.oid;

-- name: keys
select i.indrelid::bigint as table_oid,
       ic.relname::text as name,
       i.indisprimary as is_primary,
       i.indpred is not null or i.indexprs is not null as partial,
       (
           select array_agg(a.attname::text order by k.place)
           from unnest(i.indkey::smallint[]) with ordinality as k (number, place)
           join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
           where k.place <= coalesce((to_jsonb(i) ->> 'indnkeyatts')::integer, i.indnatts)
       ) as columns
from pg_index i
join pg_class ic on ic.oid = i.indexrelid
join pg_class c on c.oid = i.indrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relkind in ('r', 'm', 'p') and i.indisunique and i.indisvalid
order by i.indrelid, i.indisprimary desc, ic.relname;

-- name: foreign_keys
select o.conrelid::bigint as table_oid,
       o.conname::text as name,
       fn.nspname::text as referenced_schema,
       fc.relname::text as referenced_table,
       o.convalidated as validated,
       (
           select array_agg(a.attname::text order by k.place)
           from unnest(o.conkey) with ordinality as k (number, place)
           join pg_attribute a on a.attrelid = o.conrelid and a.attnum = k.number
       ) as columns,
       (
           select array_agg(a.attname::text order by k.place)
           from unnest(o.confkey) with ordinality as k (number, place)
           join pg_attribute a on a.attrelid = o.confrelid and a.attnum = k.number
       ) as referenced
from pg_constraint o
join pg_class c on c.oid = o.conrelid
join pg_namespace n on n.oid = c.relnamespace
join pg_class fc on fc.oid = o.confrelid
join pg_namespace fn on fn.oid = fc.relnamespace
where n.nspname = $1 and o.contype = 'f'
  and coalesce((to_jsonb(o) ->> 'conparentid')::bigint, 0) = 0
order by o.conrelid, o.conname;

-- name: triggers
select t.tgrelid::bigint as table_oid, t.tgname::text as name, t.tgenabled::text as enabled
from pg_trigger t
join pg_class c on c.oid = t.tgrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and not t.tgisinternal
order by t.tgrelid, t.tgname;

-- name: type_names
select format_type(asked.oid::oid, nullif(asked.typmod, -1)) as name
from unnest($1::bigint[], $2::integer[]) with ordinality as asked (oid, typmod, place)
order by asked.place;

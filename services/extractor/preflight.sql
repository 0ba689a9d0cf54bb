-- name: legacy_role
select current_user::text as role_name,
       r.rolsuper as superuser,
       r.rolcreaterole or r.rolcreatedb or r.rolreplication as powerful,
       pg_is_in_recovery() as standby,
       current_setting('server_version_num')::integer as version,
       pg_encoding_to_char(d.encoding)::text as encoding
from pg_roles r, pg_database d
where r.rolname = current_user and d.datname = current_database();

-- name: table_rights
select n.nspname::text as schema_name,
       c.relname::text as table_name,
       has_schema_privilege(n.oid, 'USAGE') as schema_usage,
       has_any_column_privilege(c.oid, 'SELECT') as readable,
       has_table_privilege(c.oid, 'INSERT') or has_table_privilege(c.oid, 'UPDATE')
         or has_table_privilege(c.oid, 'DELETE') or has_table_privilege(c.oid, 'TRUNCATE') as writable,
       row_security_active(c.oid) as hides_rows
from unnest($1::text[], $2::text[]) as wanted (schema_name, table_name)
join pg_namespace n on n.nspname = wanted.schema_name
join pg_class c on c.relnamespace = n.oid and c.relname = wanted.table_name
order by 1, 2;

-- name: unreadable_columns
select n.nspname::text as schema_name, c.relname::text as table_name, a.attname::text as column_name
from unnest($1::text[], $2::text[], $3::text[]) as wanted (schema_name, table_name, column_name)
join pg_namespace n on n.nspname = wanted.schema_name
join pg_class c on c.relnamespace = n.oid and c.relname = wanted.table_name
join pg_attribute a on a.attrelid = c.oid and a.attname = wanted.column_name and a.attnum > 0 and not a.attisdropped
where not has_column_privilege(c.oid, a.attnum, 'SELECT')
order by 1, 2, a.attnum;

-- name: other_readable_tables
select c.relname::text as table_name
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1
  and c.relkind in ('r', 'v', 'm', 'f', 'p')
  and not c.relname = any ($2::text[])
  and has_table_privilege(c.oid, 'SELECT')
order by 1;

-- name: export_snapshot
select pg_export_snapshot();

-- name: ledger_ready
select to_regclass('transfuse.service_role') is not null;

-- name: loader_role
select r.rolname::text as role_name,
       r.rolsuper or r.rolbypassrls as sees_all,
       current_setting('server_version_num')::integer as version,
       pg_encoding_to_char(d.encoding)::text as encoding
from pg_roles r
join pg_database d on d.datname = current_database()
where r.rolname = coalesce((
    select loader.login_role
    from transfuse.service_role loader
    join transfuse.service_role me on me.service = 'extractor' and me.login_role = current_user
    where loader.service = 'loader'
), current_user);

-- name: target_rights
select n.nspname::text as schema_name,
       c.relname::text as table_name,
       has_schema_privilege($3::name, n.oid, 'USAGE') as schema_usage,
       has_table_privilege($3::name, c.oid, 'SELECT') and has_table_privilege($3::name, c.oid, 'INSERT')
         and (not wanted.updated or has_table_privilege($3::name, c.oid, 'UPDATE')) as writable,
       c.relrowsecurity and not (pg_has_role($3::name, c.relowner, 'USAGE') and not c.relforcerowsecurity) and not exists (
           select from pg_policy p
           where p.polrelid = c.oid and p.polpermissive and p.polcmd in ('*', 'a')
             and (p.polroles @> array[0::oid] or exists (
                 select from unnest(p.polroles) as named (role_oid)
                 where named.role_oid <> 0 and pg_has_role($3::name, named.role_oid, 'USAGE')
             ))
       ) as rows_refused
from unnest($1::text[], $2::text[], $4::boolean[]) as wanted (schema_name, table_name, updated)
join pg_namespace n on n.nspname = wanted.schema_name
join pg_class c on c.relnamespace = n.oid and c.relname = wanted.table_name
order by 1, 2;

-- name: copy_rights
select pg_get_userbyid(p.proowner)::text as owner, current_database()::text as database,
       has_database_privilege(p.proowner, current_database(), 'CREATE') as may_create
from pg_proc p where p.oid = 'transfuse.make_shadow(uuid, jsonb)'::regprocedure;

-- name: uncopied
select n.nspname::text as schema_name, c.relname::text as table_name
from unnest($1::text[], $2::text[]) as wanted (schema_name, table_name)
join pg_namespace n on n.nspname = wanted.schema_name
join pg_class c on c.relnamespace = n.oid and c.relname = wanted.table_name
join pg_proc p on p.oid = 'transfuse.make_shadow(uuid, jsonb)'::regprocedure
where not has_table_privilege(p.proowner, c.oid, 'SELECT')
order by 1, 2;

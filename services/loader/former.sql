-- Rows of the target as they are before they are written to. `{…}` as in staging.sql.

-- name: staged
-- Locked, so that nobody changes them before they are.
select s.ordinal, t.xmin::text::bigint as written_by, array[{texts}]::text[] as texts
  from pg_temp.transfuse_staged s join {table} t on {identity}
 order by s.ordinal
   for no key update of t

-- name: text
t.{column}::text

-- name: identity
t.{column} = s.{staged}

-- Rows that a merge is about to update, and somebody else has written to. `{…}` as in staging.sql.

-- name: lock
-- From here on nobody changes them: what is looked at is what is written over.
select count(*) from (
    select from pg_temp.transfuse_staged s join {table} t on {identity} where s.ordinal = any ($1::integer[])
       for no key update of t) held

-- name: changed
select s.ordinal from pg_temp.transfuse_staged s join {table} t on {identity}
 where s.ordinal = any ($2::integer[]) and t.xmin not in (select o.id from transfuse.own_transactions($1) as o (id))

-- name: identity
t.{column} = s.{staged}

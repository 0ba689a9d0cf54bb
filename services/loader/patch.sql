-- Statements of a patch: some columns of rows that are there already. `{…}` as in staging.sql.

-- name: lock
-- Others may write to the target too: a row that they delete after it was looked at would be missing when it is written.
select count(*) from (
    select from pg_temp.transfuse_staged s join {table} t on {identity} where not ({same}) for no key update of t) held

-- name: compare
select s.ordinal, {same} as same, {taken} as taken from pg_temp.transfuse_staged s join {table} t on {identity}

-- name: absent
select s.ordinal from pg_temp.transfuse_staged s where not exists (select from {table} t where {identity})

-- name: absent_keys
select k.place::integer as place from unnest($1::text[]) with ordinality as k (key, place)
 where not exists (select from {table} t where t.{key} = k.key::{type_name})

-- name: write
update {table} t set {updates} from pg_temp.transfuse_staged s where {identity} and not ({same})

-- name: trial
update {table} t set {updates} from pg_temp.transfuse_staged s
 where {identity} and not ({same}) and s.ordinal between $1 and $2

-- Statements of a patch: some columns of rows that are there already. `{…}` as in staging.sql.

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

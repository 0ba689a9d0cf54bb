-- Statements of a merge: rows that are new are inserted, those that differ are updated. Rows that are equal were taken out before,
-- so that none of them is written again. `{…}` as in staging.sql.

-- name: write
insert into {table} as t ({names}) overriding system value
select {values} from pg_temp.transfuse_staged s order by s.ordinal
on conflict ({key}) do update set {overwrites}

-- name: trial
insert into {table} as t ({names}) overriding system value
select {values} from pg_temp.transfuse_staged s where s.ordinal between $1 and $2 order by s.ordinal
on conflict ({key}) do update set {overwrites}

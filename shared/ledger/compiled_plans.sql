-- name: compiled
select r.compiled, r.snapshot_at, r.transfuse_version, r.duckdb_version, k.wrapped
from transfuse.run r
join transfuse.run_key k on k.run_id = r.id
where r.id = $1;

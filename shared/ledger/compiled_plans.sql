-- name: compiled
-- What a verify compares, and what a repair of its findings writes, has the moment of the run that loaded the rows.
select r.compiled, coalesce(verified.snapshot_at, r.snapshot_at) as snapshot_at, r.transfuse_version, r.duckdb_version, k.wrapped
from transfuse.run r
join transfuse.run_key k on k.run_id = r.id
left join transfuse.run verify on verify.id in (r.id, r.about_run) and verify.kind = 'verify'
left join transfuse.run verified on verified.id = verify.about_run
where r.id = $1;

-- The sums of a run: what is compared when it finishes, and what came of it.

-- name: run
select kind, mode, snapshot_count from transfuse.run where id = $1;

-- name: source_sums
select source_sums from transfuse.run_mapping where run_id = $1 and mapping = $2 and pass = 1;

-- name: manifests
select seq, written, unchanged, updated, sums from transfuse.manifest
 where run_id = $1 and mapping = $2 and pass = 1
 order by seq;

-- name: write
update transfuse.run_mapping set proof = $3::text::jsonb where run_id = $1 and mapping = $2 and pass = 1;

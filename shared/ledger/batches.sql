-- One batch: read, or split in two.

-- name: batch
-- `since`: what the rows that a comparison looks at were loaded from, where its own snapshot is a younger one.
select r.state as run_state, r.mode, r.transfuse_version, r.snapshot, r.compiled is not null as planned, k.wrapped,
       b.state as batch_state, b.generation, b.bounds, b.bounds_sealed,
       case when r.kind = 'verify' then loaded.snapshot_ids when r.snapshot_count > 1 then r.snapshot_ids end as since
from transfuse.batch b
join transfuse.run r on r.id = b.run_id
join transfuse.run_key k on k.run_id = b.run_id
left join transfuse.run loaded on loaded.id = r.about_run
where b.run_id = $1 and b.mapping = $2 and b.pass = $3 and b.seq = $4;

-- name: lock_batch
select state, generation, bounds_sealed from transfuse.batch
where run_id = $1 and mapping = $2 and pass = $3 and seq = $4
for update;

-- name: split_batch
update transfuse.batch
set generation = generation + 1, state = 'planned', bounds = $5, not_before = null, moved_at = now()
where run_id = $1 and mapping = $2 and pass = $3 and seq = $4;

-- name: next_seq
select min(seq) filter (where seq > $4) as following, max(seq) as last
from transfuse.batch
where run_id = $1 and mapping = $2 and pass = $3;

-- name: insert_batch
insert into transfuse.batch (run_id, mapping, pass, seq, bounds, bounds_sealed) values ($1, $2, $3, $4, $5, $6);

-- What the extractor reads and writes of the ledger.

-- name: lock_planning
select pg_try_advisory_lock(hashtextextended('transfuse:plan:' || $1::uuid, 0));

-- name: unlock_planning
select pg_advisory_unlock(hashtextextended('transfuse:plan:' || $1::uuid, 0));

-- name: run
select r.id, r.migration_id, r.about_run, r.kind, r.mode, r.state, r.options, r.transfuse_version, r.compiled, r.snapshot_count, r.snapshot_at, r.fingerprint, p.files
from transfuse.run r
join transfuse.plan p on p.hash = r.plan_hash
where r.id = $1;

-- name: insert_run_key
insert into transfuse.run_key (run_id, wrapped) values ($1, $2) on conflict (run_id) do nothing;

-- name: run_key
select wrapped from transfuse.run_key where run_id = $1;

-- name: run_planned
update transfuse.run
set state = 'running',
    compiled = $2,
    duckdb_version = $3,
    fingerprint = $4,
    snapshot = $5,
    snapshot_holder = $6,
    snapshot_at = coalesce(snapshot_at, $7),
    snapshot_count = snapshot_count + 1,
    snapshot_ids = coalesce(snapshot_ids, $9),
    warnings = coalesce($8::jsonb, warnings),
    reason = '', message = '', remedy = '',
    started_at = coalesce(started_at, now()),
    moved_at = now()
where id = $1 and state in ('pending', 'planning')
returning snapshot_count;

-- name: insert_mapping
insert into transfuse.run_mapping
    (run_id, mapping, pass, position, depends_on, state, in_seq_order, cut_complete, driving_rows, from_rows,
     target_schema, target_table, triggers_off, source_sums, found_columns, key_column)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16);

-- name: batch_counts
select mapping, pass,
       coalesce(sum(read_count) filter (where state = 'settled'), 0)::bigint as settled_rows,
       count(*) filter (where state in ('planned', 'dispatched', 'failed')) as open_batches
from transfuse.batch
where run_id = $1
group by mapping, pass;

-- name: open_batches
select mapping, pass, seq, bounds, bounds_sealed
from transfuse.batch
where run_id = $1 and state in ('planned', 'dispatched', 'failed') and pass <> 3        -- a removal reads no source
order by mapping, pass, seq;

-- name: reopen_batches
-- What failed in a mapping that nobody has resumed stays failed.
update transfuse.batch b
set generation = b.generation + 1,
    state = case when stays.failed then 'failed' else 'planned' end,
    attempts = case when stays.failed then b.attempts else 0 end,
    reason = case when stays.failed then b.reason else '' end,
    not_before = null, moved_at = clock_timestamp()
from (select o.mapping, o.pass, o.seq,
             o.state = 'failed' and m.state = 'failed' as failed
        from transfuse.batch o join transfuse.run_mapping m using (run_id, mapping, pass)
       where o.run_id = $1 and o.state in ('planned', 'dispatched', 'failed')) stays
where b.run_id = $1 and b.mapping = stays.mapping and b.pass = stays.pass and b.seq = stays.seq
  and b.state in ('planned', 'dispatched', 'failed');

-- name: set_bounds
update transfuse.batch set bounds = $5 where run_id = $1 and mapping = $2 and pass = $3 and seq = $4;

-- name: recount_mapping
-- The sums of one snapshot say nothing about rows of two.
update transfuse.run_mapping set driving_rows = $4, from_rows = $5, source_sums = null where run_id = $1 and mapping = $2 and pass = $3;

-- name: leave_unchecked
insert into transfuse.finding_count (run_id, mapping, pass, seq, kind, row_count) values ($1, $2, $3, 0, 'not_checked', $4);

-- name: compiled
select compiled from transfuse.run where id = $1;

-- name: fingerprint
select fingerprint from transfuse.run where id = $1 and snapshot = $2;

-- name: snapshot_wanted
select coalesce((
    select r.state in ('planning', 'running', 'paused')
           and (r.state = 'planning' or r.snapshot = $2)
           and (r.state <> 'running' or exists (
                select from transfuse.run_mapping m
                where m.run_id = r.id and m.pass <> 3 and (m.state not in ('complete', 'failed') or not m.cut_complete)))
    from transfuse.run r where r.id = $1
), false);

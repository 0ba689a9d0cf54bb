-- What the loader reads and writes of the ledger to find rows that the source has no more, and to cut their removal.

-- name: earlier_runs
-- Youngest first. A replay loads some rows alone, and never removes any. An undo that has begun and not come to its end may have
-- put back what a run removed.
select r.id,
       exists (select from transfuse.run_mapping m
                where m.run_id = r.id and m.mapping = $2 and m.pass = 3 and m.state = 'complete')
       and not exists (select from transfuse.run u join transfuse.run_mapping m on m.run_id = u.id
                        where u.about_run = r.id and u.kind = 'undo') as has_removed
  from transfuse.run r
  join transfuse.run own on own.id = $1 and own.migration_id = r.migration_id
 where r.id <> own.id and r.created_at < own.created_at and r.mode in ('insert', 'merge') and r.kind <> 'undo'
   and r.undone_at is null
   and exists (select from transfuse.manifest f where f.run_id = r.id and f.mapping = $2 and f.pass = 1)
 order by r.created_at desc, r.id;

-- name: manifests
select pass, seq, written, updated, unchanged, filtered, quarantined
  from transfuse.manifest
 where run_id = $1 and mapping = $2 and pass = any ($3::smallint[])
 order by pass, seq;

-- name: first_pass
select m.from_rows, coalesce(sum(b.read_count), 0)::bigint as read,
       count(*) filter (where b.state not in ('settled', 'split')) as open_batches
  from transfuse.run_mapping m
  left join transfuse.batch b using (run_id, mapping, pass)
 where m.run_id = $1 and m.mapping = $2 and m.pass = 1
 group by m.from_rows;

-- name: run_of_batch
select r.snapshot_at, b.bounds
  from transfuse.batch b join transfuse.run r on r.id = b.run_id
 where b.run_id = $1 and b.mapping = $2 and b.pass = $3 and b.seq = $4;

-- name: cut
insert into transfuse.batch (run_id, mapping, pass, seq, bounds, bounds_sealed)
select $1, $2, $3, c.seq, c.bounds, true from unnest($4::integer[], $5::bytea[]) as c (seq, bounds);

-- name: cut_complete
update transfuse.run_mapping
   set cut_complete = true, driving_rows = $4, from_rows = $4,
       state = case when $5 = '' then state else 'paused' end, reason = $5, message = $6
 where run_id = $1 and mapping = $2 and pass = $3
returning 1;

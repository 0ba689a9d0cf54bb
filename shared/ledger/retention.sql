-- Passes of retention: a run of kind `cleanup` per migration that has something to remove.

-- name: outlook
select o.migration_id, m.name as migration, o.run_id as run, o.batches, o.manifests, o.quarantine_rows, o.bodies, o.events,
       o.run_keys
  from transfuse.retention_outlook() o
  join transfuse.migration m on m.id = o.migration_id
  join transfuse.run r on r.id = o.run_id
 order by m.name, m.id, r.created_at, r.id;

-- name: lock_passes
select pg_try_advisory_lock(hashtextextended('transfuse:cleanup', 0));

-- name: unlock_passes
select pg_advisory_unlock(hashtextextended('transfuse:cleanup', 0));

-- name: active_pass
select id, state from transfuse.run
 where migration_id = $1 and kind = 'cleanup' and state not in ('completed', 'failed', 'cancelled');

-- name: interrupted_passes
-- Those that ended in between, with nothing left to remove.
select id from transfuse.run where kind = 'cleanup' and state = 'running';

-- name: insert_pass
insert into transfuse.run (id, migration_id, kind, mode, priority, actor, plan_hash, transfuse_version)
select $1, $2, 'cleanup', 'insert', 1, $4, r.plan_hash, $5
  from transfuse.run r where r.id = $3;

-- name: begin_pass
update transfuse.run set state = 'running', started_at = coalesce(started_at, clock_timestamp())
 where id = $1 and state in ('pending', 'planning');

-- name: remove
select * from transfuse.remove_details($1, $2, $3);

-- name: note
select transfuse.append_event($1, 'cleanup', $2::jsonb);

-- name: end_pass
update transfuse.run set state = 'completed' where id = $1 and state = 'running';

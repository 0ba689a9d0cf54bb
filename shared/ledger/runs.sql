-- Plans, migrations and the life of runs.

-- name: insert_migration
insert into transfuse.migration (id, name, plan_name, source, target, created_by) values ($1, $2, $3, $4, $5, $6)
on conflict (name) where deleted_at is null do nothing;

-- name: migration
select id, name, plan_name, source, target, created_at from transfuse.migration
 where name = $1 and deleted_at is null;

-- name: migration_to_start
select id, name from transfuse.migration
 where deleted_at is null and case when $1::uuid is null then name = $2 else id = $1 end
   for share;

-- name: insert_run
insert into transfuse.run (id, migration_id, kind, mode, priority, options, actor, plan_hash, transfuse_version, about_run)
values ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, $9, $10);

-- name: run
select r.id, r.migration_id, m.name as migration, r.kind, r.mode, r.state, r.priority, r.actor, r.about_run as about, r.plan_hash, p.name as plan_name,
       p.version as plan_version, r.reason, r.message, r.remedy, r.warnings, r.snapshot_count, r.created_at, r.started_at,
       r.finished_at, r.undone_at
  from transfuse.run r
  join transfuse.migration m on m.id = r.migration_id
  join transfuse.plan p on p.hash = r.plan_hash
 where r.id = any ($1);

-- name: runs
select r.id, r.migration_id, m.name as migration, r.kind, r.mode, r.state, r.priority, r.actor, r.about_run as about, r.plan_hash, p.name as plan_name,
       p.version as plan_version, r.reason, r.message, r.remedy, r.warnings, r.snapshot_count, r.created_at, r.started_at,
       r.finished_at, r.undone_at
  from transfuse.run r
  join transfuse.migration m on m.id = r.migration_id
  join transfuse.plan p on p.hash = r.plan_hash
 where ($1::text is null or m.name = $1) and ($2::text[] is null or r.state = any ($2))
 order by r.created_at desc, r.id
 limit $3;

-- name: lock_run
select pg_advisory_xact_lock(transfuse.run_lock_key($1));

-- name: try_lock_run
select pg_try_advisory_xact_lock(transfuse.run_lock_key($1));

-- name: append_event
select transfuse.append_event($1, $2, $3::jsonb);

-- name: mark_cancelling
update transfuse.run set state = 'cancelling', reason = '', message = '', remedy = ''
 where id = $1 and state = any ($2)
returning state;

-- name: cancelled
update transfuse.run set state = 'cancelled' where id = $1 and state = 'cancelling' returning state;

-- name: stop_run
select transfuse.stop_run($1, $2, $3, $4, $5, $6);

-- name: has_active
select exists (select from transfuse.run
                where migration_id = $1 and state not in ('completed', 'failed', 'cancelled')
                  and case when kind = 'validate' and mode = 'check' then 'check'
                           when kind in ('validate', 'cleanup', 'health_check') then kind else 'rows' end
                      = case when $2 = 'validate' and $3 = 'check' then 'check'
                             when $2 in ('validate', 'cleanup', 'health_check') then $2 else 'rows' end);

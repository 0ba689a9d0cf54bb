-- What the checks before a run found: written by the extractor, read by the gateway.

-- name: write
insert into transfuse.preflight (run_id, checks, findings, checked_at) values ($1, $2::jsonb, $3::jsonb, clock_timestamp())
on conflict (run_id) do update
    set checks = excluded.checks, findings = excluded.findings, checked_at = excluded.checked_at;

-- name: complete
update transfuse.run set state = 'completed', warnings = $2::jsonb, reason = '', message = '', remedy = ''
 where id = $1 and state = 'planning' and kind = 'validate'
returning 1;

-- name: newest_plan
select (select p.hash from transfuse.plan p where p.name = m.plan_name order by p.version desc limit 1) as hash
  from transfuse.migration m
 where m.id = $1 and m.deleted_at is null;

-- name: latest
select r.id as run, r.migration_id as migration, r.state, r.actor, p.name as plan, p.version as plan_version,
       r.reason, r.message, r.remedy, r.created_at as requested_at, f.checked_at,
       coalesce(f.checks, '[]') as checks, coalesce(f.findings, '[]') as findings
  from transfuse.run r
  join transfuse.plan p on p.hash = r.plan_hash
  left join transfuse.preflight f on f.run_id = r.id
 where r.migration_id = $1 and r.kind = 'validate' and r.mode <> 'check'
 order by r.created_at desc, r.id
 limit 1;

-- name: has_migration
select exists (select from transfuse.migration where id = $1 and deleted_at is null);

-- The register of migrations: what there is, what became of it last, and what keeps one from being deleted.

-- name: insert_migration
insert into transfuse.migration (id, name, plan_name, source, target, created_by)
select $1, $2, $3, $4, $5, $6 where exists (select from transfuse.plan where name = $3)
on conflict (name) where deleted_at is null do nothing
returning id;

-- name: has_plan
select exists (select from transfuse.plan where name = $1);

-- name: migration
select m.*, p.version as plan_version, p.hash as plan_hash
  from transfuse.living_migration m
  join lateral (
       select version, hash from transfuse.plan where name = m.plan_name order by version desc limit 1) p on true
 where m.id = $1;

-- name: overview
select count(*) filter (where ($1::text is null or m.status = $1)
                          and ($2::text is null or position(lower($2) in lower(m.name)) > 0
                               or position(lower($2) in lower(m.plan_name)) > 0)) as total,
       coalesce(bool_or(m.active), false) as running,
       coalesce(bool_or(m.status = 'failed'), false) as failed,
       coalesce(bool_or(m.status = 'completed'), false) as completed
  from transfuse.living_migration m;

-- name: page
select s.*, p.version as plan_version, p.hash as plan_hash
  from (
    select m.*,
           case $3::text
               when 'createdAt' then to_char(m.created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US')
               when 'lastRun' then coalesce(to_char(m.last_run_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '')
               else lower(m.name) end collate "C" as place
      from transfuse.living_migration m
     where $2::text is null or position(lower($2) in lower(m.name)) > 0 or position(lower($2) in lower(m.plan_name)) > 0
  ) s
  join lateral (
       select version, hash from transfuse.plan where name = s.plan_name order by version desc limit 1) p on true
 where ($1::text is null or s.status = $1)
   and ($5::text is null
        or case when $4::boolean then (s.place, s.id) < ($5 collate "C", $6::uuid)
                else (s.place, s.id) > ($5 collate "C", $6::uuid) end)
 order by case when $4 then s.place end desc, case when $4 then s.id end desc, s.place, s.id
 limit $7;

-- name: lock_migration
select id from transfuse.migration where id = $1 and deleted_at is null for update;

-- name: has_active
select exists (select from transfuse.run where migration_id = $1 and state not in ('completed', 'failed', 'cancelled'));

-- name: unresolved_rows
select count(*)
  from transfuse.run r join transfuse.quarantine q on q.run_id = r.id
 where r.migration_id = $1 and q.resolution = '';

-- name: delete_migration
update transfuse.migration set deleted_at = clock_timestamp(), deleted_by = $2 where id = $1;

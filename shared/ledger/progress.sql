-- How far a run is: read from the ledger alone, never from attempts.

-- name: run
select r.id, r.migration_id, m.name as migration, r.plan_hash, p.name as plan_name, r.kind, r.mode, r.state, r.reason, r.message,
       r.remedy, r.snapshot_count, r.created_at, r.started_at, r.finished_at, r.moved_at, p.version as plan_version, r.actor,
       r.priority, r.snapshot_at, r.warnings as notices,
       (select coalesce(max(e.seq), 0) from transfuse.run_event e where e.run_id = r.id) as last_event,
       clock_timestamp() as read_at
  from transfuse.run r
  join transfuse.migration m on m.id = r.migration_id
  join transfuse.plan p on p.hash = r.plan_hash
 where r.id = $1;

-- name: mappings
-- A run's batches, summed before anything is joined to them, and the sums of those that retention has removed.
select m.mapping, m.pass as pass_number, m.state, m.position, m.depends_on, m.driving_rows, m.from_rows, m.estimated, m.reason,
       m.message, coalesce(m.proof, '[]'::jsonb) as sums,
       coalesce(b.planned, 0) + coalesce(t.planned, 0) as planned,
       coalesce(b.dispatched, 0) + coalesce(t.dispatched, 0) as dispatched,
       coalesce(b.settled, 0) + coalesce(t.settled, 0) as settled,
       coalesce(b.failed, 0) + coalesce(t.failed, 0) as failed,
       coalesce(b.split, 0) + coalesce(t.split, 0) as split,
       (coalesce(b.read_count, 0) + coalesce(t.read_count, 0))::bigint as read,
       (coalesce(b.loaded, 0) + coalesce(t.loaded, 0))::bigint as loaded,
       (coalesce(b.updated, 0) + coalesce(t.updated, 0))::bigint as updated,
       (coalesce(b.unchanged, 0) + coalesce(t.unchanged, 0))::bigint as unchanged,
       (coalesce(b.merged, 0) + coalesce(t.merged, 0))::bigint as merged,
       (coalesce(b.filtered, 0) + coalesce(t.filtered, 0))::bigint as filtered,
       (coalesce(b.quarantined, 0) + coalesce(t.quarantined, 0))::bigint as quarantined,
       (coalesce(b.deleted, 0) + coalesce(t.deleted, 0))::bigint as deleted,
       (coalesce(b.different, 0) + coalesce(t.different, 0))::bigint as different,
       coalesce(b.recent, 0)::bigint as recent,
       least(b.started_at, t.started_at) as started_at,
       greatest(b.last_settled_at, t.settled_at) as settled_at
  from transfuse.run_mapping m
  left join (
       select mapping, pass,
              count(*) filter (where state = 'planned') as planned,
              count(*) filter (where state = 'dispatched') as dispatched,
              count(*) filter (where state = 'settled') as settled,
              count(*) filter (where state = 'failed') as failed,
              count(*) filter (where state = 'split') as split,
              sum(read_count) as read_count, sum(loaded) as loaded, sum(updated) as updated, sum(unchanged) as unchanged,
              sum(merged) as merged, sum(filtered) as filtered, sum(quarantined) as quarantined,
              sum(deleted) as deleted, sum(different) as different,
              sum(read_count) filter (where settled_at > $3::timestamptz - make_interval(secs => $2::float8)) as recent,
              min(dispatched_at) as started_at, max(settled_at) as last_settled_at
         from transfuse.batch
        where run_id = $1
        group by mapping, pass) b on b.mapping = m.mapping and b.pass = m.pass
  left join transfuse.batch_total t on t.run_id = m.run_id and t.mapping = m.mapping and t.pass = m.pass
 where m.run_id = $1
 order by m.position, m.mapping, m.pass;

-- name: life
-- The states that a run went through, and who asked for a change of them.
select e.at, e.detail ->> 'state' as state, e.detail ->> 'actor' as actor
  from transfuse.run_event e
 where e.run_id = $1 and e.kind in ('state', 'asked')
 order by e.seq;

-- name: pace
-- `moved_at` is what the index knows; a batch settles at its last step.
select floor(extract(epoch from $2::timestamptz - b.settled_at) / $3::float8)::integer as steps_ago,
       sum(b.read_count)::bigint as row_count
  from transfuse.batch b
 where b.run_id = $1 and b.moved_at > $2::timestamptz - make_interval(secs => $4::float8) and b.state = 'settled'
   and b.settled_at > $2::timestamptz - make_interval(secs => $4::float8) and b.settled_at <= $2::timestamptz
 group by 1;

-- name: warnings
select w.mapping, w.code, w."column", sum(w.count)::bigint as row_count
  from (
    select b.mapping, w.code, coalesce(w."column", '') as "column", w.count
      from transfuse.batch b,
           jsonb_to_recordset(b.warnings) as w (code text, "column" text, count bigint)
     where b.run_id = $1 and b.state = 'settled' and b.warnings <> '[]'::jsonb
     union all
    select t.mapping, t.code, t."column", t.row_count from transfuse.warning_total t where t.run_id = $1
  ) w
 group by w.mapping, w.code, w."column"
 order by w.mapping, row_count desc, w.code, w."column";

-- name: quarantine
select q.mapping, q.stage, q.code, q."column", sum(q.row_count)::bigint as row_count
  from (
    select q.mapping, q.stage, r.code, coalesce(r."column", '') as "column", count(*) as row_count
      from transfuse.quarantine q, jsonb_to_recordset(q.reasons) as r (code text, "column" text)
     where q.run_id = $1
     group by q.mapping, q.stage, r.code, r."column"
     union all
    select t.mapping, t.stage, t.code, t."column", t.row_count from transfuse.quarantine_total t where t.run_id = $1
  ) q
 group by q.mapping, q.stage, q.code, q."column"
 order by q.mapping, row_count desc, q.stage, q.code, q."column";

-- name: resolved
select q.mapping, q.pass as pass_number,
       sum(q.row_count) filter (where q.resolution = '')::bigint as waiting,
       sum(q.row_count) filter (where q.resolution = 'replayed')::bigint as replayed,
       sum(q.row_count) filter (where q.resolution = 'filtered')::bigint as filtered,
       sum(q.row_count) filter (where q.resolution = 'discarded')::bigint as discarded,
       sum(q.row_count) filter (where q.resolution = 'replaced')::bigint as replaced
  from (
    select q.mapping, q.pass, q.resolution, count(*) as row_count
      from transfuse.quarantine q where q.run_id = $1 group by 1, 2, 3
     union all
    select t.mapping, t.pass, t.resolution, t.row_count from transfuse.resolution_total t where t.run_id = $1
  ) q
 group by q.mapping, q.pass
 order by q.mapping, q.pass;

-- name: findings
select coalesce(sum(c.row_count) filter (where c.kind <> 'not_checked' and not c.source_changed), 0)::bigint as differences,
       coalesce(sum(c.row_count) filter (where c.kind <> 'not_checked' and c.source_changed), 0)::bigint as changed,
       coalesce(sum(c.row_count) filter (where c.kind = 'not_checked'), 0)::bigint as not_checked
  from transfuse.finding_count c
 where c.run_id = $1 and c."column" = '';

-- name: latest_run
select r.id from transfuse.run r join transfuse.migration m on m.id = r.migration_id
 where ($1::text is null or m.name = $1) and r.kind not in ('validate', 'cleanup', 'health_check')
 order by r.created_at desc, r.id limit 1;

-- name: events
select seq, at, kind, detail from transfuse.run_event where run_id = $1 and seq > $2 order by seq limit $3;

-- How far a run is: read from the ledger alone, never from attempts.

-- name: run
select r.id, r.migration_id, m.name as migration, r.plan_hash, p.name as plan_name, r.kind, r.mode, r.state, r.reason, r.message,
       r.remedy, r.snapshot_count, r.created_at, r.started_at, r.finished_at, r.moved_at,
       (select coalesce(max(e.seq), 0) from transfuse.run_event e where e.run_id = r.id) as last_event,
       clock_timestamp() as read_at
  from transfuse.run r
  join transfuse.migration m on m.id = r.migration_id
  join transfuse.plan p on p.hash = r.plan_hash
 where r.id = $1;

-- name: mappings
select m.mapping, m.pass as pass_number, m.state, m.position, m.depends_on, m.driving_rows, m.from_rows, m.estimated, m.reason,
       m.message,
       count(b.seq) filter (where b.state = 'planned') as planned,
       count(b.seq) filter (where b.state = 'dispatched') as dispatched,
       count(b.seq) filter (where b.state = 'settled') as settled,
       count(b.seq) filter (where b.state = 'failed') as failed,
       count(b.seq) filter (where b.state = 'split') as split,
       coalesce(sum(b.read_count), 0)::bigint as read,
       coalesce(sum(b.loaded), 0)::bigint as loaded,
       coalesce(sum(b.updated), 0)::bigint as updated,
       coalesce(sum(b.unchanged), 0)::bigint as unchanged,
       coalesce(sum(b.merged), 0)::bigint as merged,
       coalesce(sum(b.filtered), 0)::bigint as filtered,
       coalesce(sum(b.quarantined), 0)::bigint as quarantined,
       coalesce(sum(b.read_count) filter (where b.settled_at > clock_timestamp() - make_interval(secs => $2)), 0)::bigint as recent,
       min(b.dispatched_at) as started_at,
       max(b.settled_at) as settled_at
  from transfuse.run_mapping m
  left join transfuse.batch b on b.run_id = m.run_id and b.mapping = m.mapping and b.pass = m.pass
 where m.run_id = $1
 group by m.run_id, m.mapping, m.pass
 order by m.position, m.mapping, m.pass;

-- name: warnings
select b.mapping, w.code, w."column", sum(w.count)::bigint as row_count
  from transfuse.batch b,
       jsonb_to_recordset(b.warnings) as w (code text, "column" text, count bigint)
 where b.run_id = $1 and b.state = 'settled' and b.warnings <> '[]'::jsonb
 group by b.mapping, w.code, w."column"
 order by b.mapping, row_count desc, w.code, w."column";

-- name: quarantine
select q.mapping, q.stage, r.code, coalesce(r."column", '') as "column", count(*) as row_count
  from transfuse.quarantine q, jsonb_to_recordset(q.reasons) as r (code text, "column" text)
 where q.run_id = $1
 group by q.mapping, q.stage, r.code, r."column"
 order by q.mapping, row_count desc, q.stage, r.code, r."column";

-- name: latest_run
select r.id from transfuse.run r join transfuse.migration m on m.id = r.migration_id
 where $1::text is null or m.name = $1
 order by r.created_at desc, r.id limit 1;

-- name: events
select seq, at, kind, detail from transfuse.run_event where run_id = $1 and seq > $2 order by seq limit $3;

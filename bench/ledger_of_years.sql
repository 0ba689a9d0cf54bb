-- A ledger that has seen 10,000 runs: 100 migrations of 100 runs each, ten of them active with 1,009 batches for each of their ten
-- mappings, the others ended with 9 batches for each. Triggers and checks of references are off: the rows are right as they are.

-- name: unchecked
set session_replication_role = replica;

-- name: plan
insert into transfuse.plan (hash, name, version, files, created_at)
select case when version = 3 then $1 else $1 || '-' || version end, $2, version, $3::jsonb, now() - make_interval(days => 400 - version)
  from generate_series(1, 3) version;

-- name: migrations
insert into transfuse.migration (id, name, plan_name, created_at, created_by)
select md5('migration ' || n)::uuid, 'migration-' || lpad(n::text, 3, '0'), $1, now() - make_interval(days => 366), 'ops@example.org'
  from generate_series(0, 99) n;

-- name: runs
insert into transfuse.run
    (id, migration_id, kind, mode, state, actor, plan_hash, transfuse_version, snapshot, snapshot_holder, snapshot_at, snapshot_count,
     reason, message, remedy, created_at, started_at, finished_at, moved_at)
select md5('run ' || n)::uuid, md5('migration ' || n % 100)::uuid, 'migrate', 'insert', state, 'ops@example.org', $1, '0',
       case when active then '00000003-0000001B-1' end, case when active then 'bench' end, at, 1,
       case state when 'failed' then 'target_away' when 'paused' then 'asked' else '' end,
       case state when 'failed' then 'The target did not answer.' else '' end,
       case state when 'failed' then 'Bring it back, then resume the run.' else '' end,
       at, at, case when not active then at + interval '20 minutes' end, at + interval '20 minutes'
  from (
    select n, n > 9990 as active, now() - make_interval(mins => 50 * (10000 - n) + 60) as at,
           case when n > 9990 then case n % 3 when 0 then 'paused' else 'running' end
                when n % 20 = 0 then 'failed' when n % 20 = 1 then 'cancelled' else 'completed' end as state
      from generate_series(1, 10000) n
  ) made;

-- name: preflights
with made as (
    insert into transfuse.run (id, migration_id, kind, mode, state, actor, plan_hash, transfuse_version, created_at, started_at,
                               finished_at)
    select gen_random_uuid(), md5('migration ' || n)::uuid, 'validate', 'insert', 'completed', 'ops@example.org', $1, '0',
           now() - interval '2 hours', now() - interval '2 hours', now() - interval '119 minutes'
      from generate_series(0, 99) n
    returning id)
insert into transfuse.preflight (run_id, checks)
select id, (select jsonb_agg(jsonb_build_object('name', 'check_' || c, 'state', 'passed', 'message', 'It is well.', 'fix', ''))
              from generate_series(1, 12) c)
  from made;

-- name: mappings
insert into transfuse.run_mapping
    (run_id, mapping, position, depends_on, state, cut_complete, driving_rows, from_rows, target_schema, target_table)
select r.id, 'table_' || lpad(m::text, 2, '0'), m, case when m > 3 then array['table_01', 'table_02'] else '{}'::text[] end,
       case when r.finished_at is not null or m <= 6 then 'complete' when m <= 8 then 'open' else 'planned' end,
       true, 5000 * b.batches + 17, 5000 * b.batches, 'public', 'table_' || lpad(m::text, 2, '0')
  from transfuse.run r
       cross join lateral (select case when r.finished_at is null then 1009 else 9 end as batches) b
       cross join generate_series(1, 10) m
 where r.kind = 'migrate';

-- name: batches
insert into transfuse.batch
    (run_id, mapping, seq, state, dispatched_at, extracted_at, transformed_at, moved_at, settled_at, read_count, loaded, filtered,
     quarantined, warnings)
select run_id, mapping, seq, state, case when state <> 'planned' then at end, case when state = 'settled' then at end,
       case when state = 'settled' then at end, coalesce(at, now()), case when state = 'settled' then at end, read_count,
       read_count - case when read_count = 0 then 0 else 8 + refused end, case when read_count = 0 then 0 else 8 end, refused,
       case when read_count > 0 and seq % 10 = 0 then '[{"code": "kept_aside", "column": "phone", "count": 3}]'::jsonb
            else '[]'::jsonb end
  from (
    select m.run_id, m.mapping, s.seq, d.state, case when d.state = 'settled' then 5000 else 0 end as read_count,
           case when d.state = 'settled' and s.seq % 10 = 1 then 2 else 0 end as refused,
           case when d.state = 'settled' then r.started_at + make_interval(secs => d.place * 1200.0 / d.of) end as at
      from transfuse.run_mapping m
           join transfuse.run r on r.id = m.run_id
           cross join lateral (select case when r.finished_at is null then 1009 else 9 end as batches) b
           cross join lateral generate_series(1, b.batches) as s (seq)
           cross join lateral (
               select case when r.finished_at is not null or m.state = 'complete' or (m.state = 'open' and s.seq <= 600) then 'settled'
                           else 'planned' end as state,
                      (m.position - 1) * b.batches + s.seq as place, 10 * b.batches as of) d
  ) made;

-- name: quarantine
insert into transfuse.quarantine
    (id, run_id, mapping, pass, seq, generation, stage, reasons, target_key, sealed_key, sealed_row, masked, created_at)
select gen_random_uuid(), b.run_id, b.mapping, 1, b.seq, 1, case n when 1 then 'load' else 'transform' end,
       case n when 1 then '[{"code": "parent_absent", "column": "patient_id"}]'::jsonb
              else '[{"code": "not_a_date", "column": "born_on"}, {"code": "rule", "column": "age"}]'::jsonb end,
       gen_random_uuid(), '\x00'::bytea, '\x00'::bytea, '{"name": {"kind": "text", "length": 12}}'::jsonb, b.settled_at
  from transfuse.batch b cross join generate_series(1, 2) n
 where b.quarantined > 0;

-- name: events
insert into transfuse.run_event (run_id, seq, at, kind, detail)
select r.id, e.seq, r.created_at + make_interval(secs => e.seq), e.kind, e.detail || case when e.seq = 4 and r.finished_at is not null
       then jsonb_build_object('state', r.state) else '{}'::jsonb end
  from transfuse.run r cross join (
    select n as seq, case when n <= 4 then 'state' else 'mapping' end as kind,
           case n when 1 then '{"state": "pending"}'::jsonb when 2 then '{"state": "planning"}'::jsonb
                  when 3 then '{"state": "running"}'::jsonb when 4 then '{"state": "finishing"}'::jsonb
                  else jsonb_build_object('mapping', 'table_' || lpad((n - 4)::text, 2, '0')) end as detail
      from generate_series(1, 14) n) e
 where r.finished_at is not null or e.seq <> 4;

-- name: audit
select max(transfuse.append_audit('ops@example.org', 'admin', case n % 3 when 0 then 'run.start' when 1 then 'auth.login' else 'quarantine.unmask' end,
       'run', md5('run ' || n % 10000)::uuid::text, 'done', '192.0.2.1', gen_random_uuid()::text, '{"status": 202}'::jsonb))
  from generate_series(1, 20000) n;

-- name: freshen
-- The active runs go on now, whenever this ledger was made: their last batch has just settled.
update transfuse.batch b
   set settled_at = settled_at + s.later, moved_at = moved_at + s.later, dispatched_at = dispatched_at + s.later
  from (select run_id, clock_timestamp() - max(settled_at) as later
          from transfuse.batch
         where run_id in (select id from transfuse.run where state not in ('completed', 'failed', 'cancelled'))
         group by run_id) s
 where b.run_id = s.run_id and b.state = 'settled';

-- name: tidy
vacuum analyze;

-- name: counts
select (select count(*) from transfuse.run) as runs, (select count(*) from transfuse.batch) as batches,
       (select count(*) from transfuse.quarantine) as refused, (select count(*) from transfuse.audit) as audited,
       pg_database_size(current_database()) as bytes;

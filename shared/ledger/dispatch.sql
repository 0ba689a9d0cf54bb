-- From the ledger's state to commands. One transaction per run, which holds the run's row: two dispatchers pass each other by.

-- name: runs_at_work
-- Retention is done by the gateway itself.
select id from transfuse.run
 where state in ('pending', 'planning', 'running', 'finishing') and kind <> 'cleanup'
 order by priority desc, dispatched_at nulls first, created_at, id;

-- name: in_flight
-- Without paused runs: what they have in flight settles soon, or is lost until they are resumed.
select count(*) from transfuse.batch b
 where b.state = 'dispatched'
   and b.run_id in (select id from transfuse.run where state in ('running', 'finishing'));

-- name: runs_cancelling
select id from transfuse.run where state = 'cancelling' order by id;

-- name: runs_with_suspended_triggers
select distinct s.run_id from transfuse.suspended_trigger s join transfuse.run r on r.id = s.run_id
 where r.state in ('completed', 'failed', 'cancelled');

-- name: runs_with_shadows
select r.id
  from pg_namespace n
  join transfuse.run r
    on r.id = case when n.nspname ~ '^transfuse_check_[0-9a-f]{32}$' then substr(n.nspname, 17)::uuid end
 where r.state in ('completed', 'failed', 'cancelled');

-- name: drop_shadow
select transfuse.drop_shadow($1);

-- name: restore_triggers
-- Unless the run was resumed since it was found to have ended.
select transfuse.restore_triggers(ended.id)
  from (select id from transfuse.run
         where id = $1 and state in ('completed', 'failed', 'cancelled') for no key update) ended;

-- name: hold_run
select state, kind from transfuse.run
 where id = $1 and state in ('pending', 'planning', 'running', 'finishing')
   for no key update skip locked;

-- name: start_planning
update transfuse.run
   set state = 'planning', started_at = coalesce(started_at, clock_timestamp()), command_at = clock_timestamp(),
       command_issues = 1
 where id = $1;

-- name: issue_command
update transfuse.run
   set command_at = clock_timestamp(), command_issues = command_issues + 1
 where id = $1 and (not_before is null or not_before <= clock_timestamp())
   and (command_at is null
        or clock_timestamp() > greatest(command_at, moved_at) + make_interval(secs => $2 * 2 ^ least(command_issues - 1, 5)))
returning id;

-- name: forget_command
update transfuse.run set command_at = null, command_issues = greatest(command_issues - 1, 0)
 where id = $1 and state = any ($2) and command_at is not null;

-- name: mappings_to_open
-- A pass waits for the mappings that its rows refer to. A removal and a comparison wait for all that comes before them, and
-- removals go against the references; so does an undo, which begins with the last pass.
select m.mapping, m.pass,
       cardinality(m.triggers_off) > 0 and (select r.mode <> 'check' from transfuse.run r where r.id = $1) as has_triggers
  from transfuse.run_mapping m
 where m.run_id = $1 and m.state = 'planned'
   and not exists (
        select from transfuse.run_mapping parent
         where parent.run_id = m.run_id and parent.state <> 'complete'
           and case
                   when $2 = 'undo' then
                       parent.pass > m.pass
                       or (parent.pass = m.pass and parent.mapping = any (m.depends_on) and parent.mapping <> m.mapping)
                   when m.pass > 2 then
                       parent.pass < m.pass
                       or (parent.pass = m.pass and m.pass = 3 and parent.mapping = any (m.depends_on)
                           and parent.mapping <> m.mapping)
                   else
                       (parent.mapping = any (m.depends_on) and parent.pass = 1
                        and (m.pass > 1 or parent.mapping <> m.mapping))
                       or (parent.mapping = m.mapping and parent.pass < m.pass)
               end)
 order by m.position, m.mapping, m.pass;

-- name: suspend_triggers
select transfuse.suspend_triggers($1, $2);

-- name: open_mapping
update transfuse.run_mapping set state = 'open' where run_id = $1 and mapping = $2 and pass = $3 and state = 'planned';

-- name: settle_mappings
update transfuse.run_mapping m
   set state = found.state, reason = found.reason,
       message = case found.state when 'failed' then 'a batch failed three times' else '' end
  from (
    select o.mapping, o.pass,
           case when failed.reason is not null then 'failed' else 'complete' end as state,
           coalesce(failed.reason, '') as reason
      from transfuse.run_mapping o
      left join lateral (
            select b.reason from transfuse.batch b
             where b.run_id = o.run_id and b.mapping = o.mapping and b.pass = o.pass and b.state = 'failed'
             order by b.seq limit 1) failed on true
     where o.run_id = $1 and o.state = 'open'
       and (failed.reason is not null
            or (o.cut_complete
                -- Two questions, because each has an index of its own.
                and not exists (select from transfuse.batch b
                                 where b.run_id = o.run_id and b.mapping = o.mapping and b.pass = o.pass and b.state = 'planned')
                and not exists (select from transfuse.batch b
                                 where b.run_id = o.run_id and b.mapping = o.mapping and b.pass = o.pass
                                   and b.state = 'dispatched')))) found
 where m.run_id = $1 and m.mapping = found.mapping and m.pass = found.pass
returning m.mapping, m.pass;

-- name: outlook
select count(*) filter (where m.state <> 'complete') as incomplete,
       (select count(*) from transfuse.batch b where b.run_id = $1 and b.state = 'dispatched') as in_flight,
       coalesce(bool_or(m.state = 'open'), false) as going_on,
       array_agg(m.mapping order by m.position) filter (where m.state = 'failed') as failed,
       array_agg(m.mapping order by m.position) filter (where m.state = 'paused') as paused,
       min(m.reason) filter (where m.state = 'failed') as failure,
       min(m.reason) filter (where m.state = 'paused') as pause
  from transfuse.run_mapping m
 where m.run_id = $1;

-- name: finish_run
update transfuse.run set state = 'finishing', command_at = null, command_issues = 0, command_attempts = 0, not_before = null
 where id = $1 and state = 'running';

-- name: end_run
update transfuse.run set state = $2, reason = $3, message = $4, remedy = $5 where id = $1 and state = 'running';

-- name: dispatch_batches
with ready as (
    select b.mapping, b.pass, b.seq
      from (select run_id, mapping, pass, position, in_seq_order from transfuse.run_mapping
             where run_id = $1 and state = 'open' order by position, mapping, pass) m
     cross join lateral (
            select p.mapping, p.pass, p.seq
              from transfuse.batch p
             where p.run_id = m.run_id and p.mapping = m.mapping and p.pass = m.pass and p.state = 'planned'
               and (p.not_before is null or p.not_before <= clock_timestamp())
               and (not m.in_seq_order
                    or (not exists (select from transfuse.batch o
                                     where o.run_id = p.run_id and o.mapping = p.mapping and o.pass = p.pass
                                       and o.state = 'dispatched')
                        and not exists (select from transfuse.batch o
                                         where o.run_id = p.run_id and o.mapping = p.mapping and o.pass = p.pass
                                           and o.state in ('planned', 'failed') and o.seq < p.seq)))
             order by p.seq
             limit $2
               for update skip locked) b
     limit $2
)
update transfuse.batch b
   set state = 'dispatched', dispatched_at = statement_timestamp(), moved_at = clock_timestamp(), reissues = 0,
       extracted_at = null, transformed_at = null
  from ready
 where b.run_id = $1 and b.mapping = ready.mapping and b.pass = ready.pass and b.seq = ready.seq
returning b.mapping, b.pass, b.seq, b.generation;

-- name: take_turn
update transfuse.run set dispatched_at = clock_timestamp() where id = $1;

-- name: reissue_lost
with recent as (
    select settled_at - dispatched_at as took from transfuse.batch
     where run_id = $1 and state = 'settled' and dispatched_at is not null
     order by dispatched_at desc limit 200
),
patience as (
    select greatest($2::double precision,
                    $3::double precision * coalesce(extract(epoch from
                        percentile_cont(0.95) within group (order by took)), 0)) as seconds
      from recent
),
last_step as (
    select max(moved_at) as at from transfuse.batch where run_id = $1
),
overtaken as (
    select dispatched_at as at from transfuse.batch
     where run_id = $1 and state = 'settled'
     order by dispatched_at desc nulls last offset $4 - 1 limit 1
),
lost as (
    select b.mapping, b.pass, b.seq
      from transfuse.batch b, patience, last_step
     where b.run_id = $1 and b.state = 'dispatched'
       and (clock_timestamp() > last_step.at + make_interval(secs => patience.seconds * 2 ^ least(b.reissues, 5))
            or b.dispatched_at < (select at from overtaken))
       for update of b skip locked
)
update transfuse.batch b
   set dispatched_at = statement_timestamp(), moved_at = clock_timestamp(), reissues = b.reissues + 1
  from lost
 where b.run_id = $1 and b.mapping = lost.mapping and b.pass = lost.pass and b.seq = lost.seq
returning b.mapping, b.pass, b.seq, b.generation;

-- name: give_back
update transfuse.batch set state = 'planned', moved_at = clock_timestamp()
 where run_id = $1 and mapping = $2 and pass = $3 and seq = $4 and generation = $5 and state = 'dispatched';

-- How a run goes on. Whoever calls these holds the run's lock.

-- name: run_for_resume
select r.state, r.reason, r.snapshot is null as without_snapshot, r.details_removed_at is not null as without_details,
       r.undone_at is not null
       or exists (select from transfuse.run u join transfuse.run_mapping m on m.run_id = u.id
                   where u.about_run = r.id and u.kind = 'undo') as taken_back,
       not exists (select from transfuse.run_mapping m where m.run_id = r.id) as unplanned,
       -- A removal goes by the ledger alone and needs no snapshot.
       exists (select from transfuse.batch b
                where b.run_id = r.id and b.pass <> 3 and b.state in ('planned', 'dispatched', 'failed')) as has_open
  from transfuse.run r
 where r.id = $1
   for no key update;

-- name: reopen_batches
update transfuse.batch
   set state = 'planned', attempts = case state when 'failed' then 0 else attempts end, not_before = null, reissues = 0,
       reason = '', moved_at = clock_timestamp()
 where run_id = $1 and state in ('dispatched', 'failed');

-- name: reopen_batches_of
update transfuse.batch
   set state = 'planned', attempts = 0, not_before = null, reissues = 0, reason = '', moved_at = clock_timestamp()
 where run_id = $1 and mapping = any ($2) and state = 'failed';

-- name: take_up
-- Of the other mappings: batches in flight are issued again, an open one is opened as if for the first time.
with again as (
    update transfuse.batch set state = 'planned', not_before = null, reissues = 0, reason = '', moved_at = clock_timestamp()
     where run_id = $1 and state = 'dispatched'
)
update transfuse.run_mapping set state = 'planned' where run_id = $1 and state = 'open';

-- name: hurry_batches
update transfuse.batch set not_before = null where run_id = $1 and state = 'planned' and not_before is not null;

-- name: reopen_mappings
update transfuse.run_mapping m
   set state = 'planned', reason = '', message = '',
       quarantine_accepted = case m.state
           when 'paused' then (select coalesce(sum(b.quarantined), 0) from transfuse.batch b
                                where b.run_id = m.run_id and b.mapping = m.mapping and b.pass = m.pass)
           else m.quarantine_accepted end
 where m.run_id = $1 and m.state in ('open', 'paused', 'failed');

-- name: mapping_states
select mapping, state from transfuse.run_mapping where run_id = $1;

-- name: reopen_mappings_of
update transfuse.run_mapping m
   set state = 'planned', reason = '', message = '',
       quarantine_accepted = case m.state
           when 'paused' then (select coalesce(sum(b.quarantined), 0) from transfuse.batch b
                                where b.run_id = m.run_id and b.mapping = m.mapping and b.pass = m.pass)
           else m.quarantine_accepted end
 where m.run_id = $1 and m.mapping = any ($2) and m.state in ('paused', 'failed');

-- name: resumed
update transfuse.run
   set state = $2, snapshot = case when $2 = 'running' then snapshot end, reason = '', message = '', remedy = '',
       command_at = null, command_issues = 0, command_attempts = 0, not_before = null, moved_at = clock_timestamp()
 where id = $1
returning state;

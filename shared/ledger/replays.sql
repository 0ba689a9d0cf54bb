-- Starting replays, and giving rows up.

-- name: chosen_count
select count(*) from transfuse.chosen_rows($1, $2, $3, $4, $5);

-- name: discard
select discarded_mapping, row_count from transfuse.discard_rows($1, $2, $3, $4, $5);

-- name: is_undone
select undone_at is not null from transfuse.run where id = $1;

-- name: follower
select (e.detail ->> 'run')::uuid from transfuse.run_event e where e.run_id = $1 and e.kind = 'followed' order by e.seq desc limit 1;

-- name: orphans
-- Rows that wait for a parent, and were never replayed by themselves.
select q.id, q.run_id, q.mapping, q.reasons, q.sealed_row
  from transfuse.run own
  join transfuse.run r on r.migration_id = own.migration_id and r.undone_at is null and r.mode in ('insert', 'merge')
  join transfuse.quarantine q on q.run_id = r.id and q.resolution = '' and q.replay_run is null
                             and q.reasons @> '[{"code": "missing_parent"}]'
 where own.id = $1 and own.kind in ('migrate', 'differential', 'replay') and own.mode in ('insert', 'merge')
   and ($2::uuid is null or q.id > $2)
 order by q.id
 limit $3;

-- name: start_by_itself
select transfuse.start_replay($1, $2);

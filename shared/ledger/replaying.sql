-- Which refused rows a replay is of, with their keys sealed, and what was edited of them.

-- name: marked_mappings
select distinct q.mapping from transfuse.quarantine q where q.replay_run = $1 and q.resolution = '';

-- name: chosen_mappings
select distinct c.mapping from transfuse.chosen_rows($1, $2, $3, $4, $5) c;

-- name: waiting_for
select distinct c.mapping from transfuse.chosen_rows($1, null, null, null, null) c where c.waits_for = any ($2);

-- name: rows
-- Those that are chosen, and those that wait for a row of a mapping that is replayed. The latest of a key is enough.
select distinct on (q.mapping, q.pass, q.target_key, case when q.target_key is null then q.id end)
       q.id, q.run_id, q.mapping, q.pass, q.seq, q.target_key, q.sealed_key, k.wrapped
  from transfuse.quarantine q
  join transfuse.run r on r.id = q.run_id
  left join transfuse.run_key k on k.run_id = q.run_id
 where q.resolution = ''
   and (q.replay_run = $1
        or q.id in (select c.id from transfuse.chosen_rows($2, $3, $4, $5, $6) c where not $7)
        or q.id in (select c.id from transfuse.chosen_rows($2, null, null, null, null) c where c.waits_for = any ($8)))
 order by q.mapping, q.pass, q.target_key, case when q.target_key is null then q.id end, r.created_at desc;

-- name: edits
select distinct on (e.mapping, e.target_key, e."column")
       e.run_id, e.quarantine_id, e.mapping, e.target_key, e."column", e.sealed_new, k.wrapped
  from transfuse.quarantine_edit e
  join transfuse.run r on r.id = e.run_id
  left join transfuse.run_key k on k.run_id = e.run_id
 where r.migration_id = $1 and e.mapping = any ($2) and e.target_key = any ($3)
 order by e.mapping, e.target_key, e."column", e.edited_at desc;

-- name: bounds
select b.run_id, b.mapping, b.pass, b.seq, b.bounds, b.bounds_sealed, k.wrapped
  from unnest($1::uuid[], $2::text[], $3::smallint[], $4::integer[]) as wanted (run_id, mapping, pass, seq)
  join transfuse.batch b using (run_id, mapping, pass, seq)
  join transfuse.run_key k on k.run_id = b.run_id;

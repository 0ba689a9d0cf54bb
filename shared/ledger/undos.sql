-- Undos: asked for, planned by the loader, and what their batches go by.

-- name: run_to_undo
select r.id, r.migration_id, r.kind, r.mode, r.state, r.plan_hash, r.undone_at is not null as undone,
       r.details_removed_at is not null as without_details,
       exists (select from transfuse.run_mapping m where m.run_id = r.id) as planned
  from transfuse.run r
 where r.id = $1;

-- name: youngest
select r.id
  from transfuse.run r
 where r.kind = any ($1::text[]) and r.mode = any ($2::text[]) and r.state = any ($3::text[])
   and r.undone_at is null and r.details_removed_at is null
   and exists (select from transfuse.run_mapping m where m.run_id = r.id)
 order by r.created_at desc, r.id
 limit 1;

-- name: undo
select r.state, r.about_run, r.options, r.transfuse_version, r.compiled is not null as planned
  from transfuse.run r
 where r.id = $1 and r.kind = 'undo';

-- name: mappings
select mapping, pass, position, in_seq_order, target_schema, target_table, triggers_off
  from transfuse.run_mapping
 where run_id = $1 and pass <= 3
 order by pass, position desc, mapping;

-- name: manifests
-- A part at a time: the lists are long.
select f.seq, f.written, f.updated, f.former, f.placeholders
  from transfuse.manifest f
 where f.run_id = $1 and f.mapping = $2 and f.pass = $3 and f.seq > $4
 order by f.seq
 limit $5;

-- name: manifest
select f.seq, f.written, f.updated, f.former, f.placeholders
  from transfuse.manifest f
 where f.run_id = $1 and f.mapping = $2 and f.pass = $3 and f.seq = $4;

-- name: found_since
-- What later runs of the migration found as it was, and so had not to write: theirs as well by now.
select f.run_id, f.seq, f.unchanged
  from transfuse.run own
  join transfuse.run r on r.migration_id = own.migration_id and r.created_at > own.created_at and r.undone_at is null
                      and r.kind in ('migrate', 'differential', 'replay') and r.mode in ('insert', 'merge')
  join transfuse.manifest f on f.run_id = r.id and f.mapping = $2 and f.pass = 1
  join transfuse.batch b on b.run_id = f.run_id and b.mapping = f.mapping and b.pass = f.pass and b.seq = f.seq
 where own.id = $1 and b.unchanged > 0 and (f.run_id, f.seq) > ($3::uuid, $4::integer)
 order by f.run_id, f.seq
 limit $5;

-- name: undos_of
select u.id from transfuse.run u where u.id = $1 or (u.about_run = $1 and u.kind = 'undo');

-- name: writers
-- Without 32 bits of epoch, as a row names who wrote it.
select f.transaction_id::xid::text::bigint as written_by
  from transfuse.manifest f
 where f.run_id = any (select u.id from transfuse.run u where u.id = $1 or (u.about_run = $1 and u.kind = 'undo'));

-- name: other_undos
-- Undos of other runs, by the transactions in which they put rows back.
select f.transaction_id::xid::text::bigint as written_by, r.about_run, f.mapping
  from transfuse.run r join transfuse.manifest f on f.run_id = r.id
 where r.kind = 'undo' and r.about_run <> $1;

-- name: insert_run_key
insert into transfuse.run_key (run_id, wrapped) values ($1, $2) on conflict (run_id) do nothing;

-- name: run_key
select wrapped from transfuse.run_key where run_id = $1;

-- name: planned
update transfuse.run r
   set state = 'running',
       warnings = coalesce($2::text::jsonb, r.warnings), reason = '', message = '', remedy = '',
       started_at = coalesce(r.started_at, clock_timestamp()), moved_at = clock_timestamp()
 where r.id = $1 and r.state in ('pending', 'planning')
returning 1;

-- name: insert_mapping
insert into transfuse.run_mapping
    (run_id, mapping, pass, position, depends_on, state, in_seq_order, cut_complete, driving_rows, from_rows,
     target_schema, target_table, triggers_off)
values ($1, $2, $3, $4, $5, $6, $7, true, $8, $8, $9, $10, $11);

-- name: bounds
select bounds from transfuse.batch where run_id = $1 and mapping = $2 and pass = $3 and seq = $4;

-- What the loader writes of a comparison, and what it has to know of the run whose rows it compares.

-- name: compared
-- The run whose rows are compared: of a verify the one it is about, else the run itself.
select case when r.kind = 'verify' then coalesce(r.about_run, r.id) else r.id end as loaded_by from transfuse.run r where r.id = $1;

-- name: refused_before
-- Rows that the run has in quarantine, and whether because the target has another row in their place, which it left. Those that were
-- replayed are to be there.
select q.target_key,
       bool_or(q.reasons @> '[{"code": "key_taken"}]' or q.reasons @> '[{"code": "changed_in_target"}]') as left_alone
  from transfuse.quarantine q
 where q.run_id = $1 and q.mapping = $2 and q.pass = any ($3::smallint[]) and q.target_key = any ($4::uuid[])
   and q.resolution <> 'replayed'
 group by q.target_key;

-- name: edited
-- Rows that a replay loaded with values that a person gave them, until a later run has loaded all of the mapping: of those alone
-- which that run refused again.
select distinct e.target_key
  from transfuse.quarantine_edit e
  join transfuse.run r on r.id = e.applied_by_run
 where r.migration_id = (select migration_id from transfuse.run where id = $1)
   and e.mapping = $2 and e.target_key = any ($3::uuid[])
   and not exists (select from transfuse.run l join transfuse.run_mapping m on m.run_id = l.id and m.mapping = $2 and m.pass = 1
                    where l.migration_id = r.migration_id and l.created_at > r.created_at and l.mode in ('insert', 'merge')
                      and l.kind in ('migrate', 'differential') and l.undone_at is null and m.state = 'complete'
                      and not exists (select from transfuse.quarantine q
                                       where q.run_id = l.id and q.mapping = $2 and q.target_key = e.target_key
                                         and q.resolution <> 'replayed'));

-- name: insert_findings
insert into transfuse.finding (id, run_id, mapping, pass, seq, kind, columns, target_key, sealed_key, source_changed)
select f.id, $1, $2, $3, $4, f.kind, array(select jsonb_array_elements_text(f.columns::jsonb)), f.target_key, f.sealed_key,
       f.source_changed
  from unnest($5::uuid[], $6::text[], $7::text[], $8::uuid[], $9::bytea[], $10::boolean[])
       as f (id, kind, columns, target_key, sealed_key, source_changed);

-- name: insert_counts
insert into transfuse.finding_count (run_id, mapping, pass, seq, kind, "column", source_changed, row_count)
select $1, $2, $3, $4, c.kind, c."column", c.source_changed, c.row_count
  from unnest($5::text[], $6::text[], $7::boolean[], $8::bigint[]) as c (kind, "column", source_changed, row_count);

-- name: forget_extra
delete from transfuse.finding where run_id = $1 and kind = 'extra';

-- name: forget_extra_counts
delete from transfuse.finding_count where run_id = $1 and kind = 'extra';

-- name: compares
-- What a run that ends has compared: its kind, whether it read some rows only or was of a part of its plan, and its differences
-- that no change of the source explains.
select r.kind, r.snapshot_count, coalesce(jsonb_array_length(r.options -> 'only'), 0) > 0 as partial,
       exists (select from transfuse.finding_count c where c.run_id = r.id and c.kind = 'not_checked') as sampled,
       exists (select from transfuse.run_mapping m where m.run_id = r.id and m.pass = 4) as own,
       (select coalesce(sum(c.row_count), 0) from transfuse.finding_count c
         where c.run_id = r.id and c.kind in ('different', 'missing', 'unexpected') and c."column" = ''
           and not c.source_changed)::bigint as different
  from transfuse.run r where r.id = $1;

-- name: manifests
select m.seq, m.unchanged, m.filtered from transfuse.manifest m
 where m.run_id = $1 and m.mapping = $2 and m.pass = $3 order by m.seq;

-- name: loaded_manifests
select m.pass, m.seq, m.written, m.updated, m.unchanged from transfuse.manifest m
 where m.run_id = $1 and m.mapping = $2 and m.pass = 1 order by m.seq;

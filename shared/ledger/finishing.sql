-- What the loader reads and writes of the ledger when all batches of a run are settled.

-- name: run
select r.state, r.compiled from transfuse.run r where r.id = $1;

-- name: suspend_triggers
select transfuse.suspend_triggers($1, $2);

-- name: restore_triggers
select transfuse.restore_triggers($1);

-- name: analyze
select transfuse.analyze_target($1, $2);

-- name: balances
select m.mapping, m.pass, m.driving_rows, m.from_rows,
       coalesce(sum(b.read_count), 0)::bigint as read, coalesce(sum(b.loaded), 0)::bigint as loaded,
       coalesce(sum(b.updated), 0)::bigint as updated, coalesce(sum(b.unchanged), 0)::bigint as unchanged,
       coalesce(sum(b.merged), 0)::bigint as merged, coalesce(sum(b.filtered), 0)::bigint as filtered,
       coalesce(sum(b.quarantined), 0)::bigint as quarantined, coalesce(sum(b.deleted), 0)::bigint as deleted,
       coalesce(sum(b.different), 0)::bigint as different,
       count(*) filter (where b.state not in ('settled', 'split')) as open_batches
  from transfuse.run_mapping m
  left join transfuse.batch b on b.run_id = m.run_id and b.mapping = m.mapping and b.pass = m.pass
 where m.run_id = $1
 group by m.mapping, m.pass, m.driving_rows, m.from_rows, m.position
 order by m.position, m.mapping, m.pass;

-- name: end
update transfuse.run r
   set state = $2, reason = $3, message = $4, remedy = $5,
       warnings = coalesce((select jsonb_agg(w) from jsonb_array_elements(r.warnings) w where w ->> 'code' <> all ($7::text[])),
                           '[]'::jsonb) || $6::text::jsonb
 where r.id = $1 and r.state = 'finishing'
returning 1;

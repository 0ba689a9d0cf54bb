-- What the loader reads and writes of the ledger in the transaction that settles a batch, and of its quarantine.

-- name: loading
select r.compiled, r.mode, r.options, r.transfuse_version, k.wrapped from transfuse.run r join transfuse.run_key k on k.run_id = r.id
 where r.id = $1 and r.compiled is not null;

-- name: claim
select transfuse.claim_batch($1, $2, $3, $4, $5);

-- name: settle
with settled as (
    update transfuse.batch
       set state = 'settled', settled_at = clock_timestamp(), moved_at = clock_timestamp(), reason = '',
           read_count = $6, loaded = $7, updated = $8, unchanged = $9, merged = $10, filtered = $11, quarantined = $12,
           deleted = $13, different = $14, warnings = $15::text::jsonb
     where run_id = $1 and mapping = $2 and pass = $3 and seq = $4 and generation = $5 and state in ('planned', 'dispatched')
    returning 1
), manifested as (
    insert into transfuse.manifest
        (run_id, mapping, pass, seq, generation, transaction_id, written, unchanged, filtered, quarantined, updated, former,
         placeholders, sums)
    values ($1, $2, $3, $4, $5, pg_current_xact_id(), $16, $17, $18, $19, $20, $22, $23, $24)
), emptied as (
    delete from transfuse.body where id = any ($21::uuid[])
)
select count(*) from settled;

-- name: quarantine
insert into transfuse.quarantine
    (id, run_id, mapping, pass, seq, generation, stage, reasons, target_key, sealed_key, sealed_row, masked, waits_for, resolution,
     resolved_at)
select q.id, $1, $2, $3, $4, $5, q.stage, q.reasons::jsonb, q.target_key, q.sealed_key, q.sealed_row, q.masked::jsonb, q.waits_for,
       -- A row that a dry run refuses waits for nobody.
       case r.mode when 'check' then 'discarded' else '' end, case r.mode when 'check' then clock_timestamp() end
  from unnest($6::uuid[], $7::text[], $8::text[], $9::uuid[], $10::bytea[], $11::bytea[], $12::text[], $13::text[])
       as q (id, stage, reasons, target_key, sealed_key, sealed_row, masked, waits_for)
  join transfuse.run r on r.id = $1;

-- name: latest_run_of
-- A back-fill knows nothing of rows that are not there, a replay only of some; what was undone tells nothing any more. A run that
-- ended before it had loaded the whole mapping is asked where no other is.
select r.id
  from transfuse.run r
  join transfuse.run_mapping m on m.run_id = r.id and m.mapping = $2 and m.pass = 1
 where r.migration_id = (select migration_id from transfuse.run where id = $1) and r.mode not in ('patch', 'compare')
   and (r.mode <> 'check' or r.id = $1)
   and r.kind not in ('undo', 'replay') and r.undone_at is null
   and exists (select from transfuse.manifest f where f.run_id = r.id and f.mapping = $2 and f.pass = 1)
 order by r.id = $1 desc, m.state = 'complete' desc, r.created_at desc
 limit 1;

-- name: quarantined_among
select distinct target_key from transfuse.quarantine where run_id = $1 and mapping = $2 and target_key = any ($3::uuid[]);

-- name: filtered_keys
select f.seq, f.filtered
  from transfuse.manifest f join transfuse.batch b using (run_id, mapping, pass, seq)
 where f.run_id = $1 and f.mapping = $2 and f.pass = 1 and b.filtered > 0
 order by f.seq;

-- name: limit_mapping
-- The dispatcher may have completed the mapping by now; while its run goes on it pauses all the same.
update transfuse.run_mapping m
   set state = 'paused', reason = 'quarantine_limit', message = $6
 where m.run_id = $1 and m.mapping = $2 and m.pass = $3
   and (m.state in ('planned', 'open')
        or (m.state = 'complete' and exists (select from transfuse.run r where r.id = $1 and r.state in ('running', 'paused'))))
   and (select sum(b.quarantined) from transfuse.batch b
         where b.run_id = $1 and b.mapping = $2 and b.pass = $3 and b.state = 'settled')
       - m.quarantine_accepted > greatest($4::bigint, floor($5::double precision * coalesce(m.from_rows, 0)))
returning 1;

-- name: quarantined_beyond
-- A replay is of rows that were in quarantine before: somebody accepted them.
select coalesce(sum(b.quarantined), 0) - m.quarantine_accepted as beyond,
       greatest($4::bigint, floor($5::double precision * coalesce(m.from_rows, 0)))::bigint as allowed
  from transfuse.run_mapping m
  left join transfuse.batch b on b.run_id = m.run_id and b.mapping = m.mapping and b.pass = m.pass and b.state = 'settled'
 where m.run_id = $1 and m.mapping = $2 and m.pass = $3
   and (m.state in ('planned', 'open')
        or (m.state = 'complete' and exists (select from transfuse.run r where r.id = $1 and r.state in ('running', 'paused'))))
   and not exists (select from transfuse.run r where r.id = $1 and r.kind = 'replay')
 group by m.quarantine_accepted, m.from_rows;

-- name: top_reasons
select reason ->> 'code' as code, reason ->> 'column' as "column", count(*) as count
  from transfuse.quarantine q, jsonb_array_elements(q.reasons) as reason
 where q.run_id = $1 and q.mapping = $2 and q.pass = $3
 group by 1, 2
 order by 3 desc, 1, 2
 limit 3;

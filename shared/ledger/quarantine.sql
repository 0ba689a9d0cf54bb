-- Rows in quarantine: their reasons, masked values, and for the loader alone what is sealed.

-- name: counts
select count(*) as row_count, count(*) filter (where q.resolution = '') as waiting
  from transfuse.quarantine q where q.run_id = $1;

-- name: by_reason
select q.mapping, q.stage, r.code, coalesce(r."column", '') as "column",
       coalesce(min(q.waits_for) filter (where q.waits_for <> ''), '') as waits_for,
       count(*) as row_count, count(*) filter (where q.resolution = '') as waiting
  from transfuse.quarantine q, jsonb_to_recordset(q.reasons) as r (code text, "column" text)
 where q.run_id = $1 and ($2::text is null or q.resolution = $2) and ($3::text is null or q.mapping = $3)
   and ($4::text is null or coalesce(r."column", '') = $4)
 group by q.mapping, q.stage, r.code, r."column"
 order by row_count desc, q.mapping, q.stage, r.code, 4;

-- name: by_mapping
select q.mapping, count(*) as row_count, count(*) filter (where q.resolution = '') as waiting
  from transfuse.quarantine q
 where q.run_id = $1 and ($2::text is null or q.resolution = $2) and ($3::text is null or q.mapping = $3)
   and ($4::text is null
        or exists (select from jsonb_to_recordset(q.reasons) as r ("column" text) where coalesce(r."column", '') = $4))
 group by q.mapping
 order by row_count desc, q.mapping;

-- name: by_column
select x.mapping, x."column", count(*) as row_count, count(*) filter (where x.resolution = '') as waiting
  from (
    select distinct q.id, q.mapping, q.resolution, coalesce(r."column", '') as "column"
      from transfuse.quarantine q, jsonb_to_recordset(q.reasons) as r (code text, "column" text)
     where q.run_id = $1 and ($2::text is null or q.resolution = $2) and ($3::text is null or q.mapping = $3)
       and ($4::text is null or coalesce(r."column", '') = $4)
  ) x
 group by x.mapping, x."column"
 order by row_count desc, x.mapping, x."column";

-- name: rows
select q.id, q.mapping, q.stage, q.reasons, q.masked, q.waits_for, q.resolution, q.resolved_at, q.created_at
  from transfuse.quarantine q
 where q.run_id = $1
   and ($2::text is null or q.resolution = $2)
   and ($3::text is null or q.mapping = $3)
   and (($4::text is null and $5::text is null)
        or exists (select from jsonb_to_recordset(q.reasons) as r (code text, "column" text)
                    where ($4 is null or r.code = $4) and ($5 is null or coalesce(r."column", '') = $5)))
   and ($6::uuid is null
        or (q.mapping, q.pass, q.seq, q.id) > (select l.mapping, l.pass, l.seq, l.id from transfuse.quarantine l
                                                where l.run_id = $1 and l.id = $6))
 order by q.mapping, q.pass, q.seq, q.id
 limit $7;

-- name: has_row
select exists (select from transfuse.quarantine q where q.run_id = $1 and q.id = $2);

-- name: sealed_row
select q.mapping, q.target_key, q.resolution, q.sealed_key, q.sealed_row, k.wrapped
  from transfuse.quarantine q left join transfuse.run_key k on k.run_id = q.run_id
 where q.run_id = $1 and q.id = $2;

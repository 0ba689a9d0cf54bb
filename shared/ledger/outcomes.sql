-- What runs came to so far: their rows by outcome and what was warned about, with what retention has summed up.

-- name: counts
-- Of first passes: a second one writes to rows that are counted there.
select c.run_id, sum(c.read)::bigint as read, sum(c.loaded)::bigint as loaded, sum(c.updated)::bigint as updated,
       sum(c.unchanged)::bigint as unchanged, sum(c.merged)::bigint as merged, sum(c.filtered)::bigint as filtered,
       sum(c.quarantined)::bigint as quarantined, sum(c.deleted)::bigint as deleted,
       sum(c.different)::bigint as different
  from (
    select b.run_id, b.read_count as read, b.loaded, b.updated, b.unchanged, b.merged, b.filtered, b.quarantined,
           b.deleted, b.different
      from transfuse.batch b where b.run_id = any ($1) and b.pass = 1
     union all
    select t.run_id, t.read_count, t.loaded, t.updated, t.unchanged, t.merged, t.filtered, t.quarantined,
           t.deleted, t.different
      from transfuse.batch_total t where t.run_id = any ($1) and t.pass = 1
  ) c
 group by c.run_id;

-- name: warnings
select w.run_id, w.mapping, w.code, w."column", sum(w.count)::bigint as row_count
  from (
    select b.run_id, b.mapping, w.code, coalesce(w."column", '') as "column", w.count
      from transfuse.batch b,
           jsonb_to_recordset(b.warnings) as w (code text, "column" text, count bigint)
     where b.run_id = any ($1) and b.state = 'settled' and b.warnings <> '[]'::jsonb
     union all
    select t.run_id, t.mapping, t.code, t."column", t.row_count from transfuse.warning_total t where t.run_id = any ($1)
  ) w
 where w.code <> all ($2::text[])
 group by w.run_id, w.mapping, w.code, w."column"
 order by w.run_id, w.mapping, row_count desc, w.code, w."column";

-- What verifies found, and the runs that they are about.

-- name: subject
-- The run that a verify of this one would be about: a verify or a repair leads to the run whose rows it looked at.
select coalesce(s.id, r.id) as id
  from transfuse.run r
  left join transfuse.run v on v.kind = 'verify' and v.id in (r.id, r.about_run)
  left join transfuse.run s on s.id = v.about_run
 where r.id = $1;

-- name: latest
-- The youngest run that loaded rows of a whole plan, or as much of it as it was of, of one migration or of all.
select r.id from transfuse.run r join transfuse.migration m on m.id = r.migration_id
 where r.kind in ('migrate', 'differential') and r.mode in ('insert', 'merge') and r.undone_at is null and m.deleted_at is null
   and (r.state = 'completed' or (r.state = 'failed' and r.reason = 'verify_different'))
 order by r.created_at desc, r.id
 limit 1;

-- name: to_verify
select r.id, r.migration_id, r.kind, r.mode, r.state, r.reason, r.plan_hash, r.priority, r.options, r.undone_at is not null as undone
  from transfuse.run r where r.id = $1;

-- name: verified_by
-- The run whose findings tell of a run: itself where it is a verify, else the youngest verify of it, else its own comparison.
select v.id
  from transfuse.run r
  join transfuse.run v on v.id = r.id or (v.kind = 'verify' and v.about_run = r.id)
 where r.id = $1
   and (v.kind = 'verify' or exists (select from transfuse.run_mapping m where m.run_id = v.id and m.pass = 4))
   and (r.kind <> 'verify' or v.id = r.id)
 order by v.kind = 'verify' desc, v.created_at desc, v.id
 limit 1;

-- name: head
select v.id as run, case when v.kind = 'verify' then v.about_run else v.id end as about, v.kind, v.mode, v.state,
       v.created_at, v.finished_at, v.options, r.snapshot_at as loaded_from, v.snapshot_at as compared_with
  from transfuse.run v
  left join transfuse.run r on r.id = case when v.kind = 'verify' then v.about_run else v.id end
 where v.id = $1;

-- name: mappings
-- Passes that compare, with what retention has summed up.
select m.mapping, m.pass, m.position, m.state, coalesce(m.from_rows, 0)::bigint as row_count,
       (coalesce(b.read_count, 0) + coalesce(t.read_count, 0))::bigint as read,
       (coalesce(b.unchanged, 0) + coalesce(t.unchanged, 0))::bigint as unchanged,
       (coalesce(b.absent, 0) + coalesce(t.filtered, 0) + coalesce(t.quarantined, 0))::bigint as absent
  from transfuse.run_mapping m
  left join (
       select mapping, pass, sum(read_count) as read_count, sum(unchanged) as unchanged, sum(filtered + quarantined) as absent
         from transfuse.batch where run_id = $1 and state = 'settled' group by mapping, pass) b
    on b.mapping = m.mapping and b.pass = m.pass
  left join transfuse.batch_total t on t.run_id = m.run_id and t.mapping = m.mapping and t.pass = m.pass
 where m.run_id = $1 and m.pass = any ($2::smallint[])
 order by m.position, m.mapping, m.pass;

-- name: counts
select c.mapping, c.kind, c."column", c.source_changed, sum(c.row_count)::bigint as row_count
  from transfuse.finding_count c
 where c.run_id = $1
 group by c.mapping, c.kind, c."column", c.source_changed
 order by c.mapping, c.kind, row_count desc, c."column";

-- name: findings
select f.id, f.mapping, f.kind, f.columns, f.target_key, f.source_changed
  from transfuse.finding f
 where f.run_id = $1 and ($2::text is null or f.mapping = $2) and ($3::text is null or f.kind = $3)
   and ($4::uuid is null
        or (f.mapping, f.pass, coalesce(f.seq, 0), f.id) > (select l.mapping, l.pass, coalesce(l.seq, 0), l.id
                                                              from transfuse.finding l where l.run_id = $1 and l.id = $4))
 order by f.mapping, f.pass, coalesce(f.seq, 0), f.id
 limit $5;

-- name: has_finding
select exists (select from transfuse.finding f where f.run_id = $1 and f.id = $2);

-- name: repairs
-- Rows that a merge sets right; those that the source has changed since on request.
select count(*) from transfuse.finding f
 where f.run_id = $1 and f.kind in ('different', 'missing') and ($2::boolean or f.source_changed is not true);

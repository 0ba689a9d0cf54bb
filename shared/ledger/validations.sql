-- What a dry run checks, what the plan leaves out, and what could not be tried.

-- name: write
insert into transfuse.validation (run_id, checks, limits, left_out) values ($1, $2::text::jsonb, $3::text::jsonb, $4::text::jsonb)
on conflict (run_id) do update set checks = excluded.checks, limits = excluded.limits, left_out = excluded.left_out;

-- name: write_unchecked
insert into transfuse.unchecked (run_id, target_schema, target_table, kind, name) values ($1, $2, $3, $4, $5)
on conflict do nothing;

-- name: read
select r.id, r.mode, r.kind, r.options, v.checks, v.limits, v.left_out
  from transfuse.run r left join transfuse.validation v on v.run_id = r.id
 where r.id = $1;

-- name: unchecked
select target_schema as schema, target_table as "table", kind, name
  from transfuse.unchecked where run_id = $1 order by 1, 2, 3, 4;

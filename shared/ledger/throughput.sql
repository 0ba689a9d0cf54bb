-- How fast a run moved.

-- name: span
select started_at, coalesce(finished_at, clock_timestamp()) as until from transfuse.run where id = $1;

-- name: steps
select floor(extract(epoch from b.settled_at - $2::timestamptz) / $3::integer)::integer as step,
       sum(b.read_count)::bigint as row_count, sum(b.quarantined)::bigint as quarantined
  from transfuse.batch b
 where b.run_id = $1 and b.state = 'settled' and b.settled_at >= $2::timestamptz
 group by 1
 order by 1;

-- The history of a run.

-- name: run_exists
select exists (select from transfuse.run where id = $1);

-- name: events
select e.seq, e.at, e.kind, e.detail, e.level
  from (
    select seq, at, kind, detail,
           case when detail ->> 'state' = 'failed' then 'error'
                when detail ->> 'state' in ('paused', 'cancelling') or kind in ('warning', 'limit') then 'warning'
                else 'info' end as level
      from transfuse.run_event
     where run_id = $1 and seq > $2
  ) e
 where $3::text is null or e.level = $3
 order by e.seq
 limit $4;

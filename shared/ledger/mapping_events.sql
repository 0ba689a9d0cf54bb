-- What happens to mappings, as the history of their run tells it. Whoever writes it holds the run's row.

-- name: ended
select transfuse.append_event($1, 'mapping', jsonb_build_object(
           'code', 'mapping_' || m.state, 'mapping', m.mapping, 'pass', m.pass, 'state', m.state, 'reason', m.reason,
           'read', b.read, 'loaded', b.loaded, 'updated', b.updated, 'unchanged', b.unchanged, 'merged', b.merged,
           'filtered', b.filtered, 'quarantined', b.quarantined, 'deleted', b.deleted, 'different', b.different))
  from transfuse.run_mapping m
 cross join lateral (
       select coalesce(sum(read_count), 0)::bigint as read, coalesce(sum(loaded), 0)::bigint as loaded,
              coalesce(sum(updated), 0)::bigint as updated, coalesce(sum(unchanged), 0)::bigint as unchanged,
              coalesce(sum(merged), 0)::bigint as merged, coalesce(sum(filtered), 0)::bigint as filtered,
              coalesce(sum(quarantined), 0)::bigint as quarantined, coalesce(sum(deleted), 0)::bigint as deleted,
              coalesce(sum(different), 0)::bigint as different
         from transfuse.batch
        where run_id = m.run_id and mapping = m.mapping and pass = m.pass) b
 where m.run_id = $1 and m.mapping = $2 and m.pass = $3 and m.state in ('complete', 'failed');

-- name: limited
-- Once for each time: what was told before the last resume was accepted by it.
select transfuse.append_event($1, 'limit', jsonb_build_object(
           'code', m.reason, 'mapping', m.mapping, 'pass', m.pass, 'state', m.state, 'quarantined', b.quarantined))
  from (select run_id, mapping, pass, state, reason from transfuse.run_mapping
         where run_id = $1 and state = 'paused' and reason in ('quarantine_limit', 'removal_limit') order by position, mapping, pass) m
 cross join lateral (
       select coalesce(sum(quarantined), 0)::bigint as quarantined
         from transfuse.batch
        where run_id = m.run_id and mapping = m.mapping and pass = m.pass) b
 where not exists (
       select from transfuse.run_event e
        where e.run_id = $1 and e.kind = 'limit' and e.detail ->> 'mapping' = m.mapping
          and (e.detail ->> 'pass')::integer = m.pass
          and e.seq > coalesce((select max(a.seq) from transfuse.run_event a
                                 where a.run_id = $1 and a.kind = 'asked' and a.detail ->> 'verb' = 'resume'), 0));

-- What a run was made with and how it was watched: what its report names beside the counts.

-- name: provenance
select r.transfuse_version, coalesce(r.duckdb_version, '') as duckdb_version, r.plan_hash, r.snapshot_at,
       (select p.checked_at from transfuse.preflight p where p.run_id = r.id) as preflight_at
  from transfuse.run r
 where r.id = $1;

-- name: asked
select e.at, coalesce(e.detail ->> 'actor', '') as actor, coalesce(e.detail ->> 'verb', '') as verb
  from transfuse.run_event e
 where e.run_id = $1 and e.kind = 'asked'
 order by e.seq
 limit 100;

-- name: audited
-- What the gateway, the extractor and the loader recorded of it. Nothing is older than the run, but for the start itself.
select a.at, a.actor, a.action, a.outcome
  from transfuse.audit a
 where a.at >= (select r.created_at - interval '1 minute' from transfuse.run r where r.id = $1)
   and (a.detail ->> 'run' = $1::uuid::text or (a.object_kind = 'run' and a.object_id = $1::uuid::text))
   and a.outcome <> 'begun'
 order by a.seq
 limit 200;

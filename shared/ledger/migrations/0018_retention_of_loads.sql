-- Retention of loads: verifies, replays and undos of a run push no run that loaded rows out of those that keep everything.

-- As before; runs that load are counted among themselves, others among all.
create or replace function transfuse.runs_beyond_retention(migration uuid) returns setof uuid
    language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select ranked.id
      from (
        select r.id, r.created_at, r.state = 'completed' as well, r.kind in ('migrate', 'differential') as loads,
               row_number() over (partition by r.state = 'completed', r.mode = 'check', r.kind in ('migrate', 'differential')
                                      order by r.created_at desc, r.id) as place_of_kind,
               row_number() over (partition by r.state = 'completed', r.mode = 'check' order by r.created_at desc, r.id) as place
          from transfuse.run r
         where r.migration_id = migration and (r.kind not in ('validate', 'cleanup', 'health_check') or r.mode = 'check')
           and r.state in ('completed', 'failed', 'cancelled')
      ) ranked
     where case when ranked.loads then ranked.place_of_kind else ranked.place end > case when ranked.well then 10 else 50 end
       and not transfuse.is_being_undone(ranked.id)
     order by ranked.created_at, ranked.id;
end;

-- Undo: what a run keeps of rows that it changed, and the mark of a run that was undone.

alter table transfuse.manifest
    add column former       bytea,                      -- sealed rows as they were; null where none was changed, and in older manifests
    add column placeholders bytea;                      -- sealed keys of placeholder rows that the batch made; null where it made none

alter table transfuse.run
    add column undone_at     timestamptz,               -- since then its rows are not in the target any more
    add column undone_by_run uuid references transfuse.run (id);

create index run_about on transfuse.run (about_run) where about_run is not null;

-- An undo that ends well marks the run that it is about, in the transaction that ends it.
create function transfuse.mark_undone() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    update transfuse.run r set undone_at = clock_timestamp(), undone_by_run = new.id
     where r.id = new.about_run and r.undone_at is null;
    perform transfuse.append_event(new.about_run, 'undone', jsonb_build_object('run', new.id::text));
    return null;
end $$;

create trigger run_undone after update of state on transfuse.run
    for each row when (new.kind = 'undo' and new.state = 'completed' and old.state is distinct from new.state)
    execute function transfuse.mark_undone();

-- An undo goes by the plan of the run that it takes back. The extractor executes compiled plans: the loader, which plans undos, may
-- write none.
create function transfuse.take_plan_over() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    select u.compiled, u.duckdb_version into new.compiled, new.duckdb_version from transfuse.run u where u.id = new.about_run;
    return new;
end $$;

create trigger run_plan_of_undone before update of state on transfuse.run
    for each row when (new.kind = 'undo' and new.state = 'running' and new.compiled is null)
    execute function transfuse.take_plan_over();

-- As before, without runs that were undone and without those that undid them.
create or replace function transfuse.run_with_undo_records(migration uuid, mapping text) returns uuid
    language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select r.id
      from transfuse.run r
     cross join lateral (select from transfuse.manifest f
                          where f.run_id = r.id and f.mapping = run_with_undo_records.mapping limit 1) f
     where r.migration_id = migration and r.mode in ('insert', 'merge') and r.kind <> 'undo' and r.undone_at is null
     order by r.created_at desc, r.id
     limit 1;
end;

-- Retention passes by a run whose undo may go on: it goes by what retention would remove.
create function transfuse.is_being_undone(run uuid) returns boolean
    language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select exists (select from transfuse.run u
                    where u.about_run = run and u.kind = 'undo' and u.state not in ('completed', 'cancelled'));
end;

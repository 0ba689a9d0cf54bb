-- Runs that change rows which are there already: second passes, back-fills of a column, merges.

-- Sealed 16-byte keys of rows that were there before and were changed: an undo removes what a run inserted, and nothing else.
-- Null in manifests that are older than this column.
alter table transfuse.manifest add column updated bytea;

-- A back-fill says nothing of who inserted a row, so it does not take the place of the run that did.
create or replace function transfuse.run_with_undo_records(migration uuid, mapping text) returns uuid
    language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select r.id
      from transfuse.run r
     cross join lateral (select from transfuse.manifest f
                          where f.run_id = r.id and f.mapping = run_with_undo_records.mapping limit 1) f
     where r.migration_id = migration and r.mode in ('insert', 'merge')
     order by r.created_at desc, r.id
     limit 1;
end;

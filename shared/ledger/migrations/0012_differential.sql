-- Differential: which transactions of the target were a migration's own, also after retention took their manifests.

create table transfuse.kept_transaction (
    migration_id    uuid not null references transfuse.migration (id),
    transaction_id  xid8 not null,
    primary key (migration_id, transaction_id)
);

-- A manifest that goes leaves its transaction: rows that it wrote are still in the target.
create function transfuse.keep_transactions() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    insert into transfuse.kept_transaction (migration_id, transaction_id)
    select distinct r.migration_id, g.transaction_id from gone g join transfuse.run r on r.id = g.run_id
    on conflict do nothing;
    return null;
end $$;

create trigger manifest_gone after delete on transfuse.manifest
    referencing old table as gone for each statement execute function transfuse.keep_transactions();

-- The transactions, as `xmin` has them, in which runs of one run's migration wrote to the target, that run among them.
create function transfuse.own_transactions(run uuid) returns setof xid
    language sql stable security definer set search_path = pg_catalog, pg_temp rows 10000
begin atomic
    select f.transaction_id::xid
      from transfuse.run own
      join transfuse.run r on r.migration_id = own.migration_id
      join transfuse.manifest f on f.run_id = r.id
     where own.id = own_transactions.run
    union
    select k.transaction_id::xid
      from transfuse.run own
      join transfuse.kept_transaction k on k.migration_id = own.migration_id
     where own.id = own_transactions.run;
end;

-- As before. The manifests of a mapping stay, too, until a younger run has loaded all of it: which rows are gone is told by them.
-- A replay and a verification that follow the last whole run do not take its place.
create or replace function transfuse.mappings_beyond_retention(migration uuid, run uuid) returns text[]
    language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce(array_agg(m.mapping), '{}')
      from (select distinct mapping from transfuse.run_mapping where run_id = run) m
      join transfuse.run own on own.id = run
     where transfuse.run_with_undo_records(migration, m.mapping) is distinct from run
       and (own.mode not in ('insert', 'merge') or own.undone_at is not null
            or exists (select from transfuse.run younger
                         join transfuse.run_mapping whole
                           on whole.run_id = younger.id and whole.mapping = m.mapping and whole.pass = 1
                        where younger.migration_id = own.migration_id and younger.created_at > own.created_at
                          and younger.state = 'completed' and younger.mode in ('insert', 'merge')
                          and younger.kind not in ('undo', 'replay') and younger.undone_at is null));
end;

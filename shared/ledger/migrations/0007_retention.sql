-- Retention: the bulk details of older runs go, what they came to stays. The last 10 completed runs of a migration and the last 50
-- that failed or were cancelled keep everything. Of the others there stay: the run, the balance of each mapping, the audit, refused
-- rows that nobody has resolved (with their batches and the run's key), and the manifests of the latest run of each mapping.

alter table transfuse.plan add column mapping_count integer;        -- null where nobody counted when it was kept
alter table transfuse.run add column details_removed_at timestamptz; -- since then the run cannot be resumed

-- What went, summed. The figures of a run are its batches and these together.
create table transfuse.batch_total (
    run_id       uuid not null,
    mapping      text not null,
    pass         smallint not null,
    planned      bigint not null,
    dispatched   bigint not null,
    settled      bigint not null,
    failed       bigint not null,
    split        bigint not null,
    read_count   bigint not null,
    loaded       bigint not null,
    updated      bigint not null,
    unchanged    bigint not null,
    merged       bigint not null,
    filtered     bigint not null,
    quarantined  bigint not null,
    started_at   timestamptz,
    settled_at   timestamptz,
    primary key (run_id, mapping, pass),
    foreign key (run_id, mapping, pass) references transfuse.run_mapping (run_id, mapping, pass)
);

create table transfuse.warning_total (
    run_id     uuid not null references transfuse.run (id),
    mapping    text not null,
    code       text not null,
    "column"   text not null,
    row_count  bigint not null,
    primary key (run_id, mapping, code, "column")
);

create table transfuse.quarantine_total (
    run_id     uuid not null references transfuse.run (id),
    mapping    text not null,
    stage      text not null,
    code       text not null,
    "column"   text not null,
    row_count  bigint not null,
    primary key (run_id, mapping, stage, code, "column")
);

-- Ended runs of a migration that are beyond those that keep everything.
create function transfuse.runs_beyond_retention(migration uuid) returns setof uuid
    language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select ranked.id
      from (
        select r.id, r.created_at, r.state = 'completed' as well,
               row_number() over (partition by r.state = 'completed' order by r.created_at desc, r.id) as place
          from transfuse.run r
         where r.migration_id = migration and r.kind not in ('validate', 'cleanup', 'health_check')
           and r.state in ('completed', 'failed', 'cancelled')
      ) ranked
     where ranked.place > case when ranked.well then 10 else 50 end
     order by ranked.created_at, ranked.id;
end;

-- The latest run of a migration that has a manifest of a mapping: what an undo goes by. Dry runs and comparisons have none that
-- counts. Each run is asked on its own, the youngest first: the answer is mostly there.
create function transfuse.run_with_undo_records(migration uuid, mapping text) returns uuid
    language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select r.id
      from transfuse.run r
     cross join lateral (select from transfuse.manifest f
                          where f.run_id = r.id and f.mapping = run_with_undo_records.mapping limit 1) f
     where r.migration_id = migration and r.mode in ('insert', 'merge', 'patch')
     order by r.created_at desc, r.id
     limit 1;
end;

-- The mappings of a run whose details go.
create function transfuse.mappings_beyond_retention(migration uuid, run uuid) returns text[]
    language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce(array_agg(m.mapping), '{}')
      from (select distinct mapping from transfuse.run_mapping where run_id = run) m
     where transfuse.run_with_undo_records(migration, m.mapping) is distinct from run;
end;

-- What a pass would remove, by run; runs of which nothing would go are left out. One run after the other: each is a few looks
-- into indexes.
create function transfuse.retention_outlook()
    returns table (migration_id uuid, run_id uuid, batches bigint, manifests bigint, quarantine_rows bigint, bodies bigint,
                   events bigint, run_keys bigint)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    going text[];
begin
    for migration_id, run_id in
        select m.id, r.id from transfuse.migration m cross join lateral transfuse.runs_beyond_retention(m.id) as r (id)
    loop
        going := transfuse.mappings_beyond_retention(migration_id, run_id);
        select count(*) into batches
          from transfuse.batch b
         where b.run_id = retention_outlook.run_id and b.mapping = any (going)
           and not exists (select from transfuse.quarantine q
                            where q.run_id = retention_outlook.run_id and (q.mapping, q.pass, q.seq) = (b.mapping, b.pass, b.seq)
                              and q.resolution = '');
        select count(*) into manifests
          from transfuse.manifest f where f.run_id = retention_outlook.run_id and f.mapping = any (going);
        select count(*) into quarantine_rows
          from transfuse.quarantine q
         where q.run_id = retention_outlook.run_id and q.mapping = any (going) and q.resolution <> '';
        select count(*) into bodies from transfuse.body y where y.run_id = retention_outlook.run_id;
        select count(*) into events
          from transfuse.run_event e
         where e.run_id = retention_outlook.run_id and e.kind not in ('state', 'asked')
           and e.seq < (select max(last.seq) from transfuse.run_event last where last.run_id = retention_outlook.run_id);
        select count(*) into run_keys
          from transfuse.run_key k
         where k.run_id = retention_outlook.run_id
           and not exists (select from transfuse.quarantine q
                            where q.run_id = k.run_id and (q.resolution = '' or q.mapping <> all (going)))
           and not exists (select from transfuse.manifest f where f.run_id = k.run_id and f.mapping <> all (going))
           and not exists (select from transfuse.batch b
                            where b.run_id = k.run_id and b.mapping <> all (going) and b.bounds_sealed);
        if batches + manifests + quarantine_rows + bodies + events + run_keys > 0 then
            return next;
        end if;
    end loop;
end $$;

-- Removes up to `most` rows of each sort of one run's details and sums up what it removes, in the same transaction. Nothing but
-- zeros when nothing is left, when the run is not beyond retention, and when the pass was ended. To be called until then.
create function transfuse.remove_details(
    cleanup uuid, run uuid, most integer,
    out batches bigint, out manifests bigint, out quarantine_rows bigint, out bodies bigint, out events bigint,
    out run_keys bigint
)
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner uuid;
    going text[];
begin
    batches := 0; manifests := 0; quarantine_rows := 0; bodies := 0; events := 0; run_keys := 0;
    if not pg_try_advisory_xact_lock_shared(transfuse.run_lock_key(cleanup)) then
        return;
    end if;
    select c.migration_id into owner from transfuse.run c where c.id = cleanup and c.kind = 'cleanup' and c.state = 'running';
    if owner is null then
        return;
    end if;
    perform pg_advisory_xact_lock(transfuse.run_lock_key(run));
    perform from transfuse.run r where r.id = run for no key update;
    if not exists (select from transfuse.runs_beyond_retention(owner) as beyond (id) where beyond.id = run) then
        return;
    end if;
    update transfuse.run r set details_removed_at = clock_timestamp() where r.id = run and r.details_removed_at is null;
    going := transfuse.mappings_beyond_retention(owner, run);

    with gone as (
        delete from transfuse.quarantine q
         where q.id in (select c.id from transfuse.quarantine c
                         where c.run_id = run and c.mapping = any (going) and c.resolution <> '' limit most)
        returning q.mapping, q.stage, q.reasons
    ), summed as (
        insert into transfuse.quarantine_total as t (run_id, mapping, stage, code, "column", row_count)
        select run, g.mapping, g.stage, r.code, coalesce(r."column", ''), count(*)
          from gone g, jsonb_to_recordset(g.reasons) as r (code text, "column" text)
         group by 2, 3, 4, 5
        on conflict on constraint quarantine_total_pkey do update set row_count = t.row_count + excluded.row_count
    )
    select count(*) into quarantine_rows from gone;

    with gone as (
        delete from transfuse.manifest f
         using (select c.mapping, c.pass, c.seq from transfuse.manifest c
                 where c.run_id = run and c.mapping = any (going) limit most) d
         where f.run_id = run and (f.mapping, f.pass, f.seq) = (d.mapping, d.pass, d.seq)
        returning 1
    )
    select count(*) into manifests from gone;

    with gone as (
        delete from transfuse.body y
         where y.id in (select c.id from transfuse.body c where c.run_id = run limit most)
        returning 1
    )
    select count(*) into bodies from gone;

    with gone as (
        delete from transfuse.batch b
         using (select c.mapping, c.pass, c.seq from transfuse.batch c
                 where c.run_id = run and c.mapping = any (going)
                   and not exists (select from transfuse.quarantine q
                                    where q.run_id = run and (q.mapping, q.pass, q.seq) = (c.mapping, c.pass, c.seq))
                   and not exists (select from transfuse.manifest f
                                    where f.run_id = run and (f.mapping, f.pass, f.seq) = (c.mapping, c.pass, c.seq))
                 limit most) d
         where b.run_id = run and (b.mapping, b.pass, b.seq) = (d.mapping, d.pass, d.seq)
        returning b.*
    ), summed as (
        insert into transfuse.batch_total as t
        select run, g.mapping, g.pass,
               count(*) filter (where g.state = 'planned'), count(*) filter (where g.state = 'dispatched'),
               count(*) filter (where g.state = 'settled'), count(*) filter (where g.state = 'failed'),
               count(*) filter (where g.state = 'split'),
               sum(g.read_count), sum(g.loaded), sum(g.updated), sum(g.unchanged), sum(g.merged), sum(g.filtered),
               sum(g.quarantined), min(g.dispatched_at), max(g.settled_at)
          from gone g
         group by g.mapping, g.pass
        on conflict on constraint batch_total_pkey do update
            set planned = t.planned + excluded.planned, dispatched = t.dispatched + excluded.dispatched,
                settled = t.settled + excluded.settled, failed = t.failed + excluded.failed, split = t.split + excluded.split,
                read_count = t.read_count + excluded.read_count, loaded = t.loaded + excluded.loaded,
                updated = t.updated + excluded.updated, unchanged = t.unchanged + excluded.unchanged,
                merged = t.merged + excluded.merged, filtered = t.filtered + excluded.filtered,
                quarantined = t.quarantined + excluded.quarantined,
                started_at = least(t.started_at, excluded.started_at), settled_at = greatest(t.settled_at, excluded.settled_at)
    ), warned as (
        insert into transfuse.warning_total as t (run_id, mapping, code, "column", row_count)
        select run, g.mapping, w.code, coalesce(w."column", ''), sum(w.count)
          from gone g, jsonb_to_recordset(g.warnings) as w (code text, "column" text, count bigint)
         where g.state = 'settled'
         group by 2, 3, 4
        on conflict on constraint warning_total_pkey do update set row_count = t.row_count + excluded.row_count
    )
    select count(*) into batches from gone;

    -- The last event stays whatever it is: clients know how far they have read by its number.
    with gone as (
        delete from transfuse.run_event e
         where e.run_id = run and e.kind not in ('state', 'asked')
           and e.seq < (select max(last.seq) from transfuse.run_event last where last.run_id = run)
        returning 1
    )
    select count(*) into events from gone;

    with gone as (
        delete from transfuse.run_key k
         where k.run_id = run
           and not exists (select from transfuse.quarantine q where q.run_id = run)
           and not exists (select from transfuse.manifest f where f.run_id = run)
           and not exists (select from transfuse.body y where y.run_id = run)
           and not exists (select from transfuse.batch b where b.run_id = run and b.bounds_sealed)
        returning 1
    )
    select count(*) into run_keys from gone;
end $$;

-- A run whose details are gone stays as it ended.
create or replace function transfuse.guard_run() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if old.details_removed_at is not null
       or (not exists (select from transfuse.run_transition where from_state = old.state and to_state = new.state)
           and not exists (select from transfuse.run_transition_of_kind
                            where kind = old.kind and from_state = old.state and to_state = new.state))
    then
        raise exception 'a run does not go from % to %', old.state, new.state using errcode = '55000';
    end if;
    new.moved_at := clock_timestamp();
    new.finished_at := case when new.state in ('completed', 'failed', 'cancelled') then clock_timestamp() end;
    return new;
end $$;

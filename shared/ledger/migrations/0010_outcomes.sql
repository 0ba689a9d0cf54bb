-- Runs about other runs, and two more outcomes: rows that are deleted, and rows that a comparison finds different.

alter table transfuse.run
    add column about_run uuid references transfuse.run (id);        -- the run that this one undoes, verifies or replays rows of

alter table transfuse.batch
    add column deleted   bigint not null default 0,
    add column different bigint not null default 0,
    drop constraint batch_balances,
    add constraint batch_balances check (
        state <> 'settled'
        or read_count = loaded + updated + unchanged + merged + filtered + quarantined + deleted + different);

alter table transfuse.batch_total
    add column deleted   bigint not null default 0,
    add column different bigint not null default 0;

-- As before, with the two outcomes. Removes up to `most` rows of each sort of one run's details and sums up what it removes, in the same transaction. Nothing but
-- zeros when nothing is left, when the run is not beyond retention, and when the pass was ended. To be called until then.
create or replace function transfuse.remove_details(
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
            (run_id, mapping, pass, planned, dispatched, settled, failed, split, read_count, loaded, updated, unchanged, merged,
             filtered, quarantined, deleted, different, started_at, settled_at)
        select run, g.mapping, g.pass,
               count(*) filter (where g.state = 'planned'), count(*) filter (where g.state = 'dispatched'),
               count(*) filter (where g.state = 'settled'), count(*) filter (where g.state = 'failed'),
               count(*) filter (where g.state = 'split'),
               sum(g.read_count), sum(g.loaded), sum(g.updated), sum(g.unchanged), sum(g.merged), sum(g.filtered),
               sum(g.quarantined), sum(g.deleted), sum(g.different), min(g.dispatched_at), max(g.settled_at)
          from gone g
         group by g.mapping, g.pass
        on conflict on constraint batch_total_pkey do update
            set planned = t.planned + excluded.planned, dispatched = t.dispatched + excluded.dispatched,
                settled = t.settled + excluded.settled, failed = t.failed + excluded.failed, split = t.split + excluded.split,
                read_count = t.read_count + excluded.read_count, loaded = t.loaded + excluded.loaded,
                updated = t.updated + excluded.updated, unchanged = t.unchanged + excluded.unchanged,
                merged = t.merged + excluded.merged, filtered = t.filtered + excluded.filtered,
                quarantined = t.quarantined + excluded.quarantined,
                deleted = t.deleted + excluded.deleted, different = t.different + excluded.different,
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
           and not transfuse.is_read_by_replays(run)
        returning 1
    )
    select count(*) into run_keys from gone;
end $$;

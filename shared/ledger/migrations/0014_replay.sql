-- Replay: what became of refused rows since, values that were edited, and replays that the ledger starts by itself.

alter table transfuse.quarantine
    add column resolved_by_run uuid references transfuse.run (id),      -- the run that wrote it, left it out or refused it again
    add column replay_run      uuid references transfuse.run (id);      -- the replay that was started by itself for it

comment on column transfuse.quarantine.resolution is 'waiting '''' | replayed | filtered | discarded | replaced (refused again: a later row waits)';

create index quarantine_by_key on transfuse.quarantine (mapping, target_key) where resolution in ('', 'replaced');
create index quarantine_orphan on transfuse.quarantine (run_id, id)
 where resolution = '' and replay_run is null and reasons @> '[{"code": "missing_parent"}]';
create index quarantine_resolved_by on transfuse.quarantine (resolved_by_run) where resolved_by_run is not null;
create index quarantine_replay on transfuse.quarantine (replay_run) where replay_run is not null;

-- Values that somebody put in the place of the source's, for replays to read. Under the key of the refused row's run.
create table transfuse.quarantine_edit (
    id              uuid primary key,
    run_id          uuid not null references transfuse.run (id) on delete cascade,
    quarantine_id   uuid not null,
    mapping         text not null,
    target_key      uuid,
    "column"        text not null,                      -- alias.column of the source
    sealed_old      bytea,                              -- null where the refused row does not have it
    sealed_new      bytea not null,
    actor           text not null,
    reason          text not null,
    edited_at       timestamptz not null default clock_timestamp(),
    applied_by_run  uuid references transfuse.run (id)  -- the replay that wrote it to the target
);

create index quarantine_edit_of_run on transfuse.quarantine_edit (run_id);
create index quarantine_edit_of_row on transfuse.quarantine_edit (mapping, target_key);
create index quarantine_edit_applied on transfuse.quarantine_edit (applied_by_run) where applied_by_run is not null;

-- What became of refused rows that retention has removed since.
create table transfuse.resolution_total (
    run_id      uuid not null references transfuse.run (id) on delete cascade,
    mapping     text not null,
    pass        smallint not null,
    resolution  text not null,
    row_count   bigint not null,
    primary key (run_id, mapping, pass, resolution)
);

create function transfuse.sum_resolutions() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    insert into transfuse.resolution_total as t (run_id, mapping, pass, resolution, row_count)
    select g.run_id, g.mapping, g.pass, g.resolution, count(*) from gone g group by 1, 2, 3, 4
    on conflict on constraint resolution_total_pkey do update set row_count = t.row_count + excluded.row_count;
    return null;
end $$;

create trigger quarantine_removed after delete on transfuse.quarantine
    referencing old table as gone for each statement execute function transfuse.sum_resolutions();

-- A run, the replays of its rows, the replays of theirs; without those that were undone.
create function transfuse.replays_of(run uuid) returns setof uuid
    language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    with recursive family (id) as (
        select r.id from transfuse.run r where r.id = replays_of.run
         union
        select r.id from transfuse.run r join family f on r.about_run = f.id where r.kind = 'replay'
    )
    select f.id from family f join transfuse.run r on r.id = f.id where r.undone_at is null;
end;

-- The rows of a run that wait, and those of its replays: all, or by their ids, a reason, a mapping. Null is any.
create function transfuse.chosen_rows(run uuid, rows uuid[], code text, "column" text, mapping text)
    returns table (id uuid, run_id uuid, mapping text, waits_for text)
    language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select q.id, q.run_id, q.mapping, q.waits_for
      from transfuse.quarantine q
     where q.run_id in (select transfuse.replays_of(chosen_rows.run)) and q.resolution = ''
       and (chosen_rows.rows is null or q.id = any (chosen_rows.rows))
       and (chosen_rows.mapping is null or q.mapping = chosen_rows.mapping)
       and ((chosen_rows.code is null and chosen_rows."column" is null)
            or exists (select from jsonb_to_recordset(q.reasons) as r (code text, "column" text)
                        where (chosen_rows.code is null or r.code = chosen_rows.code)
                          and (chosen_rows."column" is null or coalesce(r."column", '') = chosen_rows."column")));
end;

-- What nobody is to replay any more. What these rows replaced goes with them.
create function transfuse.discard_rows(run uuid, rows uuid[], code text, "column" text, mapping text)
    returns table (discarded_mapping text, row_count bigint)
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner uuid;
begin
    select r.migration_id into owner from transfuse.run r where r.id = discard_rows.run;
    if exists (select from transfuse.run r
                where r.migration_id = owner and r.kind = 'replay' and r.state not in ('completed', 'failed', 'cancelled'))
    then
        raise exception 'a replay of these rows is going on' using errcode = '55000';
    end if;
    return query
    with discarded as (
        update transfuse.quarantine q
           set resolution = 'discarded', resolved_at = clock_timestamp()
          from transfuse.chosen_rows(discard_rows.run, discard_rows.rows, discard_rows.code, discard_rows."column",
                                     discard_rows.mapping) c
         where q.id = c.id and q.resolution = ''
        returning q.mapping, q.pass, q.target_key
    ), older as (
        update transfuse.quarantine q
           set resolution = 'discarded', resolved_at = clock_timestamp()
          from discarded d, transfuse.run r
         where q.mapping = d.mapping and q.pass = d.pass and q.target_key = d.target_key and q.resolution = 'replaced'
           and r.id = q.run_id and r.migration_id = owner
    )
    select d.mapping, count(*) from discarded d group by d.mapping order by d.mapping;
end $$;

-- Starts a replay of rows whose parents are there since the run `after`, in the transaction that ends that run. Each row once: what
-- is refused again, or not in the source any more, is left to people. Null where there is nothing to start.
create function transfuse.start_replay(after uuid, rows uuid[]) returns uuid
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    ended record;
    about record;
    replay uuid := gen_random_uuid();
begin
    select r.* into ended from transfuse.run r
     where r.id = after and r.state = 'completed' and r.kind in ('migrate', 'differential', 'replay')
       and r.mode in ('insert', 'merge');
    if ended.id is null
       or exists (select from transfuse.run r
                   where r.migration_id = ended.migration_id and r.state not in ('completed', 'failed', 'cancelled')
                     and r.kind not in ('validate', 'cleanup', 'health_check'))
       or (ended.kind = 'replay' and ended.actor = 'transfuse'
           and not exists (select from transfuse.quarantine q where q.resolved_by_run = after and q.resolution = 'replayed'))
    then
        return null;
    end if;
    select r.id, r.mode into about
      from transfuse.quarantine q join transfuse.run r on r.id = q.run_id
     where q.id = any (rows) and q.resolution = '' and q.replay_run is null
       and r.migration_id = ended.migration_id and r.undone_at is null and r.mode in ('insert', 'merge')
     order by r.created_at limit 1;
    if about.id is null then
        return null;
    end if;
    insert into transfuse.run (id, migration_id, kind, mode, priority, options, actor, plan_hash, transfuse_version, about_run)
    values (replay, ended.migration_id, 'replay', about.mode, ended.priority, '{"replay": {"marked": true}}', 'transfuse',
            ended.plan_hash, ended.transfuse_version, about.id);
    update transfuse.quarantine q set replay_run = replay
      from transfuse.run r
     where q.id = any (rows) and q.resolution = '' and q.replay_run is null
       and r.id = q.run_id and r.migration_id = ended.migration_id and r.undone_at is null;
    perform transfuse.append_event(after, 'followed', jsonb_build_object('run', replay::text));
    return replay;
exception when unique_violation then
    return null;
end $$;

-- The keys of a mapping whose values were edited and written so: a comparison with the source finds them different.
create function transfuse.edited_keys(migration uuid, mapping text) returns setof uuid
    language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select distinct e.target_key
      from transfuse.quarantine_edit e join transfuse.run r on r.id = e.applied_by_run
     where r.migration_id = edited_keys.migration and e.mapping = edited_keys.mapping and e.target_key is not null;
end;

-- What a run that is undone resolved, waits again.
create function transfuse.wait_again() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    update transfuse.quarantine q set resolution = '', resolved_at = null, resolved_by_run = null, replay_run = null
     where q.resolved_by_run = new.id and q.resolution <> 'discarded';
    update transfuse.quarantine_edit e set applied_by_run = null where e.applied_by_run = new.id;
    return null;
end $$;

create trigger run_undone_rows after update of undone_at on transfuse.run
    for each row when (old.undone_at is null and new.undone_at is not null) execute function transfuse.wait_again();

-- Whether values that were edited under a run's key stand in for those of a row that waits, in that run or a later one.
create function transfuse.is_read_by_replays(run uuid) returns boolean
    language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select exists (select from transfuse.quarantine_edit e
                     join transfuse.run own on own.id = e.run_id
                     join transfuse.quarantine q
                       on q.mapping = e.mapping and q.target_key = e.target_key and q.resolution = ''
                     join transfuse.run w on w.id = q.run_id and w.migration_id = own.migration_id
                    where e.run_id = run);
end;

-- As before, without the keys under which such values are sealed.
create or replace function transfuse.retention_outlook()
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
                            where b.run_id = k.run_id and b.mapping <> all (going) and b.bounds_sealed)
           and not transfuse.is_read_by_replays(k.run_id);
        if batches + manifests + quarantine_rows + bodies + events + run_keys > 0 then
            return next;
        end if;
    end loop;
end $$;

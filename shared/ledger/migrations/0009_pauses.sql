-- Pauses that need another snapshot, and work that is left to a service of the versions that its run is pinned to.

-- As before; a snapshot that is named is of no use any more, whatever the reason.
create or replace function transfuse.stop_run(
    run uuid, to_state text, code text, message text, remedy text, lost_snapshot text default null
) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if to_state not in ('paused', 'failed') then
        raise exception 'a service only pauses or fails a run' using errcode = '22023';
    end if;
    perform pg_advisory_xact_lock(transfuse.run_lock_key(run));
    update transfuse.run r
       set state = to_state, reason = code, message = stop_run.message, remedy = stop_run.remedy,
           snapshot = case when code <> 'snapshot_lost' and lost_snapshot is null then r.snapshot end
     where r.id = run
       and exists (select from transfuse.run_transition t where t.from_state = r.state and t.to_state = stop_run.to_state)
       and (lost_snapshot is null or r.snapshot = lost_snapshot);
    return found;
end $$;

-- Tells the run's history once of each kind of service that left its work.
create function transfuse.note_versions(run uuid, detail jsonb) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (select from transfuse.run_event e
                    where e.run_id = run and e.kind = 'version_differs' and e.detail = note_versions.detail) then
        perform transfuse.append_event(run, 'version_differs', detail);
    end if;
end $$;

-- A batch came to a service that is not of its run's versions: issued again later, and no attempt of it. False where it is late.
create function transfuse.put_back(
    run uuid, mapping text, pass smallint, seq integer, generation integer, detail jsonb, wait_seconds double precision
) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    update transfuse.batch b
       set state = 'planned', not_before = clock_timestamp() + make_interval(secs => wait_seconds),
           moved_at = clock_timestamp(), reason = 'version_differs'
     where b.run_id = run and b.mapping = put_back.mapping and b.pass = put_back.pass and b.seq = put_back.seq
       and b.generation = put_back.generation and b.state = 'dispatched';
    if not found then
        return false;
    end if;
    perform transfuse.note_versions(run, detail);
    return true;
end $$;

-- The same for planning and finishing.
create function transfuse.put_back_command(run uuid, state text, detail jsonb, wait_seconds double precision) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    update transfuse.run r
       set command_at = null, not_before = clock_timestamp() + make_interval(secs => wait_seconds),
           command_issues = greatest(r.command_issues - 1, 0)
     where r.id = run and r.state = put_back_command.state and r.state in ('planning', 'finishing')
       and r.command_at is not null;
    if not found then
        return false;
    end if;
    perform transfuse.note_versions(run, detail);
    return true;
end $$;

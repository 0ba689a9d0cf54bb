-- What keeps runs honest whoever writes: the transitions of their states, and narrow functions for services that may write no more.
-- Functions with the rights of their owner pin their search path and are executable only by the roles that roles.sql names.

create function transfuse.run_lock_key(run uuid) returns bigint
    language sql immutable parallel safe
    return hashtextextended('transfuse:' || run::text, 0);

create table transfuse.run_transition (                 -- the same as shared/core/transitions.py
    from_state  text not null,
    to_state    text not null,
    primary key (from_state, to_state)
);

insert into transfuse.run_transition (from_state, to_state) values
    ('pending', 'planning'), ('pending', 'running'), ('pending', 'paused'), ('pending', 'failed'), ('pending', 'cancelling'), ('pending', 'cancelled'),
    ('planning', 'running'), ('planning', 'paused'), ('planning', 'failed'), ('planning', 'cancelling'), ('planning', 'cancelled'),
    ('running', 'planning'), ('running', 'paused'), ('running', 'finishing'),
    ('running', 'failed'), ('running', 'cancelling'), ('running', 'cancelled'),
    ('paused', 'planning'), ('paused', 'running'), ('paused', 'failed'), ('paused', 'cancelling'), ('paused', 'cancelled'),
    ('finishing', 'completed'), ('finishing', 'failed'), ('finishing', 'cancelling'), ('finishing', 'cancelled'),
    ('failed', 'planning'), ('failed', 'running'),
    ('cancelling', 'cancelled');

create function transfuse.guard_run() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (select from transfuse.run_transition where from_state = old.state and to_state = new.state) then
        raise exception 'a run does not go from % to %', old.state, new.state using errcode = '55000';
    end if;
    new.moved_at := clock_timestamp();
    new.finished_at := case when new.state in ('completed', 'failed', 'cancelled') then clock_timestamp() end;
    return new;
end $$;

create trigger run_guarded before update of state on transfuse.run
    for each row when (old.state is distinct from new.state) execute function transfuse.guard_run();

-- An event's number is free of races because its writer holds the run's row.
create function transfuse.append_event(run uuid, kind text, detail jsonb) returns integer
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    number integer;
begin
    perform from transfuse.run r where r.id = run for no key update;
    insert into transfuse.run_event (run_id, seq, at, kind, detail)
    select run, coalesce(max(e.seq), 0) + 1, clock_timestamp(), append_event.kind, append_event.detail
      from transfuse.run_event e where e.run_id = run
    returning seq into number;
    return number;
end $$;

create function transfuse.record_run_state() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    perform transfuse.append_event(new.id, 'state', jsonb_build_object('state', new.state, 'reason', new.reason));
    return null;
end $$;

create trigger run_created after insert on transfuse.run
    for each row execute function transfuse.record_run_state();
create trigger run_changed after update of state on transfuse.run
    for each row when (old.state is distinct from new.state) execute function transfuse.record_run_state();

-- An attempt at a batch failed. Null where the report is late: the batch is settled, open again or of another generation.
create function transfuse.report_attempt_failed(
    run uuid, mapping text, pass smallint, seq integer, generation integer, code text,
    attempts_allowed integer default 3, backoff_seconds double precision default 2
) returns text
    language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    update transfuse.batch b
       set attempts = b.attempts + 1,
           state = case when b.attempts + 1 >= attempts_allowed then 'failed' else 'planned' end,
           not_before = clock_timestamp() + make_interval(secs => backoff_seconds * 2 ^ b.attempts),
           moved_at = clock_timestamp(),
           reason = code
     where b.run_id = run and b.mapping = report_attempt_failed.mapping and b.pass = report_attempt_failed.pass
       and b.seq = report_attempt_failed.seq and b.generation = report_attempt_failed.generation
       and b.state = 'dispatched'
    returning b.state;
end;

-- A batch passed a stage: what tells a slow run from one whose messages are lost.
create function transfuse.report_step(
    run uuid, mapping text, pass smallint, seq integer, generation integer, stage text
) returns void
    language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    update transfuse.batch b
       set extracted_at = case when stage = 'extract' then clock_timestamp() else b.extracted_at end,
           transformed_at = case when stage = 'transform' then clock_timestamp() else b.transformed_at end,
           moved_at = clock_timestamp()
     where b.run_id = run and b.mapping = report_step.mapping and b.pass = report_step.pass and b.seq = report_step.seq
       and b.generation = report_step.generation and b.state = 'dispatched';
end;

-- Planning or finishing goes on: its command is not lost.
create function transfuse.report_run_step(run uuid) returns void
    language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    update transfuse.run r set moved_at = clock_timestamp(), command_issues = 0
     where r.id = run and r.state in ('planning', 'finishing');
end;

-- Stops a run; the caller holds no lock on it. False where the run is not in a state to be stopped so.
create function transfuse.stop_run(
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
           snapshot = case when code <> 'snapshot_lost' then r.snapshot end
     where r.id = run
       and exists (select from transfuse.run_transition t where t.from_state = r.state and t.to_state = stop_run.to_state)
       and (lost_snapshot is null or r.snapshot = lost_snapshot);
    return found;
end $$;

-- An attempt at planning or finishing failed; the third fails the run. Null where the report is late.
create function transfuse.report_command_failed(
    run uuid, state text, code text, message text, remedy text,
    attempts_allowed integer default 3, backoff_seconds double precision default 2
) returns text
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    failures integer;
begin
    update transfuse.run r
       set command_attempts = r.command_attempts + 1,
           not_before = clock_timestamp() + make_interval(secs => backoff_seconds * 2 ^ r.command_attempts),
           command_at = null,
           moved_at = clock_timestamp()
     where r.id = run and r.state = report_command_failed.state and r.state in ('planning', 'finishing')
       and r.command_at is not null
    returning r.command_attempts into failures;
    if failures >= attempts_allowed then
        perform transfuse.stop_run(run, 'failed', code, message, remedy);
        return 'failed';
    end if;
    return case when failures is not null then report_command_failed.state end;
end $$;

-- The mapped table of a run, if it lies in a schema that was given to the loader.
create function transfuse.mapped_table(run uuid, mapping text) returns table (schema_name text, table_name text)
    language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select m.target_schema, m.target_table
      from transfuse.run_mapping m
      join transfuse.target_schema s on s.name = m.target_schema
     where m.run_id = run and m.mapping = mapped_table.mapping and m.pass = 1;
end;

-- Fresh statistics for a mapped table. False where the mapping has no table that was given to the loader.
create function transfuse.analyze_target(run uuid, mapping text) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    target record;
begin
    select * into target from transfuse.mapped_table(run, mapping);
    if not found then
        return false;
    end if;
    execute format('analyze %I.%I', target.schema_name, target.table_name);
    return true;
end $$;

create function transfuse.set_trigger(schema_name text, table_name text, trigger_name text, enabled "char") returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    execute format('alter table %I.%I %s trigger %I', schema_name, table_name,
                   case enabled when 'O' then 'enable' when 'D' then 'disable'
                                when 'R' then 'enable replica' when 'A' then 'enable always' end,
                   trigger_name);
end $$;

-- Switches the triggers of a mapping off that its plan names, and remembers how they were. Repeatable; gives how many are off.
create function transfuse.suspend_triggers(run uuid, mapping text) returns integer
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s'
as $$
declare
    found_trigger record;
    suspended integer := 0;
begin
    perform pg_advisory_xact_lock(hashtextextended('transfuse:triggers', 0));
    for found_trigger in
        select n.nspname, c.relname, t.tgname, t.tgenabled
          from transfuse.run_mapping m
          join transfuse.target_schema s on s.name = m.target_schema
          join pg_namespace n on n.nspname = m.target_schema
          join pg_class c on c.relnamespace = n.oid and c.relname = m.target_table
          join pg_trigger t on t.tgrelid = c.oid and not t.tgisinternal and t.tgname = any (m.triggers_off)
         where m.run_id = run and m.mapping = suspend_triggers.mapping and m.pass = 1
         order by t.tgname
    loop
        insert into transfuse.suspended_trigger (run_id, target_schema, target_table, trigger_name, enabled)
        select run, found_trigger.nspname, found_trigger.relname, found_trigger.tgname,
               coalesce((select o.enabled from transfuse.suspended_trigger o
                          where o.target_schema = found_trigger.nspname and o.target_table = found_trigger.relname
                            and o.trigger_name = found_trigger.tgname limit 1), found_trigger.tgenabled)
        on conflict do nothing;
        if found_trigger.tgenabled <> 'D' then
            perform transfuse.set_trigger(found_trigger.nspname, found_trigger.relname, found_trigger.tgname, 'D');
        end if;
        suspended := suspended + 1;
    end loop;
    return suspended;
end $$;

-- Puts back what a run switched off, unless another run still needs it off. Repeatable; gives how many it gave up.
create function transfuse.restore_triggers(run uuid) returns integer
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s'
as $$
declare
    suspended record;
    restored integer := 0;
begin
    perform pg_advisory_xact_lock(hashtextextended('transfuse:triggers', 0));
    for suspended in
        delete from transfuse.suspended_trigger s where s.run_id = run returning s.*
    loop
        restored := restored + 1;
        if not exists (select from transfuse.suspended_trigger o
                        where o.target_schema = suspended.target_schema and o.target_table = suspended.target_table
                          and o.trigger_name = suspended.trigger_name)
           and exists (select from pg_trigger t
                        where t.tgrelid = to_regclass(format('%I.%I', suspended.target_schema, suspended.target_table))
                          and t.tgname = suspended.trigger_name)
        then
            perform transfuse.set_trigger(suspended.target_schema, suspended.target_table, suspended.trigger_name,
                                          suspended.enabled);
        end if;
    end loop;
    return restored;
end $$;

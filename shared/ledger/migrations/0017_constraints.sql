-- Foreign keys and secondary indexes of mapped tables that a run switches off while it loads, and how they come back.

alter table transfuse.run_mapping
    add column found_columns text[] not null default '{}',  -- references whose parents the loader looks for itself: no foreign key need do it
    add column key_column    text   not null default '';

create table transfuse.suspended_constraint (
    target_schema text not null,
    target_table  text not null,
    kind          text not null,                        -- index or foreign_key
    name          text not null,
    definition    text not null,                        -- pg_get_indexdef or pg_get_constraintdef, with nothing but pg_catalog in the path
    tablespace    text not null default '',
    clustered     boolean not null default false,
    statistics    jsonb not null default '{}',          -- number of an index column -> statistics target
    comment       text,
    primary key (target_schema, target_table, kind, name)
);

create table transfuse.constraint_hold (                -- who needs the constraints of a table off, until they are back
    run_id        uuid not null,
    target_schema text not null,
    target_table  text not null,
    row_security  boolean not null,
    released_at   timestamptz,                          -- from then on they may be put back
    issued_at     timestamptz,                          -- when they were last asked to be put back, after the run's end
    issues        integer not null default 0,
    primary key (run_id, target_schema, target_table)
);

create function transfuse.constraint_lock_key(schema_name text, table_name text, name text default '') returns bigint
    language sql immutable parallel safe
    return hashtextextended('transfuse:constraints:' || quote_ident(schema_name) || '.' || quote_ident(table_name) || '/' || name, 0);

-- Whether the tables of a run are to be freed of their constraints, and are not yet.
create function transfuse.wants_suspension(run uuid) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select r.options @> '{"suspend_constraints": true}'
           and exists (select from transfuse.run_mapping m where m.run_id = r.id and m.state <> 'complete')
           and exists (select from transfuse.run_mapping m
                         join transfuse.target_schema s on s.name = m.target_schema
                        where m.run_id = r.id and m.pass = 1
                          and not exists (select from transfuse.constraint_hold h
                                           where h.run_id = r.id and h.target_schema = m.target_schema
                                             and h.target_table = m.target_table and h.released_at is null))
      from transfuse.run r where r.id = run;
end;

create function transfuse.note_suspended(
    schema_name text, table_name text, kind text, name text, definition text, tablespace text, clustered boolean,
    statistics jsonb, comment text
) returns void
    language sql set search_path = pg_catalog, pg_temp
begin atomic
    -- One that came back without being validated is still to be what it was before.
    insert into transfuse.suspended_constraint as s
        (target_schema, target_table, kind, name, definition, tablespace, clustered, statistics, comment)
    values (schema_name, table_name, note_suspended.kind, note_suspended.name, note_suspended.definition,
            note_suspended.tablespace, note_suspended.clustered, note_suspended.statistics, note_suspended.comment)
    on conflict (target_schema, target_table, kind, name) do update
       set definition = case when excluded.definition = s.definition || ' NOT VALID' then s.definition else excluded.definition end,
           tablespace = excluded.tablespace, clustered = excluded.clustered, statistics = excluded.statistics,
           comment = excluded.comment;
end;

-- Drops what decides no row's outcome: indexes that are not unique, and foreign keys whose parents the loader looks for itself.
-- Whatever cannot come back exactly as it is stays. Repeatable; gives how many were dropped. 0A000 for a partitioned table.
create function transfuse.suspend_constraints(run uuid) returns integer
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s'
as $$
declare
    target record;
    found_one record;
    dropped integer := 0;
begin
    if not exists (select from transfuse.run r
                    where r.id = run and r.options @> '{"suspend_constraints": true}'
                      and r.state not in ('completed', 'failed', 'cancelled')) then
        return 0;
    end if;
    for target in
        select c.oid, n.nspname, c.relname, c.relrowsecurity,
               c.relkind <> 'r' or c.relispartition
                   or exists (select from pg_inherits i where i.inhparent = c.oid or i.inhrelid = c.oid) as partitioned,
               array(select distinct f from transfuse.run_mapping o, unnest(o.found_columns) f
                      where o.run_id = run and o.pass = 1 and o.target_schema = n.nspname and o.target_table = c.relname) as found_columns,
               array(select distinct o.key_column from transfuse.run_mapping o
                      where o.run_id = run and o.pass = 1 and o.target_schema = n.nspname and o.target_table = c.relname) as key_columns
          from (select distinct m.target_schema, m.target_table from transfuse.run_mapping m
                 where m.run_id = run and m.pass = 1) m
          join transfuse.target_schema s on s.name = m.target_schema
          join pg_namespace n on n.nspname = m.target_schema
          join pg_class c on c.relnamespace = n.oid and c.relname = m.target_table
         order by c.oid
    loop
        perform pg_advisory_xact_lock(transfuse.constraint_lock_key(target.nspname, target.relname));
        if target.partitioned then
            raise exception 'the constraints of a partitioned table cannot be suspended'
                using errcode = '0A000', schema = target.nspname, table = target.relname;
        end if;
        insert into transfuse.constraint_hold (run_id, target_schema, target_table, row_security)
        values (run, target.nspname, target.relname, target.relrowsecurity)
        on conflict (run_id, target_schema, target_table) do update set released_at = null, issued_at = null, issues = 0;

        for found_one in
            select k.conname, pg_get_constraintdef(k.oid) as definition, obj_description(k.oid, 'pg_constraint') as comment
              from pg_constraint k
              join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
              join pg_class p on p.oid = k.confrelid
             where k.conrelid = target.oid and k.contype = 'f' and k.conparentid = 0 and cardinality(k.conkey) = 1
               and a.attname = any (target.found_columns)
               and p.relkind = 'r' and not p.relispartition and has_table_privilege(k.confrelid, 'REFERENCES')
               and not exists (select from pg_trigger t where t.tgconstraint = k.oid and t.tgenabled <> 'O')
               and not exists (select from pg_depend d
                                where d.classid = 'pg_constraint'::regclass and d.objid = k.oid and d.deptype = 'e')
             order by k.conname
        loop
            perform transfuse.note_suspended(target.nspname, target.relname, 'foreign_key', found_one.conname,
                                             found_one.definition, '', false, '{}', found_one.comment);
            execute format('alter table %I.%I drop constraint %I', target.nspname, target.relname, found_one.conname);
            dropped := dropped + 1;
        end loop;

        for found_one in
            select x.indexrelid, i.relname, pg_get_indexdef(x.indexrelid) as definition, coalesce(t.spcname, '') as tablespace,
                   x.indisclustered, obj_description(x.indexrelid, 'pg_class') as comment,
                   coalesce((select jsonb_object_agg(a.attnum, a.attstattarget) from pg_attribute a
                              where a.attrelid = x.indexrelid and a.attstattarget >= 0), '{}') as statistics
              from pg_index x
              join pg_class i on i.oid = x.indexrelid
              left join pg_tablespace t on t.oid = i.reltablespace
             where x.indrelid = target.oid and not x.indisunique and not x.indisprimary and not x.indisexclusion
               and not x.indisreplident and x.indisvalid and x.indisready
               and not exists (select from pg_constraint k where k.conindid = x.indexrelid)
               and not exists (select from pg_depend d
                                where d.classid = 'pg_class'::regclass and d.objid = x.indexrelid and d.deptype = 'e')
               -- The loader looks for parents by it.
               and not exists (select from pg_attribute a
                                where a.attrelid = target.oid and a.attnum = x.indkey[0] and a.attname = any (target.key_columns))
             order by i.relname
        loop
            begin
                execute format('drop index %I.%I', target.nspname, found_one.relname);
            exception when dependent_objects_still_exist then
                continue;
            end;
            perform transfuse.note_suspended(target.nspname, target.relname, 'index', found_one.relname, found_one.definition,
                                             found_one.tablespace, found_one.indisclustered, found_one.statistics,
                                             found_one.comment);
            dropped := dropped + 1;
        end loop;
    end loop;
    return dropped;
end $$;

-- The run needs them no longer. Gives the tables that had row security before and have it no more.
create function transfuse.release_constraints(run uuid) returns text[]
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    opened text[];
begin
    update transfuse.constraint_hold h set released_at = clock_timestamp() where h.run_id = run and h.released_at is null;
    select coalesce(array_agg(format('%I.%I', h.target_schema, h.target_table) order by 1), '{}') into opened
      from transfuse.constraint_hold h
      join pg_class c on c.oid = to_regclass(format('%I.%I', h.target_schema, h.target_table))
     where h.run_id = run and h.row_security and not c.relrowsecurity;
    return opened;
end $$;

-- What of the tables of a run is to be put back, and whether another run still needs it off.
create function transfuse.constraints_to_restore(run uuid)
    returns table (target_schema text, target_table text, kind text, name text, held boolean)
    language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select s.target_schema, s.target_table, s.kind, s.name,
           exists (select from transfuse.constraint_hold o
                    where o.target_schema = s.target_schema and o.target_table = s.target_table and o.released_at is null)
      from transfuse.suspended_constraint s
      join transfuse.constraint_hold h on h.target_schema = s.target_schema and h.target_table = s.target_table
     where h.run_id = run
     order by s.target_schema, s.target_table, s.kind desc, s.name;
end;

-- Takes one in hand for this transaction; null where it is back, not wanted back, or its table is gone.
create function transfuse.take_suspended(schema_name text, table_name text, kind text, name text)
    returns transfuse.suspended_constraint
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    kept transfuse.suspended_constraint;
begin
    perform pg_advisory_xact_lock_shared(transfuse.constraint_lock_key(schema_name, table_name));
    perform pg_advisory_xact_lock(transfuse.constraint_lock_key(schema_name, table_name, take_suspended.kind || '/' || take_suspended.name));
    select * into kept from transfuse.suspended_constraint s
     where s.target_schema = schema_name and s.target_table = table_name and s.kind = take_suspended.kind
       and s.name = take_suspended.name
       and not exists (select from transfuse.constraint_hold o
                        where o.target_schema = schema_name and o.target_table = table_name and o.released_at is null);
    if kept.name is not null and to_regclass(format('%I.%I', schema_name, table_name)) is null then
        delete from transfuse.suspended_constraint s
         where s.target_schema = schema_name and s.target_table = table_name and s.kind = take_suspended.kind
           and s.name = take_suspended.name;
        return null;
    end if;
    return kept;
end $$;

create function transfuse.give_back_suspended(schema_name text, table_name text, kind text, name text) returns void
    language sql set search_path = pg_catalog, pg_temp
begin atomic
    delete from transfuse.suspended_constraint s
     where s.target_schema = schema_name and s.target_table = table_name and s.kind = give_back_suspended.kind
       and s.name = give_back_suspended.name;
end;

-- Makes an index again, with all that was said of it. False where another one has its name.
create function transfuse.restore_index(schema_name text, table_name text, name text) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s'
as $$
declare
    kept transfuse.suspended_constraint;
    qualified text := format('%I.%I', schema_name, name);
    setting record;
begin
    kept := transfuse.take_suspended(schema_name, table_name, 'index', name);
    if kept.name is null then
        return true;
    end if;
    if to_regclass(qualified) is not null then
        -- Somebody has made it: well where it is the same.
        if pg_get_indexdef(to_regclass(qualified)) is distinct from kept.definition then
            return false;
        end if;
    else
        perform set_config('default_tablespace', kept.tablespace, true);
        execute kept.definition;
        if kept.comment is not null then
            execute format('comment on index %s is %L', qualified, kept.comment);
        end if;
        if kept.clustered then
            execute format('alter table %I.%I cluster on %I', schema_name, table_name, name);
        end if;
        for setting in select key, value from jsonb_each_text(kept.statistics) loop
            execute format('alter index %s alter column %s set statistics %s', qualified, setting.key::integer, setting.value::integer);
        end loop;
        if pg_get_indexdef(to_regclass(qualified)) is distinct from kept.definition then
            raise exception 'an index did not come back as it was' using errcode = 'XX000', schema = schema_name, table = table_name;
        end if;
    end if;
    perform transfuse.give_back_suspended(schema_name, table_name, 'index', name);
    return true;
end $$;

-- Adds a foreign key again, not yet validated: from here on new rows are held to it. False where another one has its name.
create function transfuse.restore_foreign_key(schema_name text, table_name text, name text) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s'
as $$
declare
    kept transfuse.suspended_constraint;
    there text;
begin
    kept := transfuse.take_suspended(schema_name, table_name, 'foreign_key', name);
    if kept.name is null then
        return true;
    end if;
    select pg_get_constraintdef(k.oid) into there from pg_constraint k
     where k.conrelid = to_regclass(format('%I.%I', schema_name, table_name)) and k.conname = restore_foreign_key.name;
    if there is not null then
        return there in (kept.definition, kept.definition || ' NOT VALID');
    end if;
    execute format('alter table %I.%I add constraint %I %s', schema_name, table_name, name,
                   regexp_replace(kept.definition, ' NOT VALID$', '') || ' NOT VALID');
    if kept.comment is not null then
        execute format('comment on constraint %I on %I.%I is %L', name, schema_name, table_name, kept.comment);
    end if;
    return true;
end $$;

-- Holds a foreign key that was added again against all rows. False where some have no parent: it stays as it is, and kept.
create function transfuse.validate_foreign_key(schema_name text, table_name text, name text) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s'
as $$
declare
    kept transfuse.suspended_constraint;
    there text;
begin
    kept := transfuse.take_suspended(schema_name, table_name, 'foreign_key', name);
    if kept.name is null then
        return true;
    end if;
    if kept.definition !~ ' NOT VALID$' then
        begin
            execute format('alter table %I.%I validate constraint %I', schema_name, table_name, name);
        exception when foreign_key_violation then
            return false;
        end;
    end if;
    select pg_get_constraintdef(k.oid) into there from pg_constraint k
     where k.conrelid = to_regclass(format('%I.%I', schema_name, table_name)) and k.conname = validate_foreign_key.name
       and not exists (select from pg_trigger t where t.tgconstraint = k.oid and t.tgenabled <> 'O');
    if there is distinct from kept.definition then
        raise exception 'a foreign key did not come back as it was' using errcode = 'XX000', schema = schema_name, table = table_name;
    end if;
    perform transfuse.give_back_suspended(schema_name, table_name, 'foreign_key', name);
    return true;
end $$;

-- Forgets a run whose tables are as before, or are another one's to put back. False while something is to be put back.
create function transfuse.forget_constraints(run uuid) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    delete from transfuse.constraint_hold h
     where h.run_id = run and h.released_at is not null
       and (not exists (select from transfuse.suspended_constraint s
                         where s.target_schema = h.target_schema and s.target_table = h.target_table)
            or exists (select from transfuse.constraint_hold o
                        where o.target_schema = h.target_schema and o.target_table = h.target_table and o.released_at is null));
    return not exists (select from transfuse.constraint_hold h where h.run_id = run);
end $$;

-- Runs that ended and whose tables are not as before, each asked for again ever more rarely.
create function transfuse.constraints_of_ended(patience_seconds double precision) returns setof uuid
    language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    update transfuse.constraint_hold h
       set issued_at = clock_timestamp(), issues = h.issues + 1
      from transfuse.run r
     where r.id = h.run_id and r.state in ('completed', 'failed', 'cancelled')
       and (h.issued_at is null
            or clock_timestamp() > h.issued_at + make_interval(secs => patience_seconds * 2 ^ least(h.issues - 1, 6)))
    returning h.run_id;
end;

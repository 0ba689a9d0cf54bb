-- What the loader asks of the server: the claim of a batch, and which rows of a refused batch the target refuses.
-- Both run with the rights of the caller.

-- Claims a batch for the transaction that settles it. Volatile and step by step, so that the run's state is read after its
-- lock is held: a statement would see the state from before a cancel that it waited for.
create function transfuse.claim_batch(run uuid, mapping text, pass smallint, seq integer, generation integer) returns text
    language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
    run_state text;
    found_batch record;
begin
    if not pg_try_advisory_xact_lock_shared(transfuse.run_lock_key(run)) then
        return 'held';
    end if;
    select r.state into run_state from transfuse.run r where r.id = run;
    if run_state is null or run_state in ('completed', 'failed', 'cancelling', 'cancelled') then
        return 'dropped';
    end if;
    select b.state, b.generation into found_batch
      from transfuse.batch b
     where b.run_id = run and b.mapping = claim_batch.mapping and b.pass = claim_batch.pass and b.seq = claim_batch.seq
       for update skip locked;
    if not found then
        return case when exists (
            select from transfuse.batch b
             where b.run_id = run and b.mapping = claim_batch.mapping and b.pass = claim_batch.pass
               and b.seq = claim_batch.seq
        ) then 'taken' else 'dropped' end;
    end if;
    if found_batch.generation <> claim_batch.generation then
        return 'dropped';
    end if;
    return case found_batch.state when 'settled' then 'settled'
                                  when 'planned' then 'claimed'
                                  when 'dispatched' then 'claimed'
                                  else 'dropped' end;
end $$;

-- Which rows the target refuses and why. `insert_sql` inserts the rows `$1` to `$2` of those staged, by their ordinal; nothing
-- of what it writes stays. A hundred rows at once, ten of a refused hundred, one of a refused ten, in order: of two rows that
-- exclude each other the first wins. What was accepted stands until the end of the trial, so that rows are also tried
-- against each other.
create function transfuse.refused_rows(insert_sql text, last_ordinal integer)
    returns table (refused_ordinal integer, refused_state text, refused_constraint text, refused_column text)
    language plpgsql volatile set plan_cache_mode = force_generic_plan
as $$
declare
    first integer := 1;
    last integer;
    step integer := 100;
    state text;
    constraint_found text;
    column_found text;
    ordinals integer[] := '{}';
    states text[] := '{}';
    constraints text[] := '{}';
    columns text[] := '{}';
begin
    -- A prepared statement is planned once; `execute … using` would plan each single row.
    if exists (select from pg_catalog.pg_prepared_statements p where p.name = 'transfuse_trial') then
        deallocate transfuse_trial;
    end if;
    execute 'prepare transfuse_trial (integer, integer) as ' || insert_sql;
    begin
        while first <= last_ordinal loop
            last := least(first + step - 1, last_ordinal);
            begin
                execute pg_catalog.format('execute transfuse_trial (%s, %s)', first, last);
            exception when others or assert_failure then
                get stacked diagnostics state = returned_sqlstate, constraint_found = constraint_name,
                                        column_found = column_name;
                if state ~ '^(08|25|40|53|55|57|58|72)' then
                    raise;
                end if;
                if step > 1 then
                    step := step / 10;
                    continue;
                end if;
                ordinals := ordinals || first;
                states := states || state;
                constraints := constraints || constraint_found;
                columns := columns || column_found;
            end;
            first := last + 1;
            step := case when (first - 1) % 100 = 0 then 100
                         when (first - 1) % 10 = 0 then greatest(step, 10)
                         else step end;
        end loop;
        raise exception using errcode = 'TF000', message = 'the trial ends';
    exception when sqlstate 'TF000' then
        null;
    end;
    deallocate transfuse_trial;
    return query select * from unnest(ordinals, states, constraints, columns);
end $$;

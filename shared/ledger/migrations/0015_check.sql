-- Dry runs: an unlogged copy of every mapped table, which with the table beneath it is the target as the run would leave it.
-- A row of the copy stands over the row of the same key in the table; all other rows of the table show through.

-- What a dry run could not try, by table: written when its copies are made.
create table transfuse.unchecked (
    run_id        uuid not null references transfuse.run (id),
    target_schema text not null,
    target_table  text not null,
    kind          text not null,                        -- trigger | row_security | rule | check | default | foreign_key | partition | removal
    name          text not null,
    primary key (run_id, target_schema, target_table, kind, name)
);

-- What a dry run checks, as its plan was compiled, and what the plan leaves out.
create table transfuse.validation (
    run_id    uuid primary key references transfuse.run (id),
    checks    jsonb not null,                           -- [{mapping, column, reason, family, threshold}]
    limits    jsonb not null,                           -- {mapping: {share, thresholds}}, for reasons that nobody foresaw
    left_out  jsonb not null                            -- [{table, column, reason}]
);

-- A dry run goes beside a run that moves rows and beside a preflight; two of one sort never go at once.
drop index transfuse.run_one_active;
create unique index run_one_active
    on transfuse.run (migration_id, (case when kind = 'validate' and mode = 'check' then 'check'
                                          when kind in ('validate', 'cleanup', 'health_check') then kind else 'rows' end))
    where state not in ('completed', 'failed', 'cancelled');

-- Ended runs of a migration that are beyond those that keep everything; dry runs are counted on their own.
create or replace function transfuse.runs_beyond_retention(migration uuid) returns setof uuid
    language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select ranked.id
      from (
        select r.id, r.created_at, r.state = 'completed' as well,
               row_number() over (partition by r.state = 'completed', r.mode = 'check' order by r.created_at desc, r.id) as place
          from transfuse.run r
         where r.migration_id = migration and (r.kind not in ('validate', 'cleanup', 'health_check') or r.mode = 'check')
           and r.state in ('completed', 'failed', 'cancelled')
      ) ranked
     where ranked.place > case when ranked.well then 10 else 50 end and not transfuse.is_being_undone(ranked.id)
     order by ranked.created_at, ranked.id;
end;

create function transfuse.shadow_schema(run uuid) returns text
    language sql immutable parallel safe set search_path = pg_catalog, pg_temp
    return 'transfuse_check_' || replace(run::text, '-', '');

create function transfuse.operator_name(operator oid) returns text
    language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select format('operator(%I.%s)', n.nspname, o.oprname)
      from pg_operator o join pg_namespace n on n.oid = o.oprnamespace where o.oid = operator;
end;

-- The statements that hold new rows of a copy against the rows of its table that still show through: one per unique index and
-- exclusion constraint, in the order in which the table itself would ask. `identity` tells which rows are covered.
create function transfuse.shadow_uniques(shadow text, relation oid, identity text[]) returns text
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    found_index record;
    body text := '';
    own text;
    copy text;
    keys text;
    pairs text;
    covered text;
begin
    select format('%I.%I', n.nspname, c.relname), format('%I.%I', shadow, c.relname) into own, copy
      from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = relation;
    select string_agg(format('u.%I = t.i%s', i.name, i.place), ' and ') into covered
      from unnest(identity) with ordinality as i (name, place);
    for found_index in
        select i.indexrelid, c.relname, i.indnkeyatts, i.indcollation, i.indclass, i.indisexclusion, x.conexclop,
               pg_get_expr(i.indpred, i.indrelid) as predicate,
               coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) as nulls_equal
          from pg_index i
          join pg_class c on c.oid = i.indexrelid
          left join pg_constraint x on x.conindid = i.indexrelid and x.conrelid = i.indrelid and x.contype in ('p', 'u', 'x')
         where i.indrelid = relation and (i.indisunique or i.indisexclusion) and i.indisready
         order by i.indexrelid
    loop
        select string_agg(k.expression || k.collation, ', ' order by k.place),
               string_agg(format(case when found_index.nulls_equal then '(n.k%1$s %2$s t.k%1$s or (n.k%1$s is null and t.k%1$s is null))'
                                      else 'n.k%1$s %2$s t.k%1$s' end, k.place, k.operator), ' and ' order by k.place)
          into keys, pairs
          from (
            select p.place, pg_get_indexdef(found_index.indexrelid, p.place, false) as expression,
                   coalesce((select format(' collate %I.%I', cn.nspname, co.collname)
                               from pg_collation co join pg_namespace cn on cn.oid = co.collnamespace
                              where co.oid = found_index.indcollation[p.place - 1]), '') as collation,
                   transfuse.operator_name(case when found_index.indisexclusion then found_index.conexclop[p.place] else (
                       select ao.amopopr from pg_opclass oc
                         join pg_amop ao on ao.amopfamily = oc.opcfamily and ao.amoplefttype = oc.opcintype
                              and ao.amoprighttype = oc.opcintype and ao.amopstrategy = 3
                        where oc.oid = found_index.indclass[p.place - 1]) end) as operator
              from generate_series(1, found_index.indnkeyatts::integer) as p (place)
          ) k;
        body := body || format(
            E'    if exists (select from (select %1$s from added%2$s) n (%3$s)\n'
            '                join (select %1$s%4$s from %5$s%2$s) t (%3$s%6$s) on %7$s%8$s) then\n'
            '        raise exception using errcode = %9$L, constraint = %10$L, message = %11$L;\n    end if;\n',
            keys,
            coalesce(' where ' || found_index.predicate, ''),
            (select string_agg('k' || p, ', ' order by p) from generate_series(1, found_index.indnkeyatts::integer) p),
            (select string_agg(format(', %I', i.name), '' order by i.place) from unnest(identity) with ordinality i (name, place)),
            own,
            (select string_agg(', i' || i.place, '' order by i.place) from unnest(identity) with ordinality i (name, place)),
            pairs,
            coalesce(format(' where not exists (select from %s u where %s)', copy, covered), ''),
            case when found_index.indisexclusion then '23P01' else '23505' end,
            found_index.relname, 'a row of the target is in the way');
    end loop;
    return body;
end $$;

-- The statements that look for the parents of new rows, in the copy of the parent's table and in the table. What the owner of the
-- ledger may not read is left to be listed.
create function transfuse.shadow_references(shadow text, relation oid) returns text
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    foreign_key record;
    body text := '';
begin
    for foreign_key in
        select c.conname, c.confmatchtype,
               format('%I.%I', n.nspname, p.relname) as parent,
               to_regclass(format('%I.%I', shadow, p.relname)) is not null
                   and exists (select from pg_class me where me.oid = relation and me.relnamespace = p.relnamespace) as has_copy,
               format('%I.%I', shadow, p.relname) as copy,
               (select string_agg(format('p.%I %s n.%I', pa.attname, transfuse.operator_name(c.conpfeqop[k.place]), fa.attname),
                                  ' and ' order by k.place)
                  from generate_subscripts(c.conkey, 1) as k (place)
                  join pg_attribute fa on fa.attrelid = c.conrelid and fa.attnum = c.conkey[k.place]
                  join pg_attribute pa on pa.attrelid = c.confrelid and pa.attnum = c.confkey[k.place]) as pairs,
               (select string_agg(format('n.%I is not null', fa.attname), ' and ' order by k.place)
                  from generate_subscripts(c.conkey, 1) as k (place)
                  join pg_attribute fa on fa.attrelid = c.conrelid and fa.attnum = c.conkey[k.place]) as whole,
               (select string_agg(format('n.%I is null', fa.attname), ' and ' order by k.place)
                  from generate_subscripts(c.conkey, 1) as k (place)
                  join pg_attribute fa on fa.attrelid = c.conrelid and fa.attnum = c.conkey[k.place]) as absent
          from pg_constraint c
          join pg_class p on p.oid = c.confrelid
          join pg_namespace n on n.oid = p.relnamespace
         where c.conrelid = relation and transfuse.can_try_reference(c.oid)
         order by c.oid
    loop
        body := body || format(
            E'    if exists (select from added n where %s\n'
            '                and not exists (select from %s p where %s)%s) then\n'
            '        raise exception using errcode = %L, constraint = %L, message = %L;\n    end if;\n',
            case foreign_key.confmatchtype when 'f' then format('not (%s)', foreign_key.absent) else foreign_key.whole end,
            foreign_key.parent, foreign_key.pairs,
            case when foreign_key.has_copy
                 then format(' and not exists (select from %s p where %s)', foreign_key.copy, foreign_key.pairs) else '' end,
            '23503', foreign_key.conname, 'a row that is referred to is not there');
    end loop;
    return body;
end $$;

create function transfuse.can_try_reference(foreign_key oid) returns boolean
    language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select c.contype = 'f'
           -- Of a reference to a partitioned table there is one more for each partition.
           and not exists (select from pg_constraint whole where whole.oid = c.conparentid and whole.conrelid = c.conrelid)
           and coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true)
           and not coalesce((to_jsonb(c) ->> 'conperiod')::boolean, false)
           and has_schema_privilege(p.relnamespace, 'USAGE') and has_table_privilege(c.confrelid, 'SELECT')
      from pg_constraint c join pg_class p on p.oid = c.confrelid where c.oid = foreign_key;
end;

-- Whether a function may do more than compute: it is not asked by a dry run.
create function transfuse.is_harmless(function oid, most_volatile "char") returns boolean
    language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select p.provolatile <= most_volatile or l.lanname in ('internal', 'c')
      from pg_proc p join pg_language l on l.oid = p.prolang where p.oid = function;
end;

-- An empty copy of a table: columns, defaults, checks, unique keys and indexes by their own names; sequences of its own that
-- begin where the table's are. What would do more than compute is left out, and listed by `list_unchecked`.
create function transfuse.copy_table(shadow text, relation oid) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    own text;
    copy text;
    name text;
    kind "char";
    found record;
    used record;
    definition text;
    beginning text;
begin
    select format('%I.%I', n.nspname, c.relname), format('%I.%I', shadow, c.relname), c.relname, c.relkind
      into own, copy, name, kind
      from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = relation;
    execute format('create unlogged table %s (like %s including all excluding indexes)', copy, own);

    for found in
        select a.attname, a.attnum, a.attnotnull, d.oid as default_oid, pg_get_expr(d.adbin, d.adrelid) as expression,
               transfuse.default_is_harmless(d.oid) as harmless
          from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
         where d.adrelid = copy::regclass and a.attgenerated = ''
    loop
        if not found.harmless then
            execute format('alter table %s alter column %I drop default', copy, found.attname);
            if found.attnotnull then
                execute format('alter table %s alter column %I drop not null', copy, found.attname);
            end if;
            continue;
        end if;
        definition := found.expression;
        for used in
            select distinct s.seqrelid, format_type(s.seqtypid, -1) as type_name, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle
              from pg_depend d join pg_sequence s on s.seqrelid = d.refobjid
             where d.classid = 'pg_attrdef'::regclass and d.objid = found.default_oid and d.refclassid = 'pg_class'::regclass
        loop
            beginning := format('%I.%I', shadow, 'transfuse sequence ' || used.seqrelid || ' ' || copy::regclass::oid || ' ' || found.attnum);
            execute format('create sequence %s as %s increment %s minvalue %s maxvalue %s%s', beginning, used.type_name,
                           used.seqincrement, used.seqmin, used.seqmax, case when used.seqcycle then ' cycle' else '' end);
            perform transfuse.follow_sequence(beginning::regclass, used.seqrelid);
            definition := replace(definition, format('%L::regclass', used.seqrelid::regclass::text), format('%L::regclass', beginning));
        end loop;
        if definition <> found.expression then
            execute format('alter table %s alter column %I set default %s', copy, found.attname, definition);
        end if;
    end loop;
    for found in
        select pg_get_serial_sequence(own, a.attname)::regclass as own_sequence,
               pg_get_serial_sequence(copy, a.attname)::regclass as copy_sequence
          from pg_attribute a where a.attrelid = copy::regclass and a.attidentity <> ''
    loop
        perform transfuse.follow_sequence(found.copy_sequence, found.own_sequence);
    end loop;

    for found in
        select c.conname from pg_constraint c
         where c.conrelid = copy::regclass and c.contype = 'c' and not transfuse.check_is_harmless(c.oid)
    loop
        execute format('alter table %s drop constraint %I', copy, found.conname);
    end loop;
    if kind = 'p' then
        execute format('alter table %s add constraint %I check (%s)', copy, 'transfuse: no partition', coalesce(
            (select string_agg(format('(%s)', coalesce(pg_get_partition_constraintdef(leaf.relid), 'true')), ' or ')
               from pg_partition_tree(relation) leaf where leaf.isleaf), 'false'));
    end if;

    for found in
        select c.conname, pg_get_constraintdef(c.oid) as definition from pg_constraint c
         where c.conrelid = relation and c.contype in ('p', 'u', 'x') order by c.conindid
    loop
        execute format('alter table %s add constraint %I %s', copy, found.conname, found.definition);
    end loop;
    for found in
        select c.relname, i.indisunique, pg_get_indexdef(i.indexrelid) as definition
          from pg_index i join pg_class c on c.oid = i.indexrelid
         where i.indrelid = relation and i.indisready
           and not exists (select from pg_constraint x where x.conindid = i.indexrelid and x.conrelid = i.indrelid)
         order by i.indexrelid
    loop
        beginning := format('CREATE %sINDEX %I ON %s%s USING ', case when found.indisunique then 'UNIQUE ' else '' end,
                            found.relname, case kind when 'p' then 'ONLY ' else '' end, own);
        if not starts_with(found.definition, beginning) then
            raise exception 'the definition of the index % cannot be read', found.relname using errcode = '0A000';
        end if;
        execute format('create %sindex %I on %s using %s', case when found.indisunique then 'unique ' else '' end, found.relname,
                       copy, substr(found.definition, length(beginning) + 1));
    end loop;
end $$;

create function transfuse.default_is_harmless(column_default oid) returns boolean
    language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select not exists (
        select from pg_depend d
         where d.classid = 'pg_attrdef'::regclass and d.objid = column_default and d.refclassid = 'pg_proc'::regclass
           and not transfuse.is_harmless(d.refobjid, 's'));
end;

create function transfuse.check_is_harmless(check_constraint oid) returns boolean
    language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select not exists (
        select from pg_depend d
         where d.classid = 'pg_constraint'::regclass and d.objid = check_constraint and d.refclassid = 'pg_proc'::regclass
           and not transfuse.is_harmless(d.refobjid, 'i'));
end;

-- Puts one sequence where another one is.
create function transfuse.follow_sequence(follower regclass, leader regclass) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    execute format('select setval(%L, last_value, is_called) from %s', follower, leader);
end $$;

-- The guards of a copy: what its own constraints cannot see. Uniqueness with the rights of the caller, parents with those of the
-- ledger's owner, as the target itself looks for them.
create function transfuse.guard_copy(shadow text, relation oid, identity text[]) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    guard record;
    event text;
    copy text := (select format('%I.%I', shadow, c.relname) from pg_class c where c.oid = relation);
begin
    for guard in
        select 'transfuse 1 unique ' || relation as name, transfuse.shadow_uniques(shadow, relation, identity) as body, '' as rights
        union all
        select 'transfuse 2 parents ' || relation, transfuse.shadow_references(shadow, relation), ' security definer'
    loop
        continue when guard.body = '';
        execute format('create function %I.%I() returns trigger language plpgsql%s set search_path = pg_catalog, pg_temp as %L',
                       shadow, guard.name, guard.rights,
                       E'#variable_conflict use_column\nbegin\n'
                       '    if current_setting(''transfuse.bringing'', true) = ''on'' then\n        return null;\n    end if;\n'
                       || guard.body || E'    return null;\nend');
        -- A trigger of the loader's own would run it with the owner's rights, over rows of types of the loader's own.
        execute format('revoke execute on function %I.%I() from public', shadow, guard.name);
        foreach event in array array['insert', 'update'] loop
            execute format('create trigger %I after %s on %s referencing new table as added for each statement execute function %I.%I()',
                           guard.name || ' ' || event, event, copy, shadow, guard.name);
        end loop;
    end loop;
end $$;

-- Notes what a dry run cannot try of a table.
create function transfuse.list_unchecked(run uuid, relation oid) returns void
    language sql set search_path = pg_catalog, pg_temp
begin atomic
    insert into transfuse.unchecked (run_id, target_schema, target_table, kind, name)
    select run, n.nspname, c.relname, one.kind, one.name
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     cross join lateral (
        select 'trigger' as kind, t.tgname::text as name
          from pg_trigger t
         where t.tgrelid = c.oid and not t.tgisinternal and t.tgenabled <> 'D' and t.tgtype::integer & 20 <> 0
           and not exists (select from transfuse.run_mapping m
                            where m.run_id = run and m.target_schema = n.nspname and m.target_table = c.relname
                              and t.tgname = any (m.triggers_off))
        union all
        select 'row_security', '' where c.relrowsecurity
        union all
        select 'rule', r.rulename::text from pg_rewrite r where r.ev_class = c.oid and r.ev_type in ('2', '3')
        union all
        select 'check', k.conname::text from pg_constraint k
         where k.conrelid = c.oid and k.contype = 'c' and not transfuse.check_is_harmless(k.oid)
        union all
        select 'default', a.attname::text
          from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
         where d.adrelid = c.oid and a.attgenerated = '' and not transfuse.default_is_harmless(d.oid)
        union all
        select 'foreign_key', k.conname::text from pg_constraint k
         where k.conrelid = c.oid and k.contype = 'f' and not transfuse.can_try_reference(k.oid)
           and not exists (select from pg_constraint whole where whole.oid = k.conparentid and whole.conrelid = k.conrelid)
        union all
        select 'partition', leaf.relid::regclass::text
          from pg_partition_tree(c.oid) leaf
         where c.relkind = 'p' and leaf.isleaf
           and (exists (select from pg_index i where i.indrelid = leaf.relid and i.indisunique
                           and not exists (select from pg_inherits h where h.inhrelid = i.indexrelid))
                or exists (select from pg_constraint k where k.conrelid = leaf.relid and k.contype in ('c', 'f') and k.conislocal
                              and k.conparentid = 0)
                or exists (select from pg_trigger t where t.tgrelid = leaf.relid and not t.tgisinternal and t.tgparentid = 0))
      ) one
     where c.oid = relation
    on conflict do nothing;
end;

-- Makes the copies of a dry run, once: `tables` is [{schema, table, identity: [column]}]. `ready` where they are there; `lost` where
-- they were, and rows that settled went with them; `held` while the run's state is being changed; `over` where it has ended.
create function transfuse.make_shadow(run uuid, tables jsonb) returns text
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    shadow text := transfuse.shadow_schema(run);
    marker text := format('%I.%I', shadow, 'transfuse: made');
    is_made boolean := false;
    wanted record;
    loader text;
begin
    if to_regclass(marker) is not null then
        execute format('select exists (select from %s)', marker) into is_made;
    end if;
    if is_made then
        return 'ready';
    end if;
    if not pg_try_advisory_xact_lock_shared(transfuse.run_lock_key(run)) then
        return 'held';
    end if;
    if not exists (select from transfuse.run r where r.id = run and r.mode = 'check' and r.state in ('running', 'paused')) then
        return 'over';
    end if;
    perform pg_advisory_xact_lock(hashtextextended('transfuse:shadow:' || run::text, 0));
    if to_regclass(marker) is not null then
        execute format('select exists (select from %s)', marker) into is_made;
    end if;
    if is_made then
        return 'ready';
    end if;
    if exists (select from transfuse.batch b where b.run_id = run and b.state = 'settled') then
        return 'lost';
    end if;
    execute format('drop schema if exists %I cascade', shadow);
    execute format('create schema %I', shadow);
    for wanted in
        select c.oid, n.nspname, c.relname
          from jsonb_to_recordset(tables) as w (schema text, "table" text)
          join transfuse.target_schema s on s.name = w.schema
          join pg_namespace n on n.nspname = w.schema
          join pg_class c on c.relnamespace = n.oid and c.relname = w."table"
         group by c.oid, n.nspname, c.relname
    loop
        perform transfuse.copy_table(shadow, wanted.oid);
        perform transfuse.list_unchecked(run, wanted.oid);
    end loop;
    for wanted in
        select distinct on (c.oid) c.oid, array(select jsonb_array_elements_text(w.identity)) as identity
          from jsonb_to_recordset(tables) as w (schema text, "table" text, identity jsonb)
          join transfuse.target_schema s on s.name = w.schema
          join pg_namespace n on n.nspname = w.schema
          join pg_class c on c.relnamespace = n.oid and c.relname = w."table"
         where to_regclass(format('%I.%I', shadow, w."table")) is not null
         order by c.oid, jsonb_array_length(w.identity) desc
    loop
        perform transfuse.guard_copy(shadow, wanted.oid, wanted.identity);
    end loop;
    execute format('create unlogged table %s as select clock_timestamp() as made_at', marker);
    for loader in select r.group_role from transfuse.service_role r where r.service = 'loader' loop
        execute format('grant usage on schema %I to %I', shadow, loader);
        execute format('grant select, insert, update on all tables in schema %I to %I', shadow, loader);
        execute format('grant usage on all sequences in schema %I to %I', shadow, loader);
    end loop;
    return 'ready';
end $$;

-- Drops the copies of a dry run that is finishing or over. False where there is nothing to drop, or somebody goes on with it.
create function transfuse.drop_shadow(run uuid) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s'
as $$
begin
    perform from transfuse.run r
      where r.id = run and r.mode = 'check' and r.state in ('finishing', 'completed', 'failed', 'cancelled') for no key update;
    if not found or to_regnamespace(quote_ident(transfuse.shadow_schema(run))) is null then
        return false;
    end if;
    execute format('drop schema %I cascade', transfuse.shadow_schema(run));
    return true;
end $$;

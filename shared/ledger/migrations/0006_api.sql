-- What the API needs beside the life of runs: migrations that can be deleted, requests that are answered once, lists that stay
-- quick with many runs, and the checks of preflights.

-- A deleted migration leaves a tombstone: its runs, their balance, refused rows and undo records refer to it. Its name is free.
alter table transfuse.migration
    add column created_by text not null default '',
    add column deleted_at timestamptz,
    add column deleted_by text not null default '',
    drop constraint migration_name_key;
create unique index migration_living_name on transfuse.migration (name) where deleted_at is null;

-- A preflight or a retention pass may go beside a run that moves rows; two of one sort never go at once.
drop index transfuse.run_one_active;
create unique index run_one_active
    on transfuse.run (migration_id, (case when kind in ('validate', 'cleanup', 'health_check') then kind else 'rows' end))
    where state not in ('completed', 'failed', 'cancelled');

-- An answer under the key that its caller gave the request: who asks again with the same key gets it again.
create table transfuse.idempotency (
    actor        text not null,
    key          text not null,
    request_hash bytea not null,                        -- SHA-256 of what was asked
    answer       bytea,                                 -- null only within the transaction that makes it
    created_at   timestamptz not null default now(),
    primary key (actor, key)
);
create index idempotency_age on transfuse.idempotency (created_at);

create index run_of_migration on transfuse.run (migration_id, created_at desc, id);
create index run_by_age on transfuse.run (created_at desc, id);
create index batch_in_flight on transfuse.batch (run_id) where state = 'dispatched';
create index quarantine_unresolved on transfuse.quarantine (run_id) where resolution = '';

-- A run's state in the five words that the portal knows for it.
create function transfuse.shown_state(state text) returns text
    language sql immutable parallel safe
    return case when state is null or state = 'pending' then 'pending'
                when state in ('completed', 'failed', 'cancelled') then state
                else 'running' end;

-- Migrations that are not deleted, and the run that each is judged by: the one that is active, else the youngest. Preflights and
-- retention are no such runs.
create view transfuse.living_migration as
select m.id, m.name, m.plan_name, m.source, m.target, m.created_at, m.created_by,
       r.id as last_run, r.created_at as last_run_at, transfuse.shown_state(r.state) as status,
       r.state is not null and r.state not in ('completed', 'failed', 'cancelled') as active
  from transfuse.migration m
  left join transfuse.run r on r.id = coalesce(
       (select a.id from transfuse.run a
         where a.migration_id = m.id and a.kind not in ('validate', 'cleanup', 'health_check')
           and a.state not in ('completed', 'failed', 'cancelled') limit 1),
       (select y.id from transfuse.run y
         where y.migration_id = m.id and y.kind not in ('validate', 'cleanup', 'health_check')
         order by y.created_at desc, y.id limit 1))
 where m.deleted_at is null;

-- What the preflight of a run found; of a `validate` run it is all there is.
create table transfuse.preflight (
    run_id      uuid primary key references transfuse.run (id),
    checks      jsonb not null,                         -- [{name, state, message, fix, seconds}]
    findings    jsonb not null default '[]',            -- [{file, line, column, message, suggestion}], of the plan's texts
    checked_at  timestamptz not null default now()
);

-- A run that moves no rows ends where it is: after its checks, after its pass.
create table transfuse.run_transition_of_kind (         -- the same as shared/core/transitions.py
    kind        text not null,
    from_state  text not null,
    to_state    text not null,
    primary key (kind, from_state, to_state)
);

insert into transfuse.run_transition_of_kind (kind, from_state, to_state) values
    ('validate', 'planning', 'completed'), ('cleanup', 'running', 'completed');

create or replace function transfuse.guard_run() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (select from transfuse.run_transition where from_state = old.state and to_state = new.state)
       and not exists (select from transfuse.run_transition_of_kind
                        where kind = old.kind and from_state = old.state and to_state = new.state)
    then
        raise exception 'a run does not go from % to %', old.state, new.state using errcode = '55000';
    end if;
    new.moved_at := clock_timestamp();
    new.finished_at := case when new.state in ('completed', 'failed', 'cancelled') then clock_timestamp() end;
    return new;
end $$;

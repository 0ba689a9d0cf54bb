-- Who may sign in where Supabase does not do it, and whose tokens are refused before they expire.

create table transfuse.installation (                  -- one row: tells this ledger from every other one
    one  boolean primary key default true check (one),
    id   uuid not null default gen_random_uuid()
);
insert into transfuse.installation default values;

create table transfuse.account (
    id              uuid primary key default gen_random_uuid(),
    email           text not null,
    role            text not null check (role in ('admin', 'migration_manager', 'viewer')),
    password_hash   text not null,                     -- argon2id with its parameters and salt
    disabled_at     timestamptz,
    created_at      timestamptz not null default now(),
    changed_at      timestamptz not null default now(),
    last_sign_in_at timestamptz
);
create unique index account_email on transfuse.account (lower(email));

create table transfuse.session (                       -- one sign-in, on one device
    id          uuid primary key default gen_random_uuid(),
    account_id  uuid not null references transfuse.account (id),
    created_at  timestamptz not null default now(),
    used_at     timestamptz not null default now(),    -- the last rotation
    ends_at     timestamptz not null,                  -- however much it is used
    ended_at    timestamptz,
    ended_by    text not null default ''               -- signed_out, reused, account_changed
);
create index session_account on transfuse.session (account_id) where ended_at is null;
create index session_ends on transfuse.session (ends_at);

create table transfuse.refresh_token (                 -- every one of a session: a used one that comes again is a theft
    hash        bytea primary key check (octet_length(hash) = 32),
    session_id  uuid not null references transfuse.session (id) on delete cascade,
    issued_at   timestamptz not null default now(),
    used_at     timestamptz
);
create index refresh_token_session on transfuse.refresh_token (session_id);

create table transfuse.revocation (
    id          bigint generated always as identity primary key,
    session     text,
    subject     uuid,
    cutoff      timestamptz,                           -- tokens of the subject issued up to here
    expires_at  timestamptz not null,                  -- no token lives longer
    created_at  timestamptz not null default now(),
    check ((session is null) <> (subject is null)),
    check ((subject is null) = (cutoff is null))
);
create index revocation_session on transfuse.revocation (session) where session is not null;
create index revocation_subject on transfuse.revocation (subject, cutoff) where subject is not null;
create index revocation_expires on transfuse.revocation (expires_at);

-- Forgets what can refuse or admit nobody any more; sessions stay a day longer, for a token that comes late.
create function transfuse.forget_sign_ins() returns void language plpgsql security definer set search_path = pg_catalog as $$
begin
    delete from transfuse.revocation where expires_at < now();
    delete from transfuse.session where ends_at < now() - interval '1 day';
end $$;

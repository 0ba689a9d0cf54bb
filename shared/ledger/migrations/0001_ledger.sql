-- The ledger's tables. Counts live on the batch row only: no load transaction writes a row that another one writes.

create schema transfuse;
revoke all on schema transfuse from public;

create table transfuse.schema_migration (
    number      integer primary key,
    name        text not null,
    checksum    text not null,
    applied_at  timestamptz not null default now()
);

create table transfuse.service_role (                 -- written by `transfuse init`
    service     text primary key,
    login_role  text not null,
    group_role  text not null
);

create table transfuse.target_schema (                -- schemas whose tables the loader may write
    name        text primary key
);

create table transfuse.plan (
    hash        text primary key,
    name        text not null,
    version     integer not null,
    files       jsonb not null,                        -- file name -> text, as the author wrote them
    created_at  timestamptz not null default now(),
    unique (name, version)
);

create table transfuse.migration (
    id          uuid primary key,
    name        text not null unique,
    plan_name   text not null,
    source      text not null default 'default',       -- alias of the connections, never a credential
    target      text not null default 'default',
    created_at  timestamptz not null default now()
);

create table transfuse.run (
    id                uuid primary key,
    migration_id      uuid not null references transfuse.migration (id),
    kind              text not null,
    mode              text not null,
    state             text not null default 'pending',
    priority          integer not null default 5,
    options           jsonb not null default '{}',      -- batch_rows, batch_bytes, only …
    actor             text not null,
    plan_hash         text not null references transfuse.plan (hash),
    compiled          bytea,                            -- msgpack of CompiledPlan, once planned
    transfuse_version text not null,
    duckdb_version    text,
    snapshot          text,                             -- name exported by pg_export_snapshot()
    snapshot_holder   text,                             -- instance of the extractor that holds it
    snapshot_at       timestamptz,                      -- the run's "now", fixed by its first snapshot
    snapshot_count    integer not null default 0,       -- above 1: multi-snapshot, owes a differential pass
    fingerprint       text,
    reason            text not null default '',         -- error code of a pause or failure
    message           text not null default '',         -- our words, never a driver's
    remedy            text not null default '',
    warnings          jsonb not null default '[]',
    created_at        timestamptz not null default now(),
    started_at        timestamptz,
    finished_at       timestamptz,
    moved_at          timestamptz not null default now(), -- the last step made outside its batches; planning and finishing touch it
    command_at        timestamptz,                       -- when the last plan or finish command was issued, null: to be issued
    command_issues    integer not null default 0,        -- how often it was issued without a step since
    command_attempts  integer not null default 0,        -- failed attempts at it
    not_before        timestamptz,                       -- its next attempt
    dispatched_at     timestamptz                        -- its last turn, for the round robin between runs
);

create unique index run_one_active on transfuse.run (migration_id) where state not in ('completed', 'failed', 'cancelled');
create index run_active on transfuse.run (priority desc, created_at) where state not in ('completed', 'failed', 'cancelled');

create table transfuse.run_key (
    run_id   uuid primary key references transfuse.run (id),
    wrapped  bytea not null
);

create table transfuse.run_mapping (
    run_id        uuid not null references transfuse.run (id),
    mapping       text not null,
    pass          smallint not null default 1,
    position      integer not null,                     -- order of dispatch: wave, then largest first
    depends_on    text[] not null default '{}',
    state         text not null default 'planned',
    in_seq_order  boolean not null default false,
    cut_complete  boolean not null default false,       -- no more batches will be added
    driving_rows  bigint,                               -- both counted in the snapshot, independently of the cutting
    from_rows     bigint,
    estimated     boolean not null default false,
    reason        text not null default '',
    message       text not null default '',
    target_schema text not null default '',             -- the table it loads, written by planning
    target_table  text not null default '',
    triggers_off  text[] not null default '{}',         -- user triggers that are off while it loads
    quarantine_accepted bigint not null default 0,      -- quarantined rows that the last resume accepted: the limit counts those beyond
    primary key (run_id, mapping, pass)
);

create table transfuse.batch (
    run_id         uuid not null,
    mapping        text not null,
    pass           smallint not null default 1,
    seq            integer not null,
    generation     integer not null default 1,
    state          text not null default 'planned',
    bounds         bytea,                               -- msgpack of BatchBounds, sealed unless the key is an integer or a uuid
    bounds_sealed  boolean not null default false,
    attempts       integer not null default 0,
    not_before     timestamptz,
    reissues       smallint not null default 0,         -- how often it was found lost since it was dispatched
    dispatched_at  timestamptz,
    extracted_at   timestamptz,
    transformed_at timestamptz,
    moved_at       timestamptz not null default now(),
    settled_at     timestamptz,
    read_count     bigint not null default 0,
    loaded         bigint not null default 0,
    updated        bigint not null default 0,
    unchanged      bigint not null default 0,
    merged         bigint not null default 0,
    filtered       bigint not null default 0,
    quarantined    bigint not null default 0,
    warnings       jsonb not null default '[]',         -- [{code, column, count}]
    reason         text not null default '',            -- error code of the last failed attempt
    primary key (run_id, mapping, pass, seq),
    foreign key (run_id, mapping, pass) references transfuse.run_mapping (run_id, mapping, pass),
    constraint batch_balances check (state <> 'settled' or read_count = loaded + updated + unchanged + merged + filtered + quarantined)
);

create index batch_planned on transfuse.batch (run_id, mapping, pass, seq) where state = 'planned';
create index batch_dispatched on transfuse.batch (run_id, state, dispatched_at) where state in ('dispatched', 'settled');
create index batch_moved on transfuse.batch (run_id, moved_at);
create index batch_failed on transfuse.batch (run_id) where state = 'failed';

create table transfuse.manifest (
    run_id         uuid not null,
    mapping        text not null,
    pass           smallint not null,
    seq            integer not null,
    generation     integer not null,
    transaction_id xid8 not null,
    written        bytea not null,                      -- sealed 16-byte keys of rows inserted
    unchanged      bytea not null,                      -- sealed 16-byte keys of rows found equal
    filtered       bytea not null,
    quarantined    bytea not null,
    primary key (run_id, mapping, pass, seq),
    foreign key (run_id, mapping, pass, seq) references transfuse.batch (run_id, mapping, pass, seq)
);

create table transfuse.quarantine (
    id           uuid primary key,
    run_id       uuid not null,
    mapping      text not null,
    pass         smallint not null,
    seq          integer not null,
    generation   integer not null,
    stage        text not null,                         -- transform or load
    reasons      jsonb not null,                        -- [{code, column, sqlstate}], every one of them
    target_key   uuid,
    sealed_key   bytea not null,
    sealed_row   bytea not null,
    masked       jsonb not null default '{}',           -- column -> kind and length; clear columns as they are
    waits_for    text not null default '',              -- mapping of the missing parent
    resolution   text not null default '',              -- waiting '' | replayed | discarded
    resolved_at  timestamptz,
    created_at   timestamptz not null default now(),
    foreign key (run_id, mapping, pass, seq) references transfuse.batch (run_id, mapping, pass, seq)
);

create index quarantine_of_batch on transfuse.quarantine (run_id, mapping, pass, seq);
create index quarantine_of_key on transfuse.quarantine (run_id, mapping, target_key);

create table transfuse.run_event (
    run_id  uuid not null references transfuse.run (id),
    seq     integer not null,
    at      timestamptz not null default now(),
    kind    text not null,
    detail  jsonb not null default '{}',                -- names, counts and codes
    primary key (run_id, seq)
);

create table transfuse.body (
    id          uuid primary key,
    run_id      uuid not null references transfuse.run (id),
    mapping     text not null,
    pass        smallint not null,
    seq         integer not null,
    generation  integer not null,
    body        bytea not null,
    created_at  timestamptz not null default now()
);

create table transfuse.suspended_trigger (
    run_id        uuid not null references transfuse.run (id),
    target_schema text not null,
    target_table  text not null,
    trigger_name  text not null,
    enabled       "char" not null,                      -- pg_trigger.tgenabled before the first suspension
    primary key (run_id, target_schema, target_table, trigger_name)
);

-- Verify: which rows of the target are not what the plan makes of the source, and what the source's snapshot has seen.

alter table transfuse.run
    add column snapshot_ids text;                       -- txid_current_snapshot() of the first snapshot: what is newer, changed since

-- The first rows of each batch that are not as they should be: names and keys, no values. An `extra` row belongs to no batch.
create table transfuse.finding (
    id             uuid primary key,
    run_id         uuid not null references transfuse.run (id),
    mapping        text not null,
    pass           smallint not null,
    seq            integer,
    kind           text not null check (kind in ('different', 'missing', 'unexpected', 'extra')),
    columns        text[] not null default '{}',
    target_key     uuid,
    sealed_key     bytea,                               -- the legacy key, under the run's key; null where there is none
    source_changed boolean,                             -- null where that cannot be told
    created_at     timestamptz not null default now(),
    foreign key (run_id, mapping, pass, seq) references transfuse.batch (run_id, mapping, pass, seq) on delete cascade
);
create index finding_place on transfuse.finding (run_id, mapping, pass, seq, id);

-- All of them counted, by batch; `column` is empty where rows are counted. Beside them, with seq 0, the extra rows of a table, under its
-- first mapping, and the rows that a sample leaves out.
create table transfuse.finding_count (
    run_id         uuid not null references transfuse.run (id),
    mapping        text not null,
    pass           smallint not null,
    seq            integer not null,
    kind           text not null check (kind in ('different', 'missing', 'unexpected', 'extra', 'not_checked')),
    "column"       text not null default '',
    source_changed boolean not null default false,
    row_count      bigint not null,
    primary key (run_id, mapping, pass, seq, kind, "column", source_changed)
);

-- Retention takes the rows that were found with the batches; those of no batch with the run's details. Their figures stay.
create function transfuse.forget_extra_rows() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    delete from transfuse.finding f where f.run_id = new.id and f.seq is null;
    return null;
end $$;

create trigger run_extra_rows after update of details_removed_at on transfuse.run
    for each row when (old.details_removed_at is null and new.details_removed_at is not null)
    execute function transfuse.forget_extra_rows();

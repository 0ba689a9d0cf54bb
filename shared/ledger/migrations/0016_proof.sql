-- Proof of sums: what the legacy server summed, what each batch sent, and what a run came to.

alter table transfuse.run_mapping
    add column source_sums bytea,                       -- sealed sums of the FROM result in the snapshot; null where none is comparable
    add column proof       jsonb;                       -- what finishing found, by column; sums of few values are left out

alter table transfuse.manifest
    add column sums        bytea;                       -- sealed sums of the batch, by column and outcome; null where none is to be proven

create table transfuse.met_code (                       -- codes met under code books when a run was planned
    run_id uuid primary key references transfuse.run (id),
    books  jsonb not null                               -- of codes that the plan itself lists, with their rows; of others their number
);

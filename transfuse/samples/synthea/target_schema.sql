-- Target of the Synthea sample: Supabase (PostgreSQL 15 or later), no extension needed.
-- Conventions: uuid primary keys made by the migration; legacy_id where the old row had an identity; metadata jsonb for what has no
-- column of its own; money as numeric, to the cent where the source has cents; row level security everywhere, no policy yet: only
-- the service role reads and writes.
begin;

create type sex as enum ('male', 'female', 'other');
create type marital_status as enum ('single', 'married', 'divorced', 'widowed');
create type encounter_class as enum (
    'ambulatory', 'emergency', 'home', 'hospice', 'inpatient', 'outpatient', 'snf', 'urgentcare', 'virtual', 'wellness'
);
create type severity as enum ('mild', 'moderate', 'severe');
create type claim_status as enum ('billed', 'closed');
create type transaction_type as enum ('charge', 'payment', 'adjustment', 'transfer_in', 'transfer_out');
create type observation_type as enum ('numeric', 'text');

create table organizations (
    id          uuid primary key,
    legacy_id   uuid not null unique,
    name        text not null,
    address     text,
    city        text,
    state       text,
    zip_code    text,
    latitude    numeric check (latitude between -90 and 90),
    longitude   numeric check (longitude between -180 and 180),
    phone       text,
    revenue     numeric,
    utilization bigint,
    metadata    jsonb not null default '{}'
);

create table payers (
    id                      uuid primary key,
    legacy_id               uuid not null unique,
    name                    text not null,
    address                 text,
    city                    text,
    state                   text,
    zip_code                text check (length(zip_code) = 5),
    phone                   text,
    amount_covered          numeric(14,2) not null,
    amount_uncovered        numeric(14,2) not null,
    revenue                 numeric(14,2) not null,
    customers               bigint,
    average_quality_of_life numeric,  -- null: nobody was measured
    metadata                jsonb not null default '{}'
);

create table providers (
    id              uuid primary key,
    legacy_id       uuid not null unique,
    organization_id uuid not null references organizations,
    name            text not null,
    sex             sex,
    speciality      text,
    address         text,
    city            text,
    state           text,
    zip_code        text,
    latitude        numeric,
    longitude       numeric,
    utilization     bigint,
    metadata        jsonb not null default '{}'
);

create table patients (
    id                  uuid primary key,
    legacy_id           uuid not null unique,
    name_prefix         text,
    first_name          text not null,
    last_name           text not null,
    name_suffix         text,
    birth_name          text,
    date_of_birth       date not null,
    date_of_death       date,
    sex                 sex,
    marital_status      marital_status,
    race                text,
    ethnicity           text,
    social_security     text unique,
    drivers_license     text,
    passport            text,
    birthplace          text,
    address             text,
    city                text,
    county              text,
    state               text,
    zip_code            text,
    latitude            numeric,
    longitude           numeric,
    healthcare_expenses numeric not null,  -- floating point noise of the source is kept: the sums must agree
    healthcare_coverage numeric not null,
    metadata            jsonb not null default '{}',
    check (date_of_death >= date_of_birth)
);

create table encounters (
    id                 uuid primary key,
    legacy_id          uuid not null unique,
    patient_id         uuid not null references patients,
    organization_id    uuid references organizations,
    provider_id        uuid references providers,
    payer_id           uuid references payers,
    class              encounter_class not null,
    code               bigint not null,
    description        text,
    reason_code        bigint,
    reason_description text,
    base_cost          numeric(12,2),
    total_claim_cost   numeric(12,2),
    payer_coverage     numeric(12,2),
    started_at         timestamptz not null,
    ended_at           timestamptz,
    metadata           jsonb not null default '{}',
    check (ended_at >= started_at)
);
create index on encounters (patient_id);

create table claims (
    id                     uuid primary key,
    legacy_id              uuid not null unique,
    patient_id             uuid not null references patients,
    provider_id            uuid references providers,
    supervisor_id          uuid references providers,
    encounter_id           uuid references encounters,
    primary_payer_id       uuid references payers,  -- null: no insurance
    secondary_payer_id     uuid references payers,
    primary_diagnosis      bigint,
    illness_began_at       timestamptz,
    served_at              timestamptz,
    status                 claim_status,
    secondary_status       claim_status,
    patient_status         claim_status,
    outstanding            numeric(12,2),
    secondary_outstanding  numeric(12,2),
    patient_outstanding    numeric(12,2),
    billed_at              timestamptz,
    metadata               jsonb not null default '{}'
);
create index on claims (encounter_id);

create table claim_transactions (
    id                uuid primary key,
    legacy_id         uuid not null unique,
    claim_id          uuid not null references claims,
    patient_id        uuid not null references patients,
    encounter_id      uuid references encounters,
    organization_id   uuid references organizations,
    provider_id       uuid references providers,
    supervisor_id     uuid references providers,
    insured_id        uuid references patients,
    charge_number     bigint not null,
    transfer_out_from bigint,
    type              transaction_type not null,
    method            text,
    amount            numeric(12,2),
    unit_amount       numeric(12,2),
    payments          numeric(12,2),
    transfers         numeric(12,2),
    outstanding       numeric(12,2),
    units             bigint,
    procedure_code    text,
    notes             text,
    began_at          timestamptz,
    ended_at          timestamptz,
    metadata          jsonb not null default '{}'
    -- no check (ended_at >= began_at): 164 payments of the source end before they begin
);
create index on claim_transactions (claim_id);

create table allergies (
    id           uuid primary key,
    patient_id   uuid not null references patients,
    encounter_id uuid references encounters,
    code         bigint not null,
    code_system  text,
    description  text not null,
    category     text,
    severity     severity,  -- of the first reaction
    reaction     text,
    started_on   date,
    metadata     jsonb not null default '{}'
);

create table careplans (
    id                 uuid primary key,
    legacy_id          uuid not null unique,
    patient_id         uuid not null references patients,
    encounter_id       uuid references encounters,
    code               bigint not null,
    description        text not null,
    reason_code        bigint,
    reason_description text,
    started_on         date not null,
    ended_on           date,
    metadata           jsonb not null default '{}',
    check (ended_on >= started_on)
);

create table conditions (
    id           uuid primary key,
    patient_id   uuid not null references patients,
    encounter_id uuid references encounters,
    code         bigint not null,
    description  text not null,
    started_on   date not null,
    ended_on     date,
    metadata     jsonb not null default '{}',
    check (ended_on >= started_on)
);

create table devices (
    id           uuid primary key,
    patient_id   uuid not null references patients,
    encounter_id uuid references encounters,
    code         bigint not null,
    description  text not null,
    udi          text,
    started_at   timestamptz not null,
    metadata     jsonb not null default '{}'
);

create table imaging_studies (
    id             uuid primary key,
    legacy_id      uuid not null unique,
    patient_id     uuid not null references patients,
    encounter_id   uuid references encounters,
    taken_at       timestamptz not null,
    body_site      text,
    modality       text,
    series_uid     text,
    instance_uid   text,
    procedure_code bigint,
    metadata       jsonb not null default '{}'
);

create table immunizations (
    id           uuid primary key,
    patient_id   uuid not null references patients,
    encounter_id uuid references encounters,
    code         text not null,
    description  text not null,
    base_cost    numeric(12,2),
    given_at     timestamptz not null,
    metadata     jsonb not null default '{}'
);

create table medications (
    id                 uuid primary key,
    patient_id         uuid not null references patients,
    payer_id           uuid references payers,
    encounter_id       uuid references encounters,
    code               bigint not null,
    description        text not null,
    base_cost          numeric(12,2),
    payer_coverage     numeric(12,2),
    dispenses          bigint,
    total_cost         numeric(12,2),
    reason_code        bigint,
    reason_description text,
    started_at         timestamptz not null,
    ended_at           timestamptz,
    metadata           jsonb not null default '{}',
    check (ended_at >= started_at)
);

create table observations (
    id           uuid primary key,
    patient_id   uuid not null references patients,
    encounter_id uuid references encounters,  -- null for what is about the patient, not a visit
    category     text,
    code         text not null,
    description  text not null,
    type         observation_type not null,
    value        text not null,
    number       numeric,  -- the value where it is a number
    units        text,
    observed_at  timestamptz not null,
    metadata     jsonb not null default '{}'
);
create index on observations (patient_id);

create table payer_transitions (
    id                 uuid primary key,
    patient_id         uuid not null references patients,
    payer_id           uuid not null references payers,
    secondary_payer_id uuid references payers,
    member_id          uuid,
    ownership          text,
    owner_name         text,
    started_at         timestamptz not null,
    ended_at           timestamptz not null,
    metadata           jsonb not null default '{}',
    check (ended_at >= started_at)
);

create table procedures (
    id                 uuid primary key,
    patient_id         uuid not null references patients,
    encounter_id       uuid references encounters,
    code               bigint not null,
    description        text not null,
    base_cost          numeric(12,2),
    reason_code        bigint,
    reason_description text,
    started_at         timestamptz not null,
    ended_at           timestamptz,
    metadata           jsonb not null default '{}',
    check (ended_at >= started_at)
);

create table supplies (
    id           uuid primary key,
    patient_id   uuid not null references patients,
    encounter_id uuid references encounters,
    code         bigint not null,
    description  text not null,
    quantity     bigint not null check (quantity > 0),
    supplied_on  date not null,
    metadata     jsonb not null default '{}'
);

do $$ declare t record; begin
    for t in select tablename from pg_tables where schemaname = 'public' loop
        execute format('alter table public.%I enable row level security', t.tablename);
    end loop;
end $$;

commit;

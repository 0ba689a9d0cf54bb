-- The legacy side: types as the CSV files suggest them, then the keys a portal would have.
-- name: tables
create schema synthea;

create table synthea.allergies (
    "start"        date,
    "stop"         text,
    "patient"      uuid,
    "encounter"    uuid,
    "code"         bigint,
    "system"       text,
    "description"  text,
    "type"         text,
    "category"     text,
    "reaction1"    bigint,
    "description1" text,
    "severity1"    text,
    "reaction2"    bigint,
    "description2" text,
    "severity2"    text
);

create table synthea.careplans (
    "id"                uuid,
    "start"             date,
    "stop"              date,
    "patient"           uuid,
    "encounter"         uuid,
    "code"              bigint,
    "description"       text,
    "reasoncode"        bigint,
    "reasondescription" text
);

create table synthea.claims (
    "id"                          uuid,
    "patientid"                   uuid,
    "providerid"                  uuid,
    "primarypatientinsuranceid"   text,
    "secondarypatientinsuranceid" text,
    "departmentid"                bigint,
    "patientdepartmentid"         bigint,
    "diagnosis1"                  bigint,
    "diagnosis2"                  bigint,
    "diagnosis3"                  bigint,
    "diagnosis4"                  bigint,
    "diagnosis5"                  bigint,
    "diagnosis6"                  text,
    "diagnosis7"                  text,
    "diagnosis8"                  text,
    "referringproviderid"         text,
    "appointmentid"               uuid,
    "currentillnessdate"          timestamptz,
    "servicedate"                 timestamptz,
    "supervisingproviderid"       uuid,
    "status1"                     text,
    "status2"                     text,
    "statusp"                     text,
    "outstanding1"                numeric,
    "outstanding2"                bigint,
    "outstandingp"                numeric,
    "lastbilleddate1"             timestamptz,
    "lastbilleddate2"             timestamptz,
    "lastbilleddatep"             timestamptz,
    "healthcareclaimtypeid1"      bigint,
    "healthcareclaimtypeid2"      bigint
);

create table synthea.claims_transactions (
    "id"                    uuid,
    "claimid"               uuid,
    "chargeid"              bigint,
    "patientid"             uuid,
    "type"                  text,
    "amount"                numeric,
    "method"                text,
    "fromdate"              timestamptz,
    "todate"                timestamptz,
    "placeofservice"        uuid,
    "procedurecode"         text,
    "modifier1"             text,
    "modifier2"             text,
    "diagnosisref1"         bigint,
    "diagnosisref2"         bigint,
    "diagnosisref3"         bigint,
    "diagnosisref4"         bigint,
    "units"                 bigint,
    "departmentid"          bigint,
    "notes"                 text,
    "unitamount"            numeric,
    "transferoutid"         bigint,
    "transfertype"          text,
    "payments"              numeric,
    "adjustments"           text,
    "transfers"             numeric,
    "outstanding"           numeric,
    "appointmentid"         uuid,
    "linenote"              text,
    "patientinsuranceid"    uuid,
    "feescheduleid"         bigint,
    "providerid"            uuid,
    "supervisingproviderid" uuid
);

create table synthea.conditions (
    "start"       date,
    "stop"        date,
    "patient"     uuid,
    "encounter"   uuid,
    "code"        bigint,
    "description" text
);

create table synthea.devices (
    "start"       timestamptz,
    "stop"        text,
    "patient"     uuid,
    "encounter"   uuid,
    "code"        bigint,
    "description" text,
    "udi"         text
);

create table synthea.encounters (
    "id"                  uuid,
    "start"               timestamptz,
    "stop"                timestamptz,
    "patient"             uuid,
    "organization"        uuid,
    "provider"            uuid,
    "payer"               uuid,
    "encounterclass"      text,
    "code"                bigint,
    "description"         text,
    "base_encounter_cost" numeric,
    "total_claim_cost"    numeric,
    "payer_coverage"      numeric,
    "reasoncode"          bigint,
    "reasondescription"   text
);

create table synthea.imaging_studies (
    "id"                   uuid,
    "date"                 timestamptz,
    "patient"              uuid,
    "encounter"            uuid,
    "series_uid"           text,
    "bodysite_code"        bigint,
    "bodysite_description" text,
    "modality_code"        text,
    "modality_description" text,
    "instance_uid"         text,
    "sop_code"             text,
    "sop_description"      text,
    "procedure_code"       bigint
);

create table synthea.immunizations (
    "date"        timestamptz,
    "patient"     uuid,
    "encounter"   uuid,
    "code"        text,
    "description" text,
    "base_cost"   numeric
);

create table synthea.medications (
    "start"             timestamptz,
    "stop"              timestamptz,
    "patient"           uuid,
    "payer"             uuid,
    "encounter"         uuid,
    "code"              bigint,
    "description"       text,
    "base_cost"         numeric,
    "payer_coverage"    numeric,
    "dispenses"         bigint,
    "totalcost"         numeric,
    "reasoncode"        bigint,
    "reasondescription" text
);

create table synthea.observations (
    "date"        timestamptz,
    "patient"     uuid,
    "encounter"   uuid,
    "category"    text,
    "code"        text,
    "description" text,
    "value"       text,
    "units"       text,
    "type"        text
);

create table synthea.organizations (
    "id"          uuid,
    "name"        text,
    "address"     text,
    "city"        text,
    "state"       text,
    "zip"         text,
    "lat"         numeric,
    "lon"         numeric,
    "phone"       text,
    "revenue"     numeric,
    "utilization" bigint
);

create table synthea.patients (
    "id"                  uuid,
    "birthdate"           date,
    "deathdate"           date,
    "ssn"                 text,
    "drivers"             text,
    "passport"            text,
    "prefix"              text,
    "first"               text,
    "last"                text,
    "suffix"              text,
    "maiden"              text,
    "marital"             text,
    "race"                text,
    "ethnicity"           text,
    "gender"              text,
    "birthplace"          text,
    "address"             text,
    "city"                text,
    "state"               text,
    "county"              text,
    "zip"                 text,
    "lat"                 numeric,
    "lon"                 numeric,
    "healthcare_expenses" numeric,
    "healthcare_coverage" numeric
);

create table synthea.payer_transitions (
    "patient"         uuid,
    "memberid"        uuid,
    "start_year"      timestamptz,
    "end_year"        timestamptz,
    "payer"           uuid,
    "secondary_payer" uuid,
    "ownership"       text,
    "ownername"       text
);

create table synthea.payers (
    "id"                      uuid,
    "name"                    text,
    "address"                 text,
    "city"                    text,
    "state_headquartered"     text,
    "zip"                     bigint,
    "phone"                   text,
    "amount_covered"          numeric,
    "amount_uncovered"        numeric,
    "revenue"                 numeric,
    "covered_encounters"      bigint,
    "uncovered_encounters"    bigint,
    "covered_medications"     bigint,
    "uncovered_medications"   bigint,
    "covered_procedures"      bigint,
    "uncovered_procedures"    bigint,
    "covered_immunizations"   bigint,
    "uncovered_immunizations" bigint,
    "unique_customers"        bigint,
    "qols_avg"                text,
    "member_months"           bigint
);

create table synthea.procedures (
    "start"             timestamptz,
    "stop"              timestamptz,
    "patient"           uuid,
    "encounter"         uuid,
    "code"              bigint,
    "description"       text,
    "base_cost"         numeric,
    "reasoncode"        bigint,
    "reasondescription" text
);

create table synthea.providers (
    "id"           uuid,
    "organization" uuid,
    "name"         text,
    "gender"       text,
    "speciality"   text,
    "address"      text,
    "city"         text,
    "state"        text,
    "zip"          text,
    "lat"          numeric,
    "lon"          numeric,
    "utilization"  bigint
);

create table synthea.supplies (
    "date"        date,
    "patient"     uuid,
    "encounter"   uuid,
    "code"        bigint,
    "description" text,
    "quantity"    bigint
);

-- name: keys
-- keys and foreign keys as a portal would have them
alter table synthea.patients add primary key (id);
alter table synthea.encounters add primary key (id);
alter table synthea.organizations add primary key (id);
alter table synthea.providers add primary key (id);
alter table synthea.payers add primary key (id);
delete from synthea.encounters where patient not in (select id from synthea.patients);
alter table synthea.encounters add foreign key (patient) references synthea.patients;
analyze;

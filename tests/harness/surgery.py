"""A surgery with doctors, patients, visits and long letters: a little of everything that a disturbed run must keep."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from shared.plan.model import Plan
from shared.plan.reader import read_plan
from tests.harness.clinic import fill
from tests.harness.databases import PREFIX, allow_reading, copied, filled

LEGACY = """
create table doctor (id integer primary key, name text, deputy_id integer);
create table patient (id integer primary key, name text, email text, born text, doctor_id integer);
create table visit (id integer primary key, patient_id integer, note text, fee numeric(10, 2));
create table letter (id integer primary key, body text not null);
create schema aside;
insert into doctor
select g, 'Doctor ' || g, case when g % 9 > 0 then 1 + (g * 37) % 120 end from generate_series(1, 120) g;
insert into patient
select g, 'Patient ' || g, 'patient' || case when g % 200 = 0 then g - 1 else g end || '@example.test',
       case when g % 90 = 0 then 'unknown' else '1980-02-03' end, case when g % 300 = 1 then 9999 else 1 + g % 120 end
  from generate_series(1, 900) g;
insert into visit select g, case when g % 400 = 0 then 90 else 1 + g % 900 end, 'Visit ' || g, g / 7.0
  from generate_series(1, 1600) g;
insert into letter select g, repeat('letter ' || g || ' ', 250000) from generate_series(1, 8) g;
"""
TABLES = ("public.doctor", "public.patient", "public.visit", "public.letter")
SMALL_MAPPINGS = ("doctors", "patients", "visits")
LARGE_MAPPINGS = ("letters",)
"""One batch of it is larger than a batch may be, and is split."""
BATCH_ROWS = 100
BATCH_BYTES = 64 * 1024 * 1024

TARGET = """
create table doctors (id uuid primary key, number serial, name text, deputy_id uuid references doctors);
create table patients (
    id uuid primary key, name text, email text unique, born date, doctor_id uuid references doctors not null
);
create table visits (
    id uuid primary key, patient_id uuid not null references patients, note text, fee numeric(10, 2), of_patient bigint
);
create index visits_of_patients on visits (patient_id);
create table letters (id uuid primary key, length bigint);
alter table doctors enable row level security;
alter table patients enable row level security;
alter table visits enable row level security;
alter table letters enable row level security;
"""
TARGET_TABLES = ("doctors", "patients", "visits", "letters")

PLAN = """\
transfuse: 1
name: surgery
namespace: 6ba7b810-9dad-41d1-80b4-00c04fd430c8
source: {schema: public}
target: {schema: public}
mappings:
  - name: doctors
    into: doctors
    from: doctor AS d
    key: d.id
    columns: {id: key(), name: d.name, deputy_id: "ref('doctors', d.deputy_id)"}
  - name: patients
    into: patients
    from: patient AS p
    key: p.id
    columns:
      id: key()
      name: p.name
      email: p.email
      born: date_of(p.born, '%Y-%m-%d')
      doctor_id: ref('doctors', p.doctor_id)
  - name: visits
    into: visits
    from: >-
      visit AS v LEFT JOIN (SELECT patient_id, count(*) AS visits FROM visit GROUP BY patient_id) AS n
      ON n.patient_id = v.patient_id
    key: v.id
    columns:
      id: key()
      patient_id: ref('patients', v.patient_id)
      note: v.note
      fee: v.fee
      of_patient: n.visits
    gone: remove
  - name: letters
    into: letters
    from: letter AS l
    key: l.id
    columns: {id: key(), length: length(l.body)}
"""


async def surgery_legacy(server: str) -> str:
    """URL by which the shared, filled legacy database is read."""
    legacy = await filled(server, f"{PREFIX}surgery", lambda url: fill(url, LEGACY))
    return await allow_reading(legacy, *TABLES)


async def surgery_target(server: str) -> str:
    """Name of a database with the empty target, to be copied."""
    name = f"{PREFIX}surgery_target"
    await filled(server, name, lambda url: fill(url, TARGET))
    return name


@asynccontextmanager
async def own_surgery(server: str) -> AsyncIterator[tuple[str, str]]:
    """A legacy database that may be written to: the URLs by which it is read and owned."""
    await filled(server, f"{PREFIX}surgery", lambda url: fill(url, LEGACY))
    async with copied(server, f"{PREFIX}surgery") as owner:
        yield await allow_reading(owner, *TABLES), owner


def surgery_plan(folder: Path) -> Plan:
    """The plan, written into a folder."""
    path = folder / "plan.yml"
    path.write_text(PLAN, encoding="utf-8")
    return read_plan(path)

"""A small clinic for the tests of plans: its plan, and both catalogues without a server."""

from __future__ import annotations

import textwrap

from shared.plan.describe import Described
from shared.plan.model import Plan
from shared.plan.position import PlanRefused, Problem
from shared.plan.reader import plan_of_files
from shared.postgres.catalog import Catalog, Column, ColumnType, ForeignKey, Table, Trigger, UniqueKey
from shared.postgres.identifiers import TableName

HEAD = """\
transfuse: 1
name: clinic
namespace: 8a3c1f62-5a0e-4f0e-9c55-0d6b3f1f7f10
source: {schema: legacy}
target: {schema: app}
"""
BOOKS = """\
codebooks:
  sex: {M: male, F: female, NO: none, on: enabled, 010: ten, 1_000: many, 2020-01-01: day}
"""
DOCTORS = """\
mappings:
  - name: doctors
    into: doctors
    from: doctor d
    key: d.id
    columns:
      id: key()
      name: clean(d.name)
"""
PATIENTS = """\
  - name: patients
    into: patients
    from: |
      person AS p
      LEFT JOIN contact AS c ON c.person_id = p.id AND c.is_primary
    key: p.id
    columns:
      id: key()
      legacy_id: p.id
      sex: codebook('sex', p.sex)
      doctor_id: ref('doctors', p.doctor_id)
      phone: phone(c.phone, 'US')
      metadata: rest(except := ['password'])
"""
UNMAPPED = """\
unmapped: {session: sessions do not move}
"""
CLINIC = HEAD + BOOKS + DOCTORS + PATIENTS + UNMAPPED

INTEGER = ColumnType(oid=23, typmod=-1, name="integer")
TEXT = ColumnType(oid=25, typmod=-1, name="text")
UUID = ColumnType(oid=2950, typmod=-1, name="uuid")
BOOLEAN = ColumnType(oid=16, typmod=-1, name="boolean")
JSONB = ColumnType(oid=3802, typmod=-1, name="jsonb")
FLOAT = ColumnType(oid=701, typmod=-1, name="double precision")


def files(plan: str, **books: str) -> dict[str, str]:
    """A plan's files: the plan, and code books by their name."""
    return {"plan.yml": textwrap.dedent(plan)} | {f"{name}.csv": text for name, text in books.items()}


def read(plan: str, **books: str) -> Plan:
    """A plan from its text."""
    return plan_of_files(files(plan, **books))


def problems(refused: PlanRefused) -> list[str]:
    """Its problems as text."""
    return [str(problem) for problem in refused.problems]


def pointed(problem: Problem, text: str) -> str:
    """The text that a problem points at, to the end of its line."""
    return text.split("\n")[problem.position.line - 1][problem.position.column - 1 :]


def table(schema: str, name: str, columns: dict[str, ColumnType], *, not_null: tuple[str, ...] = ("id",)) -> Table:
    """A table whose key is `id`."""
    return Table(
        name=TableName(schema=schema, name=name),
        kind="r",
        columns=tuple(Column(name=key, type=value, not_null=key in not_null) for key, value in columns.items()),
        keys=(UniqueKey(name=f"{name}_pkey", columns=("id",), primary=True),) if "id" in columns else (),
    )


def catalog(schema: str, *tables: Table) -> Catalog:
    """A catalogue of some tables."""
    return Catalog(server_version=150000, schema=schema, tables={one.name.name: one for one in tables})


LEGACY = catalog(
    "legacy",
    table("legacy", "doctor", {"id": INTEGER, "name": TEXT}),
    table(
        "legacy",
        "person",
        {"id": INTEGER, "sex": TEXT, "doctor_id": INTEGER, "password": TEXT, "notes": TEXT, "weight": FLOAT},
    ),
    table("legacy", "contact", {"id": INTEGER, "person_id": INTEGER, "phone": TEXT, "is_primary": BOOLEAN}),
    table("legacy", "session", {"id": INTEGER}),
)
APP_PATIENTS = Table(
    name=TableName(schema="app", name="patients"),
    kind="r",
    columns=(
        Column(name="id", type=UUID, not_null=True),
        Column(name="legacy_id", type=INTEGER),
        Column(name="sex", type=TEXT),
        Column(name="doctor_id", type=UUID),
        Column(name="phone", type=TEXT),
        Column(name="metadata", type=JSONB),
    ),
    keys=(
        UniqueKey(name="patients_pkey", columns=("id",), primary=True),
        UniqueKey(name="patients_legacy_id_key", columns=("legacy_id",)),
    ),
    foreign_keys=(
        ForeignKey(
            name="patients_doctor_fkey",
            columns=("doctor_id",),
            table=TableName(schema="app", name="doctors"),
            referenced=("id",),
        ),
    ),
)
APP = catalog("app", table("app", "doctors", {"id": UUID, "name": TEXT}), APP_PATIENTS)
TOUCH = Trigger(name="touch", enabled="O")
DESCRIBED: Described = {"doctors": {"": {"k0": INTEGER}}, "patients": {"": {"k0": INTEGER}}}

"""Every type with its special values, through the whole pipeline: what arrives is what was there, by its text."""

from __future__ import annotations

import asyncpg
import msgspec
import pytest

from shared.core.passes import COMPARISON
from shared.core.states import RunState
from tests.harness.clinic import fill
from tests.harness.command_line import transfuse
from tests.harness.databases import PREFIX, allow_reading, filled
from tests.harness.installation import installed
from tests.harness.ledger import ledger_of
from tests.harness.servers import Servers

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

VALUES: dict[str, tuple[str, ...]] = {
    "smallint": ("-32768", "32767", "0"),
    "integer": ("-2147483648", "2147483647"),
    "bigint": ("-9223372036854775808", "9223372036854775807"),
    "oid": ("4294967295",),
    "real": ("0.1", "-0", "3.4028235e+38", "1e-45", "NaN", "Infinity", "-Infinity"),
    "double precision": ("0.1", "-0", "1.7976931348623157e+308", "5e-324", "NaN", "Infinity", "-Infinity"),
    "numeric": ("0", "-0.00", "1.10", "NaN", "Infinity", "-Infinity", "9" * 38, "9" * 60 + "." + "1" * 30, "1e-50"),
    "numeric(10,2)": ("12345678.90", "-0.01", "NaN"),
    "numeric(38,4)": ("9" * 34 + ".1234",),
    "numeric(60,20)": ("9" * 40 + "." + "1" * 20,),
    "money": ("$1,234.56", "-$92,233,720,368,547,758.08"),
    "boolean": ("true", "false"),
    "text": ("", " ", "\\N", "\\.", "NULL", "a,b\"c'd", "line\nline\r\n\ttab", "日本 🦷 é", "\x01\x7f", "x" * 100_000),
    "varchar(10)": ("", "ten chars ", "éééééééééé"),
    "char(5)": ("a", "", "abcde"),
    '"char"': ("a", ""),
    "name": ("a name",),
    "date": ("2024-02-29", "0001-01-01", "4713-01-01 BC", "5874897-12-31", "infinity", "-infinity"),
    "time": ("00:00:00", "24:00:00", "23:59:59.999999"),
    "time with time zone": ("24:00:00-15:59", "12:00:00.000001+05:30"),
    "timestamp": (
        *("2024-02-29 12:00:00.000001", "4713-01-01 00:00:00 BC", "294276-12-31 23:59:59.999999"),
        *("infinity", "-infinity"),
    ),
    "timestamp with time zone": ("2024-02-29 12:00:00.000001+05", "4714-11-24 00:00:00+00 BC", "infinity", "-infinity"),
    "interval": ("1 year 2 mons -3 days 04:05:06.000007", "-178000000 years", "00:00:00", "1 mon -30 days"),
    "uuid": ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    "bytea": ("\\x", "\\x00", "\\xdeadbeef00ff5c78"),
    "json": ("null", '{"b": 1,  "a": 1.50, "a": 2}', "[1e400]", '"\\u0000"'),
    "jsonb": ("null", '{"b": 1, "a": 1.50}', "[]", '"é\\u000a"', "123456789012345678901234567890.123"),
    "xml": ("<a>b</a>",),
    "integer[]": ("{}", "{1,NULL,3}", "{{1,2},{3,4}}", "[0:1]={1,2}"),
    "text[]": ("{}", '{"a,b","NULL",NULL,"","q\\"q"}'),
    "timestamp with time zone[]": ("{infinity,NULL}",),
    "inet": ("10.0.0.1", "10.1.2.3/8", "::1"),
    "cidr": ("10.0.0.0/8", "2001:db8::/32"),
    "macaddr": ("08:00:2b:01:02:03",),
    "bit(5)": ("10101",),
    "bit varying": ("", "1"),
    "int4range": ("empty", "[1,5)", "(,)"),
    "numrange": ("[1.10,2.20]",),
    "tstzrange": ("[2024-01-01 00:00:00+00,infinity)",),
    "daterange": ("(,2024-01-01)",),
    "point": ("(1.5,-2.5)",),
    "polygon": ("((0,0),(1,1),(1,0))",),
    "tsvector": ("'a':1 'b c':2A",),
    "mood": ("happy", "so so"),
    "percent": ("99.5",),
    "pair": ('(1,"a,b")',),
}  # fmt: skip
TYPES = """
create type mood as enum ('happy', 'so so');
create domain percent as numeric check (value between 0 and 100);
create type pair as (a integer, b text);
"""
PLAIN = (
    *("smallint", "integer", "bigint", "numeric(10,2)", "boolean", "text", "varchar(10)"),
    *("date", "timestamp", "timestamp with time zone", "uuid", "bytea", "jsonb"),
)
"""Types of a table that has an exact encoder for all of its columns."""


QUARANTINED = [
    "plain numeric(10,2) 2",
    "plain date 4",
    "plain date 5",
    "plain timestamp 2",
    "plain timestamp 3",
    "plain timestamp 4",
    "plain timestamp with time zone 2",
    "plain timestamp with time zone 3",
]
"""NaN as a decimal, infinity and what lies beyond DuckDB's calendar do not fit the binary encoding, and say so."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table with one column per type and one row per value: every other column of that row is NULL."""

    name: str
    kinds: tuple[str, ...]

    def columns(self) -> str:
        return ", ".join(f"c{number} {kind}" for number, kind in enumerate(self.kinds))

    def legacy(self) -> str:
        rows = [
            f"insert into {self.name} (c{number}) values ({quoted(value)}::{kind});"  # noqa: S608 - our own names
            for number, kind in enumerate(self.kinds)
            for value in VALUES[kind]
        ]
        return f"create table {self.name} (id serial primary key, {self.columns()});\n" + "\n".join(rows)

    def target(self) -> str:
        return f"create table {self.name} (key uuid primary key, id integer, {self.columns()});"

    def mapping(self) -> str:
        copies = "".join(f"      c{number}: t.c{number}\n" for number in range(len(self.kinds)))
        return (
            f"  - name: {self.name}\n    into: {self.name}\n    from: {self.name} AS t\n    key: t.id\n"
            f"    columns:\n      key: key()\n      id: t.id\n{copies}"
        )


TABLES = (Table(name="plain", kinds=PLAIN), Table(name="every", kinds=tuple(VALUES)))
PLAN = (
    "transfuse: 1\nname: types\nnamespace: 2b7e1516-28ae-42d2-a6ab-f7158809cf4f\nsource: {schema: public}\n"
    "target: {schema: public}\nmappings:\n" + "".join(table.mapping() for table in TABLES)
)


async def test_every_value_of_every_type_arrives_and_verifies_or_waits_with_a_reason(servers: Servers) -> None:
    legacy = await filled(
        servers.postgres, f"{PREFIX}types", lambda url: fill(url, TYPES + "".join(table.legacy() for table in TABLES))
    )
    await filled(
        servers.postgres,
        f"{PREFIX}types_target",
        lambda url: fill(url, TYPES + "".join(table.target() for table in TABLES)),
    )
    async with (
        installed(
            servers.folder(),
            server=servers.postgres,
            legacy=await allow_reading(legacy, *(f"public.{table.name}" for table in TABLES)),
            template=f"{PREFIX}types_target",
        ) as installation,
        ledger_of(installation) as ledger,
    ):
        path = installation.home / "plan.yml"
        path.write_text(PLAN, encoding="utf-8")
        said = await transfuse(installation, "run", str(path), "--verify")
        snapshot = await ledger.progress.read(await ledger.youngest())
        assert snapshot.state is RunState.COMPLETED, said.text
        compared = [one.counts for one in snapshot.mappings if one.pass_number == COMPARISON]
        assert sum(counts.unchanged for counts in compared) == snapshot.counts.loaded
        assert sum(counts.different for counts in compared) == 0
        waiting = await ledger.connection.fetch("select mapping, reasons::text from transfuse.quarantine")
        different, missing = await differences(legacy, installation.target)
    assert different == []
    assert len(missing) == len(waiting) == snapshot.counts.quarantined, missing
    assert all(row["reasons"] != "[]" for row in waiting)
    assert missing == QUARANTINED


async def differences(legacy_url: str, target_url: str) -> tuple[list[str], list[str]]:
    """Values that arrived changed, and values that did not arrive: table, type and place of the value in VALUES."""
    legacy, target = await asyncpg.connect(legacy_url), await asyncpg.connect(target_url)
    different, missing = [], []
    try:
        for table in TABLES:
            texts = ", ".join(f"c{number}::text" for number in range(len(table.kinds)))
            query = f"select id, {texts} from {table.name} order by id"  # noqa: S608 - our own names
            there = {row["id"]: tuple(row) for row in await legacy.fetch(query)}
            here = {row["id"]: tuple(row) for row in await target.fetch(query)}
            names = [f"{table.name} {kind} {number}" for kind in table.kinds for number in range(len(VALUES[kind]))]
            for name, key in zip(names, sorted(there), strict=True):
                if key not in here:
                    missing.append(name)
                elif here[key] != there[key]:
                    different.append(name)
    finally:
        await legacy.close()
        await target.close()
    return different, missing


def quoted(value: str) -> str:
    """A value as a string constant."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"E'{escaped}'"

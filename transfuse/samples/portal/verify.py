"""Prove a manifest against the database it describes.

python -m transfuse.samples.portal.verify --dsn postgresql://user@host/legacy --manifest manifest.json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

import asyncpg

from .gen.codebooks import CODE_BOOKS

_TABLES = "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by relname"
_SHOWN = 300  # characters of a figure that differs


class Verification:
    """Facts checked so far, and a sentence for each that is wrong."""

    def __init__(self, db: asyncpg.Connection, manifest: dict[str, Any]) -> None:
        self.db, self.manifest = db, manifest
        self.checked = 0
        self.wrong: list[str] = []

    def expect(self, what: str, found: object, stated: object) -> None:
        """Note one fact."""
        self.checked += 1
        if found != stated:
            self.wrong.append(f"{what}: manifest {_short(stated)}, database {_short(found)}")

    async def rows(self) -> None:
        """Tables, row counts, sums of money."""
        tables = [r["relname"] for r in await self.db.fetch(_TABLES)]
        self.expect("tables", sorted(tables), sorted(self.manifest["rows"]))
        for table, stated in self.manifest["rows"].items():
            self.expect(f"rows {table}", await self.db.fetchval(f"SELECT count(*) FROM {table}"), stated)
        for name, stated in self.manifest["money"].items():
            table, column = name.split(".")
            found = await self.db.fetchval(f"SELECT coalesce(sum({column}), 0) FROM {table}")
            self.expect(f"sum {name}", found, Decimal(stated))

    async def conditions(self) -> None:
        """Filters and targets, each by its own query."""
        for group in ("filters", "targets"):
            for name, stated in self.manifest[group].items():
                self.expect(f"{group} {name}", await self.db.fetchval(stated["sql"]), stated["count"])

    async def values(self) -> None:
        """Codes, empty strings, content types."""
        for name, stated in self.manifest["codes"].items():
            table, column = name.split(".")
            counts = await self.db.fetch(f"SELECT {column}::text AS code, count(*) AS n FROM {table} GROUP BY 1")
            self.expect(f"codes {name}", {r["code"] or "None": r["n"] for r in counts}, stated)
        for name, stated in self.manifest["empty_strings"].items():
            table, column = name.split(".")
            found = await self.db.fetchval(f"SELECT count(*) FROM {table} WHERE \"{column}\" = ''")
            self.expect(f"empty {name}", found, stated)
        types = await self.db.fetch("SELECT app_label || '.' || model AS name, id FROM django_content_type")
        self.expect("content types", {r["name"]: r["id"] for r in types}, self.manifest["content_types"])

    async def defects(self) -> None:
        """Every planted defect is found by its query, and nothing else is."""
        await self.db.execute(self.manifest["json_state_function"])
        for d in self.manifest["defects"]:
            keys = [r[0] for r in await self.db.fetch(d["sql"])]
            name = f"{d['kind']} {d['table']}.{d['column']}"
            self.expect(f"{name} count", len(keys), d["count"])
            self.expect(f"{name} keys", keys[: len(d["keys"])], d["keys"])

    async def people(self) -> None:
        """Every patient belongs to exactly one person; duplicates and look-alikes are consistent with that."""
        truth = self.manifest["patients"]
        everyone = [r[0] for r in await self.db.fetch("SELECT id FROM dispatch_patient ORDER BY id")]
        self.expect("patients of persons", sorted(k for keys in truth["persons"].values() for k in keys), everyone)
        owner = {key: person for person, keys in truth["persons"].items() for key in keys}
        for d in truth["duplicates"]:
            several = len(truth["persons"][d["person"]]) > 1
            self.expect(f"duplicate {d['patient']}", (owner[d["patient"]], several), (d["person"], True))
        for negative in truth["hard_negatives"]:
            owners = sorted({owner[k] for k in negative["patients"]})
            self.expect(f"{negative['kind']} {negative['patients']}", owners, sorted(negative["persons"]))

    async def sequences(self) -> None:
        """No sequence lags behind its table."""
        behind = []
        for table in self.manifest["rows"]:
            if table == "django_session":  # its key is text
                continue
            sequence = await self.db.fetchval("SELECT pg_get_serial_sequence($1, 'id')", table)
            last = await self.db.fetchval(f"SELECT last_value FROM {sequence}")
            if last < (await self.db.fetchval(f"SELECT max(id) FROM {table}") or 0):
                behind.append(table)
        self.expect("sequences behind their table", behind, [])

    def documentation(self) -> None:
        """README.md prints the same code books."""
        readme = resources.files(__package__).joinpath("README.md").read_text(encoding="utf-8")
        for name, book in CODE_BOOKS.items():
            for code, meaning in book.items():
                self.expect(f"README {name}", f"{code} {meaning}" in readme, stated=True)


async def verify(dsn: str, manifest: dict[str, Any]) -> tuple[int, list[str]]:
    """Check every fact of the manifest; returns how many there were and a sentence for each that is wrong."""
    db = await asyncpg.connect(dsn)
    try:
        verification = Verification(db, manifest)
        await verification.rows()
        await verification.conditions()
        await verification.values()
        await verification.defects()
        await verification.people()
        await verification.sequences()
        verification.documentation()
    finally:
        await db.close()
    return verification.checked, verification.wrong


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < _SHOWN else f"{text[:_SHOWN]}..."


def main() -> None:
    """Command line; exits 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--manifest", required=True, type=Path)
    args = parser.parse_args()
    checked, wrong = asyncio.run(verify(args.dsn, json.loads(args.manifest.read_text(encoding="utf-8"))))
    for line in wrong:
        print(line)
    print(f"{checked} facts checked, {len(wrong)} wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()

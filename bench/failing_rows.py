"""CPU of a batch with 1 % and 10 % bad rows against the same batch clean: at most 2 and 4 times.

    python bench/failing_rows.py [ROWS]

Prints CPU seconds per million rows of 18 mixed columns, and the two ratios; exits 1 when one is above its limit.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

os.environ.setdefault("POLARS_MAX_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from services.transformer.decode import column_names, decode
from services.transformer.engine import Engine
from shared.plan.compiled import CompiledMapping
from shared.plan.model import Codebook, Rule
from tests.transforming.mappings import PLACE, VALUES, Options, compiled, copied_csv, text

LIMITS = {1: 2.0, 10: 4.0}
ROWS = 20_000
REPEATS = 5
SOURCE = {
    "id": "integer", "first": "text", "last": "text", "born": "text", "sex": "text", "office_phone": "text",
    "mail": "text", "doctor": "integer", "active": "boolean", "created": "timestamptz", "updated": "timestamptz",
    "balance": "numeric(6,2)",
    "street": "text", "city": "text", "visits": "text", "status": "integer", "document": "text", "note": "text",
}  # fmt: skip
COLUMNS = {
    "id": ("uuid", "key()"), "legacy_id": ("integer", "p.id"), "first": ("text", "clean(p.first)"),
    "last": ("text", "clean(p.last)"), "born": ("date", "date_of(p.born, '%Y-%m-%d', '%m/%d/%Y')"),
    "sex": ("text", "codebook('sex', p.sex)"), "digits": ("text", "digits(p.office_phone)"),
    "mail": ("text", "email(p.mail)"), "doctor": ("uuid", "ref('doctors', p.doctor)"),
    "active": ("boolean", "p.active"),
    "created": ("timestamptz", "p.created"), "updated": ("timestamptz", "p.updated"),
    "balance": ("numeric(6,2)", "p.balance"), "street": ("text", "clean(p.street)"),
    "visits": ("integer", "CAST(p.visits AS INTEGER)"), "status": ("text", "codebook('status', p.status)"),
    "document": ("jsonb", "json_or_raw(p.document)"), "meta": ("jsonb", "rest()"),
}  # fmt: skip
BOOKS = (
    Codebook(name="sex", position=PLACE, meanings={"0": "other", "1": "male", "2": "female"}),
    Codebook(name="status", position=PLACE, meanings={"1": "in_treatment", "2": "consultation", "4": "completed"}),
)
Result = TypeVar("Result")


def main(words: list[str]) -> int:
    rows = int(words[0]) if words else ROWS
    rules = (Rule(name="plausible", check=text("born BETWEEN DATE '1900-01-01' AND today()")),)
    mapping = compiled(SOURCE, COLUMNS, Options(codebooks=BOOKS, rules=rules))
    engine = Engine()
    batches = {share: batch(rows, share) for share in (0, *LIMITS)}
    clean = measured(engine, mapping, batches[0], rows)
    print(f"decode {decoded(mapping, batches[0], rows):.2f}, transform and encode {clean:.2f} CPU s per million rows")
    failed = False
    for share, limit in LIMITS.items():
        ratio = measured(engine, mapping, batches[share], rows) / clean
        failed |= ratio > limit
        print(f"{share} % bad rows: {ratio:.2f} times a clean batch (limit {limit:.0f})")
    engine.close()
    return int(failed)


def batch(rows: int, bad_percent: int) -> bytes:
    draw = random.Random(7)  # noqa: S311 - invented rows
    return copied_csv([row(draw, number, bad=draw.random() * 100 < bad_percent) for number in range(1, rows + 1)])


def row(draw: random.Random, number: int, *, bad: bool) -> list[str | None]:
    day = f"{draw.randrange(10, 25)}-0{draw.randrange(1, 10)}-1{draw.randrange(10)}"
    moment = f"20{day} 10:11:12.{draw.randrange(100000, 999999)}+00"
    return [
        str(number), str(number), f"First{draw.randrange(5000)}", f"Läst{draw.randrange(5000)}",
        "someday" if bad else f"19{draw.randrange(40, 99)}-0{draw.randrange(1, 10)}-1{draw.randrange(10)}",
        "9" if bad else draw.choice("012"), f"(415) 555-{draw.randrange(1000, 9999)}", f"user{number}@example.com",
        str(draw.randrange(2000)), draw.choice("tf"), moment, moment, f"{draw.randrange(100000) / 100:.2f}",
        f"{draw.randrange(12345)} Main Street", draw.choice(("Boston", "New York")),
        "many" if bad else str(draw.randrange(99)), draw.choice("124"), f'{{"a": 1, "b": "text {number}"}}',
        f"note number {number} with some longer text to fill the row up a bit",
    ]  # fmt: skip


def measured(engine: Engine, mapping: CompiledMapping, body: bytes, rows: int) -> float:
    source = decode(body, column_names(mapping.source), rows)
    return best(lambda: engine.transform(mapping, source, VALUES)) / rows * 1e6


def decoded(mapping: CompiledMapping, body: bytes, rows: int) -> float:
    return best(lambda: decode(body, column_names(mapping.source), rows)) / rows * 1e6


def best(work: Callable[[], Result]) -> float:
    """The least CPU seconds of a few runs."""
    taken = []
    for _ in range(REPEATS):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return min(taken)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

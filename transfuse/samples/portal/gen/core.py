"""Rows in COPY format, the ledger behind the manifest, and small helpers shared by all areas."""

from __future__ import annotations

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .codebooks import CODE_BOOKS, NULL_WORDS

if TYPE_CHECKING:
    from .people import Users

Row = dict[str, Any]  # values of one row by column; also what one area tells the next about a row

CHUNK_LINES = 20_000
KEYS_LISTED = 5_000  # longer key lists are cut in the manifest; the query gives all of them
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
ZONES = [timezone(timedelta(minutes=m)) for m in (0, -300, -480, -360, 540, 330, 420, 60, 0, -300)]
EPOCH_2009, EPOCH_2014, EPOCH_2020, EPOCH_END = (
    int(datetime(y, m, d, tzinfo=UTC).timestamp())
    for y, m, d in ((2009, 3, 1), (2014, 1, 1), (2020, 1, 1), (2025, 11, 15))
)


def copy_text(value: object) -> str:
    """One value in PostgreSQL's COPY text format."""
    if value is None:
        return "\\N"
    if value is True:
        return "t"
    if value is False:
        return "f"
    if isinstance(value, str):
        return value if value.isprintable() and "\\" not in value else value.translate(ESCAPES)
    return str(value)


@dataclass
class Ledger:
    """Everything the manifest says about the generated data."""

    rows: Counter[str] = field(default_factory=Counter)
    sha256: dict[str, str] = field(default_factory=dict)
    money: dict[str, Decimal] = field(default_factory=dict)
    codes: dict[str, Counter[int | None]] = field(default_factory=lambda: defaultdict(Counter))
    empty_strings: Counter[str] = field(default_factory=Counter)
    filters: Counter[str] = field(default_factory=Counter)
    defects: dict[tuple[str, str, str], list[int | str]] = field(default_factory=lambda: defaultdict(list))

    def defect(self, kind: str, table: str, column: str, key: int | str) -> None:
        self.defects[kind, table, column].append(key)

    def count(self, name: str, yes: object = True) -> None:
        """Count a row under a named filter (checks.FILTERS holds the matching WHERE clause)."""
        self.filters[name] += bool(yes)


class Table:
    """Rows of one legacy table. Coded, empty and 'null' values are entered in the ledger as they pass."""

    def __init__(self, name: str, ledger: Ledger, rng: random.Random, gaps: bool = True) -> None:
        self.name, self.ledger, self.rng, self.gaps = name, ledger, rng, gaps
        self.columns: tuple[str, ...] = ()
        self.lines: list[str] = []
        self.ids: list[int] = []
        self.last_id = 0
        ledger.rows[name] = 0

    def next_id(self) -> int:
        """Serial ids have holes, as in any table where rows were deleted or transactions rolled back."""
        self.last_id += 1 + (self.rng.randrange(1, 6) if self.gaps and self.rng.random() < 0.02 else 0)
        return self.last_id

    def add(self, **row: Any) -> int:
        if not self.columns:
            row = {"id": None, **row}
            self._start(tuple(row))
        key: int = row.get("id") or self.next_id()
        row["id"] = key
        if len(row) != len(self.columns):
            raise ValueError(f"{self.name}: columns differ from the first row: {set(row) ^ set(self.columns)}")
        self.last_id = max(self.last_id, key)
        self.ids.append(key)
        for column, book in self.books:
            value = row[column]
            self.ledger.codes[f"{self.name}.{column}"][value] += 1
            if value is not None and value not in book:
                self.ledger.defect("unknown_code", self.name, column, key)
        for column in self.money:
            if row[column] is not None:
                self.ledger.money[f"{self.name}.{column}"] += row[column]
        parts = []
        for column in self.columns:
            value = row[column]
            if value.__class__ is str:
                if not value:
                    self.ledger.empty_strings[f"{self.name}.{column}"] += 1
                elif value in NULL_WORDS:
                    self.ledger.defect("null_word", self.name, column, key)
            parts.append(copy_text(value))
        self.lines.append("\t".join(parts))
        return key

    def _start(self, columns: tuple[str, ...]) -> None:
        self.columns = columns
        self.books = [(c, CODE_BOOKS[f"{self.name}.{c}"]) for c in columns if f"{self.name}.{c}" in CODE_BOOKS]
        self.money = [c for c in columns if c in MONEY_COLUMNS]
        for column in self.money:
            self.ledger.money[f"{self.name}.{column}"] = Decimal(0)

    @property
    def row_count(self) -> int:
        """Rows held."""
        return len(self.lines)

    def chunks(self) -> Iterator[bytes]:
        """COPY data; fills in row count and checksum on the way."""
        digest = hashlib.sha256()
        for at in range(0, len(self.lines), CHUNK_LINES):
            chunk = ("\n".join(self.lines[at : at + CHUNK_LINES]) + "\n").encode()
            digest.update(chunk)
            yield chunk
        self.ledger.rows[self.name] = len(self.lines)
        self.ledger.sha256[self.name] = digest.hexdigest()


MONEY_COLUMNS = {
    "price",
    "custom_price",
    "promised_payment",
    "credit",
    "tax_value",
    "subtotal_price",
    "additional_price",
    "total_price",
    "paid_price",
    "used_credit",
    "price_both",
    "price_upper",
    "price_lower",
    "global_price",
    "doctor_price",
    "base_price",
    "discount_value",
    "discount_price",
}


class World:
    """The database being built: tables by name, one random stream per area, and what later areas need from earlier ones."""

    users: Users
    type_id: dict[str, int]  # model -> id of its content type
    offices_of: dict[int, list[tuple[int, str]]]  # doctor -> (office, culture)
    patients: list[Row]
    orders: list[Row]
    plans: list[Row]
    planned: list[int]  # projects that hold treatment plans
    truth: dict[str, list[int]]
    duplicates: list[Row]
    negatives: list[Row]
    excluded: list[int]

    def __init__(self, seed: int, scale: float) -> None:
        self.seed, self.scale = seed, scale
        self.ledger = Ledger()
        self.tables: dict[str, Table] = {}
        self.rng = random.Random(seed)

    def enter(self, area: str) -> random.Random:
        """Give each area a stream of its own, so that a change in one leaves the others alone."""
        self.rng = random.Random(f"{self.seed}/{area}")
        return self.rng

    def n(self, full: int, least: int = 1) -> int:
        """Scale a real row count."""
        return max(least, round(full * self.scale))

    def table(self, name: str, gaps: bool = True) -> Table:
        table = self.tables[name] = Table(name, self.ledger, self.rng, gaps)
        return table

    def ids(self, table: str) -> list[int]:
        return self.tables[table].ids

    def picks(self, rows: int, **full_counts: int | tuple[int, int]) -> dict[int, str]:
        """Choose disjoint row numbers for planted defects: kind=count at full scale, or (count, least); never less than one."""
        sizes = {kind: full if isinstance(full, tuple) else (full, 1) for kind, full in full_counts.items()}
        wanted = [kind for kind, size in sizes.items() for _ in range(self.n(*size))]
        if len(wanted) > rows:
            raise ValueError(f"{len(wanted)} defects planned for {rows} rows")
        return dict(zip(self.rng.sample(range(rows), len(wanted)), wanted, strict=True))

    def when(self, low: int = EPOCH_2014, high: int = EPOCH_END) -> str:
        """A moment, written with the offset of one of the offices."""
        rng = self.rng
        return datetime.fromtimestamp(low + (high - low) * rng.random(), ZONES[rng.randrange(10)]).isoformat()


def weighted(rng: random.Random, choices: dict[Any, int]) -> Any:
    return rng.choices(list(choices), list(choices.values()))[0]


def cents(amount: float) -> Decimal:
    return Decimal(round(amount * 100)) / 100

"""Which codes of the plan's books the snapshot holds, and how often: what a report says beside their meanings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping as ReadOnly
from collections.abc import Sequence

from services.extractor.snapshot import Snapshot, reading
from services.extractor.tasks import each
from shared.ledger.met import MetBook, MetCount
from shared.plan.met_codes import FEWEST_SHOWN, MOST_GROUPS, CodeUse, codes_of
from shared.plan.model import Codebook
from shared.postgres.pools import Pool


async def met_books(
    pool: Pool,
    snapshot: Snapshot,
    schema: str,
    uses: Sequence[CodeUse],
    books: ReadOnly[str, Codebook],
    *,
    most: int,
) -> list[MetBook]:
    """One for each use of a book, in their order, `most` asked at a time.

    Raises SnapshotLost, or an error of the legacy server.
    """

    async def met(use: CodeUse) -> MetBook:
        book = books[use.book]
        if not use.statement:
            return MetBook(mapping=use.mapping, column=use.column, book=use.book, otherwise=book.otherwise, untold=True)
        async with reading(pool, snapshot, schema, f"reading the codes of {use.mapping}.{use.column}") as connection:
            rows = [tuple(row) for row in await connection.fetch(use.statement)]
        return met_book(
            use, book, await asyncio.to_thread(codes_of, use, rows[:MOST_GROUPS]), many=len(rows) > MOST_GROUPS
        )

    return await each(met, uses, most=most)


def met_book(use: CodeUse, book: Codebook, found: ReadOnly[str, int], *, many: bool) -> MetBook:
    """Counts by code held against the book. Only what the plan lists is named, and only from five rows on."""
    known = {code: count for code, count in found.items() if code in book.meanings}
    common = sorted(
        (code for code, count in known.items() if count >= FEWEST_SHOWN), key=lambda code: (-known[code], code)
    )
    unknown_rows = sum(count for code, count in found.items() if code not in book.meanings)
    return MetBook(
        mapping=use.mapping,
        column=use.column,
        book=use.book,
        codes=tuple(MetCount(code=code, meaning=book.meanings[code], row_count=known[code]) for code in common),
        rare_codes=len(known) - len(common),
        unknown_codes=len(found) - len(known),
        unknown_rows=unknown_rows if unknown_rows == 0 or unknown_rows >= FEWEST_SHOWN else None,
        otherwise=book.otherwise,
        many=many,
    )

"""Cuts lists of keys into batches: rows that are wanted one by one, and not by their place in the order of the key.

Keys come as `shared.core.keys.legacy_key` wrote them, canonical. A row without identity has no key that the server
knows: its content is looked for among the rows that it stood with, and its hash, which batches are cut by, is listed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import product

import msgspec

from services.extractor.counting import MappingRefused
from services.extractor.csv_texts import texts_of
from services.extractor.reading import BatchTooLarge, keys_alone, middle_key, read_range
from services.extractor.snapshot import Snapshot, reading
from shared.core.errors import RunError
from shared.core.keys import content_part, key_parts
from shared.ledger.bounds import BatchBounds
from shared.plan import source_sql
from shared.plan.compiled import CompiledMapping, KeyPart, SourceProgram
from shared.postgres.pools import Pool

BATCH_KEYS = 1000
"""Keys of one batch at most: each stands in its statement."""
READ_BYTES = 32 * 1024 * 1024
"""Source text that is looked through for contents at a time."""
ANYWHERE = (BatchBounds(),)


class KeyList(msgspec.Struct, frozen=True, kw_only=True):
    """Batches of the keys that were asked for, the rows that the snapshot has of them, and the keys it has not."""

    bounds: tuple[BatchBounds, ...]
    row_count: int
    missing: int


async def cut_key_list(
    pool: Pool,
    snapshot: Snapshot,
    mapping: CompiledMapping,
    legacy_keys: Collection[str],
    *,
    batch_rows: int = BATCH_KEYS,
    within: Sequence[BatchBounds] = ANYWHERE,
) -> KeyList:
    """The batches of some rows of a mapping, none where there is not one of them; each row is in exactly one.

    `within` are the ranges of the cut key that rows without identity are looked for in. Raises MappingRefused where the
    mapping's key is not of the form of these, SnapshotLost, or an error of the legacy server.
    """
    asked = sorted(set(legacy_keys))
    if mapping.source.content_key:
        keys, missing = await _hashes(pool, snapshot, mapping, asked, within)
        bounds = listed(keys, batch_rows)
        return KeyList(bounds=bounds, row_count=await _count(pool, snapshot, mapping, bounds), missing=missing)
    bounds = listed([key for text in asked for key in cut_keys(mapping, text)], batch_rows)
    row_count = await _count(pool, snapshot, mapping, bounds)
    if row_count > len(asked):
        raise MappingRefused(
            f"{len(asked)} keys of mapping {mapping.name} have {row_count} rows: a join multiplies rows",
            code="key_repeats",
            remedy=f"Choose a `key` for {mapping.name} that tells its rows apart, or mend the joins of its `from`.",
        )
    return KeyList(bounds=bounds if row_count else (), row_count=row_count, missing=len(asked) - row_count)


async def edited_keys(
    pool: Pool, snapshot: Snapshot, mapping: CompiledMapping, edits: Mapping[str, Mapping[str, str | None]]
) -> KeyList:
    """A batch for each key of which values were edited, where the row is there. Raises as `cut_key_list` does."""
    lists = {key: await cut_key_list(pool, snapshot, mapping, [key]) for key in edits}
    bounds = [
        msgspec.structs.replace(item, edits=tuple(sorted(edits[key].items())))
        for key, found in lists.items()
        for item in found.bounds
    ]
    return KeyList(
        bounds=tuple(bounds),
        row_count=sum(found.row_count for found in lists.values()),
        missing=sum(found.missing for found in lists.values()),
    )


def listed(keys: Sequence[tuple[str, ...]], batch_rows: int) -> tuple[BatchBounds, ...]:
    """The keys in batches of as many as one may have."""
    size = max(1, min(batch_rows, BATCH_KEYS))
    return tuple(BatchBounds(keys=tuple(keys[at : at + size])) for at in range(0, len(keys), size))


def cut_keys(mapping: CompiledMapping, legacy_key: str) -> Iterator[tuple[str, ...]]:
    """A key as the server is asked for it: once, or in both cases where only they may tell spellings apart.

    Raises MappingRefused where it has not as many parts as the mapping's key.
    """
    parts = key_parts(legacy_key)
    if len(parts) != len(mapping.source.cut_key):
        raise _key_changed(mapping)
    yield from product(*map(_spellings, mapping.source.cut_key, parts))


def _spellings(part: KeyPart, text: str) -> tuple[str, ...]:
    """citext of a server whose locale is C folds ASCII alone, our keys every letter."""
    caseless = part.type_name.rpartition(".")[2].strip('"') == "citext"
    return (text,) if not caseless or text.isascii() else tuple({text: None, text.upper(): None})


async def _count(pool: Pool, snapshot: Snapshot, mapping: CompiledMapping, bounds: Sequence[BatchBounds]) -> int:
    source, rows = mapping.source, 0
    try:
        async with reading(pool, snapshot, source.schema, f"counting keys of mapping {mapping.name}") as connection:
            for item in bounds:
                rows += await connection.fetchval(source_sql.count_rows_sql(source) + source_sql.where(source, item))
    except RunError as error:
        if (getattr(error.__cause__, "sqlstate", None) or "").startswith("22"):
            raise _key_changed(mapping) from error.__cause__
        raise
    return rows


async def _hashes(
    pool: Pool, snapshot: Snapshot, mapping: CompiledMapping, asked: Sequence[str], within: Sequence[BatchBounds]
) -> tuple[list[tuple[str, ...]], int]:
    """The hashes of rows whose contents are asked for, and the number of keys whose contents are not there."""
    contents = [key_parts(text)[0] for text in asked]
    found: dict[str, str] = {}
    hashed, left = _with_hash(mapping), list(within)
    while left:
        bounds = left.pop()
        try:
            rows = await read_range(pool, snapshot, hashed, bounds, READ_BYTES)
        except BatchTooLarge:
            middle = await middle_key(pool, snapshot, mapping, bounds)
            if middle is not None:
                left += [BatchBounds(lower=bounds.lower, upper=middle), BatchBounds(lower=middle, upper=bounds.upper)]
                continue
            rows = await read_range(pool, snapshot, keys_alone(hashed), bounds, READ_BYTES)
        found |= await asyncio.to_thread(_found, hashed.source, b"".join(rows.chunks), frozenset(contents))
    return [(text,) for text in sorted(set(found.values()))], sum(content not in found for content in contents)


def _found(source: SourceProgram, body: bytes, wanted: frozenset[str]) -> dict[str, str]:
    """By content the hash of each wanted row. One that was too large to be read is known by its hash alone."""
    found = {}
    for texts in texts_of(body, 1 + len(source.columns)):
        digest, columns = texts[0] or "", texts[1:]
        for content in (content_part(columns), content_part([digest, *(None for _ in columns[1:])])):
            if content in wanted:
                found[content] = digest
    return found


def _with_hash(mapping: CompiledMapping) -> CompiledMapping:
    """The mapping as it reads its hash in the place of the number among equal rows."""
    source = mapping.source
    return msgspec.structs.replace(mapping, source=msgspec.structs.replace(source, key=source.cut_key))


def _key_changed(mapping: CompiledMapping) -> MappingRefused:
    return MappingRefused(
        f"the key of mapping {mapping.name} is not what it was when these rows were refused",
        code="key_changed",
        remedy=f"Give {mapping.name} its former `key` back, or discard these rows and migrate the mapping anew.",
    )

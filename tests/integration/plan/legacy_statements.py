"""Every statement that the legacy server is sent: blocks of the extractor's SQL files, and what plans compile to."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from services.extractor import cutting, preflight, reading, snapshot
from shared.ledger.bounds import BatchBounds
from shared.plan import source_sql
from shared.plan.compiled import CompiledMapping, CompiledPlan, SourceProgram
from shared.plan.describe import describe_statements
from shared.plan.model import Plan
from shared.postgres import introspection, pools
from shared.postgres.sql_files import filled

OF_THE_TARGET = frozenset({"ledger_ready", "loader_role", "target_rights"})
"""Blocks of preflight.sql that the target or the ledger is asked."""
BOUND = "1"


def blocks() -> dict[str, str]:
    """The blocks by file and name. A new one is among them unless it is said to be of the target."""
    modules = (cutting, preflight, reading, snapshot, introspection, pools)
    return {
        f"{module.__name__}: {name}": text
        for module in modules
        for name, text in module.SQL.items()
        if not (module is preflight and name in OF_THE_TARGET)
    }


def generated(plan: Plan, compiled: CompiledPlan) -> dict[str, str]:
    """What a plan has the extractor send, by mapping and kind."""
    found = {
        f"{name}: described {alias}": text
        for name, statements in describe_statements(plan).items()
        for alias, text in statements.items()
    }
    for mapping in compiled.mappings:
        for number in (1, 2) if mapping.second is not None else (1,):
            one = mapping.of_pass(number)
            author = plan.mapping(mapping.name).from_.value
            found |= {f"{one.name}, pass {number}: {kind}": text for kind, text in statements_of(one, author)}
    return found


def statements_of(mapping: CompiledMapping, author: str) -> Iterator[tuple[str, str]]:
    """The statements of one mapping by kind; of bounds any will do."""
    source = mapping.source
    texts = tuple(BOUND for _ in source.cut_key)
    within = BatchBounds(lower=texts, upper=texts)
    yield "rows", source_sql.select_sql(source, within)
    yield "listed rows", source_sql.select_sql(source, BatchBounds(keys=(texts, texts)))
    yield "stream", source_sql.select_sql(source, BatchBounds(), ordered=True)
    yield "keys alone", source_sql.select_sql(reading.keys_alone(mapping).source, within)
    yield "middle", filled(reading.SQL["middle_key"], **reading._parts(source, within))
    yield "driving rows", source_sql.count_driving_sql(source)
    yield "rows of from", source_sql.count_rows_sql(source)
    yield "rows of a range", source_sql.count_rows_sql(source) + source_sql.where(source, within)
    yield "sample", source_sql.sample_sql(source, 1000)
    yield "every n-th key", source_sql.every_nth_key_sql(source, 1000)
    yield from zip(("author's", "ours"), source_sql.explain_pair(source, author), strict=True)
    unproven = msgspec.structs.replace(source, unique_proven=False)
    yield from of_unproven(unproven)


def of_unproven(source: SourceProgram) -> Iterator[tuple[str, str]]:
    """What is asked where the catalogue proves nothing of the key."""
    for kind, text in (
        ("null keys", source_sql.null_key_sql(source)),
        ("repeated keys", source_sql.repeated_key_sql(source)),
    ):
        if text is not None:
            yield kind, text
    if len(source.cut_key) == 1:
        yield "range of integers", source_sql.integer_range_sql(source)

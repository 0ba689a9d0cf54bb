"""The statements that the extractor runs for a mapping, made of its `SourceProgram`. All within PostgreSQL 9.5 syntax.

Every session that runs them has `search_path` set to the program's schema alone and pins TimeZone UTC, DateStyle ISO,
IntervalStyle postgres, extra_float_digits 3, bytea_output hex, standard_conforming_strings on and client_encoding UTF8,
so that the text of a value is the same everywhere. COPY takes no parameters: a bound is an escaped, typed constant.
"""

# ruff: noqa: S608 - made of checked clauses, quoted identifiers and escaped constants only

from __future__ import annotations

import re
from types import MappingProxyType

import msgspec

from shared.ledger.bounds import BatchBounds
from shared.plan.compiled import KeyPart, SourceProgram
from shared.postgres.identifiers import Identifier

TYPMOD = re.compile(r'("(?:[^"]|"")*")|\(\s*-?\d+(?:\s*,\s*-?\d+)?\s*\)')
WHOLE = frozenset({"smallint", "integer", "bigint"})
WITHOUT_LENGTH = MappingProxyType({"character": "bpchar", "bit": "varbit", "character varying": "text"})


def select_sql(source: SourceProgram, bounds: BatchBounds, *, ordered: bool = False) -> str:
    """The rows of a batch: key parts, then columns; for COPY (…) TO STDOUT. `ordered` by the cut key, for a stream.

    Raises ValueError for bounds that have not one text per part of the cut key.
    """
    selected = ", ".join(f"{sql} as {name}" for sql, name in selection(source))
    order = f"\norder by {listed(source.cut_key)}" if ordered else ""
    return f"select {selected}\nfrom {source.from_sql}{where(source, bounds)}{order}"


def where(source: SourceProgram, bounds: BatchBounds) -> str:
    """The condition of a batch, empty for one that is open at both ends and wants every key."""
    conditions = [
        f"{row(source.cut_key)} {operator} {row_of_constants(source.cut_key, texts)}"
        for operator, texts in ((">", bounds.lower), ("<=", bounds.upper))
        if texts is not None
    ]
    if bounds.keys is not None:
        conditions.append(among(source.cut_key, bounds.keys))
    return "\nwhere " + " and ".join(conditions) if conditions else ""


def among(parts: tuple[KeyPart, ...], keys: tuple[tuple[str, ...], ...]) -> str:
    """That a key is one of a list. Several parts are looked up as a table: the server would try pair after pair."""
    if not keys:
        return "false"
    constants = [row_of_constants(parts, texts) for texts in keys]
    listed_keys = ", ".join(constants) if len(parts) == 1 else f"values {', '.join(constants)}"
    return f"{row(parts)} in ({listed_keys})"


def count_driving_sql(source: SourceProgram) -> str:
    """Rows of the driving table; run it with index scans off, so that it counts independently of the key's index."""
    only = "only " if source.driving_only else ""
    return f"select count(*) from {only}{source.driving.sql}"


def count_rows_sql(source: SourceProgram) -> str:
    """Rows of the FROM result."""
    return f"select count(*) from {source.from_sql}"


def sums_sql(source: SourceProgram) -> str:
    """For each of `sums`, in order: how many numbers are finite, their sum as text, how many are NaN or infinite."""
    columns = {column.name: column for column in source.columns}
    parts = []
    for name in source.sums.values():
        number = f"({columns[name].sql})::numeric"
        finite = _finite(number, columns[name].type_name)
        parts.append(
            f"count(case when {finite} then {number} end), "
            f"coalesce(sum(case when {finite} then {number} end), 0)::text, "
            f"count(case when not {finite} then 1 end)"
        )
    return f"select {', '.join(parts)} from {source.from_sql}"


def _finite(number: str, type_name: str) -> str:
    """The condition that a number is one. Only a numeric without precision may be infinite, and on few servers."""
    if type_name in WHOLE:
        return "true"
    if type_name.startswith("numeric("):
        return f"({number} <> 'NaN')"
    return f"({number}::text not in ('NaN', 'Infinity', '-Infinity'))"


def null_key_sql(source: SourceProgram) -> str | None:
    """Gives one row if a part of the key is NULL somewhere; None where the catalogue rules that out."""
    if source.unique_proven or source.driving_alias:
        return None
    missing = " or ".join(f"{part.sql} is null" for part in source.cut_key)
    return f"select 1 from {source.from_sql} where {missing} limit 1"


def repeated_key_sql(source: SourceProgram) -> str | None:
    """Gives the most rows that a key has, if that is more than one; None where that cannot be.

    It cannot where the rows of the FROM result are as many as those of a driving table that loses none.

    Not with `limit 1`: the server would then plan for a first row soon and join row by row, where there is none to be
    found (seen once, on a busy machine: 35 s over a window of 25,000 orders).
    """
    if source.unique_proven or source.driving_alias or source.content_key:
        return None
    groups = f"select count(*) as row_count from {source.from_sql} group by {listed(source.key)}"
    return f"select max(g.row_count) from ({groups}) as g having max(g.row_count) > 1"


def integer_range_sql(source: SourceProgram) -> str:
    """Smallest and largest key, for a key of one integer: of the driving table alone where that is the same."""
    (part,) = source.cut_key
    return f"select min({part.sql}), max({part.sql}) from {driving_from(source) or source.from_sql}"


def sample_sql(source: SourceProgram, rows: int) -> str:
    """So many rows as a batch has them, any of them.

    Where the driving table's own key is known, its rows are chosen first: a server that plans for the first rows of a
    join may prepare for the whole of it (seen once: 25 s for a thousand rows).
    """
    selected = select_sql(msgspec.structs.replace(source, key=source.cut_key), BatchBounds())
    alone = driving_from(source)
    if not alone:
        return f"{selected}\nlimit {rows}"
    return f"{selected}\nwhere {row(source.cut_key)} in (select {listed(source.cut_key)} from {alone} limit {rows})"


def driving_from(source: SourceProgram) -> str:
    """The driving table alone under its alias, where each of its rows is one of the FROM result; else empty."""
    if not source.driving_alias:
        return ""
    return f"{'only ' if source.driving_only else ''}{source.driving.sql} as {Identifier(source.driving_alias)}"


def every_nth_key_sql(source: SourceProgram, every: int) -> str:
    """Every n-th cut key in order: its parts as text, the upper bounds of batches, then the number of rows up to it.

    Rows with the same cut key count as one place, so a key may come twice. `every` from 1.
    """
    if every < 1:
        raise ValueError("a batch has at least one row")
    texts = ", ".join(f"q.{part.name}::text" for part in source.cut_key)
    parts = ", ".join(f"{part.sql} as {part.name}" for part in source.cut_key)
    numbers = "row_number() over cut as n, count(*) over cut as upto"
    numbered = f"select {parts}, {numbers} from {source.from_sql} window cut as (order by {listed(source.cut_key)})"
    return f"select {texts}, q.upto from ({numbered}) as q where q.n % {every} = 0 order by q.n"


def explain_pair(source: SourceProgram, author: str) -> tuple[str, str]:
    """Two EXPLAINs that must give the same text: of the author's FROM clause, and of the one that runs."""
    columns = [f"{Identifier(column.alias)}.{Identifier(column.column)}" for column in source.columns]
    keys = [] if source.content_key else [part.sql for part in source.key]
    selected = f"explain (verbose, costs off) select {', '.join([*keys, *columns])} from"
    return f"{selected} {author}\n", f"{selected} {source.clause_sql}\n"


def selection(source: SourceProgram) -> list[tuple[str, str]]:
    """SQL and name of what is selected: key parts, then columns."""
    return [(part.sql, part.name) for part in source.key] + [(column.sql, column.name) for column in source.columns]


def listed(parts: tuple[KeyPart, ...]) -> str:
    """The parts' SQL, separated by commas."""
    return ", ".join(part.sql for part in parts)


def row(parts: tuple[KeyPart, ...]) -> str:
    """The parts as one value to compare: alone, or as a row."""
    return parts[0].sql if len(parts) == 1 else f"({listed(parts)})"


def row_of_constants(parts: tuple[KeyPart, ...], texts: tuple[str, ...]) -> str:
    """Texts as constants of the parts' types, in the form of `row`."""
    constants = [constant(text, part.type_name) for part, text in zip(parts, texts, strict=True)]
    return constants[0] if len(constants) == 1 else f"({', '.join(constants)})"


def constant(text: str, type_name: str) -> str:
    """A text as a constant of a type, whatever standard_conforming_strings says. Raises ValueError for NUL."""
    if "\0" in text:
        raise ValueError("a string constant cannot hold a NUL character")
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"E'{escaped}'::{type_without_length(type_name)}"


def type_without_length(type_name: str) -> str:
    """A type's name without its typmod, so that a cast to it neither cuts nor rounds."""
    bare = TYPMOD.sub(lambda found: found[1] or "", type_name)
    return WITHOUT_LENGTH.get(bare.strip(), bare)

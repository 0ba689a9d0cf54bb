"""The codes that the legacy database holds, beside those that the code books know."""

# ruff: noqa: S608 - made of checked clauses and expressions and quoted identifiers only

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import msgspec

from shared.plan.aliases import Aliases
from shared.plan.expressions import BadExpression, Expression, Node, parse, print_sql
from shared.plan.from_clause import FromClause
from shared.plan.functions import FUNCTIONS, install
from shared.plan.model import Codebook, Mapping, Plan
from shared.plan.names import columns_of
from shared.plan.nodes import string_constant
from shared.plan.scratch import LOCKED, SESSION, VARIABLES
from shared.plan.source_types import duck_type
from shared.postgres.identifiers import Identifier

FEWEST_SHOWN = 5
"""A code met less often may name a person: it is counted, and shown only on request."""
MOST_GROUPS = 10_000
"""Values of one column that are looked at; a column with more holds no codes."""
LONGEST_CODE = 60
COMPILED = frozenset(name for name, function in FUNCTIONS.items() if not (function.macro or function.natives)) | {
    "key",
    "ref",
}
"""Functions that the compiler writes out: DuckDB does not know them."""


class CodeUse(msgspec.Struct, frozen=True, kw_only=True):
    """One `codebook(book, code)` of a mapping.

    `statement` gives the texts of the `columns` (alias, name, type in DuckDB) that the code is made of, and how many
    rows have them; `code` is what the author wrote. Without a `statement` nobody can tell which codes are met: the code
    is made by a function that only a run computes, or of no column.
    """

    mapping: str
    column: str
    book: str
    code: str
    columns: tuple[tuple[str, str, str], ...]
    statement: str


class MetCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code that the book does not know. `row_count` is "<5" where there are fewer."""

    code: str
    row_count: int | str


class BookCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """What one column's code book does not know, and what of the book is never met in it.

    `rare_codes` more are unknown and each met less than five times. `many` where the column holds so many values that
    it can hardly be one of codes; the other figures are then of the first of them. `untold` where only a run can tell.
    """

    mapping: str
    column: str
    book: str
    unknown: tuple[MetCode, ...]
    rare_codes: int
    never_met: tuple[str, ...]
    otherwise: bool
    many: bool = False
    untold: bool = False


def untold(use: CodeUse, book: Codebook) -> BookCoverage:
    """What is to be said of a use without a statement."""
    return BookCoverage(
        mapping=use.mapping,
        column=use.column,
        book=use.book,
        unknown=(),
        rare_codes=0,
        never_met=(),
        otherwise=book.otherwise is not None,
        untold=True,
    )


def code_uses(mapping: Mapping, clause: FromClause, aliases: Aliases) -> Iterator[CodeUse]:
    """Every use of a code book in the columns of a mapping whose clause and expressions are checked."""
    for column in mapping.computed:
        try:
            expression = parse(column.expression.value)
        except BadExpression:
            continue
        for book, code in _calls(expression):
            written = Expression(text=print_sql(code), tree=code)
            read = [pair for path in columns_of(written) if (pair := aliases.find(*path.parts[-2:])) is not None]
            columns = tuple((*pair, duck_type(aliases.type_of(*pair))) for pair in dict.fromkeys(read))
            tells = columns and not {call.name.lower() for call in written.calls()} & COMPILED
            yield CodeUse(
                mapping=mapping.name,
                column=column.column,
                book=book,
                code=written.text,
                columns=columns,
                statement=statement(clause, columns) if tells else "",
            )


def _calls(expression: Expression) -> Iterator[tuple[str, Node]]:
    for call in expression.calls():
        if call.name.lower() == "codebook" and len(call.arguments) == 2:
            book = string_constant(call.arguments[0])
            if book is not None:
                yield book, call.arguments[1]


def statement(clause: FromClause, columns: tuple[tuple[str, str, str], ...]) -> str:
    """Values and their number, as the server writes them: `concat` keeps the blanks of a char(n), as COPY does."""
    named = [f"{Identifier(alias)}.{Identifier(column)}" for alias, column, _ in columns]
    values = ", ".join(f"case when {name} is not null then concat({name}) end as v{n}" for n, name in enumerate(named))
    every = ", ".join(f"v{number}" for number in range(len(columns)))
    return (
        f"select {every}, count(*) as row_count from (select {values} from {clause.sql}) as met "
        f"group by {every} order by {every} limit {MOST_GROUPS + 1}"
    )


def book_coverage(
    use: CodeUse, book: Codebook, rows: list[tuple[str | int | None, ...]], *, rare: bool
) -> BookCoverage:
    """What a use's statement gave, held against the book. With `rare` codes met less than five times are shown."""
    met = codes_of(use, rows[:MOST_GROUPS])
    unknown = {code: count for code, count in met.items() if code not in book.meanings}
    shown = [code for code, count in unknown.items() if (rare or count >= FEWEST_SHOWN) and len(code) <= LONGEST_CODE]
    return BookCoverage(
        mapping=use.mapping,
        column=use.column,
        book=use.book,
        unknown=tuple(
            MetCode(code=code, row_count=count if count >= FEWEST_SHOWN else f"<{FEWEST_SHOWN}")
            for code in sorted(shown, key=lambda code: (-unknown[code], code))
            for count in (unknown[code],)
        ),
        rare_codes=len(unknown) - len(shown),
        never_met=tuple(code for code in book.meanings if code not in met),
        otherwise=book.otherwise is not None,
        many=len(rows) > MOST_GROUPS,
    )


def codes_of(use: CodeUse, rows: list[tuple[str | int | None, ...]]) -> dict[str, int]:
    """The codes that the author's expression makes of the values, with the number of their rows; NULL is none."""
    names = [f"v{number}" for number in range(len(use.columns))]
    by_alias: dict[str, list[str]] = {}
    for name, (alias, column, kind) in zip(names, use.columns, strict=True):
        by_alias.setdefault(alias, []).append(f"{Identifier(column)} := try_cast({name} as {kind})")
    structs = ", ".join(
        f"struct_pack({', '.join(fields)}) as {Identifier(alias)}" for alias, fields in by_alias.items()
    )
    connection = duckdb.connect(config={"threads": 1})
    try:
        install(connection)
        for setting in (*SESSION, *VARIABLES, *LOCKED):
            connection.execute(setting)
        connection.execute(f"create table met ({', '.join(f'{name} varchar' for name in names)}, row_count bigint)")
        if rows:
            connection.executemany(f"insert into met values ({', '.join('?' * (len(names) + 1))})", [*map(list, rows)])
        found = connection.execute(
            f"select try(cast({use.code} as varchar)) as code, cast(sum(row_count) as bigint) "
            f"from (select row_count, {structs} from met) group by code having code is not null order by code"
        ).fetchall()
    finally:
        connection.close()
    return {str(code): int(count) for code, count in found}


def uses_of_plan(plan: Plan, sources: dict[str, tuple[FromClause, Aliases]]) -> list[CodeUse]:
    """Every use of a code book in a plan, each once; `sources` are clause and aliases by mapping."""
    uses = (use for mapping in plan.mappings for use in code_uses(mapping, *sources[mapping.name]))
    return list({(use.mapping, use.column, use.book, use.code): use for use in uses}.values())

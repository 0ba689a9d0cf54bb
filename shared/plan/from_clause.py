"""The FROM clause of a mapping, read by sqlglot: its tables, aliases, columns and functions.

What runs on the legacy server is what was checked: the clause is printed again from the tree, without comments and with
every table qualified. The extractor proves that its meaning is the author's: both must have the same EXPLAIN.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import ClassVar

import msgspec
from sqlglot import errors, exp, parse
from sqlglot.dialects.postgres import Postgres
from sqlglot.optimizer.scope import traverse_scope
from sqlglot.parsers.postgres import PostgresParser

from shared.postgres.identifiers import TableName

PREFIX = "SELECT 1 FROM "


class Faithful(Postgres):
    """PostgreSQL as sqlglot reads it, with function names kept as written instead of translated."""

    class Parser(PostgresParser):
        """Knows no function by name: each stays as its author wrote it."""

        FUNCTIONS: ClassVar[dict[str, Callable[..., exp.Expr]]] = {}


class FromFault(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a `from` may not hold; `offset` counts characters from its start."""

    message: str
    offset: int = 0


class BadFrom(Exception):
    """A `from` or `key` that cannot be read at all, or that is not what it must be."""

    def __init__(self, *faults: FromFault) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults


class FromItem(msgspec.Struct, frozen=True, kw_only=True):
    """One alias that expressions may use; `table` is None for a subquery or a function."""

    alias: str
    table: TableName | None


class TableColumn(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A column that the clause itself reads. `candidates` are the tables it may belong to, one if it is qualified."""

    name: str
    candidates: tuple[TableName, ...]
    offset: int


class FromClause(msgspec.Struct, frozen=True, kw_only=True):
    """A clause that was read. `sql` is what runs; `driving` the first table; `plain` one table and nothing else.

    `drops_none` if each row of the first table stands in the result once or more: that table itself, joined by LEFT
    JOINs alone; `driving_only` if it reads that table without its children; `expensive` if reading a part of it may
    cost as much as the whole: aggregates, windows, DISTINCT, LIMIT, set operations.
    """

    sql: str
    items: tuple[FromItem, ...]
    driving: TableName
    driving_only: bool
    tables: tuple[TableName, ...]
    columns: tuple[TableColumn, ...]
    plain: bool
    drops_none: bool
    expensive: bool

    def item(self, alias: str) -> FromItem | None:
        """The item of that alias, compared without case as DuckDB does."""
        return next((item for item in self.items if item.alias.lower() == alias.lower()), None)


@lru_cache(maxsize=512)
def read_from(text: str, schema: str) -> tuple[exp.Select, FromClause]:
    """Read a FROM clause; tables without a schema are in `schema`. Raises BadFrom if it is no FROM of one SELECT.

    What it gives is shared: it is read, and never changed.
    """
    tree = parse_one_select(PREFIX + text, len(PREFIX))
    extra = [name for name, value in tree.args.items() if value and name not in {"expressions", "from_", "joins"}]
    if extra or len(tree.expressions) != 1:
        raise BadFrom(FromFault(message=f"only a FROM clause may stand here: no {clause_name(extra)}"))
    ctes = qualify(tree, schema)
    items = tuple(top_items(tree))
    driving = driving_node(tree)
    tables = tuple(dict.fromkeys(table_name(node) for node in real_tables(tree, ctes)))
    clause = FromClause(
        sql=printed(tree).removeprefix(PREFIX),
        items=items,
        driving=table_name(driving),
        driving_only=bool(driving.args.get("only")),
        tables=tables,
        columns=tuple(read_columns(tree, ctes)),
        plain=isinstance(first_item(tree), exp.Table) and not tree.args.get("joins"),
        drops_none=drops_none(tree),
        expensive=any(tree.find_all(exp.Window, exp.Group, exp.Distinct, exp.Limit, exp.Fetch, exp.SetOperation))
        or any(node.name.lower() in AGGREGATES for node in tree.find_all(exp.Anonymous)),
    )
    return tree, clause


def drops_none(tree: exp.Select) -> bool:
    """Whether the first item is a table whose rows no join can drop."""
    first = first_item(tree)
    return (
        isinstance(first, exp.Table)
        and isinstance(first.this, exp.Identifier)
        and not names_cte(first)
        and not first.args.get("joins")
        and all(join.side == "LEFT" and not join.method for join in tree.args.get("joins") or ())
    )


AGGREGATES = frozenset({
    "array_agg", "avg", "bit_and", "bit_or", "bool_and", "bool_or", "count", "every", "json_agg", "json_object_agg",
    "jsonb_agg", "jsonb_object_agg", "max", "min", "string_agg", "sum",
})  # fmt: skip


@lru_cache(maxsize=512)
def read_key(text: str) -> exp.Expr:
    """Read one part of a key: an expression over the aliases of `from`; shared like the above. Raises BadFrom."""
    tree = parse_one_select(f"SELECT {text}", len("SELECT "))
    extra = [name for name, value in tree.args.items() if value and name != "expressions"]
    if extra or len(tree.expressions) != 1 or isinstance(tree.expressions[0], exp.Alias):
        raise BadFrom(FromFault(message="a key is one expression over the aliases of `from`, or a list of them"))
    lower_names(tree)
    return node_of(tree.expressions[0])


def parse_one_select(sql: str, prefix: int) -> exp.Select:
    """The one SELECT that the text is. Raises BadFrom with the parser's place."""
    try:
        statements = parse(sql, dialect=Faithful)
    except errors.SqlglotError as error:
        raise BadFrom(fault_of(error, sql, prefix)) from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Select):
        raise BadFrom(FromFault(message="this must be part of exactly one SELECT, and nothing else"))
    return statements[0]


def fault_of(error: errors.SqlglotError, sql: str, prefix: int) -> FromFault:
    """The parser's complaint as ours: its first words and its place."""
    details = error.errors[0] if isinstance(error, errors.ParseError) and error.errors else {}
    line, column = int(details.get("line") or 1), int(details.get("col") or 1)
    starts = [0, *(found.end() for found in re.finditer("\n", sql))]
    near = str(details.get("highlight") or "").strip()
    end = starts[min(line, len(starts)) - 1] + column
    message = f"this is not a FROM clause that can be read, near {near!r}" if near else "this cannot be read as SQL"
    return FromFault(message=message, offset=max(0, end - len(near) - prefix))


def clause_name(names: list[str]) -> str:
    """The first of some argument names of sqlglot's as SQL calls it."""
    known = {
        "locks": "FOR UPDATE",
        "group": "GROUP BY",
        "order": "ORDER BY",
        "with_": "WITH",
        "laterals": "LATERAL VIEW",
        "where": "WHERE (conditions belong in `keep`, or in a subquery with an alias)",
    }
    return known.get(names[0], names[0].upper()) if names else "further SELECT list"


def lower_names(tree: exp.Expr) -> None:
    """Fold names that are not quoted, as PostgreSQL does."""
    for identifier in tree.find_all(exp.Identifier):
        if not identifier.args.get("quoted"):
            identifier.set("this", identifier.name.lower())


def qualify(tree: exp.Select, schema: str) -> set[int]:
    """Give every table its schema and an alias. Returns the ids of the nodes that name a WITH query instead."""
    lower_names(tree)
    ctes = {id(node) for node in tree.find_all(exp.Table) if names_cte(node)}
    for node in tree.find_all(exp.Table):
        if id(node) in ctes or isinstance(node.this, exp.Anonymous) or not isinstance(node.this, exp.Identifier):
            continue
        if not node.alias:
            node.set("alias", exp.TableAlias(this=node.this.copy()))
        if not node.db:
            node.set("db", exp.to_identifier(schema, quoted=True))
    return ctes


def names_cte(node: exp.Table) -> bool:
    """Whether a table's name is that of a WITH query in scope."""
    if node.db or not isinstance(node.this, exp.Identifier):
        return False
    ancestor = node.parent
    while ancestor is not None:
        with_ = ancestor.args.get("with_")
        if with_ is not None and any(query.alias == node.name for query in with_.expressions):
            return True
        ancestor = ancestor.parent
    return False


def real_tables(tree: exp.Expr, ctes: set[int]) -> Iterator[exp.Table]:
    """Every table read, in the order of the text."""
    for node in tree.find_all(exp.Table, bfs=False):
        if id(node) not in ctes and isinstance(node.this, exp.Identifier):
            yield node


def table_name(node: exp.Table) -> TableName:
    """A qualified table node as a name."""
    return TableName(schema=node.db, name=node.name)


def first_item(tree: exp.Select) -> exp.Expr:
    """What stands first in the FROM clause."""
    from_ = tree.args.get("from_")
    if from_ is None:
        raise BadFrom(FromFault(message="`from` names no table"))
    return node_of(from_.this)


def node_of(found: object) -> exp.Expr:
    """What sqlglot gives without a type, as the node that it is. Raises BadFrom."""
    if not isinstance(found, exp.Expr):
        raise BadFrom(FromFault(message="`from` cannot be read"))
    return found


def driving_node(tree: exp.Select) -> exp.Table:
    """The first table of the FROM clause; of a subquery, its own first table. Raises BadFrom."""
    item: exp.Expr = first_item(tree)
    while True:
        if isinstance(item, exp.Table) and isinstance(item.this, exp.Identifier):
            return cte_driving(item) if names_cte(item) else item
        inner = item.this if isinstance(item, exp.Subquery | exp.Lateral) else None
        if isinstance(inner, exp.SetOperation):
            raise BadFrom(FromFault(message="a UNION has no driving table: write one mapping for each of its parts"))
        if isinstance(inner, exp.Select) and inner.args.get("from_") is not None:
            item = inner.args["from_"].this
        elif isinstance(inner, exp.Table | exp.Subquery):
            item = inner
        else:
            raise BadFrom(FromFault(message="`from` must begin with a table, the driving table, or a subquery of one"))


def cte_driving(node: exp.Table) -> exp.Table:
    """The driving table of the WITH query that a node names."""
    ancestor = node.parent
    while ancestor is not None:
        with_ = ancestor.args.get("with_")
        if isinstance(with_, exp.With) and not with_.args.get("recursive"):
            named = [query.this for query in with_.expressions if query.alias == node.name]
            if named and isinstance(named[0], exp.Select):
                return driving_node(named[0])
        ancestor = ancestor.parent
    raise BadFrom(FromFault(message="`from` must begin with a table, the driving table, or a subquery of one"))


def top_items(tree: exp.Select) -> Iterator[FromItem]:
    """The aliases that expressions may use, in order."""
    pending = [first_item(tree), *(join.this for join in tree.args.get("joins") or ())]
    while pending:
        node = pending.pop(0)
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table) and not node.alias:
            pending[:0] = [node.this]
        elif isinstance(node, exp.Table) and node.args.get("joins"):
            yield from_item(node)
            pending[:0] = [join.this for join in node.args["joins"]]
        else:
            yield from_item(node)


def from_item(node: exp.Expr) -> FromItem:
    """One node of the FROM clause as an item. Raises BadFrom for one without an alias."""
    if not node.alias:
        raise BadFrom(FromFault(message="every subquery and function of `from` needs an alias", offset=offset_of(node)))
    is_table = isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier)
    return FromItem(alias=node.alias, table=table_name(node) if is_table and isinstance(node, exp.Table) else None)


def read_columns(tree: exp.Select, ctes: set[int]) -> Iterator[TableColumn]:
    """The columns that the clause itself reads, each with the tables it may belong to."""
    seen: set[int] = set()
    for scope in reversed(traverse_scope(tree)):
        for column in scope.columns:
            if id(column) in seen:
                continue
            own = [source for source in scope.sources.values() if isinstance(source, exp.Table)]
            named = scope.sources.get(column.table) if column.table else None
            if column.table and named is None:
                continue
            seen.add(id(column))
            sources = [named] if column.table else own if len(own) == len(scope.sources) else []
            tables = [node for node in sources if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier)]
            yield TableColumn(
                name=column.name,
                candidates=tuple(table_name(node) for node in tables if id(node) not in ctes),
                offset=offset_of(column),
            )
        yield from using_columns(scope.expression, ctes)


def using_columns(select: exp.Expr, ctes: set[int]) -> Iterator[TableColumn]:
    """Columns of JOIN … USING, which are read from the joined table and from those before it."""
    for join in select.args.get("joins") or ():
        for name in join.args.get("using") or ():
            if (
                isinstance(join.this, exp.Table)
                and isinstance(join.this.this, exp.Identifier)
                and id(join.this) not in ctes
            ):
                yield TableColumn(name=name.name, candidates=(table_name(join.this),), offset=offset_of(name))


def offset_of(node: exp.Expr) -> int:
    """Where a node begins in the text, as far as sqlglot remembers; 0 otherwise."""
    starts = [found.meta["start"] for found in node.walk() if "start" in found.meta]
    return max(0, min(starts) - len(PREFIX)) if starts else 0


def printed(tree: exp.Expr) -> str:
    """A tree as PostgreSQL's SQL, without comments."""
    return tree.sql(dialect=Faithful, comments=False, normalize_functions=False)


def regenerated(text: str, schema: str) -> str:
    """The FROM clause as it runs: checked, without comments, tables qualified. Raises BadFrom."""
    return read_from(text, schema)[1].sql

"""What a `from` may not hold: what writes, locks, samples, asks for parameters or calls what is not allowed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType

from sqlglot import exp

from shared.plan.allow import postgres_functions
from shared.plan.from_clause import BadFrom, FromFault, offset_of, read_from, read_key, top_items

CONSTRUCTS = frozenset({"coalesce", "greatest", "grouping", "least", "nullif", "row"})
WHOLE_QUERY = re.compile(r"\s*(select|from)\b", re.IGNORECASE)
REFUSED_NODES: MappingProxyType[type[exp.Expr], str] = MappingProxyType(
    {
        exp.Insert: "INSERT",
        exp.Update: "UPDATE",
        exp.Delete: "DELETE",
        exp.Merge: "MERGE",
        exp.Command: "this command",
        exp.DDL: "a statement that defines something",
        exp.Into: "SELECT INTO",
        exp.Lock: "FOR UPDATE or FOR SHARE",
        exp.TableSample: "TABLESAMPLE, which gives other rows each time",
        exp.Parameter: "a parameter",
        exp.Placeholder: "a parameter",
        exp.CurrentUser: "the name of the session's user",
        exp.SessionUser: "the name of the session's user",
        exp.CurrentSchema: "the session's schema",
        exp.XMLTable: "XMLTABLE, which PostgreSQL 9.5 does not know",
        exp.JSONTable: "JSON_TABLE, which PostgreSQL 9.5 does not know",
        exp.MatchRecognize: "MATCH_RECOGNIZE",
        exp.Qualify: "QUALIFY",
        exp.Pivot: "PIVOT",
        exp.Operator: "OPERATOR(…), which may call anything",
    }
)


def from_faults(text: str, schema: str, allowed: frozenset[str] = frozenset()) -> list[FromFault]:
    """Everything wrong with a `from` as far as its text tells. `allowed` are the plan's own `functions:`."""
    if WHOLE_QUERY.match(text):
        message = "`from` is what stands behind FROM: leave out SELECT …; conditions belong in `keep` or in a subquery"
        return [FromFault(message=message)]
    try:
        tree, clause = read_from(text, schema)
    except BadFrom as bad:
        return list(bad.faults)
    faults = [
        *refused_nodes(tree),
        *refused_joins(tree),
        *newer_syntax(tree),
        *refused_calls(tree, allowed),
        *stars(tree),
    ]
    aliases = [item.alias.lower() for item in clause.items]
    faults.extend(
        FromFault(message=f"alias {alias!r} is used twice, or differs from another only in case")
        for alias in dict.fromkeys(alias for alias in aliases if aliases.count(alias) > 1)
    )
    faults.extend(renamed_columns(tree))
    return faults


def key_faults(text: str, aliases: frozenset[str], allowed: frozenset[str] = frozenset()) -> list[FromFault]:
    """Everything wrong with one part of a key as far as its text tells."""
    try:
        tree = read_key(text)
    except BadFrom as bad:
        return list(bad.faults)
    faults = [*refused_nodes(tree), *refused_calls(tree, allowed)]
    faults.extend(
        FromFault(message="a key holds no subquery, window or `*`", offset=place(node))
        for node in tree.find_all(exp.Select, exp.Window, exp.Star)
    )
    columns = list(tree.find_all(exp.Column))
    if not columns:
        faults.append(FromFault(message="a key names at least one column, as alias.column"))
    for column in columns:
        if column.table not in aliases:
            name = column.sql(dialect="postgres")
            faults.append(
                FromFault(message=f"{name}: write alias.column, with an alias of `from`", offset=place(column))
            )
    return faults


def place(node: exp.Expr) -> int:
    """Where a node of a key begins: its text stands behind `SELECT `, shorter than what `from` stands behind."""
    starts = [found.meta["start"] for found in node.walk() if "start" in found.meta]
    return max(0, min(starts) - len("SELECT ")) if starts else 0


def refused_nodes(tree: exp.Expr) -> Iterator[FromFault]:
    """Nodes that no `from` may hold."""
    for node in tree.walk():
        words = next((words for kind, words in REFUSED_NODES.items() if isinstance(node, kind)), "")
        if words:
            yield FromFault(message=f"`from` may not hold {words}", offset=offset_of(node))


def refused_joins(tree: exp.Select) -> Iterator[FromFault]:
    """Joins that hide which columns are read, or that give rows which the driving table does not have."""
    for join in tree.find_all(exp.Join):
        if join.method == "NATURAL":
            yield FromFault(message="NATURAL JOIN: name the columns with ON or USING", offset=offset_of(join.this))
        if join.side in {"RIGHT", "FULL"} and join.parent is tree:
            message = f"{join.side} JOIN gives rows that the driving table has not: begin with the other table"
            yield FromFault(message=message, offset=offset_of(join.this))
        if join.args.get("using") and join.args.get("alias"):
            yield FromFault(message="JOIN … USING … AS is not known to PostgreSQL 9.5", offset=offset_of(join.this))


def newer_syntax(tree: exp.Select) -> Iterator[FromFault]:
    """Syntax that PostgreSQL 9.5 does not know."""
    for query in tree.find_all(exp.CTE):
        if query.args.get("materialized") is not None:
            yield FromFault(message="WITH … AS MATERIALIZED is not known to PostgreSQL 9.5", offset=offset_of(query))
    for window in tree.find_all(exp.WindowSpec):
        if str(window.args.get("kind") or "").upper() == "GROUPS" or window.args.get("exclude"):
            yield FromFault(
                message="GROUPS and EXCLUDE frames are not known to PostgreSQL 9.5", offset=offset_of(window)
            )
    for fetch in tree.find_all(exp.Fetch):
        options = fetch.args.get("limit_options")
        if isinstance(options, exp.LimitOptions) and options.args.get("with_ties"):
            yield FromFault(message="WITH TIES is not known to PostgreSQL 9.5", offset=offset_of(fetch))
    for limit in tree.find_all(exp.Limit, exp.Fetch, exp.Offset):
        if isinstance(limit.parent, exp.Select) and not limit.parent.args.get("order"):
            yield FromFault(message="LIMIT needs ORDER BY, else each run reads other rows", offset=offset_of(limit))


def refused_calls(tree: exp.Expr, allowed: frozenset[str]) -> Iterator[FromFault]:
    """Calls of functions that are not on the list, not in `pg_catalog` and not named by the plan."""
    for node in tree.find_all(exp.Anonymous):
        schema = node.parent.this if isinstance(node.parent, exp.Dot) and node.parent.expression is node else None
        qualifier = schema.name.lower() if isinstance(schema, exp.Identifier) else "" if schema is None else "?"
        if isinstance(node.parent, exp.Table) and node.parent.db:
            qualifier = node.parent.db.lower()
        name = node.name.lower()
        full = f"{qualifier}.{name}" if qualifier else name
        known = name in CONSTRUCTS or name in postgres_functions()
        if not ((known and qualifier in {"", "pg_catalog"}) or full in allowed):
            message = (
                f"function {full}() may not be called here; one without side effects can be named under `functions:`"
            )
            yield FromFault(message=message, offset=offset_of(node))


def stars(tree: exp.Select) -> Iterator[FromFault]:
    """`*` anywhere but in count(*): only columns that are named may be read."""
    for star in tree.find_all(exp.Star):
        call = star.parent
        if not (isinstance(call, exp.Anonymous) and call.name.lower() == "count"):
            yield FromFault(
                message="`*` in `from`: name the columns, only those that are used may be read", offset=offset_of(star)
            )


def renamed_columns(tree: exp.Select) -> Iterator[FromFault]:
    """Tables whose alias renames their columns."""
    for node in tree.find_all(exp.Table):
        alias = node.args.get("alias")
        if isinstance(node.this, exp.Identifier) and isinstance(alias, exp.TableAlias) and alias.args.get("columns"):
            yield FromFault(
                message=f"alias {alias.name!r} renames columns of a table: use their own names", offset=offset_of(node)
            )


def aliases_of(text: str, schema: str) -> frozenset[str] | None:
    """The aliases of a `from`, None if it cannot be read."""
    try:
        return frozenset(item.alias for item in top_items(read_from(text, schema)[0]))
    except BadFrom:
        return None

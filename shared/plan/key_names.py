"""key() and ref() as names, `domain:part|part`, hashed in bulk, or in SQL where the UUID itself is needed.

The pure reference is `shared.core.keys`; a property test holds the three implementations together.
"""

from __future__ import annotations

from shared.core.keys import MOST_ORDERED, ORDERED_MARK
from shared.plan.compiled import SourceColumn, SourceProgram
from shared.plan.encoders import Encoder, Shape
from shared.plan.expressions import Call, Node, call_of
from shared.plan.failures import Failures
from shared.plan.keys import CanonicalForm, KeyPartType, KeySignature
from shared.plan.last_cast import last_cast
from shared.plan.nodes import case_node, children, column_node, constant_text, is_if, is_null
from shared.plan.rewrite import Rewriter
from shared.plan.values import BadUse, Value
from shared.postgres.identifiers import Identifier, literal

ESCAPED = frozenset({CanonicalForm.TEXT, CanonicalForm.PADDED, CanonicalForm.CASELESS, CanonicalForm.OPAQUE})
"""Forms whose texts may hold `|` or a backslash."""
AS_WRITTEN = frozenset(
    {
        CanonicalForm.INTEGER,
        CanonicalForm.TEXT,
        CanonicalForm.OPAQUE,
        CanonicalForm.TIME,
        CanonicalForm.UUID,
        CanonicalForm.DATE,
    }
)
"""Forms whose canonical text is what PostgreSQL writes."""
SHAPES = {
    CanonicalForm.INTEGER: Shape.INT8,
    CanonicalForm.BOOLEAN: Shape.BOOL,
    CanonicalForm.DATE: Shape.DATE,
    CanonicalForm.TIME: Shape.TIME,
    CanonicalForm.TIMESTAMP: Shape.TIMESTAMP,
    CanonicalForm.TIMESTAMPTZ: Shape.TIMESTAMPTZ,
    CanonicalForm.UUID: Shape.UUID,
    CanonicalForm.NUMERIC: Shape.WIDE_NUMERIC,
}


class KeyNames:
    """Names of keys for one mapping."""

    def __init__(
        self, rewriter: Rewriter, own: KeySignature, source: SourceProgram, parents: dict[str, KeySignature]
    ) -> None:
        self._rewriter = rewriter
        self._own = own
        self._parents = parents
        parts = [
            _written(part.form, str(Identifier(key.name))) for part, key in zip(own.parts, source.key, strict=True)
        ]
        if source.content_key:
            parts = [_content_sql(source.columns), *parts]
        self.legacy_sql = " || '|' || ".join(parts)
        """The row's own key without its domain, over layer 0."""
        self.name_sql = f"{_domain(own)} || {self.legacy_sql}"
        self.out_of_range_sql = (
            f"try_cast({parts[0]} as hugeint) not between 0 and {MOST_ORDERED}" if own.ordered else ""
        )
        """What is true of a row whose own key has no place in the order of UUIDs; empty where keys have none."""

    def own_name(self) -> Value:
        """The name of the row's own key."""
        name = self._rewriter.layers.add(self.name_sql, 0, "r", "VARCHAR")
        return Value(node=column_node(name.name), layer=name.layer)

    def uuid(self, call: Call, failures: Failures) -> Value:
        """The UUID, computed in SQL."""
        self._rewriter.parameters.add("namespace")
        name = self._name(call, failures)
        macro = "ordered_key_uuid" if self._signature(call).ordered else "key_uuid"
        column = self._rewriter.layers.add(f"{macro}({name.sql})", name.layer)
        return Value(node=column_node(column.name), layer=column.layer)

    def named(self, node: Node) -> bool:
        """Whether a column is key() or ref() at its root, under CASE or COALESCE alone."""
        return has_key_call(node) and all(is_key_call(leaf) or is_null(leaf) for leaf in _leaves(node))

    def names(self, node: Node, failures: Failures) -> Value:
        """A column for which `named` holds, as names."""
        if is_key_call(node):
            return self._name(call_of(node), failures)
        return self._rewriter.rewrite(self._with_names(node), failures)

    def _with_names(self, node: Node) -> Node:
        """The tree with every key() and ref() marked to become its name; guards are the rewriter's."""
        if is_key_call(node):
            return {**node, "class": "KEY_NAME", "namer": self._name}
        if node["class"] == "CASE":
            checks = [{**check, "then_expr": self._with_names(check["then_expr"])} for check in node["case_checks"]]
            return {**node, "case_checks": checks, "else_expr": self._with_names(node["else_expr"])}
        if node["type"] == "OPERATOR_COALESCE":
            return {**node, "children": [self._with_names(child) for child in node["children"]]}
        if is_if(node):
            when, then, otherwise = children(node)
            return self._with_names(case_node(when, then, otherwise))
        return node

    def _name(self, call: Call, failures: Failures) -> Value:
        if call.name.lower() == "key":
            return self.own_name()
        parent = self._signature(call)
        if parent.content_key or len(parent.parts) != len(call.arguments) - 1:
            raise BadUse(f"ref({parent.mapping!r}, ...) needs the {len(parent.parts)} parts of that mapping's key")
        parts = [self._part(part, node, failures) for part, node in zip(parent.parts, call.arguments[1:], strict=True)]
        sql = f"{_domain(parent)} || " + " || '|' || ".join(sql for sql, _ in parts)
        name = self._rewriter.layers.add(sql, max(layer for _, layer in parts), "r", "VARCHAR")
        return Value(node=column_node(name.name), layer=name.layer)

    def _signature(self, call: Call) -> KeySignature:
        """The signature of the key that key() or ref() names."""
        if call.name.lower() == "key":
            return self._own
        parent = self._parents.get(constant_text(call.arguments[0]))
        if parent is None:
            raise BadUse("ref() needs the name of a mapping of this plan")
        return parent

    def _part(self, part: KeyPartType, node: Node, failures: Failures) -> tuple[str, int]:
        """One part of a reference as canonical text, and the layer it stands in."""
        source = self._rewriter.source_column(node["column_names"]) if node["class"] == "COLUMN_REF" else None
        if source is not None and _same_text(part, source):
            failures.use(source.name)
            return _written(part.form, str(Identifier(source.name))), 0
        value = self._rewriter.simple(self._rewriter.rewrite(node, failures), failures)
        static = self._rewriter.type_of(value.node)
        cast = last_cast(Encoder(shape=SHAPES.get(part.form, Shape.TEXT)), static, value.sql)
        result = self._rewriter.layers.add(cast.sql, value.layer)
        for _, bad in cast.checks(str(Identifier(result.name))):
            failures.add("bad_reference", bad)
        return _typed(part.form, str(Identifier(result.name))), result.layer


def _domain(signature: KeySignature) -> str:
    """How the names of a mapping's keys begin."""
    return literal(f"{ORDERED_MARK if signature.ordered else ''}{signature.key_domain}:")


def is_key_call(node: Node) -> bool:
    """Whether a node is a call of key() or ref()."""
    return node["class"] == "FUNCTION" and node["function_name"].lower() in ("key", "ref")


def has_key_call(node: Node) -> bool:
    """Whether key() or ref() stands anywhere in the tree."""
    return is_key_call(node) or any(map(has_key_call, children(node)))


def _leaves(node: Node) -> list[Node]:
    """What a column's value may be, through CASE and COALESCE."""
    if node["class"] == "CASE":
        return [leaf for check in node["case_checks"] for leaf in _leaves(check["then_expr"])] + _leaves(
            node["else_expr"]
        )
    if node["type"] == "OPERATOR_COALESCE":
        return [leaf for child in node["children"] for leaf in _leaves(child)]
    if is_if(node):
        return [leaf for child in children(node)[1:] for leaf in _leaves(child)]
    return [node]


def _same_text(part: KeyPartType, source: SourceColumn) -> bool:
    """Whether a source column's text is the parent key's text, whatever the value: no cast can fail or change it."""
    if part.form is CanonicalForm.INTEGER:
        return source.duck_type in ("SMALLINT", "INTEGER", "BIGINT", "UINTEGER")
    return part.type_name == source.type_name and part.form in AS_WRITTEN


def _written(form: CanonicalForm, text: str) -> str:
    """Canonical SQL of what PostgreSQL wrote."""
    match form:
        case CanonicalForm.NUMERIC:
            return f"canonical_numeric({text})"
        case CanonicalForm.PADDED:
            return f"key_part(rtrim({text}, ' '))"
        case CanonicalForm.CASELESS:
            return f"key_part(lower({text}))"
        case CanonicalForm.BOOLEAN:
            return f"CASE {text} WHEN 't' THEN 'true' WHEN 'f' THEN 'false' END"
        case CanonicalForm.TIMESTAMP:
            return f"written_timestamp({text})"
        case CanonicalForm.TIMESTAMPTZ:
            return f"written_timestamptz({text})"
    return f"key_part({text})" if form in ESCAPED else text


def _typed(form: CanonicalForm, value: str) -> str:
    """Canonical SQL of a value that was cast to the parent key's type."""
    match form:
        case CanonicalForm.NUMERIC:
            return f"canonical_numeric({value})"
        case CanonicalForm.PADDED:
            return f"key_part(rtrim({value}, ' '))"
        case CanonicalForm.CASELESS:
            return f"key_part(lower({value}))"
        case CanonicalForm.DATE:
            return f"date_text({value})"
        case CanonicalForm.TIMESTAMP:
            return f"written_timestamp(timestamp_text({value}))"
        case CanonicalForm.TIMESTAMPTZ:
            return f"written_timestamptz(timestamp_text({value}))"
    return f"key_part({value})" if form in ESCAPED else f"CAST({value} AS VARCHAR)"


def _content_sql(columns: tuple[SourceColumn, ...]) -> str:
    framed = " || ',' || ".join(f"framed({Identifier(column.name)})" for column in columns)
    return f"sha1({framed})"

"""The JSON schemas of the documents and forms, each once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from shared.core.document import Document

REFERENCE: Final = "#/components/schemas/{name}"

Schema = dict[str, Any]


class Schemas:
    """Schemas by type. What only parameters are made of is no schema of its own in the document."""

    def __init__(self, types: Iterable[type]) -> None:
        self._types = list(dict.fromkeys(types))
        made, self._components = msgspec.json.schema_components(self._types, ref_template=REFERENCE)
        self._references = dict(zip(self._types, made, strict=True))
        self._used: set[str] = set()

    def of(self, kind: type) -> Schema:
        """A reference to the schema of a type."""
        reference: Schema = self._references[kind]
        self._use(reference)
        return reference

    def fields(self, form: type) -> dict[str, tuple[Schema, bool]]:
        """The schema of each field of a form, as a parameter takes it, and whether it must be there."""
        whole = self._components[self._references[form]["$ref"].rpartition("/")[2]]
        required = whole.get("required", [])
        found = {name: (_as_text(schema), name in required) for name, schema in whole.get("properties", {}).items()}
        self._use([schema for schema, _ in found.values()])
        return found

    def components(self) -> dict[str, Schema]:
        """The schemas that the document refers to."""
        sent = {kind.__name__: kind for kind in _structs(self._types, within=Document)}
        return {
            name: _as_sent(schema, sent[name]) if name in sent else schema
            for name, schema in sorted(self._components.items())
            if name in self._used
        }

    def _use(self, schema: object) -> None:
        for name in re.findall(r"#/components/schemas/([^'\"]+)", repr(schema)):
            if name not in self._used:
                self._used.add(name)
                self._use(self._components[name])


def _structs(types: Iterable[type], *, within: type) -> set[type[msgspec.Struct]]:
    """Every struct that those of the types that derive from `within` are made of, themselves included."""
    found: set[type[msgspec.Struct]] = set()
    waiting = list(msgspec.inspect.multi_type_info([kind for kind in types if issubclass(kind, within)]))
    while waiting:
        match waiting.pop():
            case msgspec.inspect.StructType(cls=cls, fields=fields) if cls not in found:
                found.add(cls)
                waiting += [field.type for field in fields]
            case msgspec.inspect.UnionType(types=choices):
                waiting += choices
            case msgspec.inspect.DictType(value_type=item) | msgspec.inspect.CollectionType(item_type=item):
                waiting.append(item)
            case _:
                pass
    return found


def _as_sent(schema: Schema, kind: type[msgspec.Struct]) -> Schema:
    """What leaves has all its fields, whether they have a default or not."""
    config = kind.__struct_config__
    if config.omit_defaults or "properties" not in schema:
        return schema
    optional = {field.encode_name for field in msgspec.structs.fields(kind) if field.default is msgspec.UNSET}
    return {**schema, "required": [name for name in schema["properties"] if name not in optional]}


def _as_text(schema: Schema) -> Schema:
    """A parameter is there or not: it is never null."""
    schema = {name: value for name, value in schema.items() if name != "default" or value is not None}
    choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        rest = {name: value for name, value in schema.items() if name != "anyOf"}
        return {**choices[0], **rest}
    return {**schema, "anyOf": choices} if choices else schema

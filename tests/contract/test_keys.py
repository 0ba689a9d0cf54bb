"""Keys are a promise for ever: the golden vectors, held against all three implementations."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from services.transformer.hashing import uuid_texts
from services.transformer.statements import open_connection
from shared.core.keys import ORDERED_MARK, canonical_text, key_name, key_uuid, ordered_key_uuid
from shared.plan.key_names import _written
from shared.plan.keys import CanonicalForm

GOLDEN = json.loads(Path(__file__).with_name("keys.json").read_text(encoding="utf-8"))
NAMESPACE = uuid.UUID(GOLDEN["namespace"])
VECTORS = [pytest.param(vector, id=f"{vector['form']} {vector['parts']}") for vector in GOLDEN["vectors"]]

ORDERED = [ORDERED_MARK + vector["name"] for vector in GOLDEN["uuid8"]]
ORDERED_UUIDS = [vector["uuid"] for vector in GOLDEN["uuid8"]]


@pytest.mark.parametrize("vector", VECTORS)
def test_the_reference_keeps_every_vector(vector: dict[str, Any]) -> None:
    name = key_name(GOLDEN["domain"], [canonical_text(vector["form"], part) for part in vector["parts"]])
    assert name == vector["name"]
    assert str(key_uuid(NAMESPACE, name)) == vector["uuid"] == str(uuid.uuid5(NAMESPACE, name))


def test_the_bulk_hash_keeps_every_vector() -> None:
    names = pa.array([vector["name"] for vector in GOLDEN["vectors"]])
    assert uuid_texts(names, NAMESPACE).to_list() == [vector["uuid"] for vector in GOLDEN["vectors"]]


def test_the_sql_keeps_every_vector() -> None:
    connection = open_connection()
    try:
        connection.execute("set variable namespace = $1::blob", [NAMESPACE.bytes])
        for vector in GOLDEN["vectors"]:
            parts = " || '|' || ".join(
                _written(CanonicalForm(vector["form"]), f"${n}::text") for n in range(1, len(vector["parts"]) + 1)
            )
            lowered = [part.lower() if vector["form"] == "uuid" else part for part in vector["parts"]]
            found = connection.execute(f"select 'people:' || {parts}", lowered).fetchall()
            assert found == [(vector["name"],)]
            assert connection.execute("select key_uuid($1)::text", [vector["name"]]).fetchall() == [(vector["uuid"],)]
    finally:
        connection.close()


def test_ordered_keys_keep_every_vector_in_all_three_and_come_in_order() -> None:
    assert [str(ordered_key_uuid(NAMESPACE, one["name"], one["key"])) for one in GOLDEN["uuid8"]] == ORDERED_UUIDS
    assert uuid_texts(pa.array(ORDERED), NAMESPACE).to_list() == ORDERED_UUIDS
    connection = open_connection()
    try:
        connection.execute("set variable namespace = $1::blob", [NAMESPACE.bytes])
        found = [connection.execute("select ordered_key_uuid($1)::text", [name]).fetchall()[0][0] for name in ORDERED]
    finally:
        connection.close()
    assert found == ORDERED_UUIDS == sorted(ORDERED_UUIDS)
    assert {uuid.UUID(text).version for text in ORDERED_UUIDS} == {8}
    assert {uuid.UUID(text).variant for text in ORDERED_UUIDS} == {uuid.RFC_4122}

"""UUIDs of version 8, computed in bulk and in SQL, are those of a version written here bit by bit."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.transformer.engine import Engine
from services.transformer.hashing import uuid_texts
from shared.core.keys import ORDERED_MARK
from shared.plan.keys import CanonicalForm, KeyPartType, KeySignature
from shared.plan.model import Rule, RuleElse
from tests.transforming.mappings import NAMESPACE, Options, compiled, reasons, text, transformed_keyed

MOST = 2**48 - 1
IN_RANGE = st.integers(0, MOST)
ANY = IN_RANGE | st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, -1, MOST, MOST + 1])
BIGINT = KeyPartType(type_name="bigint", duck_type="BIGINT", form=CanonicalForm.INTEGER)
TEXT = KeyPartType(type_name="text", duck_type="VARCHAR", form=CanonicalForm.TEXT)
PARENTS = {
    "ordered": KeySignature(mapping="ordered", key_domain="the:7", parts=(BIGINT,), ordered=True),
    "plain": KeySignature(mapping="plain", key_domain="plain", parts=(TEXT,)),
}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    made = Engine()
    yield made
    made.close()


def independent(namespace: uuid.UUID, name: str, key: int) -> uuid.UUID:
    """Version 8 as the rule is written, over one long integer; version 5 where the key has no place in it."""
    if key < 0 or key.bit_length() > 48:
        return uuid.uuid5(namespace, name)
    leading = int.from_bytes(hashlib.sha1(namespace.bytes + name.encode(), usedforsecurity=False).digest()[:10], "big")
    whole = key << 80 | leading
    whole = whole & ~(0xF << 76) | 8 << 76
    return uuid.UUID(int=whole & ~(0b11 << 62) | 0b10 << 62)


@settings(max_examples=60, deadline=None)
@given(keys=st.lists(ANY, min_size=1, max_size=30), namespace=st.uuids(), domain=st.sampled_from(["a", "a:5", "ä b"]))
def test_the_bulk_hash_is_the_independent_one(keys: list[int], namespace: uuid.UUID, domain: str) -> None:
    names = [f"{domain}:{key}" for key in keys]
    marked = [ORDERED_MARK + name for name in names]
    expected = [str(independent(namespace, name, key)) for name, key in zip(names, keys, strict=True)]
    plain = [str(uuid.uuid5(namespace, name)) for name in names]
    assert uuid_texts(pa.array(marked), namespace).to_list() == expected
    assert uuid_texts(pa.array([*names, None, *marked]), namespace).to_list() == [*plain, None, *expected]


@settings(max_examples=25, deadline=None)
@given(keys=st.lists(IN_RANGE, min_size=1, max_size=20, unique=True), parents=st.data())
def test_references_to_ordered_parents_compute_the_same(
    engine: Engine, keys: list[int], parents: st.DataObject
) -> None:
    columns = {
        "id": ("uuid", "key()"),
        "root": ("uuid", "ref('ordered', p.v)"),
        "inner": ("text", "CAST(ref('ordered', p.v) AS VARCHAR)"),
        "either": ("uuid", "CASE WHEN p.v > 1000 THEN ref('ordered', p.v) ELSE ref('plain', p.v) END"),
        "own": ("text", "CAST(key() AS VARCHAR)"),
    }
    mapping = compiled({"v": "bigint"}, columns, Options(ordered=True, parents=PARENTS))
    values = [parents.draw(ANY) for _ in keys]
    body = transformed_keyed(engine, mapping, [(str(key), str(value)) for key, value in zip(keys, values, strict=True)])
    assert body.row_count == len(keys)
    for number, (row, key, value) in enumerate(zip(_tuples(body.rows, 5), keys, values, strict=True)):
        own, parent = independent(NAMESPACE, f"people:{key}", key), independent(NAMESPACE, f"the:7:{value}", value)
        either = parent if value > 1000 else uuid.uuid5(NAMESPACE, f"plain:{value}")
        assert body.target_keys[number * 16 : number * 16 + 16] == own.bytes
        assert row == [own.bytes, parent.bytes, str(parent).encode(), either.bytes, str(own).encode()]


def test_a_row_whose_key_has_no_place_in_the_order_is_refused_and_the_others_are_not(engine: Engine) -> None:
    rule = Rule(name="small", check=text("p.v < 5"), otherwise=RuleElse.QUARANTINE)
    columns = {"id": ("uuid", "key()"), "v": ("bigint", "p.v")}
    mapping = compiled({"v": "bigint"}, columns, Options(ordered=True, keep="p.v <> 3", rules=(rule,)))
    rows = [("-1", "1"), (str(MOST), "1"), (str(MOST + 1), "9"), ("7", "1"), ("-2", "3")]
    body = transformed_keyed(engine, mapping, rows)
    assert body.legacy_keys == (str(MOST), "7")
    assert {refused.legacy_key: reasons(refused) for refused in body.refused} == {
        "-1": {("key_out_of_range", "id")},
        str(MOST + 1): {("key_out_of_range", "id"), ("rule", "small")},
    }
    assert body.refused[0].target_key == uuid.uuid5(NAMESPACE, "people:-1").bytes
    assert body.filtered_keys == uuid.uuid5(NAMESPACE, "people:-2").bytes


def _tuples(rows: bytes, width: int) -> Iterator[list[bytes]]:
    at = 19
    while int.from_bytes(rows[at : at + 2], "big", signed=True) == width:
        at += 2
        fields = []
        for _ in range(width):
            size = int.from_bytes(rows[at : at + 4], "big", signed=True)
            fields.append(rows[at + 4 : at + 4 + size])
            at += 4 + size
        yield fields

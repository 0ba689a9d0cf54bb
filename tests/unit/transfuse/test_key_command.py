from __future__ import annotations

from uuid import UUID

import pytest

from shared.core.errors import Refused
from shared.core.keys import MOST_ORDERED, key_uuid, ordered_key_uuid
from shared.plan.keys import CanonicalForm, KeyPartType, KeySignature
from transfuse.commands.key import uuid_of

NAMESPACE = UUID("8a3c1f62-5a0e-4f0e-9c55-0d6b3f1f7f10")
PART = KeyPartType(type_name="bigint", duck_type="BIGINT", form=CanonicalForm.INTEGER)


def signature(*, ordered: bool) -> KeySignature:
    return KeySignature(mapping="patients", key_domain="people", parts=(PART,), ordered=ordered)


def test_it_prints_the_version_that_the_mapping_has() -> None:
    assert uuid_of(NAMESPACE, signature(ordered=False), ("010771",)) == key_uuid(NAMESPACE, "people:10771")
    ordered = uuid_of(NAMESPACE, signature(ordered=True), ("010771",))
    assert ordered == ordered_key_uuid(NAMESPACE, "people:10771", 10771)
    assert int(str(ordered)[:13].replace("-", ""), 16) == 10771


@pytest.mark.parametrize("key", (-1, MOST_ORDERED + 1))
def test_it_refuses_a_key_that_a_run_would_refuse(key: int) -> None:
    with pytest.raises(Refused, match="from 0 to 281474976710655"):
        uuid_of(NAMESPACE, signature(ordered=True), (str(key),))

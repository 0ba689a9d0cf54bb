"""The portal's generator promises the same bytes for the same seed and scale: manifests and outcomes rest on it."""

from __future__ import annotations

import hashlib
import json
from collections import deque

from transfuse.samples.portal.gen.core import World
from transfuse.samples.portal.generate import build

# Of the generator as it was first published, seed 7, scale 0.01.
EVERY_TABLE = "00f31ce5ee9c0bde16c73ae2426ed09bcd54e735590ed674eddb7f36eb1524a7"
PATIENTS = "4338840f5ba8b3b34f623a79fa65909228d0c455f933a6f85344654470d56211"


def checksums(seed: int, scale: float) -> dict[str, str]:
    world, tables = build(seed, scale)
    for table in tables:
        deque(table.chunks(), maxlen=0)
    return sums(world)


def sums(world: World) -> dict[str, str]:
    return dict(sorted(world.ledger.sha256.items()))


def test_seed_and_scale_decide_every_byte_of_every_table() -> None:
    found = checksums(7, 0.01)
    assert found["dispatch_patient"] == PATIENTS
    assert hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest() == EVERY_TABLE


def test_another_seed_makes_another_portal() -> None:
    assert checksums(21, 0.01)["dispatch_patient"] != PATIENTS

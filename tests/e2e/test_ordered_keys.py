"""`keys: uuid8` from end to end: rows and references in the order of the legacy keys, and what has no place in it."""

from __future__ import annotations

from uuid import UUID

import pytest

from shared.core.counts import Counts
from shared.core.keys import ordered_key_uuid
from shared.core.states import RunState
from tests.harness.clinic import fill
from tests.harness.command_line import transfuse
from tests.harness.grove import NODES, PLAN, grove, passes, rows, run, written
from tests.harness.servers import Servers

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]
NAMESPACE = UUID("2b7e1516-28ae-42d2-a6ab-f7158809cf4f")
ORDERED = PLAN.replace("name: tree\n", "name: tree\nkeys: uuid8\n").replace(
    "    columns: {id: key()", "    clear: [legacy_id]\n    columns: {id: key()"
)
NEGATIVE = "insert into node values (-5, 1, 'below', 'dark'); update node set parent_id = -5 where id = 300"
FOUND = """
select n.id, n.legacy_id, p.legacy_id, coalesce(p.id = n.parent_id, n.parent_id is null)
  from nodes n left join nodes p on p.id = n.parent_id order by n.id
"""
REFUSED = "select reasons -> 0 ->> 'code' from transfuse.quarantine order by 1"


async def test_ordered_keys_arrive_in_the_order_of_the_legacy_keys_and_references_find_them(servers: Servers) -> None:
    async with grove(servers, own=True) as (installation, legacy):
        await fill(legacy, NEGATIVE)
        said, snapshot = await run(installation, "--batch-rows", "100", text=ORDERED)
        assert snapshot.state is RunState.COMPLETED, said.text
        found = await rows(installation.target, FOUND)
        printed = await transfuse(installation, "key", "--plan", written(installation, ORDERED), "nodes", "300")
        outside = await transfuse(installation, "key", "--plan", written(installation, ORDERED), "nodes", "--", "-5")
        assert await rows(installation.target, REFUSED) == [("key_out_of_range",), ("rule",)]
    numbers = [int(str(number)) for _, number, _, _ in found]
    assert numbers == sorted(numbers)
    assert [key for key, _, _, _ in found] == [ordered_key_uuid(NAMESPACE, f"nodes:{n}", n) for n in numbers]
    assert all(sound for _, _, _, sound in found)
    assert (300, None) in [(number, parent) for _, number, parent, _ in found]
    assert passes(snapshot)["nodes", 1] == Counts(read=NODES + 1, loaded=NODES - 2, filtered=1, quarantined=2)
    assert printed.out.strip() == str(ordered_key_uuid(NAMESPACE, "nodes:300", 300))
    assert outside.code != 0
    assert "key_out_of_range" in outside.text

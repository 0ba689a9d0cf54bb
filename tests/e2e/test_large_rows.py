"""Rows that no message carries arrive all the same; those above the limit wait in quarantine, and the run goes on."""

from __future__ import annotations

import pytest

from shared.core.counts import Counts
from shared.core.states import RunState
from tests.harness.clinic import fill
from tests.harness.grove import NODES, TREE, grove, passes, rows, run
from tests.harness.servers import Servers

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]
LIMITS = {"MAX_ROW_BYTES": "300000", "MESSAGE_BODY_BYTES": "65536"}
LARGE = """
update node set name = (select string_agg(md5(g::text), '') from generate_series(1, 6000) g)
where id = 500;
update node set parent_id = 601 where id = 500;
update node set name = (select string_agg(md5(g::text), '') from generate_series(1, 12000) g) where id = 600;
update node set parent_id = 600 where id = 602;
update node set parent_id = 500 where id = 603;
"""
REFUSED = "select stage, reasons -> 0 ->> 'code', masked ->> 'key.k0' is not null from transfuse.quarantine"
PARENTS = "select n.legacy_id, p.legacy_id from nodes n left join nodes p on p.id = n.parent_id"


async def test_a_row_larger_than_a_message_arrives_and_one_above_the_limit_is_quarantined_for_its_size(
    servers: Servers,
) -> None:
    async with grove(servers, own=True) as (installation, legacy):
        await fill(legacy, LARGE)
        said, snapshot = await run(installation, **LIMITS)
        assert snapshot.state is RunState.COMPLETED, said.text
        assert await rows(installation.target, f"{PARENTS} where n.legacy_id in (500, 602, 603) order by 1") == [
            (500, 601),
            (602, None),
            (603, 500),
        ]
        whole = "select md5(name) from {} where {} = 500"
        assert await rows(installation.target, whole.format("nodes", "legacy_id")) == await rows(
            legacy, whole.format("node", "id")
        )
        assert len(await rows(installation.target, TREE)) == NODES - 3
        assert ("transform", "row_too_large", True) in await rows(installation.target, REFUSED)
        assert await rows(installation.target, "select count(*) from transfuse.body") == [(0,)]
        generations = "select max(generation) from transfuse.batch where mapping = 'nodes' and pass = 1"
        assert (await rows(installation.target, generations))[0] > (1,)
    assert passes(snapshot)["nodes", 1] == Counts(read=NODES, loaded=NODES - 3, filtered=1, quarantined=2)

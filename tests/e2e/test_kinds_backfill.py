"""The kind of transformation that comes late: one column, when its rows have long been there."""

from __future__ import annotations

import asyncpg
import pytest

from shared.core.counts import Counts
from shared.core.states import LoadMode, RunState
from shared.plan.reader import read_plan
from shared.plan.references import dependencies
from tests.harness.command_line import transfuse
from tests.harness.ledger import ledger_of
from tests.harness.portal import PLAN
from tests.harness.servers import Servers

SCALE = 0.005
SUFFIXES = "select legacy_instruction_id, suffix from orders where suffix is not null"
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def with_ancestors(name: str) -> list[str]:
    """A mapping of the portal's plan, and all that it refers to over any number of others."""
    depends_on = dependencies(read_plan(PLAN).mappings)
    found: dict[str, None] = {}
    ahead = [name]
    while ahead:
        mapping = ahead.pop()
        if mapping not in found:
            found[mapping] = None
            ahead += depends_on[mapping]
    return list(found)


async def test_kind_38_later_back_fill_of_a_column(servers: Servers) -> None:
    portal = await servers.portal(SCALE)
    async with servers.portal_installation(SCALE) as installation, ledger_of(installation) as ledger:
        loaded = await transfuse(installation, "run", str(PLAN), "--only", ",".join(with_ancestors("orders")))
        before = await ledger.progress.read(await ledger.youngest())
        assert before.state is RunState.COMPLETED, loaded.text
        orders = "select legacy_instruction_id, to_jsonb(o) from orders o order by 1"
        there = await ledger.connection.fetch(orders)
        (dropped,) = await ledger.connection.fetchrow("select max(legacy_instruction_id) from orders")
        await ledger.connection.execute("update orders set suffix = null")
        await ledger.connection.execute("delete from orders where legacy_instruction_id = $1", dropped)

        filled = await transfuse(installation, "run", str(PLAN), "--only", "orders.suffix")

        snapshot = await ledger.progress.read(await ledger.youngest())
        assert (snapshot.state, snapshot.mode) == (RunState.COMPLETED, LoadMode.PATCH), filled.text
        assert await ledger.connection.fetch(orders) == [row for row in there if row[0] != dropped]
        (counts,) = (mapping.counts for mapping in snapshot.mappings)
        suffixes = dict(await ledger.connection.fetch(SUFFIXES))
        has_suffix = len(suffixes)
        read = next(one.counts.read for one in before.mappings if one.mapping == "orders")
        assert has_suffix > 0
        assert counts == Counts(
            read=read,
            updated=has_suffix,
            unchanged=len(there) - 1 - has_suffix,
            filtered=read - len(there) + 1,
        )
        assert [(one.code, one.row_count) for one in snapshot.warnings] == [("not_in_target", counts.filtered)]
    legacy = await asyncpg.connect(portal.owner)
    try:
        written = await legacy.fetch("select id, suffix from dispatch_instruction where id = any ($1)", list(suffixes))
    finally:
        await legacy.close()
    assert suffixes == {row["id"]: " ".join(row["suffix"].split()) for row in written}

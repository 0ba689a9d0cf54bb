"""At every step of an undo whoever comes by is killed or fails: the target is what it was before the run."""

from __future__ import annotations

import re
import signal

import pytest

from shared.core.states import RunState
from shared.runtime.failpoints import Action
from tests.harness import clinic
from tests.harness.clinic_installation import clinic_installation
from tests.harness.command_line import transfuse
from tests.harness.installation import ROOT
from tests.harness.ledger import LedgerView, ledger_of
from tests.harness.salvos import UNDO
from tests.harness.servers import Servers
from transfuse.exit_codes import ExitCode

STEPS = tuple(
    sorted(
        name
        for path in (ROOT / "services/loader/undo").glob("*.py")
        for name in re.findall(r'failpoint\("([^"]+)"\)', path.read_text(encoding="utf-8"))
    )
)
ROWS = "select array_agg(p::text order by id) from public.people p"
pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


@pytest.mark.parametrize("action", (Action.KILL, Action.RAISE))
async def test_an_undo_that_is_disturbed_at_any_named_step_takes_back_the_same(
    servers: Servers, action: Action
) -> None:
    assert STEPS
    assert all(name.startswith(UNDO) for name in STEPS)
    home = servers.folder()
    async with (
        clinic_installation(servers.postgres, home) as installation,
        ledger_of(installation) as ledger,
    ):
        plan = clinic.written(home, clinic.PLAN)
        merge = ("run", plan, "--mode", "merge", "--batch-rows", "1")
        said = await transfuse(installation, *merge)
        assert said.code in {ExitCode.OK, ExitCode.WARNINGS}, said.text
        await ledger.connection.execute(
            """delete from public.people where legacy_id = 3;
               update public.people set name = 'Mine' where legacy_id = 1"""
        )
        before = await ledger.connection.fetchval(ROWS)
        for name in STEPS:
            said = await transfuse(installation, *merge)
            assert said.code in {ExitCode.OK, ExitCode.WARNINGS}, said.text
            run = await ledger.youngest()
            assert await ledger.connection.fetchval(ROWS) != before, name
            variable = f"TRANSFUSE_FAILPOINT_{name.upper().replace('.', '_')}"
            disturbed = await transfuse(installation, "undo", **{"TRANSFUSE_FAILPOINTS": "1", variable: action.value})
            if action is Action.KILL:
                assert disturbed.code == -signal.SIGKILL, f"nobody came by {name}: {disturbed.text}"
                await transfuse(installation, "resume")
            assert await undone(ledger, run), name
            assert await ledger.connection.fetchval(ROWS) == before, name


async def undone(ledger: LedgerView, run: object) -> bool:
    """Whether the youngest run is the undo of this one, which has ended well."""
    row = await ledger.connection.fetchrow(
        """select u.state, u.about_run, r.undone_at is not null as undone
             from transfuse.run u join transfuse.run r on r.id = u.about_run order by u.created_at desc limit 1"""
    )
    return bool(row["state"] == RunState.COMPLETED and row["about_run"] == run and row["undone"])

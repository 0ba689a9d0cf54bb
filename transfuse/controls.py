"""Runs and their refused rows, of the API that was named or of the workspace's ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import msgspec

from shared.core.errors import Refused
from shared.core.states import RunKind
from transfuse.ledger_runs import LedgerRuns
from transfuse.operator import operator
from transfuse.quarantine_control import QuarantineControl
from transfuse.run_control import RunControl

LOOKED_AT = 200
"""Runs among which the youngest that moved rows is looked for."""


class Controls(msgspec.Struct, frozen=True):
    """Both ports over one connection."""

    runs: RunControl
    quarantine: QuarantineControl

    async def run_or_latest(self, run: UUID | None) -> UUID:
        """The run that was named, else the youngest that read all rows. Raises Refused `unknown_run`."""
        if run is not None:
            return run
        for found in await self.runs.list(None, LOOKED_AT):
            if found.kind in {RunKind.MIGRATE, RunKind.DIFFERENTIAL}:
                return found.id
        raise Refused("There is no run yet.", remedy="Start one with `transfuse run PLAN`.", code="unknown_run")


@asynccontextmanager
async def controls(home: Path, api: str | None) -> AsyncIterator[Controls]:
    """Both ports. Raises Refused for a workspace or a ledger that is not there."""
    if api:
        from transfuse.remote.address import api_address  # noqa: PLC0415 - over a ledger nobody waits for its loading
        from transfuse.remote.client import api_client  # noqa: PLC0415
        from transfuse.remote.quarantine import GatewayQuarantine  # noqa: PLC0415
        from transfuse.remote.runs import GatewayRuns  # noqa: PLC0415

        async with api_client(api_address(api)) as client:
            yield Controls(GatewayRuns(client), GatewayQuarantine(client))
        return
    from transfuse.ledger_quarantine import LedgerQuarantine  # noqa: PLC0415 - over an API nobody waits for the loader's

    async with operator(home) as ledger:
        yield Controls(LedgerRuns(ledger), LedgerQuarantine(ledger))

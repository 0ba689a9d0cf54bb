"""`--api`: the same command against a gateway somewhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click

from transfuse.ledger_runs import LedgerRuns
from transfuse.operator import operator
from transfuse.run_control import RunControl

api_option = click.option(
    "--api",
    metavar="URL",
    envvar="TRANSFUSE_API",
    help="Over the API of the gateway there, not the ledger of --home; sign in with `transfuse login`.",
)


@asynccontextmanager
async def run_control(home: Path, api: str | None) -> AsyncIterator[RunControl]:
    """The runs of the API that was named, else of the workspace's ledger."""
    if api:
        from transfuse.remote.address import api_address  # noqa: PLC0415 - over a ledger nobody waits for its loading
        from transfuse.remote.client import api_client  # noqa: PLC0415
        from transfuse.remote.runs import GatewayRuns  # noqa: PLC0415

        async with api_client(api_address(api)) as client:
            yield GatewayRuns(client)
        return
    async with operator(home) as ledger:
        yield LedgerRuns(ledger)

"""Runs in which processes are killed, or fail, at steps that the services name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import UUID

import aio_pika
import asyncpg

from shared.bus.topology import Topology
from shared.core.ids import BatchRef
from shared.core.states import FINAL
from shared.messages import ExtractBatch
from shared.messages.codec import CONTENT_TYPE, encode, tag_of
from tests.harness.fleet import fleet
from tests.harness.installation import Installation, installed
from tests.harness.salvos import Salvo
from tests.harness.servers import Servers
from tests.harness.surgery import own_surgery, surgery_target
from tests.harness.trials import Lost, Trials, impatient_dispatcher, trials

A_BATCH = "select mapping, pass, seq, generation from transfuse.batch where run_id = $1 order by state = 'planned' desc"


class FailpointTrials:
    """Trials of steps by name, in an installation whose services heed the folder."""

    def __init__(self, trials: Trials, folder: Path, legacy: str) -> None:
        self._trials = trials
        self._folder = folder
        self._legacy = legacy

    async def survives(self, salvo: Salvo) -> None:
        """A run in which all of it happens. Raises Lost, also where nobody came by a step."""
        await self._trials.undisturbed(salvo.only)
        for name, action in salvo.steps.items():
            (self._folder / name).write_text(action, encoding="ascii")
        try:
            async with AsyncExitStack() as stack:
                run = await self._trials.start(salvo.only)
                if salvo.drifts:
                    await self._drift(run)
                if salvo.has_letters:
                    await self._bury(run)
                await self._trials.until(lambda: self._dispatched(run))
                await stack.enter_async_context(impatient_dispatcher(self._trials.installation))
                await self._trials.survived(run, salvo.only)
            if left := sorted(file.name for file in self._folder.iterdir()):
                raise Lost(f"nobody came by {', '.join(left)}")
        finally:
            for file in self._folder.iterdir():
                file.unlink()

    async def _dispatched(self, run: UUID) -> bool:
        """Whether the gateway has come by its steps, or nothing more will come of waiting for it."""
        if not list(self._folder.glob("gateway.*")):
            return True
        await self._trials.resume_expected(run)
        return await self._trials.state(run) in FINAL

    async def _drift(self, run: UUID) -> None:
        """A column of the last mapping goes before that is read, and comes back when all have met it."""
        await self._trials.middle(run, settled=1)
        owner = await asyncpg.connect(self._legacy)
        try:
            await owner.execute("alter table visit rename note to other")
            await self._trials.until(lambda: self._nothing_left(run))
            await owner.execute("alter table visit rename other to note")
        finally:
            await owner.close()

    async def _nothing_left(self, run: UUID) -> bool:
        return not list(self._folder.iterdir()) or await self._trials.state(run) in FINAL

    async def _bury(self, run: UUID) -> None:
        """A batch's command becomes a dead letter."""
        await self._trials.middle(run, settled=1)
        async with self._trials.pool.acquire() as connection:
            row = await connection.fetchrow(A_BATCH, run)
        names = {"mapping": row["mapping"], "pass_number": row["pass"]}
        batch = BatchRef(run=run, seq=row["seq"], generation=row["generation"], **names)
        await bury(self._trials.installation, batch)


async def bury(installation: Installation, batch: BatchRef) -> None:
    """Put a batch's command among the dead letters."""
    letter = ExtractBatch(batch=batch)
    async with await aio_pika.connect(installation.rabbitmq or "") as broker:
        channel = await broker.channel()
        message = aio_pika.Message(encode(letter), type=tag_of(letter), content_type=CONTENT_TYPE)
        dead = Topology(prefix=installation.bus_prefix).dead
        await channel.default_exchange.publish(message, routing_key=dead)


@asynccontextmanager
async def failpoint_trials(servers: Servers) -> AsyncIterator[FailpointTrials]:
    """An installation of its own, at work."""
    async with AsyncExitStack() as stack:
        reader, owner = await stack.enter_async_context(own_surgery(servers.postgres))
        target = await surgery_target(servers.postgres)
        installation = await stack.enter_async_context(
            installed(
                servers.folder(),
                server=servers.postgres,
                legacy=reader,
                template=target,
                rabbitmq=servers.rabbitmq,
            )
        )
        folder = installation.home / "failpoints"
        folder.mkdir()
        switches = {"TRANSFUSE_FAILPOINTS": "1", "TRANSFUSE_FAILPOINTS_FOLDER": str(folder)}
        await stack.enter_async_context(fleet(installation, **switches))
        yield FailpointTrials(await stack.enter_async_context(trials(installation)), folder, owner)

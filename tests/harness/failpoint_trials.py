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

TAKE = "create table aside.visit as select * from visit where id % 7 = 0; delete from visit where id % 7 = 0"
PUT_BACK = "insert into visit table aside.visit; drop table aside.visit"
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
        try:
            if salvo.undoes:
                await self._undo(salvo)
            elif salvo.removes:
                await self._remove(salvo)
            else:
                await self._move(salvo)
            if left := sorted(file.name for file in self._folder.iterdir()):
                raise Lost(f"nobody came by {', '.join(left)}")
        finally:
            for file in self._folder.iterdir():
                file.unlink()

    async def _move(self, salvo: Salvo) -> None:
        """A run into an empty target."""
        self._arm(salvo)
        async with AsyncExitStack() as stack:
            run = await self._trials.start(salvo.only, suspends=salvo.suspends)
            if salvo.drifts:
                await self._drift(run)
            if salvo.has_letters:
                await self._bury(run)
            await self._trials.until(lambda: self._dispatched(run))
            await stack.enter_async_context(impatient_dispatcher(self._trials.installation))
            await self._trials.survived(run, salvo.only)

    async def _undo(self, salvo: Salvo) -> None:
        """A run, and its undo, which leaves an empty target."""
        await self._trials.empty()
        before = await self._trials.hashed()
        run = await self._trials.ask(salvo.only)
        await self._trials.end(run)
        self._arm(salvo)
        async with impatient_dispatcher(self._trials.installation):
            await self._trials.end(await self._trials.undo(run))
        if await self._trials.hashed() != before:
            raise Lost("the undo has left rows behind")

    async def _remove(self, salvo: Salvo) -> None:
        """A run, and a merge that finds rows gone: what is left is what a run without them makes."""
        await self._trials.end(await self._trials.start(salvo.only))
        async with impatient_dispatcher(self._trials.installation), self._without_visits():
            self._arm(salvo)
            await self._trials.end(await self._trials.ask(salvo.only, merges=True))
            removed = await self._trials.hashed()
            await self._trials.end(await self._trials.start(salvo.only))
            if removed != await self._trials.hashed():
                raise Lost("what is left is not what a run without these rows makes")

    @asynccontextmanager
    async def _without_visits(self) -> AsyncIterator[None]:
        """Some visits are not in the source, for as long as the context lasts."""
        owner = await asyncpg.connect(self._legacy)
        try:
            await owner.execute(TAKE)
            yield
        finally:
            await owner.execute(PUT_BACK)
            await owner.close()

    def _arm(self, salvo: Salvo) -> None:
        for name, action in salvo.steps.items():
            (self._folder / name).write_text(action, encoding="ascii")

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

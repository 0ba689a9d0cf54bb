"""The servers of a test session, and what is set up on them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec

from shared.ledger.snapshots import RunSnapshot
from tests.harness.command_line import Said, transfuse
from tests.harness.databases import PREFIX, filled
from tests.harness.installation import Installation, install_in, installed
from tests.harness.ledger import ledger_of
from tests.harness.portal import PLAN, SEED, Portal, portal, portal_target
from transfuse.samples.portal.target import create_target


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """A run that has ended, undisturbed, in a target that nobody writes any more."""

    target: str
    run: UUID
    snapshot: RunSnapshot
    said: Said


class Servers(msgspec.Struct, frozen=True, kw_only=True):
    """Where PostgreSQL (as superuser) and RabbitMQ are; `folder` makes a new folder at each call.

    `portals` and `runs` keep, by scale and seed, what does not change while a session lasts.
    """

    postgres: str
    rabbitmq: str
    folder: Callable[[], Path]
    portals: dict[tuple[float, int], Portal] = {}
    runs: dict[tuple[float, int], Finished] = {}

    async def portal(self, scale: float, seed: int = SEED) -> Portal:
        """The legacy portal at a scale."""
        if (scale, seed) not in self.portals:
            self.portals[scale, seed] = await portal(self.postgres, scale, seed)
        return self.portals[scale, seed]

    @asynccontextmanager
    async def portal_installation(
        self, scale: float, *, rabbitmq: bool = False, schemas: tuple[str, ...] = ("public",)
    ) -> AsyncIterator[Installation]:
        """The portal at a scale and an empty target, with or without a broker; `schemas` are those that are written."""
        legacy = (await self.portal(scale)).legacy
        template = await portal_target(self.postgres)
        async with installed(
            self.folder(),
            server=self.postgres,
            legacy=legacy,
            template=template,
            rabbitmq=self.rabbitmq if rabbitmq else None,
            schemas=schemas,
        ) as installation:
            yield installation

    async def undisturbed_portal(self, scale: float, seed: int = SEED) -> Finished:
        """The portal at a scale, migrated by one process once in a session."""
        if (scale, seed) in self.runs:
            return self.runs[scale, seed]
        legacy = (await self.portal(scale, seed)).legacy
        name = f"{PREFIX}run_{round(scale * 1000)}_{seed}"

        async def run(url: str) -> None:
            await create_target(url)
            installation = await install_in(self.folder(), url, legacy=legacy, role_prefix=name)
            await keep(url, await transfuse(installation, "run", str(PLAN)))

        target = await filled(self.postgres, name, run)
        self.runs[scale, seed] = await finished(target)
        return self.runs[scale, seed]


async def finished(target: str) -> Finished:
    """The youngest run of a target in which `keep` was called."""
    connection = await asyncpg.connect(target)
    try:
        said = msgspec.json.decode(await connection.fetchval("select content from sample.said"), type=Said)
    finally:
        await connection.close()
    installation = Installation(home=Path(), legacy="", target=target, role_prefix="", bus_prefix="", rabbitmq=None)
    async with ledger_of(installation) as ledger:
        run = await ledger.youngest()
        return Finished(target=target, run=run, snapshot=await ledger.progress.read(run), said=said)


async def keep(url: str, said: Said) -> None:
    """Note in the target what the command said."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("create schema sample")
        await connection.execute("create table sample.said (content text not null)")
        await connection.execute("insert into sample.said values ($1)", msgspec.json.encode(said).decode())
    finally:
        await connection.close()

"""Runs of one installation, one after another, each of which may be disturbed and must end as if it had not been."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import TypeVar
from uuid import UUID

import asyncpg
import msgspec

from services.gateway.dispatcher import Dispatcher
from shared.bus.rabbit import RabbitBus
from shared.bus.topology import Topology
from shared.core.counts import Counts
from shared.core.errors import WorldError
from shared.core.run_options import RunOptions
from shared.core.states import FINAL, LoadMode, RunState
from shared.ledger.dispatch import Dispatch, DispatchOptions
from shared.ledger.progress import Progress
from shared.ledger.runs import Runs
from shared.ledger.snapshots import QuarantineCount, RunSnapshot, WarningCount
from shared.ledger.undos import NewUndo, Undos
from shared.plan.model import Plan
from shared.postgres.pools import Pool, Session, open_pool
from shared.postgres.table_hash import hash_tables
from tests.harness.databases import address_of
from tests.harness.installation import Installation
from tests.harness.ledger import LOOK_SECONDS
from tests.harness.portal import target_tables
from tests.harness.surgery import BATCH_BYTES, BATCH_ROWS, SMALL_MAPPINGS, surgery_plan
from transfuse.starting import start

T = TypeVar("T")
ACTOR = "tester"
DRAIN_SECONDS = 10.0
LONGEST_SECONDS = 75.0
"""After which a run that does not end counts as lost."""
IMPATIENT = DispatchOptions(lost_seconds=1, lost_factor=0, command_lost_seconds=2)
"""A dispatcher that does not wait the half minute in which a batch usually counts as lost."""
EXPECTED = frozenset({"snapshot_lost", "schema_drifted", "asked", "target_unreachable"})
"""Reasons for which a disturbed run may pause."""
MOVES = """
select count(*) filter (where state = 'settled') as settled,
       count(*) filter (where state in ('planned', 'dispatched')) as open, max(settled_at) as last
  from transfuse.batch where run_id = $1
"""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to: the target's hash, and what the ledger counts."""

    sha256: str
    counts: dict[tuple[str, int], Counts]
    quarantine: tuple[QuarantineCount, ...]
    warnings: tuple[WarningCount, ...]


class Lost(AssertionError):
    """A run that did not survive; the text says why."""


class Trials:
    """The runs of one installation."""

    def __init__(self, installation: Installation, pool: Pool, plan: Plan) -> None:
        self.installation = installation
        self.pool = pool
        self.runs = Runs(pool)
        self.progress = Progress(pool)
        self._plan = plan
        self._undisturbed: dict[tuple[str, ...], Outcome] = {}

    async def undisturbed(self, only: tuple[str, ...] = SMALL_MAPPINGS) -> Outcome:
        """What a run comes to that nothing happens to; made once."""
        if only not in self._undisturbed:
            run = await self.start(only)
            self._undisturbed[only] = await self.outcome(await self.end(run))
        return self._undisturbed[only]

    async def start(self, only: tuple[str, ...] = SMALL_MAPPINGS, *, suspends: bool = False) -> UUID:
        """A run into an empty target."""
        await self.empty()
        return await self.ask(only, suspends=suspends)

    async def ask(
        self, only: tuple[str, ...] = SMALL_MAPPINGS, *, suspends: bool = False, merges: bool = False
    ) -> UUID:
        """Ask for a run. Raises Refused where there is one."""
        options = RunOptions(batch_rows=BATCH_ROWS, batch_bytes=BATCH_BYTES, only=only, suspend_constraints=suspends)
        mode = LoadMode.MERGE if merges else LoadMode.INSERT
        return await start(self.runs, self._plan, actor=ACTOR, migration="surgery", options=options, mode=mode)

    async def undo(self, run: UUID) -> UUID:
        """Ask for the undo of a run."""
        return await Undos(self.pool).start(NewUndo(run=run, actor=ACTOR, transfuse_version=version("transfuse")))

    async def hashed(self) -> str:
        """The target's hash."""

        async def look() -> str:
            async with self.pool.acquire() as connection:
                return (await hash_tables(connection, target_tables(self._plan))).sha256

        return await patiently(look)

    async def empty(self) -> None:
        """Take every row out of the target."""
        tables = ", ".join(dict.fromkeys(table.table.sql for table in target_tables(self._plan)))

        async def truncate() -> None:
            async with self.pool.acquire() as connection:
                await connection.execute(f"truncate {tables} cascade")

        await patiently(truncate)

    async def moves(self, run: UUID) -> tuple[int, int]:
        """How many batches are settled, and how many are open."""

        async def look() -> asyncpg.Record:
            async with self.pool.acquire() as connection:
                return await connection.fetchrow(MOVES, run)

        row = await patiently(look)
        return row["settled"], row["open"]

    async def state(self, run: UUID) -> RunState:
        """The run's state."""
        return (await patiently(lambda: self.runs.get(run))).state

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Return as soon as the condition holds. Raises Lost where it does not for too long."""
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                while not await condition():  # noqa: ASYNC110 - what is looked at is in another process
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            raise Lost(f"nothing happened within {LONGEST_SECONDS:.0f} s") from None

    async def middle(self, run: UUID, settled: int = 5) -> None:
        """Return when so many batches are settled, or the run is over; it is resumed where it pauses before."""

        async def there() -> bool:
            await self.resume_expected(run)
            return (await self.moves(run))[0] >= settled or await self.state(run) in FINAL

        await self.until(there)

    async def end(self, run: UUID) -> RunSnapshot:
        """The completed run; it is resumed where it pauses. Raises Lost."""
        began, found = time.monotonic(), await patiently(lambda: self.runs.get(run))
        while time.monotonic() - began < LONGEST_SECONDS:
            found = await patiently(lambda: self.runs.get(run))
            if found.state is RunState.COMPLETED:
                return await patiently(lambda: self.progress.read(run))
            if found.state in FINAL:
                raise Lost(f"the run is {found.state} ({found.reason}): {found.message}")
            await self.resume_expected(run)
            await asyncio.sleep(LOOK_SECONDS)
        raise Lost(f"the run is {found.state} after {LONGEST_SECONDS:.0f} s ({await self.moves(run)} settled and open)")

    async def resume(self, run: UUID) -> None:
        """Go on with a run that is paused."""
        await patiently(lambda: self.runs.resume(run, actor=ACTOR, only_stopped=True))

    async def resume_expected(self, run: UUID) -> None:
        """Go on with the run if it is paused as a disturbed one may be. Raises Lost where it is for another reason."""
        found = await patiently(lambda: self.runs.get(run))
        if found.state is RunState.PAUSED:
            if found.reason not in EXPECTED:
                raise Lost(f"the run is paused ({found.reason}): {found.message}")
            await self.resume(run)

    async def outcome(self, snapshot: RunSnapshot) -> Outcome:
        """What a completed run came to. Raises Lost where it does not balance."""
        if wrong := [balance.mapping for balance in snapshot.balances if not balance.balances]:
            raise Lost(f"the run does not balance: {', '.join(wrong)}")
        return Outcome(
            sha256=await self.hashed(),
            counts={(one.mapping, one.pass_number): one.counts for one in snapshot.mappings},
            quarantine=snapshot.quarantine,
            warnings=snapshot.warnings,
        )

    async def survived(self, run: UUID, only: tuple[str, ...] = SMALL_MAPPINGS) -> RunSnapshot:
        """The run's end, which is that of the undisturbed one, made before. Raises Lost."""
        wanted = self._undisturbed[only]
        snapshot = await self.end(run)
        found = await self.outcome(snapshot)
        for name in Outcome.__struct_fields__:
            if getattr(found, name) != getattr(wanted, name):
                raise Lost(f"the {name} differ from those of the undisturbed run")
        return snapshot


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until the world is there."""
    began = time.monotonic()
    while True:
        try:
            return await ask()
        except (WorldError, OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError) as error:
            if time.monotonic() - began > LONGEST_SECONDS:
                raise Lost(f"the world is away ({type(error).__name__})") from error
            await asyncio.sleep(LOOK_SECONDS)


def seed_of_session() -> int:
    """TRANSFUSE_FAULTS_SEED where somebody repeats what happened, else a new one."""
    return int(os.environ.get("TRANSFUSE_FAULTS_SEED") or secrets.randbelow(10**6))


@asynccontextmanager
async def trials(installation: Installation) -> AsyncIterator[Trials]:
    """The surgery's runs in an installation whose services work."""
    plan = surgery_plan(installation.home)
    async with open_pool(address_of(installation.target), "ledger", Session(search_path='""'), most=4) as pool:
        yield Trials(installation, pool, plan)


@asynccontextmanager
async def impatient_dispatcher(installation: Installation) -> AsyncIterator[None]:
    """A second dispatcher, as a second gateway would be one, that finds quickly what is lost."""
    assert installation.rabbitmq is not None
    draining = asyncio.Event()
    async with AsyncExitStack() as stack:
        topology = Topology(prefix=installation.bus_prefix)
        bus = await stack.enter_async_context(RabbitBus(installation.rabbitmq, topology=topology))
        address = address_of(installation.target)
        pool = await stack.enter_async_context(open_pool(address, "ledger", Session(), most=2))
        dispatcher = Dispatcher(Dispatch(pool, IMPATIENT), bus)
        task = asyncio.create_task(dispatcher.run(draining), name="impatient dispatcher")
        try:
            yield
        finally:
            draining.set()
            await asyncio.wait([task], timeout=DRAIN_SECONDS)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

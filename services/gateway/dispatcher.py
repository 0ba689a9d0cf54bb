"""The one loop that turns ledger state into commands on the bus."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from shared.bus.port import Bus
from shared.core.backoff import Backoff
from shared.core.errors import BusUnavailable, WorldError
from shared.ledger.dispatch import Dispatch, Turn
from shared.messages import Command, HealthReported, RunChanged
from shared.runtime.failpoints import failpoint
from shared.telemetry.logging import get_logger

log = get_logger(__name__)

TICK_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 10.0


async def one_second() -> None:
    """The tick: what no event tells, such as a failed attempt, is noticed within a second."""
    await asyncio.sleep(TICK_SECONDS)


class Dispatcher:
    """Looks at the ledger after every event and at every tick, and publishes what the look asks for.

    All it knows is in the ledger. What cannot be published is given back, and when ledger or bus are away it waits for
    them; what it did not give back in time counts as lost and is issued again.
    """

    def __init__(self, dispatch: Dispatch, bus: Bus, *, tick: Callable[[], Awaitable[None]] = one_second) -> None:
        self._dispatch = dispatch
        self._bus = bus
        self._tick = tick
        self._woken = asyncio.Event()
        self._backoff = Backoff(first_seconds=0.2, most_seconds=LONGEST_WAIT_SECONDS)

    async def run(self, draining: asyncio.Event) -> None:
        """Dispatch until `draining` is set. Raises what is neither the ledger's nor the bus's absence."""
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(self._listen(), name="dispatcher events")
            while not draining.is_set():
                self._woken.clear()
                try:
                    await self._look()
                except WorldError as error:
                    log.warning("dispatching waits for the world", error=error)
                    await _first_of(draining.wait(), asyncio.sleep(self._backoff.next_seconds()))
                else:
                    self._backoff.reset()
                    await _first_of(draining.wait(), self._woken.wait(), self._tick())
            listening.cancel()

    async def _look(self) -> None:
        turn = await self._dispatch.tick()
        for change in turn.changes:
            log.info("a run changed", run=change.run, state=change.state.value, code=change.reason or None)
        await self._publish_commands(turn)
        await self._publish_changes(turn.changes)

    async def _publish_commands(self, turn: Turn) -> None:
        for position, command in enumerate(turn.commands):
            await failpoint("gateway.before_command")
            try:
                await self._bus.publish(command)
            except WorldError:
                await self._give_back(turn.commands[position:])
                raise
            await failpoint("gateway.after_command")

    async def _publish_changes(self, changes: Iterable[RunChanged]) -> None:
        for change in changes:
            await failpoint("gateway.before_change")
            await self._bus.publish(change)

    async def _give_back(self, commands: Iterable[Command]) -> None:
        """Open again what did not get out; if the ledger is away too, it counts as lost later."""
        try:
            await self._dispatch.give_back(commands)
        except WorldError as error:
            log.warning("commands are left to count as lost", error=error)

    async def _listen(self) -> None:
        """Wake at every event of a run. An event that is missed costs a tick."""
        async with self._bus.subscribe() as events:
            async for event in events:
                if not isinstance(event, HealthReported):
                    self._woken.set()
        raise BusUnavailable("the bus was closed under the dispatcher", code="bus_closed")


async def _first_of(*waits: Awaitable[object]) -> None:
    """Return when one of some waits is over; the others are cancelled."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

"""What is done to services and connections in the middle of a run. Each is over, and healed, when it returns."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import Protocol
from uuid import UUID

import asyncpg

from shared.core.states import FINAL
from shared.runtime.failpoints import Action
from tests.harness.failpoint_names import failpoint_names
from tests.harness.fleet import TWO_LOADERS, Member
from tests.harness.rig import Rig
from tests.harness.salvos import phase_of


class Mischief(Protocol):
    """Something that is done in the middle of a run."""

    __name__: str

    async def __call__(self, rig: Rig, run: UUID, /) -> None: ...


SILENT_SECONDS = (0.2, 1.2)
"""How long something is silent or slow: the time is the fault itself."""
EVERYWHERE = frozenset({"dispatch", "read", "transform", "load"})
SETTLED_WITHOUT = 3
END_SESSIONS = """
select count(pg_terminate_backend(pid)) from pg_stat_activity
 where datname = current_database() and pid <> pg_backend_pid() and usename <> current_user and random() < $1
"""
END_HALTED = """
select count(pg_terminate_backend(pid)) from pg_stat_activity
 where datname = current_database() and usename <> current_user and state = 'idle in transaction'
"""


async def a_service_is_killed(rig: Rig, _run: UUID) -> None:
    """`kill -9` of any service."""
    _any_member(rig).send(signal.SIGKILL)


async def a_service_is_told_to_end(rig: Rig, _run: UUID) -> None:
    """SIGTERM: it drains, and another takes its place."""
    _any_member(rig).send(signal.SIGTERM)


async def a_service_halts(rig: Rig, _run: UUID) -> None:
    """SIGSTOP of any service, and SIGCONT."""
    member = _any_member(rig)
    member.send(signal.SIGSTOP)
    await a_while(rig)
    member.send(signal.SIGCONT)


async def all_loaders_halt(rig: Rig, _run: UUID) -> None:
    """SIGSTOP of every loader at once, and SIGCONT."""
    loaders = [member for member in rig.fleet.members.values() if member.service == "loader"]
    for member in loaders:
        member.send(signal.SIGSTOP)
    await a_while(rig)
    for member in loaders:
        member.send(signal.SIGCONT)


async def whoever_comes_by_a_step_is_killed(rig: Rig, _run: UUID) -> None:
    """A failpoint, by lot."""
    _arm(rig, rig.dice.choice(_steps_of_batches()), Action.KILL)


async def whoever_comes_by_a_step_fails(rig: Rig, _run: UUID) -> None:
    """The same with an error that nobody expects."""
    names = [name for name in _steps_of_batches() if not name.startswith("gateway.") and not name.endswith("_ack")]
    _arm(rig, rig.dice.choice(names), Action.RAISE)


async def a_loader_halts_before_its_batch_and_wakes_after_another_settled_it(rig: Rig, run: UUID) -> None:
    """SIGSTOP before a batch is claimed: it is issued again, and settled by the other loader meanwhile."""
    await _halt_and_wake(rig, run, "loader.before_claim")


async def a_loader_halts_in_its_transaction_and_wakes_after_another_settled_it(rig: Rig, run: UUID) -> None:
    """SIGSTOP with the rows written: the server ends the idle session, and the other loader settles the batch."""
    await _halt_and_wake(rig, run, "loader.before_commit")


async def connections_are_cut(rig: Rig, _run: UUID) -> None:
    """Every connection to one of the servers breaks at once."""
    rig.proxies[rig.dice.choice(list(rig.proxies))].cut()


async def a_server_is_a_black_hole(rig: Rig, _run: UUID) -> None:
    """One of the servers says nothing more, and then breaks its connections, or goes on."""
    proxy = rig.proxies[rig.dice.choice(list(rig.proxies))]
    proxy.swallow(swallow=True)
    await a_while(rig)
    if rig.dice.random() < 0.5:
        proxy.cut()
    proxy.swallow(swallow=False)


async def a_server_refuses(rig: Rig, _run: UUID) -> None:
    """One of the servers takes no connection."""
    proxy = rig.proxies[rig.dice.choice(list(rig.proxies))]
    proxy.refuse(refuse=True)
    await a_while(rig)
    proxy.refuse(refuse=False)


async def a_server_is_slow(rig: Rig, _run: UUID) -> None:
    """Every piece to and from one of the servers is late."""
    proxy = rig.proxies[rig.dice.choice(list(rig.proxies))]
    proxy.slow(seconds=0.05)
    await a_while(rig)
    proxy.slow(seconds=0)


async def sessions_are_ended(rig: Rig, _run: UUID) -> None:
    """`pg_terminate_backend` of half of the services' sessions in the target."""
    await _execute(rig.target, END_SESSIONS, 0.5)


async def the_snapshot_is_lost(rig: Rig, _run: UUID) -> None:
    """`pg_terminate_backend` of every session in the source, with it of the snapshot's holder."""
    await _execute(rig.legacy, END_SESSIONS, 1.0)


async def _halt_and_wake(rig: Rig, run: UUID, step: str) -> None:
    _arm(rig, step, Action.STOP)

    async def halted() -> bool:
        await rig.trials.resume_expected(run)
        return _halted(rig) is not None or await rig.trials.state(run) in FINAL

    await rig.trials.until(halted)
    (rig.failpoints / step).unlink(missing_ok=True)
    member = _halted(rig)
    if member is None:
        return  # the run was over before
    if step == "loader.before_commit":
        await _execute(rig.target, END_HALTED)
    settled, _ = await rig.trials.moves(run)

    async def without_it() -> bool:
        now, still_open = await rig.trials.moves(run)
        await rig.trials.resume_expected(run)
        return not still_open or (now >= settled + SETTLED_WITHOUT and rig.dice.random() < 0.2)

    try:
        await rig.trials.until(without_it)
    finally:
        member.send(signal.SIGCONT)


def _halted(rig: Rig) -> Member | None:
    return next((member for member in rig.fleet.members.values() if member.is_halted()), None)


def _arm(rig: Rig, name: str, action: Action) -> None:
    (rig.failpoints / name).write_text(f"{action}:{rig.dice.randint(1, 3)}", encoding="ascii")


def _steps_of_batches() -> list[str]:
    return [name for name in failpoint_names() if phase_of(name) in EVERYWHERE and not name.endswith("failure_told")]


def _any_member(rig: Rig) -> Member:
    return rig.fleet[rig.dice.choice(sorted(set(TWO_LOADERS)))]


async def a_while(rig: Rig) -> None:
    """As long as something is silent."""
    await asyncio.sleep(rig.dice.uniform(*SILENT_SECONDS))


async def _execute(url: str, statement: str, *values: object) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement, *values)
    finally:
        with suppress(asyncpg.PostgresError, OSError):
            await connection.close()


KINDS: tuple[Mischief, ...] = (
    a_service_is_killed,
    a_service_is_told_to_end,
    a_service_halts,
    all_loaders_halt,
    whoever_comes_by_a_step_is_killed,
    whoever_comes_by_a_step_fails,
    a_loader_halts_before_its_batch_and_wakes_after_another_settled_it,
    a_loader_halts_in_its_transaction_and_wakes_after_another_settled_it,
    connections_are_cut,
    a_server_is_a_black_hole,
    a_server_refuses,
    a_server_is_slow,
    sessions_are_ended,
    the_snapshot_is_lost,
)

"""What people do in the middle of a run: to the run, and to the source."""

from __future__ import annotations

import asyncio
from uuid import UUID

import asyncpg

from shared.core.errors import Refused
from shared.core.states import FINAL, RunState
from tests.harness.mischief import Mischief, a_while
from tests.harness.rig import Rig
from tests.harness.trials import ACTOR, Lost, patiently

WRITTEN = """
select count(*) from public.doctors union all select count(*) from public.patients
 union all select count(*) from public.visits
"""
KEEP = """
create table if not exists aside.patient as table patient;
create table if not exists aside.visit as table visit;
"""
WRITE = """
update patient set name = name || ' (married)', born = 'whenever' where id % 3 = 0;
delete from visit where id % 5 = 0;
insert into visit select g, 1 + g % 900, 'Later', 1 from generate_series(100001, 100200) g;
"""
PUT_BACK = """
truncate patient, visit;
insert into patient table aside.patient;
insert into visit table aside.visit;
drop table aside.patient, aside.visit;
"""


async def somebody_starts_it_twice(rig: Rig, run: UUID) -> None:
    """Two more starts at once: both are refused while the run is active."""
    answers = await asyncio.gather(rig.trials.ask(), rig.trials.ask(), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Refused) and answer.code == "already_active"]
    if len(refused) < len(answers) and await rig.trials.state(run) not in FINAL:
        raise Lost(f"two runs of one migration are active: {answers}")


async def somebody_pauses_and_resumes_it(rig: Rig, run: UUID) -> None:
    """A pause at any moment, and the resume."""
    try:
        await patiently(lambda: rig.trials.runs.pause(run, actor=ACTOR))
    except Refused as refused:
        if refused.code != "not_allowed":
            raise
        return
    await a_while(rig)
    await rig.trials.resume_expected(run)


async def a_column_goes_and_comes_back(rig: Rig, run: UUID) -> None:
    """DDL in the source: the run pauses with the difference, or had read the table before."""
    await rig.trials.middle(run, settled=1)
    owner = await asyncpg.connect(rig.legacy)
    try:
        await owner.execute("set lock_timeout = '2s'")
        await owner.execute("alter table visit rename note to other")

        async def met() -> bool:
            return await rig.trials.state(run) in FINAL | {RunState.PAUSED}

        try:
            await rig.trials.until(met)
        finally:
            await owner.execute("set lock_timeout = 0; alter table visit rename other to note")
    except asyncpg.LockNotAvailableError:
        return  # the table is being read to its end
    finally:
        await owner.close()


async def the_source_is_written(rig: Rig, run: UUID) -> None:
    """Rows change, go and come in the source while its snapshot is read; they are put back after the run."""
    await rig.trials.middle(run, settled=1)
    owner = await asyncpg.connect(rig.legacy)
    try:
        await owner.execute(KEEP)
        await owner.execute(WRITE)
        await rig.trials.end(run)
    finally:
        await owner.execute(PUT_BACK)
        await owner.close()


async def somebody_cancels_it(rig: Rig, run: UUID) -> None:
    """A cancel at any moment: once it is `cancelled` not a row comes in any more."""
    try:
        await patiently(lambda: rig.trials.runs.cancel(run, actor=ACTOR))
    except Refused as refused:
        if refused.code != "not_allowed":
            raise
        return

    async def ended() -> bool:
        return await rig.trials.state(run) in FINAL

    await rig.trials.until(ended)
    before = await _written(rig)
    await a_while(rig)
    if await _written(rig) != before:
        raise Lost("rows were committed after the run was cancelled")


async def _written(rig: Rig) -> list[int]:
    async def count() -> list[int]:
        async with rig.trials.pool.acquire() as connection:
            return [row[0] for row in await connection.fetch(WRITTEN)]

    return await patiently(count)


KINDS: tuple[Mischief, ...] = (
    somebody_starts_it_twice,
    somebody_pauses_and_resumes_it,
    a_column_goes_and_comes_back,
    the_source_is_written,
    somebody_cancels_it,
)

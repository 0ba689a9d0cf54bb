"""`transfuse verify`: hold the target against what the plan makes of the source, row by row."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID

import click

from shared.core.errors import Refused
from shared.core.states import RunState
from transfuse.exit_codes import ExitCode
from transfuse.following import follow
from transfuse.operator import console, home_option, run_argument, run_async
from transfuse.remote.option import api_option, run_control
from transfuse.run_control import RunControl
from transfuse.screen.verification_view import verification_code, verification_view
from transfuse.watching import watch

PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
WHOLE = 100.0


@click.command("verify")
@run_argument
@home_option
@api_option
@click.option("--sample", metavar="PERCENT", help="Compare this share of every mapping's rows only, such as 1%.")
@click.option("--repair", is_flag=True, help="Write the rows anew that differ or are missing, then verify again.")
@click.option("--with-changed", is_flag=True, help="Repair rows along whose source changed since they were loaded.")
@click.option("--detach", is_flag=True, help="Do not wait; only with started services.")
def verify_command(
    run_id: UUID | None,
    home: Path,
    api: str | None,
    *,
    sample: str | None,
    repair: bool,
    with_changed: bool,
    detach: bool,
) -> int:
    """Read the source again, make its rows by the same plan, and compare them with the target, column by column.

    RUN is the run whose rows are verified, by default the youngest that loaded any. Nothing is written; rows whose
    source changed since they were loaded are told apart. The exit code is 0 where all is equal, 1 where only the source
    has changed, 2 where rows differ, 3 where something could not be verified.

    \b
    Examples:
      transfuse verify
      transfuse verify --sample 1%
      transfuse verify --repair
      transfuse verify 8c5a3f6e-0000-0000-0000-000000000000 --api https://portal.example.org
    """
    share = share_of(sample)
    if repair and share is not None:
        raise click.UsageError("A sample does not tell all there is to repair: leave --sample or --repair out.")
    return run_async(_verify(home, api, run_id, share, repair=repair, with_changed=with_changed, detach=detach))


def share_of(text: str | None) -> float | None:
    """`1%` as 0.01; None for all. Raises click.BadParameter."""
    if text is None:
        return None
    found = PERCENT.fullmatch(text.strip())
    share = float(found[1]) / WHOLE if found else 0.0
    if not 0 < share <= 1:
        raise click.BadParameter("a percentage above 0% and up to 100%, such as 1%", param_hint="--sample")
    return None if share == 1 else share


async def _verify(
    home: Path,
    api: str | None,
    run_id: UUID | None,
    sample: float | None,
    *,
    repair: bool,
    with_changed: bool,
    detach: bool,
) -> int:
    async with run_control(home, api) as runs, runs.working() as working_here:
        verify = await runs.verify(run_id, sample)
        console.print(f"run {verify} verifies")
        if detach and not working_here:
            console.print(runs.again(verify))
            return ExitCode.OK
        code = await _watched(runs, verify)
        if not repair or code not in {ExitCode.FAILED, ExitCode.WARNINGS}:
            return code
        return await _repaired(runs, verify, code, with_changed=with_changed)


async def _repaired(runs: RunControl, verify: UUID, code: ExitCode, *, with_changed: bool) -> ExitCode:
    """Repair what was found, and verify again: that says what the repair came to."""
    try:
        repairing = await runs.repair(verify, with_changed=with_changed)
    except Refused as error:
        if error.code != "nothing_to_repair":
            raise
        console.print(f"\n{error} {error.remedy}")
        return code
    console.print(f"\nrun {repairing} repairs")
    ended = await follow(runs, repairing)
    if ended not in {ExitCode.OK, ExitCode.WARNINGS}:
        return ended
    again = await runs.verify(verify, None)
    console.print(f"\nrun {again} verifies again")
    return await _watched(runs, again)


async def _watched(runs: RunControl, verify: UUID) -> ExitCode:
    status = await watch(runs.status, verify, console)
    found = await runs.verification(verify)
    console.print()
    console.print(verification_view(found))
    if status.phase is RunState.PAUSED:
        console.print(f"     Go on with: {runs.resuming(verify)}")
        return ExitCode.INTERRUPTED
    if status.phase is not RunState.COMPLETED:
        console.print(f"     See why it ended: transfuse status {verify}")
        return ExitCode.FAILED if verification_code(found) is ExitCode.FAILED else ExitCode.UNVERIFIED
    return verification_code(found)

"""`transfuse audit`: who did what, and the proof that nothing of it was changed."""

from __future__ import annotations

import re
from pathlib import Path

import click
from rich.table import Table

from shared.core.errors import Refused, WorldError
from shared.ledger.audit import Audit, AuditFilter
from shared.ledger.audit_chain import Fault, RecordedEntry, Verification
from transfuse.exit_codes import ExitCode
from transfuse.operator import console, home_option, operator, run_async
from transfuse.screen.failure import failure_text

WORDS = {
    Fault.ALTERED: "Entry {at} is not as it was written.",
    Fault.MISSING: "Entry {at} is missing.",
    Fault.FIRST_MISSING: "The audit does not begin at its first entry.",
    Fault.TAIL_MISSING: "The end is missing, from entry {at} on.",
    Fault.BEYOND_HEAD: "The head was set back: there are entries beyond it, from {at} on.",
    Fault.HEAD_MISSING: "The head is gone.",
    Fault.HEAD_ALTERED: "The head is not that of the last entry, {at}: one of the two was altered.",
    Fault.OTHER_CHAIN: "Entry {at} has another hash than the head that was kept: the chain was written anew.",
}
HEAD = re.compile(r"(\d{1,18}):([0-9a-f]{64})")


def _head(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, str] | None:
    """A head as `verify` printed it."""
    if value is None:
        return None
    found = HEAD.fullmatch(value.strip().lower())
    if found is None:
        raise click.BadParameter("it is a number, a colon and 64 hexadecimal digits", ctx=ctx, param=param)
    return int(found[1]), found[2]


@click.group("audit")
def audit_command() -> None:
    """Who did what, and the proof that nothing of it was changed.

    \b
    Examples:
      transfuse audit verify
      transfuse audit list --actor ada@example.org
    """


@audit_command.command("verify")
@home_option
@click.option(
    "--head",
    metavar="SEQ:HASH",
    callback=_head,
    help="A head that was kept elsewhere: the chain must pass through it.",
)
def verify_command(home: Path, head: tuple[int, str] | None) -> int:
    """Recompute every entry's hash. Leaves with 0 where the chain is whole, 2 where it is broken, 3 if it cannot tell.

    Who owns the database could write the whole audit anew. Keep the head that this prints elsewhere, and name it the
    next time.

    \b
    Examples:
      transfuse audit verify
      transfuse audit verify --head 17:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b
    """
    try:
        found = run_async(_verify(home, head))
    except (WorldError, Refused) as error:
        click.echo(failure_text(error), err=True)
        return ExitCode.UNVERIFIED
    console.print(verdict(found))
    return ExitCode.OK if found.whole else ExitCode.FAILED


@audit_command.command("list")
@home_option
@click.option("--actor", help="Only what this one did.")
@click.option("--action", help="Only this action, such as run.start.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many, youngest first.")
def list_command(home: Path, actor: str | None, action: str | None, limit: int) -> None:
    """List entries, youngest first.

    \b
    Example:
      transfuse audit list --action quarantine.unmask
    """
    found = run_async(_list(home, AuditFilter(actor=actor, action=action), limit))
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("entry", "at", "by", "role", "action", "object", "outcome", "detail"):
        table.add_column(title, no_wrap=title in {"entry", "at"})
    for entry in found:
        table.add_row(
            str(entry.seq), f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.actor, entry.role, entry.action,
            f"{entry.object_kind} {entry.object_id}".strip(), entry.outcome, entry.detail,
        )  # fmt: skip
    console.print(table if found else "There is no such entry.")


def verdict(found: Verification) -> str:
    """What a verification found, in words, and the head to keep."""
    if found.fault is None:
        return (
            f"The audit is whole: {found.head[0]} entries, each chained to the one before it.\n"
            f"Head: {found.head_text}\n"
            "Keep the head where nobody who owns this database can write."
        )
    words = WORDS[found.fault].format(at=found.broken_at)
    return f"The audit is broken. {words}\nProven: {found.count} entries, up to {found.head_text}"


async def _verify(home: Path, head: tuple[int, str] | None) -> Verification:
    async with operator(home) as ledger:
        return await Audit(ledger.pool).verify(head)


async def _list(home: Path, wanted: AuditFilter, limit: int) -> tuple[RecordedEntry, ...]:
    async with operator(home) as ledger:
        return await Audit(ledger.pool).list(wanted, limit=limit)

"""`transfuse user`: local accounts."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click
import msgspec
from rich.table import Table

from shared.core.errors import Refused
from shared.identity.passwords import Passwords, checked
from shared.identity.permissions import Role
from shared.ledger.accounts import Account, AccountChange, Accounts
from shared.ledger.audit import Audit, AuditEntry, Detail, Outcome
from transfuse.operator import actor, console, home_option, operator, run_async

email_argument = click.argument("email", metavar="EMAIL")
role_choice = click.Choice([role.value for role in Role])
password_option = click.option(
    "--password-stdin", "from_stdin", is_flag=True, help="Read the password from the first line of the input."
)


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What a command about accounts works with."""

    accounts: Accounts
    audit: Audit

    async def find(self, email: str) -> Account:
        """The account of an e-mail. Raises Refused (`unknown_account`)."""
        found = await self.accounts.find(email)
        if found is None:
            raise Refused(f"There is no account {email}.", remedy="See `transfuse user list`.", code="unknown_account")
        return found

    async def note(self, action: str, outcome: Outcome, subject: str, detail: Detail) -> None:
        """An entry of the audit, as the API leaves one. Raises WorldError: what cannot be recorded is not done."""
        who = AuditEntry(actor=actor(), action=action, object_kind="user", object_id=subject, outcome=outcome)
        await self.audit.append(msgspec.structs.replace(who, detail={**detail, "from": "command line"}))


@asynccontextmanager
async def desk(home: Path) -> AsyncIterator[Desk]:
    """The workspace's accounts. Raises Refused where people sign in at Supabase."""
    async with operator(home) as ledger:
        if ledger.workspace.environment("gateway", os.environ).get("SUPABASE_URL"):
            raise Refused(
                "People sign in at Supabase: there are no local accounts.",
                remedy="Make users in the Supabase project, their role as `role` of app_metadata.",
                code="not_available",
            )
        yield Desk(accounts=Accounts(ledger.pool), audit=Audit(ledger.pool))


@click.group("user")
def user_command() -> None:
    """Local accounts: who may sign in where Supabase does not do it.

    A password is asked for twice, or read with --password-stdin; it is never an argument.

    \b
    Examples:
      transfuse user add ops@example.org --role admin
      transfuse user list
      transfuse user disable ops@example.org
    """


@user_command.command("add")
@email_argument
@click.option("--role", type=role_choice, required=True, help="What the account may do.")
@password_option
@home_option
def add_command(email: str, role: str, home: Path, *, from_stdin: bool) -> None:
    """Make an account.

    \b
    Examples:
      transfuse user add ops@example.org --role migration_manager
      pass show ops | transfuse user add ops@example.org --role admin --password-stdin
    """
    account = run_async(_add(home, email, Role(role), _password(email, from_stdin=from_stdin)))
    console.print(f"{account.email} may sign in as {account.role.value}.")


@user_command.command("list")
@home_option
def list_command(home: Path) -> None:
    """List all accounts.

    \b
    Example:
      transfuse user list
    """
    found = run_async(_list(home))
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("e-mail", "role", "may sign in", "made", "last sign-in"):
        table.add_column(title, no_wrap=True)
    for account in found:
        last = account.last_sign_in_at
        table.add_row(
            account.email, account.role.value, "no" if account.disabled_at else "yes",
            f"{account.created_at:%Y-%m-%d}", f"{last:%Y-%m-%d %H:%M}" if last else "never",
        )  # fmt: skip
    console.print(table if found else "There is no account yet. Make one with: transfuse user add EMAIL --role admin")


@user_command.command("disable")
@email_argument
@home_option
def disable_command(email: str, home: Path) -> None:
    """Let an account sign in no more, and end its sessions: at the latest after 30 seconds everywhere.

    \b
    Example:
      transfuse user disable ops@example.org
    """
    console.print(run_async(_change(home, email, AccountChange(disabled=True), "is disabled")))


@user_command.command("enable")
@email_argument
@home_option
def enable_command(email: str, home: Path) -> None:
    """Let a disabled account sign in again.

    \b
    Example:
      transfuse user enable ops@example.org
    """
    console.print(run_async(_change(home, email, AccountChange(disabled=False), "may sign in")))


@user_command.command("role")
@email_argument
@click.argument("role", type=role_choice)
@home_option
def role_command(email: str, role: str, home: Path) -> None:
    """Give an account another role; it has to sign in again.

    \b
    Example:
      transfuse user role ops@example.org viewer
    """
    console.print(run_async(_change(home, email, AccountChange(role=Role(role)), f"is {role} now")))


@user_command.command("password")
@email_argument
@password_option
@home_option
def password_command(email: str, home: Path, *, from_stdin: bool) -> None:
    """Set a new password; the account has to sign in again.

    \b
    Examples:
      transfuse user password ops@example.org
      pass show ops | transfuse user password ops@example.org --password-stdin
    """
    password = _password(email, from_stdin=from_stdin)
    console.print(run_async(_set_password(home, email, password)))


def _password(email: str, *, from_stdin: bool) -> str:
    """The password, asked for twice at a terminal. Raises Refused (`weak_password`)."""
    if from_stdin:
        return checked(sys.stdin.readline().rstrip("\r\n"), email=email)
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask for the password: use --password-stdin.")
    found: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return checked(found, email=email)


async def _add(home: Path, email: str, role: Role, password: str) -> Account:
    async with desk(home) as found:
        kept = await Passwords().hashed(password, email=email)
        await found.note("user.create", Outcome.BEGUN, "", {"role": role.value})
        account = await found.accounts.create(email, role, kept)
        await found.note("user.create", Outcome.DONE, str(account.id), {"role": role.value})
        return account


async def _list(home: Path) -> tuple[Account, ...]:
    async with desk(home) as found:
        return await found.accounts.list()


async def _set_password(home: Path, email: str, password: str) -> str:
    kept = await Passwords().hashed(password, email=email)
    return await _change(home, email, AccountChange(password_hash=kept), "has a new password")


async def _change(home: Path, email: str, change: AccountChange, what: str) -> str:
    async with desk(home) as found:
        account = await found.find(email)
        await found.note("user.change", Outcome.BEGUN, str(account.id), {})
        after, ended = await found.accounts.change(account.id, change)
        detail: Detail = {
            "role": after.role.value,
            "disabled": after.disabled_at is not None,
            "passwordChanged": change.password_hash is not None,
            "sessionsEnded": len(ended),
        }
        await found.note("user.change", Outcome.DONE, str(account.id), detail)
        sessions = f" Sessions ended: {len(ended)}." if ended else ""
        return f"{after.email} {what}.{sessions}"

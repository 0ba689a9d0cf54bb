"""`transfuse login` and `transfuse logout`."""

from __future__ import annotations

import os
import sys

import click

from services.gateway.documents.sign_in import SignedInUser
from transfuse.operator import console, run_async
from transfuse.remote.access import TOKEN
from transfuse.remote.address import ApiAddress, api_address
from transfuse.remote.kept_session import session_file
from transfuse.remote.sign_in import sign_in, sign_out
from transfuse.remote.transport import transport

LONGEST_PASSWORD = 256
api_option = click.option(
    "--api", metavar="URL", envvar="TRANSFUSE_API", required=True, help="Origin of the gateway's API."
)


@click.command("login")
@api_option
@click.option("--email", help="Of the account; asked for if it is not given.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it.")
def login_command(api: str, email: str | None, *, password_stdin: bool) -> None:
    """Sign in to a gateway with a local account, for the commands that take --api.

    What keeps you signed in is a file of yours below ~/.config/transfuse that nobody else may read; it ends after 30
    minutes without use. Where people sign in at Supabase, and in jobs, set TRANSFUSE_TOKEN to a token instead.

    \b
    Examples:
      transfuse login --api https://portal.example.org
      pass portal | transfuse login --api https://portal.example.org --email ops@example.org --password-stdin
    """
    address = api_address(api)
    if password_stdin and email is None:
        raise click.UsageError("--password-stdin needs --email")
    email = email or click.prompt("E-mail", err=True)
    password = _read() if password_stdin else click.prompt("Password", hide_input=True, err=True)
    user = run_async(_log_in(address, email, password))
    console.print(f"Signed in to {address.origin} as {user.email} ({user.role}).")
    if os.environ.get(TOKEN):
        console.print(f"{TOKEN} is set and comes before it.")


@click.command("logout")
@api_option
@click.option("--everywhere", is_flag=True, help="End the sign-ins of this account on all devices.")
def logout_command(api: str, *, everywhere: bool) -> None:
    """Sign out of a gateway and forget the sign-in here.

    \b
    Example:
      transfuse logout --api https://portal.example.org --everywhere
    """
    address = api_address(api)
    run_async(_log_out(address, everywhere=everywhere))
    console.print(f"Signed out of {address.origin}{' on all devices' if everywhere else ''}.")


def _read() -> str:
    return sys.stdin.readline(LONGEST_PASSWORD + 2).rstrip("\r\n")


async def _log_in(address: ApiAddress, email: str, password: str) -> SignedInUser:
    async with transport(address) as way:
        return await sign_in(way, session_file(address, os.environ), email, password)


async def _log_out(address: ApiAddress, *, everywhere: bool) -> None:
    async with transport(address) as way:
        await sign_out(way, session_file(address, os.environ), everywhere=everywhere)

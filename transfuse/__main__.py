"""`transfuse`: one command line for operators. Subcommands live in `transfuse.commands`, one file each."""

from __future__ import annotations

import faulthandler
import os
import sys
from importlib import import_module

import click

from shared.telemetry.logging import configure
from transfuse.exit_codes import ExitCode
from transfuse.screen.failure import DEBUG, failure_text

COMMANDS = {
    "audit": ("audit", "Who did what, and the proof that nothing of it was changed."),
    "cancel": ("control", "End a run for good."),
    "cleanup": ("cleanup", "Remove the bulk details of older runs."),
    "demo": ("demo", "A whole migration on this machine, nothing to set up."),
    "hash": ("hash", "One figure that says whether two targets hold the same."),
    "init": ("init", "Make the ledger and a database role per service."),
    "key": ("key", "The target's UUID of one legacy row."),
    "login": ("login", "Sign in to the gateway of --api."),
    "logout": ("login", "End a sign-in, or all of the account."),
    "pause": ("control", "Stop dispatching; batches in flight settle."),
    "plan": ("plan", "Check a plan, and see what it will do."),
    "preflight": ("preflight", "What must be well in both databases before a run."),
    "quarantine": ("quarantine", "Refused rows, by reason and one by one."),
    "replay": ("replay", "Read refused rows again."),
    "report": ("report", "What a run came to, and how that is known."),
    "resume": ("resume", "Go on with a run that was paused, interrupted or failed."),
    "run": ("run", "Run a plan and watch it to its balance."),
    "runs": ("runs", "The history, youngest first."),
    "status": ("status", "How far a run is, or what it came to."),
    "undo": ("undo", "Take back what one run wrote."),
    "up": ("up", "Start the services and keep them until Ctrl-C."),
    "verify": ("verify", "Hold the target against the source, row by row."),
    "user": ("user", "Local accounts: who may sign in where Supabase does not do it."),
}
"""Module and short help of each subcommand."""


class Commands(click.Group):
    """Loads a subcommand's module when it is asked for, so that `--help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all subcommands."""
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand, None for an unknown name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"transfuse.commands.{module}"), f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of subcommands, none of them loaded."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="transfuse")
def transfuse() -> None:
    """Move a legacy PostgreSQL database into Supabase by one plan, and prove where every row went.

    \b
    Examples:
      transfuse demo                        a whole migration on this machine, nothing to set up
      transfuse plan check plans/portal     is the plan sound? needs no database
      transfuse run plans/portal            run it, watch it, balance it

    \b
    Exit codes:
      0 balanced · 1 balanced, with something to look at · 2 failed, different or refused
      3 could not verify · 64 wrong use · 130 interrupted, can be resumed
    """


def main() -> None:
    """Run the command line and leave with one of `ExitCode`."""
    faulthandler.enable(2)  # a crash of native code says which of our lines it was in, and no value
    configure(level="warning")
    try:
        code = transfuse.main(prog_name="transfuse", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        code = ExitCode.INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = ExitCode.USAGE
    except BrokenPipeError:
        # Who reads has gone, as with `| head`: nothing more to say, and nothing for Python to say at its own end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.FAILED
    except BaseExceptionGroup as group:
        code = ExitCode.INTERRUPTED if group.subgroup(KeyboardInterrupt) else _failed(group)
    except Exception as error:  # noqa: BLE001 - the last place that can tell it without a driver's text
        code = _failed(error)
    sys.exit(code if isinstance(code, int) else ExitCode.OK)


def _failed(error: BaseException) -> ExitCode:
    click.echo(failure_text(error, debug=os.environ.get(DEBUG) == "1"), err=True)
    return ExitCode.FAILED


if __name__ == "__main__":
    main()

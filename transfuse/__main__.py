"""`transfuse`: one command line for operators. Subcommands live in `transfuse.commands`, one file each."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from shared.core.errors import TransfuseError
from shared.telemetry.logging import configure
from transfuse.exit_codes import ExitCode

COMMANDS = {
    "cancel": "control",
    "demo": "demo",
    "hash": "hash",
    "init": "init",
    "key": "key",
    "pause": "control",
    "plan": "plan",
    "preflight": "preflight",
    "resume": "resume",
    "run": "run",
    "runs": "runs",
    "status": "status",
    "up": "up",
}


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
        command: click.Command = getattr(
            import_module(f"transfuse.commands.{COMMANDS[cmd_name]}"), f"{cmd_name}_command"
        )
        return command


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="transfuse")
def transfuse() -> None:
    r"""Move a legacy PostgreSQL database into Supabase by one plan, and prove where every row went.

    \b
    Start here:
      transfuse demo                        a whole migration on this machine, nothing to set up
      transfuse plan check plans/portal     is the plan sound? needs no database
      transfuse run plans/portal            run it, watch it, balance it

    \b
    Exit codes: 0 balanced · 1 balanced, with something to look at · 2 failed, different or refused
                3 could not verify · 64 wrong use · 130 interrupted, can be resumed
    """


def main() -> None:
    """Run the command line and leave with one of `ExitCode`."""
    configure(level="warning")
    try:
        code = transfuse.main(standalone_mode=False)
    except click.exceptions.Abort:
        code = ExitCode.INTERRUPTED
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = ExitCode.USAGE
    except TransfuseError as error:
        click.echo(f"transfuse: {error}\n  -> {error.remedy}", err=True)
        code = ExitCode.FAILED
    sys.exit(code if isinstance(code, int) else ExitCode.OK)


if __name__ == "__main__":
    main()

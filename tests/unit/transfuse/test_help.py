"""Every command's help has an example and is there at once."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from transfuse.__main__ import COMMANDS, transfuse

PATHS = (
    (),
    *((name,) for name in COMMANDS),
    *(("plan", name) for name in ("check", "explain", "coverage", "diff", "new")),
)
HEAVY = {"duckdb", "polars", "pyarrow", "aio_pika", "sqlglot"}


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_has_an_example_that_stands_as_written(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(transfuse, [*path, "--help"], prog_name="transfuse")
    assert shown.exit_code == 0
    lines = shown.output.splitlines()
    start = next(number for number, line in enumerate(lines) if line.strip() in {"Example:", "Examples:"})
    assert any(line.startswith("    transfuse ") or "&& transfuse" in line for line in lines[start + 1 : start + 5])
    assert "\\b" not in shown.output


def test_every_command_goes_by_its_name() -> None:
    with click.Context(transfuse) as context:
        assert {transfuse.get_command(context, name).name for name in COMMANDS} == set(COMMANDS)  # type: ignore[union-attr]


def test_the_list_of_commands_loads_none_of_them() -> None:
    code = (
        "import sys\nfrom transfuse.__main__ import transfuse\n"
        "transfuse.main(['--help'], standalone_mode=False)\n"
        f"found = {HEAVY!r} & set(sys.modules) | {{m for m in sys.modules if m.startswith('transfuse.commands')}}\n"
        "sys.exit(', '.join(found) or 0)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr

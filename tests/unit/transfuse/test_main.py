"""How the command line ends: its exit codes, and what it says of an error."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click
import pytest
from asyncpg import UniqueViolationError

from shared.core.errors import Refused, SnapshotLost
from transfuse import __main__ as command_line
from transfuse.exit_codes import ExitCode

PATIENT = "Key (ssn)=(078-05-1120) already exists"


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The exit code of `transfuse WORDS…`."""
    monkeypatch.setattr(command_line, "configure", lambda **_: None)

    def run(*words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["transfuse", *words])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        assert isinstance(ended.value.code, int)
        return ended.value.code

    return run


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch, ends: Callable[..., int]) -> Callable[[BaseException], int]:
    """The exit code of a command that raises."""

    def run(error: BaseException) -> int:
        @click.command()
        def failing() -> None:
            raise error

        monkeypatch.setattr(command_line, "transfuse", failing)
        return ends()

    return run


@pytest.mark.parametrize(
    "words",
    (
        ("nonsense",),
        ("plan", "chek"),
        ("up",),
        ("status", "no-uuid"),
        ("run", "plans/synthea", "--batch-rows", "0"),
        ("run", "plans/synthea", "--nonsense"),
        ("plan", "check", "/no/such/place"),
        ("runs", "--limit", "0"),
        ("key", "patients"),
    ),
)
def test_wrong_use_is_64_and_says_how_it_is_used(
    words: tuple[str, ...], ends: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends(*words) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert shown.err.startswith("Usage: transfuse ")
    assert "Error: " in shown.err
    assert not shown.out


def test_help_and_version_are_0(ends: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert ends("--help") == ExitCode.OK
    assert ends("--version") == ExitCode.OK
    assert capsys.readouterr().out.startswith("Usage: transfuse ")


def test_an_error_of_ours_is_2_with_its_remedy_and_no_traceback(
    fails: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert fails(Refused("There is no such thing.", remedy="Make one.")) == ExitCode.FAILED
    assert capsys.readouterr().err == "transfuse: There is no such thing.\n  -> Make one.\n"


def test_a_drivers_error_is_2_and_its_text_is_not_shown(
    fails: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRANSFUSE_DEBUG", raising=False)
    assert fails(UniqueViolationError(PATIENT)) == ExitCode.FAILED
    said = capsys.readouterr().err
    assert "UniqueViolationError, SQLSTATE 23505" in said
    assert "TRANSFUSE_DEBUG=1" in said
    assert "078-05-1120" not in said
    assert "Traceback" not in said


def test_a_traceback_is_there_for_those_who_ask(
    fails: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRANSFUSE_DEBUG", "1")
    assert fails(UniqueViolationError(PATIENT)) == ExitCode.FAILED
    assert "Traceback" in capsys.readouterr().err


def test_a_group_of_errors_shows_each_of_ours_once(
    fails: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    inner = ExceptionGroup("tasks", [SnapshotLost("The snapshot is gone."), ValueError(PATIENT)])
    group = ExceptionGroup("services", [inner, Refused("A setting is bad."), Refused("A setting is bad.")])
    assert fails(group) == ExitCode.FAILED
    said = capsys.readouterr().err
    assert said.count("The snapshot is gone.") == said.count("A setting is bad.") == 1
    assert SnapshotLost.remedy in said
    assert "ValueError" not in said
    assert "078" not in said


@pytest.mark.parametrize(
    "error",
    (
        KeyboardInterrupt(),
        click.exceptions.Abort(),
        BaseExceptionGroup("tasks", [KeyboardInterrupt(), ValueError("x")]),
    ),
)
def test_an_interruption_is_130_and_quiet(
    error: BaseException, fails: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert fails(error) == ExitCode.INTERRUPTED
    assert "Traceback" not in capsys.readouterr().err


def test_what_a_command_returns_is_the_exit_code(monkeypatch: pytest.MonkeyPatch, ends: Callable[..., int]) -> None:
    monkeypatch.setattr(command_line, "transfuse", click.Command("x", callback=lambda: ExitCode.WARNINGS))
    assert ends() == ExitCode.WARNINGS

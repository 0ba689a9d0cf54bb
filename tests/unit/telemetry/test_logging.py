"""What the log promises: declared fields only, and never the text of a foreign exception."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from uuid import UUID

import asyncpg
import pytest
import structlog

from shared.core.errors import BatchError
from shared.telemetry.logging import bind_service, configure, get_logger

CANARY = "Xq7Canary"
RUN = UUID("6f1fca6b-9f4a-4a6e-8a53-0d8d9f6c2a11")
Lines = Callable[[], list[dict[str, object]]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """The lines written so far, decoded; the process-wide hooks are put back afterwards."""
    stream = io.StringIO()
    for module, hook in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        monkeypatch.setattr(module, hook, getattr(module, hook))
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    configure(stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.captureWarnings(capture=False)
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def refused_row() -> BatchError:
    """A driver's error whose texts hold a row, wrapped by ours."""
    driver = asyncpg.UniqueViolationError(f"duplicate key (name)=({CANARY})")
    driver.detail = f"Failing row contains ({CANARY})"
    error = BatchError("a batch of patients was refused")
    error.__cause__ = driver
    return error


def test_a_line_is_json_with_its_declared_fields(lines: Lines) -> None:
    get_logger("shared.runtime").info("batch settled", run=RUN, mapping="patients", seq=7, seconds=0.25)
    (line,) = lines()
    assert line.pop("timestamp")
    assert line == {
        "event": "batch settled",
        "level": "info",
        "module": "shared.runtime",
        "run": str(RUN),
        "mapping": "patients",
        "seq": 7,
        "seconds": 0.25,
    }


@pytest.mark.parametrize(
    "fields",
    (
        {"first_name": CANARY},
        {"row": (CANARY,)},
        {"seq": CANARY},
        {"run": CANARY},
        {"state": f"{CANARY} with spaces"},
        {"mapping": {"a": CANARY}},
        {"mapping": f"{CANARY}\n"},
        {"counts": {"loaded": CANARY}},
        {"stack": CANARY},
    ),
)
def test_an_undeclared_or_ill_kinded_field_does_not_leave_the_process(lines: Lines, fields: dict[str, object]) -> None:
    get_logger("test").warning("something", **fields)
    assert CANARY not in json.dumps(lines())


def test_the_names_of_left_out_fields_are_told(lines: Lines) -> None:
    get_logger("test").info("something", first_name=CANARY, seq=1)
    assert lines()[0]["undeclared"] == ["first_name"]


def test_a_foreign_exception_is_told_by_class_and_sqlstate_and_remedy(lines: Lines) -> None:
    get_logger("test").error("batch failed", error=refused_row())
    (line,) = lines()
    assert CANARY not in json.dumps(line)
    assert line["error"] == "shared.core.errors.BatchError"
    assert line["causes"] == ["asyncpg.exceptions.UniqueViolationError"]
    assert line["sqlstate"] == "23505"
    assert line["text"] == "a batch of patients was refused"
    assert line["remedy"] == BatchError.remedy


def test_a_traceback_shows_places_and_no_text(lines: Lines) -> None:
    try:
        int(CANARY)
    except ValueError:
        get_logger("test").exception("failed")
    (line,) = lines()
    assert CANARY not in json.dumps(line)
    assert line["error"] == "ValueError"
    assert "test_a_traceback_shows_places_and_no_text" in json.dumps(line["where"])


def test_the_members_of_a_group_are_told(lines: Lines) -> None:
    get_logger("test").error("failed", error=ExceptionGroup(CANARY, [ValueError(CANARY), refused_row()]))
    (line,) = lines()
    assert CANARY not in json.dumps(line)
    assert "ValueError" in json.dumps(line["members"])


def test_a_librarys_text_is_not_shown(lines: Lines) -> None:
    try:
        dict[str, str]().pop(CANARY)
    except KeyError:
        logging.getLogger("aiormq.connection").exception("cannot connect to %s", CANARY)
    logging.getLogger("asyncpg").debug(CANARY)
    (line,) = lines()
    assert CANARY not in json.dumps(line)
    assert (line["module"], line["level"], line["error"]) == ("aiormq.connection", "error", "KeyError")


def test_a_warning_is_not_shown(lines: Lines) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn(CANARY, UserWarning, stacklevel=1)
    assert CANARY not in json.dumps(lines())
    logging.captureWarnings(capture=False)


def test_an_uncaught_exception_is_told_without_its_text(lines: Lines, capsys: pytest.CaptureFixture[str]) -> None:
    sys.excepthook(ValueError, ValueError(CANARY), None)
    (line,) = lines()
    assert line["error"] == "ValueError"
    shown = capsys.readouterr()
    assert CANARY not in json.dumps(line) + shown.out + shown.err


def test_a_bound_service_is_named_in_every_line(lines: Lines) -> None:
    bind_service("loader")
    get_logger("test").info("ready")
    assert lines()[0]["service"] == "loader"

"""JSON lines on stderr, made of declared fields only.

    log = get_logger(__name__)
    log.info("batch settled", mapping="patients", seq=7, row_count=50_000)
    log.error("batch failed", error=error)

The event is a fixed sentence; everything that varies is a field of `shared.telemetry.fields`. Whatever else is passed
is left out, and its name is listed under `undeclared`. Libraries' own log texts are never shown, only their logger,
level and the class of their exception.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING, Any, TextIO, cast

import msgspec
import structlog

from shared.telemetry.failure import describe
from shared.telemetry.fields import FIELDS, admit

if TYPE_CHECKING:
    from uuid import UUID

    from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_OWN = ("event", "level", "timestamp", "module")


def configure(*, level: str = "info", stream: TextIO | None = None) -> None:
    """Send every log line of the process, ours and the libraries', to `stream` (stderr), uncaught exceptions too."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_declared,
            structlog.processors.JSONRenderer(serializer=_serialize),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[LibraryHandler()], level=max(_LEVELS[level], logging.WARNING), force=True)
    logging.captureWarnings(capture=True)
    _catch_the_uncaught()


def get_logger(name: str) -> FilteringBoundLogger:
    """The logger of a module: `get_logger(__name__)`."""
    return cast("FilteringBoundLogger", structlog.get_logger(module=name))


def bind_service(service: str) -> None:
    """Name the service in every line that this task and its children write."""
    structlog.contextvars.bind_contextvars(service=service)


def bind_request(request: UUID) -> None:
    """Name the request in every line that this task and its children write."""
    structlog.contextvars.bind_contextvars(request=request)


def only_declared(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Processor: keep declared fields of their kind, tell exceptions by class, name what was left out."""
    kept: dict[str, Any] = {name: line[name] for name in _OWN if name in line}
    undeclared = []
    for name, value in line.items():
        if name in _OWN:
            continue
        if isinstance(value, BaseException):
            kept |= describe(value)
        elif name == "exc_info":
            kept |= _current(value)
        elif name in FIELDS and (admitted := admit(FIELDS[name], value)) is not None:
            kept[name] = admitted
        elif value is not None:
            undeclared.append(name)
    if undeclared:
        kept["undeclared"] = sorted(undeclared)
    return kept


class LibraryHandler(logging.Handler):
    """Turns a library's log record into one of our lines, without its text."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write logger, level and the class of the exception."""
        error = record.exc_info[1] if record.exc_info else None
        line = get_logger(record.name)
        line.log(record.levelno, "a library logged something", **({"error": error} if error else {}))


def _current(value: object) -> dict[str, object]:
    error = value[1] if isinstance(value, tuple) else sys.exc_info()[1]
    return describe(error) if isinstance(error, BaseException) else {}


def _serialize(line: EventDict, **_options: object) -> str:
    return msgspec.json.encode(line, enc_hook=str).decode()


def _catch_the_uncaught() -> None:
    """Tell what would otherwise print a traceback with a driver's text in it."""
    log = get_logger(__name__)

    def uncaught(error: BaseException | None) -> None:
        if error is not None and not isinstance(error, KeyboardInterrupt | SystemExit):
            log.error("uncaught exception", error=error)

    sys.excepthook = lambda _kind, error, _trace: uncaught(error)
    threading.excepthook = lambda raised: uncaught(raised.exc_value)
    sys.unraisablehook = lambda raised: uncaught(raised.exc_value)

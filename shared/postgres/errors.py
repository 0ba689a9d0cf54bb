"""One table decides what an SQLSTATE means for a batch: a bad row, a bug of ours, or the world.

Codes and classes: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import asyncpg

from shared.core.errors import RunError, TransfuseError, WorldError


class Fault(StrEnum):
    """Whose fault it is: of one row (quarantine it), our bug (the run stops), or the world (wait, count nothing)."""

    ROW = "row"
    OUR_BUG = "our_bug"
    WORLD = "world"


FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        # A value, a constraint, a view's check option, a size that only this row reaches, a trigger's own refusal.
        "22": Fault.ROW,
        "23": Fault.ROW,
        "44000": Fault.ROW,
        "54000": Fault.ROW,
        "54001": Fault.ROW,  # a value nested deeper than the server's stack, as JSON can be
        "P0001": Fault.ROW,
        "P0002": Fault.ROW,  # `select into strict` of a trigger finds nothing for this row
        "P0003": Fault.ROW,  # … or too much
        "P0004": Fault.ROW,  # a trigger's ASSERT
        # We wrote wrong bytes or wrong SQL, or the target is not what the plan was compiled for.
        "22P03": Fault.OUR_BUG,
        "22P04": Fault.OUR_BUG,
        "21000": Fault.OUR_BUG,
        "42": Fault.OUR_BUG,
        "0A000": Fault.OUR_BUG,
        "XX000": Fault.OUR_BUG,
        # Connections, failover, conflicts between transactions, disk, memory, locks, shutdown.
        "08": Fault.WORLD,
        "25006": Fault.WORLD,
        "25P03": Fault.WORLD,
        "25P04": Fault.WORLD,
        "40": Fault.WORLD,
        "53": Fault.WORLD,
        "55P03": Fault.WORLD,
        "57": Fault.WORLD,
        "58": Fault.WORLD,
        "72000": Fault.WORLD,
    }
)
"""By SQLSTATE or by its class; the longer entry wins. A code of PostgreSQL's classes that is in neither is our bug."""

_NAMES = (
    "00 01 02 03 08 09 0A 0B 0F 0L 0P 0Z 10 20 21 22 23 24 25 26 27 28 2B 2D 2F 34 38 39 3B 3D 3F 40 42 44 53 54 55 57 "
    "58 72 F0 HV P0 XX"
)
CLASSES = frozenset(_NAMES.split())
"""PostgreSQL's classes. A code outside them was raised by a trigger or a function of the target: it refuses a row."""

_WORLD = {
    "53100": ("has no room left on its disk", "Give the disk of the {system} database room"),
    "53": ("has no memory or connections left", "Give the {system} database memory, or more connections"),
    "55P03": ("did not give a lock in time", "Wait for what holds the lock in the {system} database, or end it"),
    "40": ("had another transaction in the way", "Nothing is to be done unless it comes again and again"),
}
"""What happened and what to do, by SQLSTATE or its class; in all other cases the connection was lost."""
_LOST = ("was lost", "Bring the {system} database back")

DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""What the driver raises."""


def classify(sqlstate: str, *, in_copy: bool = False) -> Fault:
    """Whose fault an SQLSTATE is. In COPY a protocol violation (08P01) means that our bytes are wrong."""
    if in_copy and sqlstate == "08P01":
        return Fault.OUR_BUG
    found = FAULTS.get(sqlstate) or FAULTS.get(sqlstate[:2])
    if found is not None:
        return found
    return Fault.OUR_BUG if sqlstate[:2] in CLASSES else Fault.ROW


def fault_of(error: BaseException, *, in_copy: bool = False) -> Fault:
    """Whose fault an error of the driver is: by SQLSTATE where the server spoke, else lost connection or wrong use."""
    if isinstance(error, asyncpg.DataError) and getattr(error, "severity", None) is None:
        return Fault.OUR_BUG  # the driver itself: an argument is not of its parameter's type
    if isinstance(error, asyncpg.PostgresError) and error.sqlstate:
        return classify(error.sqlstate, in_copy=in_copy)
    # A connection that the server ended between two statements is told as an InternalClientError too.
    return Fault.OUR_BUG if isinstance(error, ValueError) else Fault.WORLD


def translate(error: BaseException, system: str, doing: str, *, in_copy: bool = False) -> TransfuseError:
    """An error of the driver as one of ours, for a statement in which no row is to blame; raise it from `error`.

    `system` is the database's name in messages, `doing` what was done there ("settling a batch of patients").
    WorldError where waiting helps; RunError for all else. The text has the SQLSTATE and never the driver's words.
    """
    sqlstate = getattr(error, "sqlstate", None)
    told = f"SQLSTATE {sqlstate}" if sqlstate else type(error).__name__
    if fault_of(error, in_copy=in_copy) is Fault.WORLD:
        happened, remedy = _happening(sqlstate or "")
        return WorldError(
            f"The {system} database {happened} while {doing} ({told}).",
            code=f"{system}_unreachable",
            remedy=f"{remedy.format(system=system)}; the work goes on by itself.",
        )
    return RunError(
        f"The {system} database refused a statement of ours while {doing} ({told}).",
        code=f"{system}_refused",
        remedy="Check that the target's tables and rights are those that the plan was checked against, then resume.",
    )


def _happening(sqlstate: str) -> tuple[str, str]:
    return _WORLD.get(sqlstate) or _WORLD.get(sqlstate[:2]) or _LOST

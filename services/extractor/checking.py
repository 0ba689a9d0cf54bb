"""Everything that is looked at before a row moves: the plan against both databases, rights, servers, FROM clauses."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import asyncpg
import msgspec

from services.extractor.compilation import Compilation, FromRefused, check_from_clauses, compile_run
from services.extractor.preflight import PreflightFailed, check_copies, check_legacy, check_target
from shared.core.checks import Check, failed, failures, passed
from shared.core.errors import Refused, TransfuseError
from shared.core.states import LoadMode
from shared.plan.position import PlanRefused, Problem

PLAN, FROM, REACHABLE = "plan_compiles", "from_clauses", "legacy_reachable"


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. `refusal` is why no run can go on from here; without one there is a `compilation`."""

    checks: tuple[Check, ...]
    problems: tuple[Problem, ...] = ()
    compilation: Compilation | None = None
    refusal: Refused | None = None

    @property
    def sound(self) -> Compilation:
        """The compilation. Raises the refusal where there is one."""
        if self.refusal is not None:
            raise self.refusal
        if self.compilation is None:
            raise AssertionError
        return self.compilation


async def check_run(
    files: Mapping[str, str],
    legacy: asyncpg.Connection,
    target: asyncpg.Connection,
    *,
    transfuse_version: str,
    with_rules: bool = True,
    only: Sequence[str] = (),
    mode: LoadMode = LoadMode.INSERT,
    is_dry: bool = False,
) -> Checked:
    """Check all that can be checked. `legacy` is in a transaction; nothing is written, rows are not read.

    Without `with_rules` the plan's rules are checked, and left out of the compilation; `only` is what it is of.
    A run that `is_dry` makes copies of tables, for which the ledger's owner needs a right more.
    What cannot be checked because something before it failed is left out. Raises what is no fault of the plan or the
    databases' set-up: WorldError, BatchError, RunError.
    """
    began = time.monotonic()
    try:
        compilation = await compile_run(
            files, legacy, target, transfuse_version=transfuse_version, with_rules=with_rules, only=only
        )
    except PlanRefused as error:
        count = len(error.problems)
        message = f"{count} problem{'s' if count > 1 else ''} in the plan"
        check = failed(PLAN, message, "Correct the plan at the places named, then check again.")
        return Checked(checks=(check,), problems=error.problems, refusal=error)
    except FromRefused as error:
        return Checked(checks=(failed(FROM, str(error), error.remedy),), refusal=error)
    except Refused as error:
        return Checked(checks=(failed(PLAN, str(error), error.remedy),), refusal=error)
    checks = [_timed(passed(PLAN, _sizes(compilation)), began)]
    checks += await check_legacy(legacy, compilation.compiled, compilation.source)
    readable = not failures(checks)
    checks += await check_target(target, compilation.compiled, mode)
    if is_dry:
        checks.append(await check_copies(target, compilation.compiled))
    refusal: Refused | None = None
    if bad := failures(checks):
        refusal = PreflightFailed(bad)
    if readable:
        found, refused = await _from_clauses(legacy, compilation)
        checks.append(found)
        refusal = refusal or refused
    return Checked(checks=tuple(checks), compilation=compilation, refusal=refusal)


def unreachable(error: TransfuseError) -> Checked:
    """What there is to say where the legacy database does not let us in."""
    remedy = "Start the legacy database or correct its settings, then check again."
    refusal = Refused(str(error), code=error.code, remedy=error.remedy if isinstance(error, Refused) else remedy)
    return Checked(checks=(failed(REACHABLE, str(refusal), refusal.remedy),), refusal=refusal)


async def _from_clauses(legacy: asyncpg.Connection, compilation: Compilation) -> tuple[Check, FromRefused | None]:
    began = time.monotonic()
    try:
        await check_from_clauses(legacy, compilation)
    except FromRefused as error:
        return failed(FROM, str(error), error.remedy), error
    count = len(compilation.compiled.mappings)
    return _timed(passed(FROM, f"the legacy server reads {count} as they are written"), began), None


def _timed(check: Check, began: float) -> Check:
    return msgspec.structs.replace(check, seconds=round(time.monotonic() - began, 3))


def _sizes(compilation: Compilation) -> str:
    plan = compilation.plan
    columns = sum(len(mapping.columns) for mapping in plan.mappings)
    return f"{len(plan.mappings)} mappings, {columns} columns, {len(plan.codebooks)} code books"

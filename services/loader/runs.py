"""What the loader keeps of the runs it works for: their compiled plans and keys, read once."""

from __future__ import annotations

from collections import OrderedDict
from uuid import UUID

import asyncpg
import msgspec

from shared.core.errors import RunError
from shared.core.passes import mode_of
from shared.core.states import LoadMode
from shared.core.versions import Versions, check_versions, own_versions
from shared.crypto.envelope import RunKey
from shared.crypto.keyring import Keyring
from shared.ledger.settling import read_loading
from shared.plan.compiled import CompiledMapping, CompiledPlan, LoadProgram, decode_compiled

KEPT = 32


class LoadRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run as the loader needs it. `replays` rows that earlier runs refused, or is of all rows."""

    run: UUID
    plan: CompiledPlan
    mode: LoadMode
    tries: LoadMode = LoadMode.INSERT
    replays: bool = False
    transfuse_version: str
    key: RunKey

    def mapping(self, name: str) -> CompiledMapping:
        """The mapping of that name. Raises RunError."""
        try:
            return self.plan.mapping(name)
        except KeyError as error:
            raise RunError(f"The plan of this run has no mapping {name}.", code="unknown_mapping") from error

    @property
    def ending(self) -> LoadMode:
        """How rows of the first pass end; of a dry run, as those of the run that it tries."""
        return self.tries if self.mode is LoadMode.CHECK else self.mode

    def mode_of(self, pass_number: int) -> LoadMode:
        """How batches of a pass end."""
        return mode_of(self.mode, pass_number)


class LoadRuns:
    """Reads runs from the ledger and keeps the latest."""

    def __init__(self, keyring: Keyring, versions: Versions | None = None) -> None:
        self._keyring = keyring
        self._versions = versions or own_versions()
        self._kept: OrderedDict[UUID, LoadRun] = OrderedDict()

    async def to_work_on(self, connection: asyncpg.Connection, run: UUID) -> LoadRun | None:
        """The same for the run whose rows are to be written. Raises VersionDiffers where others have to do that."""
        known = self._kept.get(run)
        found = await read_loading(connection, run) if known is None else None
        pinned = known.transfuse_version if known is not None else found.transfuse_version if found is not None else ""
        check_versions("loader", self._versions, Versions(transfuse=pinned))
        return await self.get(connection, run)

    async def get(self, connection: asyncpg.Connection, run: UUID) -> LoadRun | None:
        """A planned run, None where there is none. Raises KeyNotListed."""
        known = self._kept.get(run)
        if known is None:
            found = await read_loading(connection, run)
            if found is None:
                return None
            key = RunKey(self._keyring.unwrap(found.wrapped_key, run))
            known = self._kept[run] = LoadRun(
                run=run,
                plan=_plan(found.compiled, searched=found.options.suspend_constraints),
                mode=found.mode,
                tries=found.options.tries,
                replays=found.options.replay is not None,
                transfuse_version=found.transfuse_version,
                key=key,
            )
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return known

    async def key(self, connection: asyncpg.Connection, run: UUID) -> RunKey:
        """The data key of a run. Raises RunError where the run or its key is gone."""
        found = await self.get(connection, run)
        if found is None:
            raise RunError("The key of an earlier run is gone.", code="run_key_gone")
        return found.key


def _plan(compiled: bytes, *, searched: bool) -> CompiledPlan:
    """The plan; `searched` where no foreign key is relied on, and every parent is looked for."""
    try:
        plan = decode_compiled(compiled)
    except msgspec.MsgspecError as error:
        raise RunError("The run's plan was compiled by another version.", code="version_differs") from error
    return _searching(plan) if searched else plan


def _searching(plan: CompiledPlan) -> CompiledPlan:
    mappings = (
        msgspec.structs.replace(
            mapping,
            load=_unenforced(mapping.load),
            second=mapping.second and msgspec.structs.replace(mapping.second, load=_unenforced(mapping.second.load)),
        )
        for mapping in plan.mappings
    )
    return msgspec.structs.replace(plan, mappings=tuple(mappings))


def _unenforced(program: LoadProgram) -> LoadProgram:
    references = (msgspec.structs.replace(reference, enforced=False) for reference in program.references)
    return msgspec.structs.replace(program, references=tuple(references))

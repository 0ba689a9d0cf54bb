"""Runs behind the API of a gateway: what an operator does with them from anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from types import MappingProxyType
from typing import Final
from uuid import UUID, uuid4

import msgspec

from services.gateway.documents.migrations import MigrationDocument, MigrationForm
from services.gateway.documents.plans import PlanFiles
from services.gateway.documents.report import ReportDocument
from services.gateway.documents.runs import ResumeForm, RunDocument
from services.gateway.documents.starting import StartForm, StartOptions
from services.gateway.documents.undoing import UndoForm
from services.gateway.documents.verification import RepairForm, VerificationDocument, VerifyForm
from shared.core.backoff import Backoff
from shared.core.document import Document
from shared.core.errors import Refused
from shared.core.run_options import BuiltOn, RunOptions
from shared.core.states import FINAL, LoadMode, RunKind, RunState
from shared.ledger.undos import WRITING_KINDS, WRITING_MODES, nothing_to_undo
from shared.ledger.verifying import LOADED, WROTE, is_over
from shared.status.document import RunStatus
from shared.status.health import Connection, HealthDocument
from shared.status.validation import ValidationDocument
from transfuse.remote.client import ApiClient
from transfuse.remote.failures import ApiUnreachable
from transfuse.remote.history import named, runs_of, youngest_runs
from transfuse.run_control import AskedRun, ListedRun

START_ATTEMPTS: Final = 4
RUNS_LOOKED_AT: Final = 200
NEEDED: Final = MappingProxyType(
    {
        "rabbitmq": "RabbitMQ",
        "extractor": "the extractor",
        "transformer": "the transformer",
        "loader": "the loader",
        "legacy_db": "the legacy database",
        "database": "the target",
    }
)
"""What has to answer for a run to move."""


class KeptPlan(Document, frozen=True, kw_only=True):
    """What the commands need to know of a plan that was kept: its version among all of them, newest first."""

    class Version(Document, frozen=True, kw_only=True):
        """One of the versions."""

        version: int

    version: int
    versions: tuple[Version, ...]


class GatewayRuns:
    """`RunControl` over an API."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    @asynccontextmanager
    async def working(self) -> AsyncIterator[bool]:
        """See `RunControl.working`: the services there do."""
        yield False

    async def start(self, asked: AskedRun) -> UUID:
        """See `RunControl.start`. Raises Refused `not_the_newest` for a text that newer versions have replaced."""
        plan, options = asked.plan, _options(asked)
        kept = await self._api.put(f"/api/plans/{plan.name}", KeptPlan, PlanFiles(files=plan.files))
        newest = kept.versions[0].version if kept.versions else kept.version
        if kept.version != newest:
            raise Refused(
                f"This text is version {kept.version} of the plan; the gateway runs the newest, which is {newest}.",
                remedy="Change the text, a comment is enough, so that it becomes the newest version.",
                code="not_the_newest",
            )
        migration = await self._registered(asked.migration, plan.name)
        return (await self._started(migration, options)).id

    async def run_or_latest(self, run: UUID | None) -> UUID:
        """See `RunControl.run_or_latest`."""
        if run is not None:
            return run
        youngest = await youngest_runs(self._api, 1)
        if not youngest:
            raise Refused("There is no run yet.", remedy="Start one with `transfuse run PLAN`.", code="unknown_run")
        return youngest[0].id

    async def status(self, run: UUID) -> RunStatus:
        """See `RunControl.status`."""
        return await self._api.get(f"/api/runs/{run}/status", RunStatus)

    async def validation(self, run: UUID) -> ValidationDocument:
        """See `RunControl.validation`."""
        return await self._api.get(f"/api/runs/{run}/validation", ValidationDocument)

    async def report(self, run: UUID) -> ReportDocument:
        """See `RunControl.report`."""
        return await self._api.get(f"/api/runs/{run}/report", ReportDocument, query={"format": "json"})

    async def cancel(self, run: UUID) -> RunState:
        """See `RunControl.cancel`."""
        return await self._ask(run, "cancel")

    async def pause(self, run: UUID) -> RunState:
        """See `RunControl.pause`."""
        return await self._ask(run, "pause")

    async def resume(self, run: UUID, mappings: tuple[str, ...] = ()) -> RunState:
        """See `RunControl.resume`."""
        return await self._ask(run, "resume", ResumeForm(mappings=mappings) if mappings else None)

    async def verify(self, run: UUID | None, sample: float | None) -> UUID:
        """See `RunControl.verify`. Without a run, of the youngest there whose rows can be verified."""
        wanted = run or await self._loaded()
        started = await self._api.post(f"/api/runs/{wanted}/verify", RunDocument, VerifyForm(sample=sample))
        return started.id

    async def verification(self, run: UUID) -> VerificationDocument:
        """See `RunControl.verification`."""
        return await self._api.get(f"/api/runs/{run}/verification", VerificationDocument)

    async def repair(self, run: UUID, *, with_changed: bool) -> UUID:
        """See `RunControl.repair`."""
        form = RepairForm(with_changed=with_changed)
        return (await self._api.post(f"/api/runs/{run}/repair", RunDocument, form)).id

    async def _loaded(self) -> UUID:
        """The youngest run that loaded rows."""
        for found in await youngest_runs(self._api, RUNS_LOOKED_AT):
            if found.kind in LOADED and found.mode in WROTE and is_over(found.state, found.reason):
                return found.id
        raise Refused(
            "No run has loaded anything yet.", remedy="Start one with `transfuse run PLAN`.", code="nothing_to_verify"
        )

    async def run_to_undo(self, run: UUID | None) -> UUID:
        """See `RunControl.run_to_undo`: looked for among the youngest runs there."""
        if run is not None:
            return run
        for found in await youngest_runs(self._api, RUNS_LOOKED_AT):
            writes = found.kind in WRITING_KINDS and found.mode in WRITING_MODES
            if writes and found.state in FINAL and found.undone_at is None:
                return found.id
        raise nothing_to_undo()

    async def undo(self, run: UUID, built_on: BuiltOn) -> UUID:
        """See `RunControl.undo`."""
        return (await self._api.post(f"/api/runs/{run}/undo", RunDocument, UndoForm(built_on=built_on))).id

    async def list(self, migration: str | None, limit: int) -> tuple[ListedRun, ...]:
        """See `RunControl.list`."""
        if migration is not None:
            found = await named(self._api, migration)
            return () if found is None else tuple(map(_listed, await runs_of(self._api, found.id, limit)))
        return tuple(map(_listed, await youngest_runs(self._api, limit)))

    async def follower(self, run: UUID) -> UUID | None:
        """See `RunControl.follower`: the services there go on by themselves."""
        del run
        return None

    async def silent(self) -> str:
        """See `RunControl.silent`."""
        health = await self._api.get("/api/health", HealthDocument, also={HTTPStatus.SERVICE_UNAVAILABLE})
        states = {name: getattr(health.services, name) for name in NEEDED}
        missing = [NEEDED[name] for name, state in states.items() if state is not Connection.CONNECTED]
        if not missing:
            return ""
        return f"{self._api.origin} hears nothing of {', '.join(missing)}. The run waits there until they are back."

    def resuming(self, run: UUID) -> str:
        """See `RunControl.resuming`."""
        return f"transfuse resume {run} --api {self._api.origin}"

    def again(self, run: UUID) -> str:
        """See `RunControl.again`."""
        words = f"transfuse status {run} --watch --api {self._api.origin}"
        return f"The run goes on there. Look at it again with: {words}"

    async def _registered(self, name: str, plan: str) -> MigrationDocument:
        """The migration of that name, made if it is not there. Raises Refused `other_migration`."""
        found = await named(self._api, name)
        if found is None:
            try:
                form = MigrationForm(name=name, plan=plan)
                return await self._api.post("/api/migrations", MigrationDocument, form)
            except Refused as error:
                found = await named(self._api, name) if error.code == "name_taken" else None
                if found is None:
                    raise
        if found.plan != plan:
            raise Refused(
                f"The migration {name} is bound to another plan.",
                remedy="Give this migration another name.",
                code="other_migration",
            )
        return found

    async def _started(self, migration: MigrationDocument, options: StartOptions) -> RunDocument:
        """Asked again under the same key where no answer came: one run at most."""
        form = StartForm(migration_id=migration.id, options=options)
        key, backoff = {"Idempotency-Key": str(uuid4())}, Backoff(first_seconds=0.5, most_seconds=4.0)
        for _ in range(START_ATTEMPTS - 1):
            try:
                return await self._api.post("/api/migrations/start", RunDocument, form, headers=key)
            except ApiUnreachable:
                await asyncio.sleep(backoff.next_seconds())
        return await self._api.post("/api/migrations/start", RunDocument, form, headers=key)

    async def _ask(self, run: UUID, verb: str, form: ResumeForm | None = None) -> RunState:
        """The API's verbs are about what a migration is at, so that must be this run."""
        document = await self._api.get(f"/api/runs/{run}", RunDocument)
        if verb == "cancel" and document.kind is RunKind.VALIDATE:
            return (await self._api.post(f"/api/runs/{run}/cancel", RunDocument)).state
        migration = await self._api.get(f"/api/migrations/{document.migration_id}", MigrationDocument)
        if migration.last_run is None or migration.last_run.id != run:
            raise Refused(
                f"The run {run} is over, and its migration has another one since.",
                remedy="Only the active or youngest run of a migration can be paused, resumed or cancelled.",
                code="not_allowed",
            )
        return (await self._api.post(f"/api/migrations/{migration.id}/{verb}", RunDocument, form)).state


def _options(asked: AskedRun) -> StartOptions:
    if asked.options.batch_bytes != RunOptions().batch_bytes:
        raise Refused(
            "Over the API the bytes of a batch cannot be chosen.",
            remedy="Leave --batch-bytes out, or choose --batch-rows.",
            code="not_available",
        )
    return StartOptions(
        batch_size=asked.options.batch_rows,
        skip_validation=asked.options.skip_validation,
        priority=asked.priority,
        validate_only=asked.mode is LoadMode.CHECK,
        mode=asked.options.tries if asked.mode is LoadMode.CHECK else asked.mode,
        only=asked.options.only,
        verify=asked.options.verify,
        suspend_constraints=asked.options.suspend_constraints,
    )


def _listed(run: RunDocument) -> ListedRun:
    return msgspec.convert(
        {name: getattr(run, name, None) for name in ListedRun.__struct_fields__}
        | {"at": run.started_at or run.created_at},
        ListedRun,
    )

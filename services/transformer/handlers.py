"""A batch of source rows in, a batch of target rows out; and what becomes of one that failed."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator
from uuid import UUID

import msgspec

from services.transformer.batches import transform
from services.transformer.engine import Engine
from shared.core.errors import BatchError, Refused, RunError, SealBroken, TransfuseError, VersionDiffers
from shared.core.ids import BatchRef
from shared.core.states import Stage
from shared.core.versions import Versions, executing_versions
from shared.crypto.keyring import Keyring
from shared.ledger.bodies import MESSAGE_BODY_BYTES, is_awaited, keep_body, read_body
from shared.ledger.compiled_plans import RunPlan, read_run_plan
from shared.ledger.reports import fail_run, put_back, report_attempt_failed, report_step
from shared.messages import Message, TransformBatch
from shared.postgres.pools import Pool
from shared.runtime.failpoints import failpoint

PLANS_KEPT = 8


class Handlers:
    """The transformer's handler. Compiled plans never change, so the last few are kept by run."""

    def __init__(
        self,
        *,
        ledger: Pool,
        keyring: Keyring,
        engine: Engine,
        body_bytes: int = MESSAGE_BODY_BYTES,
        versions: Versions | None = None,
    ) -> None:
        self._ledger = ledger
        self._keyring = keyring
        self._engine = engine
        self._body_bytes = body_bytes
        self._versions = versions or executing_versions()
        self._plans: OrderedDict[UUID, RunPlan] = OrderedDict()
        self._working = asyncio.Lock()

    async def transform(self, message: TransformBatch) -> AsyncGenerator[Message, None]:
        """Transform a batch. Raises WorldError, BatchError, RunError, SealBroken, VersionDiffers."""
        run = await self._plan(message.batch.run)
        if message.body_id is not None:
            body = await self._kept(message.batch, message.body_id)
            if body is None:
                return
            message = msgspec.structs.replace(message, body=body)
        await failpoint("transformer.before_transform")
        async with self._working:
            # One batch at a time in its thread: two would hold twice the memory, and more processes give more speed.
            load = await asyncio.to_thread(transform, self._engine, message, run)
        await failpoint("transformer.after_transform")
        async with self._ledger.acquire() as connection:
            if len(load.body) > self._body_bytes:
                kept = await keep_body(connection, message.batch, Stage.LOAD, load.body)
                load = msgspec.structs.replace(load, body=b"", body_id=kept)
            await report_step(connection, message.batch, Stage.TRANSFORM)
        await failpoint("transformer.after_step")
        yield load

    async def transform_failed(self, message: TransformBatch, error: TransfuseError) -> None:
        """What every batch would meet ends the run; anything else is an attempt that failed."""
        async with self._ledger.acquire() as connection:
            if isinstance(error, VersionDiffers):
                await put_back(connection, message.batch, error)
            elif isinstance(error, RunError | Refused) and not isinstance(error, SealBroken):
                await fail_run(connection, message.batch.run, error)
            else:
                await report_attempt_failed(connection, message.batch, error.code)

    async def _kept(self, batch: BatchRef, kept: UUID) -> bytes | None:
        """The body that the ledger keeps; None where nobody waits for the batch any more. Raises BatchError."""
        async with self._ledger.acquire() as connection:
            body = await read_body(connection, kept)
            if body is None and await is_awaited(connection, batch):
                raise BatchError("the ledger does not have the rows of a batch", code="body_missing")
        return body

    async def _plan(self, run: UUID) -> RunPlan:
        plan = self._plans.get(run)
        if plan is None:
            async with self._ledger.acquire() as connection:
                plan = await read_run_plan(connection, run, self._keyring, self._versions)
            self._plans[run] = plan
        self._plans.move_to_end(run)
        while len(self._plans) > PLANS_KEPT:
            self._plans.popitem(last=False)
        return plan

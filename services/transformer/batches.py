"""One batch through the transformer: unsealed, decoded, transformed, encoded and sealed in one worker thread."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import msgspec

from services.transformer.decode import column_names, decode
from services.transformer.engine import Engine
from services.transformer.statements import RunValues
from shared.core.errors import Refused
from shared.core.ids import BatchRef
from shared.core.states import LoadMode, Stage
from shared.crypto.aad import batch_aad
from shared.crypto.envelope import RunKey
from shared.ledger.compiled_plans import RunPlan
from shared.messages import LoadBatch, TransformBatch
from shared.plan.compiled import CompiledPlan


class SecretMissing(Refused):
    """The plan's namespace is a secret that this service was not given."""

    code = "secret_missing"
    remedy = (
        "Set PLAN_SECRET_<NAME> or PLAN_SECRET_<NAME>_FILE of the transformer to the namespace, then resume the run."
    )


def transform(engine: Engine, message: TransformBatch, run: RunPlan) -> LoadBatch:
    """The batch as the loader takes it; call it in a worker thread. Raises SealBroken, BatchError, RunError."""
    mapping = run.compiled.mapping(message.batch.mapping).of_pass(message.batch.pass_number)
    source = decode(
        run.key.open_(message.body, batch_aad(message.batch, Stage.TRANSFORM)),
        column_names(mapping.source),
        message.row_count,
    )
    values = RunValues(
        namespace=namespace_of(run.compiled, os.environ),
        snapshot_at=run.snapshot_at,
        comparing=message.mode is LoadMode.COMPARE,
    )
    load = (engine.refuse_size if message.too_large else engine.transform)(mapping, source, values)
    row_count, body = load.row_count, msgspec.msgpack.encode(load)
    del source, load  # each as large as the batch: what is sealed next need not lie beside them
    return LoadBatch(
        batch=message.batch,
        mode=message.mode,
        encoding=mapping.transform.encoding,
        row_count=row_count,
        body=sealed(run.key, message.batch, body),
    )


def sealed(key: RunKey, batch: BatchRef, body: bytes) -> bytes:
    """A load's body under the run's key."""
    return key.seal(body, batch_aad(batch, Stage.LOAD))


def namespace_of(plan: CompiledPlan, environ: Mapping[str, str]) -> UUID:
    """The namespace of the plan's keys: in the plan, or in `PLAN_SECRET_<NAME>`. Raises SecretMissing."""
    if not plan.namespace_secret:
        return UUID(plan.namespace)
    variable = f"PLAN_SECRET_{plan.namespace_secret.upper()}"
    path = environ.get(f"{variable}_FILE")
    try:
        return UUID((Path(path).read_text(encoding="utf-8") if path else environ.get(variable, "")).strip())
    except (ValueError, OSError) as error:
        raise SecretMissing(f"{variable} is not set to a UUID") from error

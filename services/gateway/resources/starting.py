"""Starting a run: a row in the ledger, from which the dispatcher goes on, whether the broker is there or not."""

from __future__ import annotations

import re
from http import HTTPStatus
from importlib.metadata import version
from uuid import UUID

import asyncpg
import msgspec

from services.gateway.api.decoding import as_json
from services.gateway.api.endpoint import Answer, Call, Endpoint, Limit, Nothing, Tag
from services.gateway.api.problems import bad_request, conflict
from services.gateway.documents.runs import RunDocument
from services.gateway.documents.starting import StartForm, StartOptions
from services.gateway.resources.runs import document_of
from shared.core.run_options import RunOptions
from shared.core.states import BUILT_MODES, LoadMode, RunKind
from shared.core.suspension import check_suspension
from shared.identity.permissions import Permission
from shared.ledger.idempotency import KeyedRequest
from shared.ledger.outcomes import RunOutcome
from shared.ledger.plan_texts import plan_files
from shared.ledger.register import Migration, read_migration
from shared.ledger.runs import NewRun, create_run, read_runs
from shared.plan.selection import mode_of, select, tried_mode

VERSION = version("transfuse")
KEY = re.compile(r"[\x21-\x7e]{1,255}")
NOTHING_YET = RunOutcome()
"""What a run that was just written came to."""


class _Started(msgspec.Struct, frozen=True):
    """What is needed of a kept answer."""

    id: UUID


async def start_run(call: Call[Nothing, Nothing, StartForm]) -> Answer[RunDocument]:
    request = _keyed(call)
    mode = _mode(call.body.options)
    if request is None:
        migration = await call.api.register.get(call.body.migration_id)
        async with call.api.ledger.acquire() as connection:
            await _check_only(call, connection, migration)
        run = await call.api.runs.create(_new_run(call, migration, mode))
        return _answer(as_json(document_of(await call.api.runs.get(run), NOTHING_YET)))
    async with call.api.idempotency.once(request) as attempt:
        if attempt.kept is not None:
            return _answer(attempt.kept)
        # All on one connection: who holds a key while he waits for another would wait for those who wait for the key.
        migration = await read_migration(attempt.connection, call.body.migration_id)
        await _check_only(call, attempt.connection, migration)
        run = await create_run(attempt.connection, _new_run(call, migration, mode))
        (written,) = await read_runs(attempt.connection, [run])
        content = as_json(document_of(written, NOTHING_YET))
        await attempt.keep(content)
    return _answer(content)


def _answer(content: bytes) -> Answer[RunDocument]:
    run = msgspec.json.decode(content, type=_Started).id
    return Answer(
        content=content,
        status=HTTPStatus.ACCEPTED,
        headers={"Location": f"/api/runs/{run}"},
        audit={"run": str(run)},
    )


def is_dry(options: StartOptions) -> bool:
    """Whether nothing is to be written."""
    return options.validate_only or options.mode is LoadMode.CHECK


def _keyed(call: Call[Nothing, Nothing, StartForm]) -> KeyedRequest | None:
    """The request under its key, None where it has none. The key belongs to the account, whatever its name is now."""
    key = call.headers.get("idempotency-key")
    if key is None:
        return None
    if KEY.fullmatch(key) is None:
        raise bad_request(
            "The Idempotency-Key is 1 to 255 visible ASCII characters.",
            code="bad_key",
            remedy="Use a UUID of your own making.",
        )
    return KeyedRequest(actor=str(call.caller.who.subject), key=key, content=b"startRun " + as_json(call.body))


def _mode(options: StartOptions) -> LoadMode:
    """How batches end. Raises ApiError 400 for a contradiction, 409 `not_available` for what is not built."""
    if is_dry(options) and options.skip_validation:
        raise bad_request(
            "A run that only validates cannot leave the validation out.",
            code="contradiction",
            remedy="Set validateOnly or skipValidation, not both.",
        )
    if options.verify and (is_dry(options) or options.skip_validation):
        raise bad_request(
            "A run that writes nothing, or leaves the validation out, does not verify what it has written.",
            code="contradiction",
            remedy="Leave out verify, or what contradicts it.",
        )
    if is_dry(options):
        tried_mode(options.only, options.mode)
        if options.verify:
            raise bad_request(
                "A dry run writes nothing that could be verified.",
                code="contradiction",
                remedy="Set validateOnly or verify, not both.",
            )
        return LoadMode.CHECK
    mode = mode_of(options.only, options.mode)
    if mode is LoadMode.COMPARE:
        raise conflict(
            "A verify is of a run.", code="not_available", remedy="Ask for it with POST /api/runs/{id}/verify."
        )
    if mode not in BUILT_MODES:
        built = ", ".join(sorted(BUILT_MODES - {LoadMode.COMPARE}))
        raise conflict(f"The mode {mode} is not available.", code="not_available", remedy=f"Use one of: {built}.")
    return mode


async def _check_only(
    call: Call[Nothing, Nothing, StartForm], connection: asyncpg.Connection, migration: Migration
) -> None:
    """Raise Refused where the plan has no mapping or column of a name that `only` gives."""
    if not call.body.options.only:
        return
    found = await call.api.inspections.inspect(await plan_files(connection, migration.plan_hash))
    if found.plan is None:
        raise bad_request(
            "The plan of this migration has errors.",
            code="plan_refused",
            remedy="See the errors of its newest version, correct them, and keep it again.",
        )
    select(found.plan, call.body.options.only)


def _new_run(call: Call[Nothing, Nothing, StartForm], migration: Migration, mode: LoadMode) -> NewRun:
    """The run as the ledger takes it: of the newest version of the migration's plan."""
    options = call.body.options
    taken = RunOptions(
        batch_rows=options.batch_size,
        skip_validation=options.skip_validation,
        only=options.only,
        tries=tried_mode(options.only, options.mode) if is_dry(options) else LoadMode.INSERT,
        verify=options.verify,
        suspend_constraints=options.suspend_constraints,
    )
    check_suspension(taken, mode)
    return NewRun(
        migration=migration.id,
        plan_hash=migration.plan_hash,
        actor=call.caller.who.actor,
        transfuse_version=VERSION,
        kind=RunKind.VALIDATE if mode is LoadMode.CHECK else RunKind.MIGRATE,
        mode=mode,
        priority=options.priority.rank,
        options=taken,
    )


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/api/migrations/start",
        operation_id="startRun",
        permission=Permission.MIGRATION_START,
        summary="Start a run of a migration; an Idempotency-Key makes it safe to ask again",
        tag=Tag.RUNS,
        handler=start_run,
        body=StartForm,
        answer=RunDocument,
        status=HTTPStatus.ACCEPTED,
        also={HTTPStatus.NOT_FOUND: None, HTTPStatus.CONFLICT: None, HTTPStatus.UNPROCESSABLE_ENTITY: None},
        headers=("Location",),
        accepts=("Idempotency-Key",),
        limit=Limit.STARTS,
        audit="run.start",
        audited=("migration_id",),
    ),
)

"""Migrations: the list, one, a new one, and one that leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from uuid import UUID

import msgspec

from services.gateway.api.endpoint import Answer, Call, Endpoint, Nothing, Tag
from services.gateway.api.problems import ApiError, bad_request
from services.gateway.api.surroundings import Surroundings
from services.gateway.documents.cursor import cursor_of, place_of
from services.gateway.documents.migrations import (
    DeleteQuery,
    MigrationCursor,
    MigrationDocument,
    MigrationForm,
    MigrationList,
    MigrationPath,
    MigrationQuery,
    Sort,
)
from services.gateway.resources.runs import document_of as run_document
from shared.identity.permissions import Permission, Role
from shared.ledger.outcomes import RunOutcome
from shared.ledger.register import Listing, Migration, Place

ALIASES = frozenset({"default"})
"""Connections that a migration may be bound to: this service knows their names and nothing else of them."""


async def list_migrations(call: Call[Nothing, MigrationQuery, None]) -> MigrationList:
    query = call.query
    page = await call.api.register.list(
        Listing(
            status=query.status,
            search=query.search or None,
            order=query.sort.order,
            descending=query.sort.descending,
            after=_place(query),
            limit=query.limit,
        )
    )
    following = page.following
    return MigrationList(
        migrations=await _documents(call.api, page.migrations),
        total=page.total,
        status=page.overall,
        next_cursor=None if following is None else _cursor(query.sort, following),
    )


async def create_migration(call: Call[Nothing, Nothing, MigrationForm]) -> Answer[MigrationDocument]:
    form = call.body
    if form.name != form.name.strip():
        raise bad_request("A name does not begin or end with a space.", code="bad_name")
    for alias in (form.source, form.target):
        if alias not in ALIASES:
            raise bad_request(
                "There is no connection of that alias.",
                code="unknown_alias",
                remedy=f"Use one of: {', '.join(sorted(ALIASES))}.",
            )
    made = await call.api.register.create(
        form.name, plan=form.plan, source=form.source, target=form.target, actor=call.caller.who.actor
    )
    return Answer(
        document=document_of(made, {}),
        status=HTTPStatus.CREATED,
        headers={"Location": f"/api/migrations/{made.id}"},
        audit={"migration": str(made.id), "plan": made.plan},
    )


async def read_migration(call: Call[MigrationPath, Nothing, None]) -> MigrationDocument:
    return (await _documents(call.api, [await call.api.register.get(call.path.id)]))[0]


async def delete_migration(call: Call[MigrationPath, DeleteQuery, None]) -> Answer[None]:
    who = call.caller.who
    if call.query.force and who.role is not Role.ADMIN:
        raise ApiError(
            HTTPStatus.FORBIDDEN,
            "Only an administrator deletes a migration whose rows wait in quarantine.",
            code="forbidden",
            remedy="Replay or discard the rows first, or ask an administrator.",
        )
    gone = await call.api.register.delete(call.path.id, actor=who.actor, force=call.query.force)
    return Answer(audit={"force": int(call.query.force), "unresolved_rows": gone.unresolved_rows})


async def _documents(api: Surroundings, migrations: Sequence[Migration]) -> tuple[MigrationDocument, ...]:
    outcomes = await api.outcomes.of(one.last_run for one in migrations if one.last_run is not None)
    return tuple(document_of(one, outcomes) for one in migrations)


def document_of(migration: Migration, outcomes: Mapping[UUID, RunOutcome]) -> MigrationDocument:
    """A migration of the ledger as the API shows it; `outcomes` has that of its last run, if there is one."""
    fields, last = msgspec.structs.asdict(migration), migration.last_run
    fields["last_run"] = None if last is None else run_document(last, outcomes[last.id])
    return MigrationDocument(**{name: fields[name] for name in MigrationDocument.__struct_fields__})


def _place(query: MigrationQuery) -> Place | None:
    if not query.cursor:
        return None
    place = place_of(query.cursor, MigrationCursor)
    if place.sort is not query.sort:
        raise bad_request(
            "The cursor belongs to another sorting.", code="bad_cursor", remedy="Start from the beginning of the list."
        )
    return Place(key=place.key, id=place.id)


def _cursor(sort: Sort, place: Place) -> str:
    return cursor_of(MigrationCursor(sort=sort, key=place.key, id=place.id))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/migrations",
        operation_id="listMigrations",
        permission=Permission.MIGRATION_READ,
        summary="Migrations, each with its last run",
        tag=Tag.MIGRATIONS,
        handler=list_migrations,
        query=MigrationQuery,
        answer=MigrationList,
    ),
    Endpoint(
        method="POST",
        path="/api/migrations",
        operation_id="createMigration",
        permission=Permission.MIGRATION_CREATE,
        summary="Bind a plan to connections under a name",
        tag=Tag.MIGRATIONS,
        handler=create_migration,
        body=MigrationForm,
        answer=MigrationDocument,
        status=HTTPStatus.CREATED,
        also={HTTPStatus.NOT_FOUND: None, HTTPStatus.CONFLICT: None},
        headers=("Location",),
        audit="migration.create",
        audited=("name", "plan"),
    ),
    Endpoint(
        method="GET",
        path="/api/migrations/{id}",
        operation_id="readMigration",
        permission=Permission.MIGRATION_READ,
        summary="One migration and its last run",
        tag=Tag.MIGRATIONS,
        handler=read_migration,
        parameters=MigrationPath,
        answer=MigrationDocument,
    ),
    Endpoint(
        method="DELETE",
        path="/api/migrations/{id}",
        operation_id="deleteMigration",
        permission=Permission.MIGRATION_DELETE,
        summary="Take a migration from the list; what its runs came to stays",
        tag=Tag.MIGRATIONS,
        handler=delete_migration,
        parameters=MigrationPath,
        query=DeleteQuery,
        status=HTTPStatus.NO_CONTENT,
        also={HTTPStatus.CONFLICT: None},
        audit="migration.delete",
    ),
)

"""Plans: versioned, checked before they are kept, with the lineage of every target column."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec

from services.gateway.api.endpoint import Answer, Call, Endpoint, Nothing, Tag
from services.gateway.api.problems import ApiError, Finding
from services.gateway.documents.plan_lists import MOST_LISTED
from services.gateway.documents.plans import (
    CodebookDocument,
    LineageDocument,
    PlanCheck,
    PlanDocument,
    PlanFiles,
    PlanMappingDocument,
    PlanPath,
    PlanQuery,
    PlanRule,
)
from services.gateway.inspection import Inspection, in_order
from services.gateway.resources.plan_lists import versions_of
from shared.identity.permissions import Permission
from shared.ledger.plans import StoredPlan
from shared.plan.deferred import order_of
from shared.plan.model import Mapping, Plan
from shared.plan.position import Problem
from shared.plan.references import dependencies
from shared.plan.report import Report


async def read_plan(call: Call[PlanPath, PlanQuery, None]) -> PlanDocument:
    """One version of a plan."""
    stored = await call.api.plans.read(call.path.name, call.query.version)
    return await _document(call, stored, await call.api.inspections.inspect(stored.files))


async def put_plan(call: Call[PlanPath, Nothing, PlanFiles]) -> Answer[PlanDocument]:
    """Keep a plan that is sound as far as can be told without a database."""
    found = await _inspected(call)
    plan = found.plan
    if plan is None:
        raise _refused("The plan has errors.", tuple(map(finding_of, found.errors)))
    if plan.name != call.path.name:
        message = f"the plan calls itself {plan.name}, the address says {call.path.name}"
        raise _refused("The plan has another name.", (Finding(message=message, field="files", remedy="Use one name."),))
    put = await call.api.plans.put(name=plan.name, hash=plan.hash, files=plan.files, mapping_count=len(plan.mappings))
    stored = await call.api.plans.read(plan.name, put.version)
    return Answer(
        document=await _document(call, stored, found),
        status=HTTPStatus.CREATED if put.created else HTTPStatus.OK,
        headers={"Location": f"/api/plans/{plan.name}?version={put.version}"},
        audit={"version": put.version, "hash": plan.hash},
    )


async def check_plan(call: Call[PlanPath, Nothing, PlanFiles]) -> PlanCheck:
    """Say everything about files that are not kept."""
    found = await _inspected(call)
    name, digest = (None, None) if found.plan is None else (found.plan.name, found.plan.hash)
    return PlanCheck(name=name, hash=digest, **_content(found))


def finding_of(problem: Problem) -> Finding:
    """A problem with a plan as the API tells it."""
    return Finding(
        message=problem.message,
        file=problem.position.file,
        line=problem.position.line,
        column=problem.position.column,
        remedy=f"Write {problem.suggestion}." if problem.suggestion else "",
    )


async def _inspected(call: Call[PlanPath, Nothing, PlanFiles]) -> Inspection:
    return await call.api.inspections.inspect(in_order(call.body.files))


async def _document(call: Call[PlanPath, Any, Any], stored: StoredPlan, found: Inspection) -> PlanDocument:
    newest = await versions_of(call.api, stored.name, limit=MOST_LISTED)
    return PlanDocument(
        name=stored.name,
        version=stored.version,
        hash=stored.hash,
        created_at=stored.created_at,
        files=stored.files,
        versions=newest.versions,
        versions_cursor=newest.next_cursor,
        **_content(found),
    )


def _content(found: Inspection) -> dict[str, Any]:
    """The fields of a `PlanContent`."""
    plan = found.plan
    books = () if plan is None else plan.codebooks.values()
    return {
        "valid": plan is not None,
        "errors": tuple(map(finding_of, found.errors)),
        "warnings": tuple(map(finding_of, found.warnings)),
        "source_schema": None if plan is None else plan.source_schema,
        "target_schema": None if plan is None else plan.target_schema,
        "mappings": () if plan is None else _mappings(plan),
        "lineage": tuple(msgspec.convert(line, LineageDocument, from_attributes=True) for line in found.lineage),
        "codebooks": tuple(
            CodebookDocument(name=book.name, code_count=len(book.meanings), otherwise=book.otherwise) for book in books
        ),
        "unmapped": {} if plan is None else plan.unmapped,
    }


def _mappings(plan: Plan) -> tuple[PlanMappingDocument, ...]:
    refers_to = dependencies(plan.mappings)
    placed = order_of(plan.mappings, Report(plan.files)).waves
    return tuple(
        _mapping(plan, mapping, refers_to[mapping.name], placed.get(mapping.name, 0)) for mapping in plan.mappings
    )


def _mapping(plan: Plan, mapping: Mapping, refers_to: tuple[str, ...], wave: int) -> PlanMappingDocument:
    return PlanMappingDocument(
        name=mapping.name,
        target=f"{plan.target_schema}.{mapping.into.value}",
        from_=mapping.from_.value.strip(),
        key=tuple(part.value for part in mapping.key),
        keep=None if mapping.keep is None else mapping.keep.value,
        refers_to=refers_to,
        wave=wave,
        column_count=len(mapping.columns),
        rules=tuple(
            PlanRule(name=rule.name, check=rule.check.value, otherwise=rule.otherwise) for rule in mapping.rules
        ),
        file=mapping.position.file,
        line=mapping.position.line,
    )


def _refused(detail: str, errors: tuple[Finding, ...]) -> ApiError:
    return ApiError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        detail,
        code="plan_refused",
        remedy="Correct the plan at the places named.",
        errors=errors,
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/plans/{name}",
        operation_id="readPlan",
        permission=Permission.MIGRATION_READ,
        summary="A plan: its files, versions, mappings and the lineage of every column",
        tag=Tag.PLANS,
        handler=read_plan,
        parameters=PlanPath,
        query=PlanQuery,
        answer=PlanDocument,
        also={404: None},
    ),
    Endpoint(
        method="PUT",
        path="/api/plans/{name}",
        operation_id="putPlan",
        permission=Permission.MIGRATION_PLAN,
        summary="Keep a plan; the same text is the same version",
        tag=Tag.PLANS,
        handler=put_plan,
        parameters=PlanPath,
        body=PlanFiles,
        answer=PlanDocument,
        also={201: PlanDocument, 404: None, 422: None, 503: None},
        audit="plan.put",
    ),
    Endpoint(
        method="POST",
        path="/api/plans/{name}/check",
        operation_id="checkPlan",
        permission=Permission.MIGRATION_PLAN,
        summary="Check a plan without keeping it",
        tag=Tag.PLANS,
        handler=check_plan,
        parameters=PlanPath,
        body=PlanFiles,
        answer=PlanCheck,
        also={404: None, 503: None},
        audit="plan.check",
    ),
)

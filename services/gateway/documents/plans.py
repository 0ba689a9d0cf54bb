"""Documents of plans."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, field

from services.gateway.api.problems import Finding
from services.gateway.documents.plan_lists import PlanVersionDocument
from services.gateway.documents.texts import PLAN_NAME, PLAN_NAME_WORDS
from shared.core.document import Document, Form

PlanName = Annotated[str, Meta(pattern=PLAN_NAME, description=PLAN_NAME_WORDS)]
FileName = Annotated[str, Meta(min_length=1, max_length=200)]


class PlanPath(Form, frozen=True, kw_only=True):
    """The plan of a path."""

    name: PlanName


class PlanQuery(Form, frozen=True, kw_only=True):
    """Which version; the newest unless told otherwise."""

    version: Annotated[int, Meta(ge=1, le=2147483647)] | None = None


class PlanFiles(Form, frozen=True, kw_only=True):
    """A plan's files by name: the plan itself (`plan.yml`) and the code books that it names."""

    files: Annotated[dict[FileName, str], Meta(min_length=1, max_length=200)]


class PlanRule(Document, frozen=True, kw_only=True):
    """A check over the computed columns, and what happens to a row that fails it."""

    name: str
    check: str
    otherwise: str


class PlanMappingDocument(Document, frozen=True, kw_only=True):
    """The derivation of one target table. `refersTo` are mappings whose rows must be there before."""

    name: str
    target: str
    from_: str = field(name="from")
    key: tuple[str, ...]
    keep: str | None
    refers_to: tuple[str, ...]
    wave: int
    column_count: int
    rules: tuple[PlanRule, ...]
    file: str
    line: int


class SourceColumnDocument(Document, frozen=True, kw_only=True):
    """A column that is read. `table` is empty where the alias is a subquery."""

    alias: str
    table: str
    column: str


class LineageDocument(Document, frozen=True, kw_only=True):
    """Where one target column comes from; `invented` marks a value that is not in the source."""

    mapping: str
    table: str
    column: str
    expression: str
    sources: tuple[SourceColumnDocument, ...]
    functions: tuple[str, ...]
    codebooks: tuple[str, ...]
    refers_to: tuple[str, ...]
    invented: bool


class CodebookDocument(Document, frozen=True, kw_only=True):
    """A code book: how many codes, and the value for an unknown one (null: its row is quarantined)."""

    name: str
    code_count: int
    otherwise: str | None


class PlanContent(Document, frozen=True, kw_only=True):
    """What a plan says, as far as it can be told without a database; empty but for `errors` where it is not valid."""

    valid: bool
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    source_schema: str | None
    target_schema: str | None
    mappings: tuple[PlanMappingDocument, ...]
    lineage: tuple[LineageDocument, ...]
    codebooks: tuple[CodebookDocument, ...]
    unmapped: dict[str, str]


class PlanCheck(PlanContent, frozen=True, kw_only=True):
    """What there is to say of files that were not kept. `hash` is what they would be kept under."""

    name: str | None
    hash: str | None


class PlanDocument(PlanContent, frozen=True, kw_only=True):
    """One version of a plan with its files, and the versions there are, the newest first.

    `versions_cursor` is where `/api/plans/{name}/versions` goes on; None where all versions are here.
    """

    name: str
    version: int
    hash: str
    created_at: datetime
    files: dict[str, str]
    versions: tuple[PlanVersionDocument, ...]
    versions_cursor: str | None

"""What a caller is told of a request that is not as it should be."""

from __future__ import annotations

import pytest

from services.gateway.api import decoding
from services.gateway.api.problems import ApiError, Finding
from services.gateway.documents.migrations import MigrationQuery
from services.gateway.documents.starting import StartForm


def finding(values: dict[str, str], wanted: type[object]) -> Finding:
    with pytest.raises(ApiError) as refused:
        decoding.query(values, wanted)
    (found,) = refused.value.errors
    return found


def test_a_word_that_is_none_of_those_allowed_is_not_repeated_and_those_are_named() -> None:
    found = finding({"sort": "secret"}, MigrationQuery)
    assert found == Finding(
        message="The value is none of those allowed",
        field="sort",
        remedy="Use one of: name, -name, createdAt, -createdAt, lastRun, -lastRun.",
    )
    assert finding({"status": "secret"}, MigrationQuery).remedy.startswith("Use one of: pending, running, ")


def test_what_is_no_word_of_a_list_names_no_list() -> None:
    assert finding({"limit": "many"}, MigrationQuery).remedy == ""
    assert finding({"migrationId": "secret"}, StartForm) == Finding(
        message="The value is none of those allowed", field="migrationId"
    )

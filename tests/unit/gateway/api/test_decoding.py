"""What a caller is told of a request that is not as it should be."""

from __future__ import annotations

import pytest

from services.gateway.api import decoding
from services.gateway.api.problems import ApiError, Finding
from services.gateway.documents.migrations import MigrationForm, MigrationQuery
from services.gateway.documents.plans import PlanPath
from services.gateway.documents.quarantine import UnmaskForm
from services.gateway.documents.sign_in import LoginForm
from services.gateway.documents.starting import StartForm
from services.gateway.documents.users import UserForm


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


def test_a_text_of_another_form_is_not_repeated_and_the_form_is_told_in_words() -> None:
    found = finding({"search": "Jane\x85Canary"}, MigrationQuery)
    assert found == Finding(
        message="The text is not of the form that is asked for",
        field="search",
        remedy="One line without control characters.",
    )
    found = finding({"email": "jane", "password": "x"}, LoginForm)
    assert found.remedy == "An address like ops@example.org: one @, no spaces, no control characters."


@pytest.mark.parametrize("end", ("\n", "\r", "\x7f", "\x80", "\x85", "\x9f"))
def test_control_characters_and_line_ends_are_in_no_name(end: str) -> None:
    for values, wanted in (
        ({"name": f"clinic{end}", "plan": "clinic"}, MigrationForm),
        ({"name": "clinic", "plan": f"clinic{end}"}, MigrationForm),
        ({"reason": f"The clinic asked for it{end}"}, UnmaskForm),
        ({"email": f"ops@example.org{end}", "role": "viewer", "password": "x" * 12}, UserForm),
    ):
        assert finding(values, wanted).message == "The text is not of the form that is asked for"
    with pytest.raises(ApiError) as refused:
        decoding.path({"name": f"clinic{end}"}, PlanPath)
    assert refused.value.status == 404


def test_names_of_other_scripts_are_names() -> None:
    name = "Klinik Ørsted 東 é\xa0x"
    assert decoding.query({"name": name, "plan": "p"}, MigrationForm).name == name


def test_what_is_no_word_of_a_list_names_no_list() -> None:
    assert finding({"limit": "many"}, MigrationQuery).remedy == ""
    assert finding({"migrationId": "secret"}, StartForm) == Finding(
        message="The value is none of those allowed", field="migrationId"
    )

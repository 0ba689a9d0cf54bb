"""From the request's text to the endpoint's types; what does not fit is told by field, never with its value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from aiohttp import web
from msgspec import inspect

from services.gateway.api.problems import ApiError, Finding, bad_request

T = TypeVar("T")


def path(values: Mapping[str, str], wanted: type[T]) -> T:
    """The names of the path. Raises ApiError 404: nothing is at an address that nobody could have made."""
    try:
        return _converted(values, wanted)
    except msgspec.ValidationError as error:
        raise ApiError(HTTPStatus.NOT_FOUND, "There is nothing at this address.", code="not_found") from error


def query(values: Mapping[str, str], wanted: type[T]) -> T:
    """The query, in which a name may be more than once, and must not. Raises ApiError 400."""
    twice = sorted(name for name, count in Counter(name for name, _ in values.items()).items() if count > 1)
    if twice:
        finding = Finding(message="It is given more than once", field=twice[0])
        raise bad_request("The query is not as it should be.", errors=(finding,))
    try:
        return _converted(values, wanted)
    except msgspec.ValidationError as error:
        raise bad_request("The query is not as it should be.", errors=(_finding(error, wanted),)) from error


async def body(request: web.Request, wanted: type[T]) -> T:
    """The JSON body. Raises ApiError 400, 413 above the limit, 415 for another media type."""
    if request.content_type != "application/json":
        raise ApiError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "The body is not application/json.",
            code="not_json",
            remedy="Send JSON with Content-Type: application/json.",
        )
    content = await request.read()
    try:
        found = msgspec.json.decode(content, type=wanted)
        _refuse_unstorable(content)
    except msgspec.ValidationError as error:
        raise bad_request("The body is not as it should be.", errors=(_finding(error, wanted),)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request("The body is no JSON.", code="no_json") from error
    return found


def _converted(values: Mapping[str, str], wanted: type[T]) -> T:
    """Text turned into what the Form says. Raises msgspec.ValidationError."""
    if any("\0" in text or not _encodable(text) for text in values.values()):
        raise msgspec.ValidationError("Expected text without NUL")
    return msgspec.convert(dict(values), wanted, strict=False)


def _refuse_unstorable(content: bytes) -> None:
    """JSON can write NUL, which no text of PostgreSQL holds."""
    if b"\\u0000" in content and _has_nul(msgspec.json.decode(content)):
        raise msgspec.ValidationError("Expected text without NUL")


def _has_nul(found: Any) -> bool:  # noqa: ANN401 - any JSON
    if isinstance(found, str):
        return "\0" in found
    if isinstance(found, dict):
        return any(_has_nul(name) or _has_nul(value) for name, value in found.items())
    return isinstance(found, list) and any(_has_nul(value) for value in found)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _finding(error: msgspec.ValidationError, wanted: Any) -> Finding:  # noqa: ANN401 - any type
    """What is wrong and where; msgspec repeats a bad enum value, so only its words about types are kept."""
    message, _, place = str(error).partition(" - at `$.")
    field = place.rstrip("`")
    if message.startswith("Expected `str` matching regex"):
        return Finding(
            message="The text is not of the form that is asked for",
            field=field,
            remedy=_words(inspect.type_info(wanted), field.split(".")),
        )
    if not message.startswith("Invalid"):
        return Finding(message=message, field=field)
    allowed = ", ".join(_allowed(inspect.type_info(wanted), field.split(".")))
    remedy = f"Use one of: {allowed}." if allowed else ""
    return Finding(message="The value is none of those allowed", field=field, remedy=remedy)


def _allowed(found: inspect.Type, place: list[str]) -> list[str]:
    """The words that may stand at a place of a type; none where it is not an enumeration."""
    match found:
        case inspect.Metadata():
            return _allowed(found.type, place)
        case inspect.UnionType():
            return [word for one in found.types for word in _allowed(one, place)]
        case inspect.StructType() if place:
            return [
                word
                for field in found.fields
                if field.encode_name == place[0]
                for word in _allowed(field.type, place[1:])
            ]
        case inspect.EnumType() if not place:
            return [str(member.value) for member in found.cls]
        case _:
            return []


def _words(found: inspect.Type, place: list[str]) -> str:
    """What the documentation says of the text at a place of a type, or nothing."""
    match found:
        case inspect.Metadata(extra_json_schema=dict(extra)) if not place:
            return str(extra.get("description", ""))
        case inspect.Metadata():
            return _words(found.type, place)
        case inspect.UnionType():
            return next((words for one in found.types if (words := _words(one, place))), "")
        case inspect.StructType() if place:
            fields = {field.encode_name: field.type for field in found.fields}
            return _words(fields[place[0]], place[1:]) if place[0] in fields else ""
        case _:
            return ""


def as_json(document: Any) -> bytes:  # noqa: ANN401 - any document
    """The JSON of a document."""
    return msgspec.json.encode(document)

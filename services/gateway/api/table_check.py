"""What is wrong with a table of endpoints is found when the gateway starts, not when somebody calls."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from services.gateway.api.endpoint import Endpoint
from services.gateway.api.origins import SAFE
from shared.core.document import Form
from shared.core.errors import RunError
from shared.identity.permissions import Permission

ACTION = re.compile(r"[a-z_]+(\.[a-z_]+)+")


class TableInvalid(RunError):
    """The endpoints contradict each other or say too little; the text names each of them."""

    code = "table_invalid"
    remedy = "Mend the named endpoints: this is a bug of Transfuse."


def check_table(endpoints: Sequence[Endpoint]) -> None:
    """Return where every endpoint is whole and unlike the others. Raises TableInvalid with everything it found."""
    found = [
        *(f"{endpoint.operation_id}: {words}" for endpoint in endpoints for words in _flaws(endpoint)),
        *_repeated("the operation id", (endpoint.operation_id for endpoint in endpoints)),
        *_repeated("the route", (f"{endpoint.method} {_shape(endpoint.path)}" for endpoint in endpoints)),
    ]
    if found:
        raise TableInvalid("The table of endpoints is not sound:\n" + "\n".join(found))


def _flaws(endpoint: Endpoint) -> Iterable[str]:
    if endpoint.permission not in set(Permission):
        yield "names no permission"
    if endpoint.method not in {"GET", "POST", "PUT", "PATCH", "DELETE"}:
        yield "names no method that the API knows"
    if not endpoint.path.startswith("/api/"):
        yield "is not below /api/"
    yield from _flaws_of_forms(endpoint)
    if endpoint.method not in SAFE and not endpoint.audit:
        yield "changes something and names no action for the audit"
    if endpoint.audit and not ACTION.fullmatch(endpoint.audit):
        yield "its action for the audit is not of the form `thing.verb`"


def _flaws_of_forms(endpoint: Endpoint) -> Iterable[str]:
    for name, form in (("parameters", endpoint.parameters), ("query", endpoint.query), ("body", endpoint.body)):
        if form is not None and not _is_form(form):
            yield f"its {name} are no Form"
    if _is_form(endpoint.parameters):
        in_path = sorted(re.findall(r"{([^}]*)}", endpoint.path))
        in_form = sorted(field.encode_name for field in msgspec.structs.fields(endpoint.parameters))
        if in_path != in_form:
            yield f"its path names {in_path}, its Form {in_form}"
    if endpoint.method in SAFE and endpoint.body is not None:
        yield "reads, and has a body"


def _is_form(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, Form)


def _repeated(what: str, names: Iterable[str]) -> Iterable[str]:
    return (f"{what} {name} is there {count} times" for name, count in Counter(names).items() if count > 1)


def _shape(path: str) -> str:
    return re.sub(r"{[^}]*}", "{}", path)

"""One installation: the ledger and its roles in the target, and an environment file per service."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from shared.core.errors import Refused
from shared.ledger.init import SERVICES, generate_passwords, initialise, service_roles
from shared.settings.addresses import PostgresAddress, postgres_url
from shared.settings.databases import TARGET_URL, LegacyDatabase
from shared.settings.environ import Complaint, Environ
from shared.settings.readers import Reader, Variable
from shared.settings.secret import Secret
from shared.settings.service import ENCRYPTION_KEY, RABBITMQ_URL
from transfuse.workspace import EMBEDDED, Workspace

T = TypeVar("T")

KEY_BYTES = 32
PASSED_ON = (EMBEDDED, "ENVIRONMENT", "RABBITMQ_URL", "LOG_LEVEL", "BUS_PREFIX", "DRAIN_SECONDS")
"""Variables that every service gets as they are."""


async def install(
    workspace: Workspace,
    process: Mapping[str, str],
    *,
    schemas: tuple[str, ...] = ("public",),
    role_prefix: str = "transfuse",
) -> None:
    """Bring the ledger and the roles of TARGET_DATABASE_URL's database to this version and write the workspace.

    TARGET_DATABASE_URL is the owner's here; each service afterwards has a role and a password of its own, which an
    earlier workspace for the same roles loses. Raises Refused for what is missing, and what `initialise` raises.
    """
    variables = Environ(process)
    admin = _read(TARGET_URL, variables)
    legacy = _read(LegacyDatabase(), variables)
    _check(variables, ENCRYPTION_KEY, RABBITMQ_URL)
    kept = _kept(workspace, admin)
    passwords = {**generate_passwords(), **kept.passwords}
    await initialise(admin, passwords=passwords, loader_schemas=schemas, role_prefix=role_prefix)
    logins = {
        role.service: msgspec.structs.replace(
            admin, user=role.login, password=Secret(passwords[role.service])
        ).url.reveal()
        for role in service_roles(role_prefix)
    }
    common = {name: value for name in PASSED_ON if (value := variables.find(name))}
    key = (
        variables.find("ENCRYPTION_KEY")
        or kept.encryption_key
        or base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    )
    sealed = {**common, "ENCRYPTION_KEY": "".join(key.split())}
    optional = {name: value for name in ("REDIS_URL", "JWT_SECRET") if (value := variables.find(name))}
    workspace.write(
        {
            "gateway": {**common, **optional, "LEDGER_DATABASE_URL": logins["gateway"]},
            "extractor": {
                **sealed,
                "LEGACY_DATABASE_URL": legacy.url.reveal(),
                "LEDGER_DATABASE_URL": logins["extractor"],
            },
            "transformer": {**sealed, "LEDGER_DATABASE_URL": logins["transformer"]},
            "loader": {**sealed, "TARGET_DATABASE_URL": logins["loader"]},
            "notifier": {**common, **optional, "LEDGER_DATABASE_URL": logins["notifier"]},
        }
    )


class _Kept(msgspec.Struct, frozen=True):
    """What an earlier `init` wrote: passwords by service, if for the same database, and the key that wraps run keys."""

    passwords: dict[str, str]
    encryption_key: str


def _kept(workspace: Workspace, admin: PostgresAddress) -> _Kept:
    if not workspace.initialised:
        return _Kept({}, "")
    passwords: dict[str, str] = {}
    for service in SERVICES:
        variables = workspace.kept(service)
        url = variables.get("LEDGER_DATABASE_URL") or variables["TARGET_DATABASE_URL"]
        login = postgres_url(url, Environ({}))
        if (login.host, login.database) == (admin.host, admin.database) and login.password is not None:
            passwords[service] = login.password.reveal()
    return _Kept(passwords, workspace.kept("extractor")["ENCRYPTION_KEY"])


def _check(variables: Environ, *readers: Variable[Any]) -> None:
    """Refuse here what the services would refuse when they start."""
    for reader in readers:
        if variables.any_set(reader.name):
            _read(reader, variables)


def _read(reader: Reader[T | None], variables: Environ) -> T:
    try:
        found = reader.read(variables)
    except Complaint as complaint:
        raise Refused(
            "\n".join(complaint.sentences), remedy="Set what is named and run it again.", code="bad_setting"
        ) from None
    if found is None:
        raise Refused("A setting is missing.", code="bad_setting")
    return found

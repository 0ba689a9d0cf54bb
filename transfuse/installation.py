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
from shared.settings.service import (
    ENCRYPTION_KEY,
    JWT_SECRET,
    RABBITMQ_URL,
    REDIS_URL,
    SERVICE_TOKEN,
    SUPABASE_URL,
)
from transfuse.workspace import EMBEDDED, Workspace

T = TypeVar("T")

KEY_BYTES = 32
IDENTITY = (
    *("SUPABASE_URL", "JWT_ISSUER", "JWT_AUDIENCE", "JWKS_URL"),
    *("CORS_ORIGINS", "TRUSTED_PROXIES", "REDIS_URL"),
)
"""Variables of the two services that browsers talk to."""
OF_GATEWAY = ("SUPABASE_ANON_KEY", "SOCKET_URL", "LOADER_URL")
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
    _check(variables, ENCRYPTION_KEY, RABBITMQ_URL, REDIS_URL, JWT_SECRET, SERVICE_TOKEN, SUPABASE_URL)
    kept = _kept(workspace, admin)
    passwords = {**generate_passwords(), **kept.passwords}
    await initialise(admin, passwords=passwords, loader_schemas=schemas, role_prefix=role_prefix)
    logins = {
        role.service: msgspec.structs.replace(
            admin, user=role.login, password=Secret(passwords[role.service])
        ).url.reveal()
        for role in service_roles(role_prefix)
    }
    common = _found(variables, PASSED_ON)
    key = variables.find("ENCRYPTION_KEY") or kept.secrets.get("ENCRYPTION_KEY") or _new_secret()
    sealed = {**common, "ENCRYPTION_KEY": "".join(key.split())}
    browsers = {**common, **_found(variables, IDENTITY), **_signing(variables, kept)}
    token = {"SERVICE_TOKEN": variables.find("SERVICE_TOKEN") or kept.secrets.get("SERVICE_TOKEN") or _new_secret()}
    workspace.write(
        {
            "gateway": {
                **browsers,
                **_found(variables, OF_GATEWAY),
                **token,
                "LEDGER_DATABASE_URL": logins["gateway"],
            },
            "extractor": {
                **sealed,
                "LEGACY_DATABASE_URL": legacy.url.reveal(),
                "LEDGER_DATABASE_URL": logins["extractor"],
            },
            "transformer": {**sealed, "LEDGER_DATABASE_URL": logins["transformer"]},
            "loader": {**sealed, **token, "TARGET_DATABASE_URL": logins["loader"]},
            "notifier": {**browsers, "LEDGER_DATABASE_URL": logins["notifier"]},
        }
    )


class _Kept(msgspec.Struct, frozen=True):
    """What an earlier `init` wrote: passwords by service, if for the same database, and other secrets by name."""

    passwords: dict[str, str]
    secrets: dict[str, str]


def _kept(workspace: Workspace, admin: PostgresAddress) -> _Kept:
    if not workspace.initialised:
        return _Kept({}, {})
    passwords: dict[str, str] = {}
    for service in SERVICES:
        variables = workspace.kept(service)
        url = variables.get("LEDGER_DATABASE_URL") or variables["TARGET_DATABASE_URL"]
        login = postgres_url(url, Environ({}))
        if (login.host, login.database) == (admin.host, admin.database) and login.password is not None:
            passwords[service] = login.password.reveal()
    return _Kept(passwords, {**workspace.kept("gateway"), **workspace.kept("extractor")})


def _signing(variables: Environ, kept: _Kept) -> dict[str, str]:
    """JWT_SECRET: the one that is set; with Supabase none of our own; else the one made before, or a new one."""
    found = variables.find("JWT_SECRET")
    if found is None and variables.find("SUPABASE_URL") is None:
        found = kept.secrets.get("JWT_SECRET") or _new_secret()
    return {} if found is None else {"JWT_SECRET": found}


def _new_secret() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def _found(variables: Environ, names: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name in names if (value := variables.find(name))}


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

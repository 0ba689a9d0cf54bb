"""Readers of the three databases, which may be given in more than one way."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from shared.settings.addresses import SSL_MODES, PostgresAddress, postgres_url, refuse_plaintext
from shared.settings.environ import Complaint, Environ
from shared.settings.readers import Variable, Whole, one_of, plain_text, secret_text

_EXAMPLE = "postgresql://transfuse:password@db.example.org:5432/postgres?sslmode=verify-full"

LEGACY_URL: Variable[PostgresAddress] = Variable(
    name="LEGACY_DATABASE_URL",
    meaning="where the legacy database is (or set LEGACY_DB_HOST, _PORT, _NAME, _USER and _PASSWORD)",
    example="postgresql://reader:password@legacy.example.org:5432/portal?sslmode=verify-full",
    parse=postgres_url,
)
TARGET_URL: Variable[PostgresAddress] = Variable(
    name="TARGET_DATABASE_URL",
    meaning="the database of the Supabase project that receives the rows",
    example=_EXAMPLE,
    parse=postgres_url,
)
LEDGER_URL: Variable[PostgresAddress] = Variable(
    name="LEDGER_DATABASE_URL",
    meaning="the target database under this service's own role, where the ledger is",
    example=_EXAMPLE,
    parse=postgres_url,
)

_HOST = Variable(
    name="LEGACY_DB_HOST", meaning="host of the legacy database", example="legacy.example.org", parse=plain_text
)
_PORT = Variable(name="LEGACY_DB_PORT", meaning="port of the legacy database", example="5432", parse=Whole(1, 65535))
_NAME = Variable(name="LEGACY_DB_NAME", meaning="name of the legacy database", example="portal", parse=plain_text)
_USER = Variable(
    name="LEGACY_DB_USER", meaning="read-only role of the legacy database", example="reader", parse=plain_text
)
_PASSWORD = Variable(
    name="LEGACY_DB_PASSWORD",
    meaning="password of that role",
    example="LEGACY_DB_PASSWORD_FILE=/run/secrets/legacy",
    parse=secret_text(),
)
_SSLMODE = Variable(
    name="LEGACY_DB_SSLMODE", meaning="how the connection is verified", example="verify-full", parse=one_of(*SSL_MODES)
)
_SSLROOTCERT = Variable(
    name="LEGACY_DB_SSLROOTCERT",
    meaning="file of the certificate authority",
    example="/etc/ssl/legacy.pem",
    parse=plain_text,
)
T = TypeVar("T")
_PARTS = tuple(part.name for part in (_HOST, _PORT, _NAME, _USER, _PASSWORD))


class LegacyDatabase(msgspec.Struct, frozen=True):
    """Reader of LEGACY_DATABASE_URL or of LEGACY_DB_HOST, _PORT, _NAME, _USER, _PASSWORD (_SSLMODE, _SSLROOTCERT)."""

    def read(self, environ: Environ) -> PostgresAddress | None:
        """The address; raises Complaint when it is given in both ways, in neither, or in part."""
        if not environ.any_set(*_PARTS):
            return LEGACY_URL.read(environ)
        if environ.any_set(LEGACY_URL.name):
            raise Complaint(f"{LEGACY_URL.name} and {_HOST.name} and its companions are both set: keep one way")
        return _from_parts(environ)


class LedgerDatabase(msgspec.Struct, frozen=True):
    """Reader of LEDGER_DATABASE_URL, which falls back to TARGET_DATABASE_URL outside production."""

    def read(self, environ: Environ) -> PostgresAddress | None:
        """The address; in production every service has its own role and therefore its own URL."""
        if environ.any_set(LEDGER_URL.name) or environ.is_production:
            return LEDGER_URL.read(environ)
        return TARGET_URL.read(environ)


def _from_parts(environ: Environ) -> PostgresAddress:
    default_sslmode = "verify-full" if environ.is_production else None
    sentences: list[str] = []

    def read(variable: Variable[T]) -> T | None:
        try:
            return variable.read(environ)
        except Complaint as complaint:
            sentences.extend(complaint.sentences)
            return None

    address = PostgresAddress(
        host=read(_HOST) or "",
        port=read(_PORT.optional(5432)) or 5432,
        database=read(_NAME) or "",
        user=read(_USER) or "",
        password=read(_PASSWORD.optional()),
        sslmode=read(_SSLMODE.optional(default_sslmode)),
        sslrootcert=read(_SSLROOTCERT.optional()),
    )
    if sentences:
        raise Complaint(*sentences)
    try:
        refuse_plaintext(address, environ)
    except Complaint:
        raise Complaint(f"{_SSLMODE.name} must be verify-full in production") from None
    return address

"""Failures to connect, as errors of ours: what failed, by name, and what to do. Never the driver's text."""

from __future__ import annotations

import ssl

import asyncpg

from shared.core.errors import Refused, TransfuseError, WorldError


class DatabaseUnreachable(WorldError):
    """Nothing answers there, or it is starting, stopping or full."""

    code = "unreachable"


class ConnectionRefused(Refused):
    """It answers and does not let us in: role, password, database, certificate."""

    code = "connection_refused"


_REFUSALS = {
    "28P01": ("wrong_password", "refuses the password of its role", "Correct the password in the {name} settings."),
    "28000": (
        "role_refused",
        "does not let the role in",
        "Check that the role exists and may log in, and that pg_hba.conf admits this host (with or without TLS).",
    ),
    "3D000": ("no_database", "has no database of that name", "Correct the database's name in the {name} settings."),
    "42501": (
        "connect_denied",
        "does not allow the role to connect to the database",
        "Run GRANT CONNECT ON DATABASE for the role of the {name} settings.",
    ),
}


def connect_error(name: str, error: Exception) -> TransfuseError:
    """What a failed connect to the database called `name` (legacy, target, ledger) means.

    DatabaseUnreachable where waiting can help, ConnectionRefused where a setting must change. The caller raises it from
    `error`.
    """
    if isinstance(error, ssl.SSLError):
        return ConnectionRefused(
            f"the certificate of the {name} database is not trusted",
            code="certificate_refused",
            remedy="Name the right sslrootcert, or the host name that the certificate carries.",
        )
    if isinstance(error, ConnectionError) and "SSL upgrade" in str(error):
        return ConnectionRefused(
            f"the {name} database does not offer TLS",
            code="tls_refused",
            remedy=f"Switch TLS on at the {name} server, or relax sslmode outside production.",
        )
    if isinstance(error, asyncpg.PostgresError) and error.sqlstate in _REFUSALS:
        code, text, remedy = _REFUSALS[error.sqlstate]
        return ConnectionRefused(f"the {name} database {text}", code=code, remedy=remedy.format(name=name))
    sqlstate = f" (SQLSTATE {error.sqlstate})" if isinstance(error, asyncpg.PostgresError) else ""
    return DatabaseUnreachable(
        f"the {name} database cannot be reached{sqlstate}",
        code=f"{name}_unreachable",
        remedy=f"Start the {name} database or correct its host and port in the settings; the work goes on by itself.",
    )

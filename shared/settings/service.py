"""What the services' settings are made of: one reader per variable, and the base that all five share."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from shared.crypto.keyring import Keyring, KeyringInvalid
from shared.settings.addresses import PostgresAddress, service_url
from shared.settings.databases import TARGET_URL, LedgerDatabase, LegacyDatabase
from shared.settings.environ import Complaint, Environ, Environment
from shared.settings.readers import (
    EnvironmentWord,
    Network,
    Variable,
    Whole,
    networks,
    one_of,
    origins,
    plain_text,
    redis_url,
    secret_text,
)
from shared.settings.secret import Secret

_HIGHEST_PORT = 65535
_SHORTEST_JWT_SECRET = 32


def port(default: int) -> Variable[int]:
    """Reader of PORT, where the service answers /healthz, /readyz and /metrics; 0 takes any free port."""
    variable = Variable(
        name="PORT",
        meaning="port of /healthz, /readyz and /metrics",
        example=str(default),
        parse=Whole(0, _HIGHEST_PORT),
    )
    return variable.optional(default)


def api_port(default: int) -> Variable[int]:
    """Reader of API_PORT, where browsers and programs reach the service; 0 takes any free port."""
    variable = Variable(name="API_PORT", meaning="port of the API", example=str(default), parse=Whole(0, _HIGHEST_PORT))
    return variable.optional(default)


def socket_port(default: int) -> Variable[int]:
    """Reader of SOCKET_PORT, where browsers find the notifier; 0 takes any free port."""
    variable = Variable(
        name="SOCKET_PORT",
        meaning="port of the notifier's sockets",
        example=str(default),
        parse=Whole(0, _HIGHEST_PORT),
    )
    return variable.optional(default)


def _keyring(text: str, _environ: Environ) -> Keyring:
    try:
        return Keyring.from_setting(text)
    except KeyringInvalid as error:
        raise Complaint(f"cannot be used, {error}") from None


def _prefix(text: str, _environ: Environ) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", text):
        raise Complaint("must be up to 40 letters, digits, - and _")
    return text


RABBITMQ_URL = Variable(
    name="RABBITMQ_URL",
    meaning="where RabbitMQ listens",
    example="amqps://transfuse:password@broker.example.org:5671/",
    parse=service_url("amqps", "amqp"),
)
REDIS_URL = Variable(
    name="REDIS_URL",
    meaning="where Redis listens",
    example="rediss://:password@redis.example.org:6380/0",
    parse=redis_url,
)
SUPABASE_URL = Variable(
    name="SUPABASE_URL",
    meaning="the URL of the Supabase project",
    example="https://project.supabase.co",
    parse=service_url("https", "http"),
)
SUPABASE_SERVICE_KEY = Variable(
    name="SUPABASE_SERVICE_KEY",
    meaning="the service key of the Supabase project",
    example="SUPABASE_SERVICE_KEY_FILE=/run/secrets/supabase",
    parse=secret_text(),
)
JWT_SECRET = Variable(
    name="JWT_SECRET",
    meaning="what signs the tokens of the portal",
    example="the JWT secret of the Supabase project",
    parse=secret_text(_SHORTEST_JWT_SECRET),
)
SUPABASE_ANON_KEY = Variable(
    name="SUPABASE_ANON_KEY",
    meaning="the public key with which the dashboard signs in at Supabase",
    example="the anon key of the Supabase project",
    parse=plain_text,
)
JWT_ISSUER = Variable(
    name="JWT_ISSUER",
    meaning="who must have issued a token, SUPABASE_URL/auth/v1 by default",
    example="https://project.supabase.co/auth/v1",
    parse=plain_text,
)
JWT_AUDIENCE = Variable(
    name="JWT_AUDIENCE", meaning="whom a token must be for", example="authenticated", parse=plain_text
)
JWKS_URL = Variable(
    name="JWKS_URL",
    meaning="where the public keys are that tokens are verified with, instead of JWT_SECRET",
    example="https://project.supabase.co/auth/v1/.well-known/jwks.json",
    parse=service_url("https", "http"),
)
CORS_ORIGINS = Variable(
    name="CORS_ORIGINS",
    meaning="origins, separated by commas, whose pages may call the API",
    example="https://portal.example.org,https://admin.example.org",
    parse=origins,
)
TRUSTED_PROXIES = Variable(
    name="TRUSTED_PROXIES",
    meaning="addresses or networks, separated by commas, whose X-Forwarded-For is believed",
    example="10.0.0.0/8,127.0.0.1",
    parse=networks,
)
LOADER_URL = Variable(
    name="LOADER_URL",
    meaning="where the loader's internal port is, to unmask a refused row",
    example="http://loader:4003",
    parse=service_url("https", "http"),
)
SERVICE_TOKEN = Variable(
    name="SERVICE_TOKEN",
    meaning="what the gateway shows the loader to unmask a row, the same in both",
    example="the output of `openssl rand -base64 32`",
    parse=secret_text(_SHORTEST_JWT_SECRET),
)
SOCKET_URL = Variable(
    name="SOCKET_URL",
    meaning="where browsers find the notifier, the API's own origin by default",
    example="https://events.example.org",
    parse=plain_text,
)
SOCKET_HOST = Variable(
    name="SOCKET_HOST", meaning="address that the notifier's sockets listen on", example="127.0.0.1", parse=plain_text
)
API_HOST = Variable(name="API_HOST", meaning="address that the API listens on", example="127.0.0.1", parse=plain_text)
ENCRYPTION_KEY = Variable(
    name="ENCRYPTION_KEY",
    meaning="the keys that wrap the data key of every run, newest first",
    example="the output of `openssl rand -base64 32`",
    parse=_keyring,
)
LISTEN_HOST = Variable(
    name="LISTEN_HOST",
    meaning="address that /healthz, /readyz and /metrics listen on",
    example="127.0.0.1",
    parse=plain_text,
)
LOG_LEVEL = Variable(
    name="LOG_LEVEL",
    meaning="the least level that is logged",
    example="info",
    parse=one_of("debug", "info", "warning", "error"),
)
DRAIN_SECONDS = Variable(
    name="DRAIN_SECONDS", meaning="how long a stop waits for the batches in hand", example="30", parse=Whole(0, 3600)
)
MAX_ROW_BYTES = Variable(
    name="MAX_ROW_BYTES",
    meaning="the text that a legacy row may have; a larger one is quarantined for its size",
    example=str(32 * 1024 * 1024),
    parse=Whole(64 * 1024, 48 * 1024 * 1024),
)
MESSAGE_BODY_BYTES = Variable(
    name="MESSAGE_BODY_BYTES",
    meaning="the sealed rows that a message carries; more are kept in the ledger until the batch is settled",
    example=str(8 * 1024 * 1024),
    parse=Whole(64 * 1024, 11 * 1024 * 1024),
)
BUS_PREFIX = Variable(
    name="BUS_PREFIX", meaning="first part of the names of exchanges and queues", example="tf", parse=_prefix
)

LEGACY_DATABASE = LegacyDatabase()
TARGET_DATABASE = TARGET_URL
LEDGER_DATABASE = LedgerDatabase()

Legacy = Annotated[PostgresAddress, LEGACY_DATABASE]
Target = Annotated[PostgresAddress, TARGET_DATABASE]
Ledger = Annotated[PostgresAddress, LEDGER_DATABASE]
KeyEncryption = Annotated[Keyring, ENCRYPTION_KEY]
Redis = Annotated[Secret | None, REDIS_URL.optional()]
ServiceToken = Annotated[Secret | None, SERVICE_TOKEN.optional()]


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What every service has. The embedded mode makes these by hand: no listener (`port` None) and no RabbitMQ."""

    environment: Annotated[Environment, EnvironmentWord()]
    listen_host: Annotated[str, LISTEN_HOST.optional("127.0.0.1")] = "127.0.0.1"
    log_level: Annotated[str, LOG_LEVEL.optional("info")] = "info"
    drain_seconds: Annotated[int, DRAIN_SECONDS.optional(30)] = 30
    bus_prefix: Annotated[str, BUS_PREFIX.optional("tf")] = "tf"
    rabbitmq: Annotated[Secret | None, RABBITMQ_URL] = None


class IdentitySettings(ServiceSettings, frozen=True, kw_only=True):
    """What a service needs that browsers talk to: who signs tokens, which pages may call, where Redis is.

    With `supabase_url` people sign in at Supabase: `jwks_url` (by default Supabase's own) verifies their tokens, or
    `jwt_secret` where the project still signs with one. Without, accounts are local and `jwt_secret` signs.
    """

    redis: Annotated[Secret | None, REDIS_URL.optional()] = None
    supabase_url: Annotated[Secret | None, SUPABASE_URL.optional()] = None
    jwt_secret: Annotated[Secret | None, JWT_SECRET.optional()] = None
    jwt_issuer: Annotated[str | None, JWT_ISSUER.optional()] = None
    jwt_audience: Annotated[str, JWT_AUDIENCE.optional("authenticated")] = "authenticated"
    jwks_url: Annotated[Secret | None, JWKS_URL.optional()] = None
    cors_origins: Annotated[tuple[str, ...], CORS_ORIGINS.optional(())] = ()
    trusted_proxies: Annotated[tuple[Network, ...], TRUSTED_PROXIES.optional(())] = ()

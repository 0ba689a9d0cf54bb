"""Where the other systems are: PostgreSQL, RabbitMQ, Redis, Supabase. Production refuses plaintext."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

import msgspec

from shared.settings.environ import Complaint, Environ
from shared.settings.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_POSTGRES_OPTIONS = ("sslmode", "sslrootcert", "host", "application_name")
_POSTGRES_PORT = 5432


class PostgresAddress(msgspec.Struct, frozen=True, kw_only=True):
    """One PostgreSQL database and the role to use. `host` may be the directory of a unix socket."""

    host: str
    port: int = _POSTGRES_PORT
    database: str
    user: str
    password: Secret | None = None
    sslmode: str | None = None
    sslrootcert: str | None = None

    @property
    def url(self) -> Secret:
        """The address as one `postgresql://` URL, password included."""
        login = quote(self.user, safe="")
        if self.password is not None:
            login += ":" + quote(self.password.reveal(), safe="")
        socket = self.host.startswith("/")
        place = f":{self.port}" if socket else f"{_bracketed(self.host)}:{self.port}"
        options = {
            **({"host": self.host} if socket else {}),
            **({"sslmode": self.sslmode} if self.sslmode else {}),
            **({"sslrootcert": self.sslrootcert} if self.sslrootcert else {}),
        }
        query = "?" + urlencode(options) if options else ""
        return Secret(f"postgresql://{login}@{place}/{quote(self.database, safe='')}{query}")

    def ssl_context(self) -> ssl.SSLContext | None:
        """The context for `sslmode`; None where encryption is not demanded (`disable`, `allow`, `prefer`, unset).

        `verify-full` checks the certificate and the host name, `verify-ca` the certificate, `require` neither. Raises
        OSError when `sslrootcert` cannot be read.
        """
        if self.sslmode not in {"require", "verify-ca", "verify-full"}:
            return None
        context = ssl.create_default_context(cafile=self.sslrootcert)
        context.check_hostname = self.sslmode == "verify-full"
        if self.sslmode == "require":
            context.verify_mode = ssl.CERT_NONE
        return context


def postgres_url(text: str, environ: Environ) -> PostgresAddress:
    """Parser of a `postgresql://` URL; in production only with `sslmode=verify-full`."""
    parts = _split(text, ("postgresql", "postgres"))
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if set(options) - set(_POSTGRES_OPTIONS):
        raise Complaint(f"has an option other than {', '.join(_POSTGRES_OPTIONS)}")
    if options.get("sslmode", "disable") not in SSL_MODES:
        raise Complaint(f"must have an sslmode out of {', '.join(SSL_MODES)}")
    host, database, user = options.get("host") or parts.hostname, unquote(parts.path[1:]), unquote(parts.username or "")
    if not host or not database or not user:
        raise Complaint("must name user, host and database")
    password = None if parts.password is None else Secret(unquote(parts.password))
    address = PostgresAddress(
        host=host,
        port=parts.port or _POSTGRES_PORT,
        database=database,
        user=user,
        password=password,
        sslmode=options.get("sslmode"),
        sslrootcert=options.get("sslrootcert"),
    )
    refuse_plaintext(address, environ)
    return address


def refuse_plaintext(address: PostgresAddress, environ: Environ) -> None:
    """Raise Complaint for a connection of production that would not verify whom it talks to."""
    if environ.is_production and address.sslmode != "verify-full":
        raise Complaint("must say sslmode=verify-full in production")


def service_url(secure: str, plain: str) -> Callable[[str, Environ], Secret]:
    """Parser of a URL with the scheme `secure`, or `plain` outside production (`amqps` and `amqp`, say)."""

    def parse(text: str, environ: Environ) -> Secret:
        parts = _split(text, (secure, plain))
        if not parts.hostname:
            raise Complaint("must name a host")
        if environ.is_production and parts.scheme != secure:
            raise Complaint(f"must begin with {secure}:// in production")
        return Secret(text)

    return parse


def _split(text: str, schemes: tuple[str, ...]) -> SplitResult:
    """Take a URL apart; the driver's own complaint would repeat the URL, so it is not kept."""
    try:
        parts = urlsplit(text)
        _ = parts.port, parts.hostname
    except ValueError:
        raise Complaint("is no URL") from None
    if parts.scheme not in schemes:
        raise Complaint(f"must begin with {' or '.join(scheme + '://' for scheme in schemes)}")
    return parts


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host

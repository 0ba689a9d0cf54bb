"""The workspace of one installation: what `init` wrote, and the environment that each service gets from it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from shared.core.errors import Refused, SettingsInvalid
from shared.settings import load

S = TypeVar("S", bound=msgspec.Struct)

SERVICES = ("gateway", "extractor", "transformer", "loader", "notifier")
EMBEDDED = "TRANSFUSE_EMBEDDED"
"""`yes` in the environments of a workspace whose databases are the embedded server's."""

DATABASES = ("LEGACY_DATABASE_URL", "TARGET_DATABASE_URL", "LEDGER_DATABASE_URL")
CREDENTIALS = frozenset(
    {
        *(*DATABASES, "ENCRYPTION_KEY", "JWT_SECRET", "LEGACY_DB_PASSWORD", "PORT", "REDIS_URL"),
        *("SERVICE_TOKEN", "SUPABASE_SERVICE_KEY"),
    }
)
"""A service gets of these only what `init` wrote for it."""
NAMESPACES = "PLAN_SECRET_"
"""Start of the names of namespaces that plans keep secret; only the transformer computes keys."""


class Workspace:
    """A folder, `.transfuse` by default, that holds one environment file per service (mode 0600).

    Everything here raises Refused for a folder that this user may not use.
    """

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()

    @property
    def services(self) -> Path:
        """Folder of the environment files."""
        return self.home / "services"

    @property
    def embedded(self) -> Path:
        """Folder of the embedded PostgreSQL; it exists once the embedded mode was used."""
        return self.home / "embedded"

    @property
    def initialised(self) -> bool:
        """Whether `init` has written every service's environment."""
        with self._usable():
            return all(self._file(service).exists() for service in SERVICES)

    @property
    def is_embedded(self) -> bool:
        """Whether `init` wrote this workspace for the embedded server."""
        return self.initialised and self.embedded.exists() and self.kept("gateway").get(EMBEDDED) == "yes"

    def move(self, port: int) -> None:
        """The embedded server listens on another port now: say so in every environment that was written for it."""
        if not self.is_embedded:
            return
        environments = {service: self.kept(service) for service in SERVICES}
        for variables in environments.values():
            for name in DATABASES:
                if name in variables:
                    variables[name] = re.sub(r"(@127\.0\.0\.1):\d+/", rf"\1:{port}/", variables[name])
        self.write(environments)

    def write(self, environments: Mapping[str, Mapping[str, str]]) -> None:
        """Keep each service's environment. Values may be secrets: files are readable by their owner only."""
        with self._usable():
            self.services.mkdir(parents=True, exist_ok=True, mode=0o700)
            for service, variables in environments.items():
                text = "".join(f"{name}={value}\n" for name, value in sorted(variables.items()))
                descriptor = os.open(self._file(service), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                os.fchmod(descriptor, 0o600)
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    file.write(text)

    def kept(self, service: str) -> dict[str, str]:
        """What `init` wrote for one service; empty when it wrote nothing."""
        with self._usable():
            if not self._file(service).exists():
                return {}
            lines = self._file(service).read_text(encoding="utf-8").splitlines()
        if not all("=" in line for line in lines if line):
            raise Refused(
                f"{self._file(service)} is damaged", remedy="Run `transfuse init` anew.", code="workspace_damaged"
            )
        return dict(line.split("=", 1) for line in lines if line)

    def load(self, settings_class: type[S], service: str, process: Mapping[str, str]) -> S:
        """Settings from a service's environment. Raises Refused, `not_initialised` where `init` is what is missing."""
        try:
            return load(settings_class, self.environment(service, process))
        except SettingsInvalid as error:
            if self.initialised:
                raise
            raise Refused(
                f"{self.home} is not initialised. Without that:\n{error}",
                remedy="Run `transfuse init`, or name with --home the folder for which it was run.",
                code="not_initialised",
            ) from error

    def environment(self, service: str, process: Mapping[str, str]) -> dict[str, str]:
        """Environment of one service: what `init` wrote, and of the process's own what is no credential.

        Without `init` the process's own environment as it is. Raises Refused when the process names another database
        than the workspace was made for: two answers to "where do the rows go" are never resolved silently.
        """
        kept = self.kept(service)
        if not kept:
            return dict(process)
        for name in DATABASES:
            if name in kept and process.get(name) and place(kept[name]) != place(process[name]):
                raise Refused(
                    f"{name} names another database than the one {self.home} was initialised for",
                    remedy=f"Unset {name}, or run `transfuse init` for the new database, or choose another --home.",
                    code="other_database",
                )
        harmless = {
            name: value
            for name, value in process.items()
            if name.removesuffix("_FILE") not in CREDENTIALS
            and (service == "transformer" or not name.startswith(NAMESPACES))
        }
        return {**harmless, **kept}

    def _file(self, service: str) -> Path:
        return self.services / f"{service}.env"

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Refused(
                f"{self.home} cannot be used: {error.strerror}",
                remedy="Give the folder to the user who runs this, or choose another --home.",
                code="workspace_unusable",
            ) from error


def place(url: str) -> tuple[str, int, str]:
    """Host, port and database of a PostgreSQL URL: what makes two URLs name the same database."""
    parts = urlsplit(url)
    return (parts.hostname or "").lower(), parts.port or 5432, parts.path.lstrip("/")

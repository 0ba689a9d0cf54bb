"""Who is signed in to a gateway, kept in a file that only its owner may read."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from shared.core.errors import Refused
from transfuse.remote.address import ApiAddress

OTHERS = 0o077


class KeptSession(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in. `cookies` hold the refresh token; the access token is good until `expires_at`, in Unix seconds."""

    api: str
    email: str
    cookies: dict[str, str]
    access_token: str
    expires_at: float


class SessionFile:
    """The file of one gateway. Everything here raises Refused for a file or folder that this user may not use."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> KeptSession | None:
        """Who is signed in, None for nobody. Raises Refused `session_exposed` where others may read it."""
        try:
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_mode & OTHERS:
                    raise Refused(
                        f"{self.path} can be read by others.",
                        remedy=f"Sign out everywhere, sign in anew, and keep it to yourself: chmod 600 {self.path}",
                        code="session_exposed",
                    )
                return msgspec.json.decode(file.read(), type=KeptSession)
        except FileNotFoundError:
            return None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refused(
                f"{self.path} is damaged.", remedy="Remove it and sign in again.", code="session_damaged"
            ) from error
        except OSError as error:
            raise self._unusable(error) from error

    def write(self, session: KeptSession) -> None:
        """Keep a sign-in in the place of what was there; a reader finds the old one or the new one, whole."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=".session-")  # made with mode 0600
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(session))
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except OSError as error:
            raise self._unusable(error) from error

    def forget(self) -> None:
        """Nobody is signed in any more."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise self._unusable(error) from error

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Hold the file against other processes: a refresh token that is used twice ends its session."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = self.path.with_suffix(".lock").open("ab")
        except OSError as error:
            raise self._unusable(error) from error
        with file:
            await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
            yield

    def _unusable(self, error: OSError) -> Refused:
        return Refused(
            f"{self.path} cannot be used: {error.strerror}",
            remedy="Give the file to the user who runs this, or set XDG_CONFIG_HOME to another folder.",
            code="session_unusable",
        )


def session_file(address: ApiAddress, process: Mapping[str, str]) -> SessionFile:
    """The file of a gateway, below XDG_CONFIG_HOME or ~/.config."""
    configured = Path(process.get("XDG_CONFIG_HOME", ""))
    base = configured if configured.is_absolute() else Path(process.get("HOME") or Path.home()) / ".config"
    name = re.sub(r"[^A-Za-z0-9.-]", "_", f"{address.scheme}_{address.host}_{address.port}")
    return SessionFile(base / "transfuse" / "sessions" / f"{name}.json")

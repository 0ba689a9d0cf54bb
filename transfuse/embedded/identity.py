"""The user that PostgreSQL runs as: it refuses root, so root steps down to a user that exists already."""

import os
import pwd
import subprocess
from pathlib import Path
from typing import TypedDict

import msgspec

from shared.core.errors import EmbeddedPostgresFailed

STEP_DOWN_NAMES = ("nobody", "postgres", "daemon")


class SubprocessIdentity(TypedDict, total=False):
    """Arguments of `subprocess` that change the user; empty where nothing changes."""

    user: int
    group: int
    extra_groups: list[int]


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    uid: int
    gid: int

    def of_subprocess(self) -> SubprocessIdentity:
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def reaches(self, path: Path) -> bool:
        """Whether this user can enter the folder, or read and execute the file; asked of the kernel, not guessed."""
        asked = subprocess.run(
            ["/bin/sh", "-c", 'test -r "$1" && test -x "$1"', "sh", str(path)],
            cwd="/",
            check=False,
            **self.of_subprocess(),
        )
        return asked.returncode == 0

    def own(self, path: Path) -> None:
        """Give a file or folder to this user."""
        if self.uid != os.geteuid():
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def server_identity(folder: Path) -> Identity:
    """The process's own user; as root the owner of `folder` or of what it lies in, else a user without privileges."""
    if os.geteuid() != 0:
        return _known(os.geteuid()) or Identity(name=str(os.geteuid()), uid=os.geteuid(), gid=os.getegid())
    for path in (folder / "data", folder, *folder.parents):
        uid = path.stat().st_uid if path.exists() else 0
        if uid and (owner := _known(uid)):
            return owner
    for name in STEP_DOWN_NAMES:
        try:
            return _identity(pwd.getpwnam(name))
        except KeyError:
            continue
    text = (
        f"PostgreSQL does not run as root, and there is none of the users {', '.join(STEP_DOWN_NAMES)} to step down to"
    )
    raise EmbeddedPostgresFailed(text, remedy="Run the command as an ordinary user.")


def _known(uid: int) -> Identity | None:
    try:
        return _identity(pwd.getpwuid(uid))
    except KeyError:
        return None


def _identity(entry: pwd.struct_passwd) -> Identity:
    return Identity(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)

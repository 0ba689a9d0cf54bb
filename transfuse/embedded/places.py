"""Folders that the server's user can reach, also where the checkout lies under a closed home folder."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from shared.core.errors import EmbeddedPostgresFailed
from transfuse.embedded.identity import Identity

OPEN_FOLDERS = ("/var/tmp", tempfile.gettempdir())  # noqa: S108 - owner and mode are checked below


def reachable_folder(folder: Path, identity: Identity) -> Path:
    """`folder`, made if missing; or one elsewhere that stands for it, with a link left in its place.

    The stand-in's name follows from the folder's, so that the next start finds the same data.
    """
    try:
        if not folder.is_symlink():
            folder.mkdir(parents=True, exist_ok=True)
            if identity.reaches(folder):
                return folder
    except OSError as error:
        text = f"the folder {folder} cannot be made or read"
        raise EmbeddedPostgresFailed(
            text, remedy="Give it to the user who runs this, or choose another one."
        ) from error
    elsewhere = _stand_in(folder, identity)
    if folder.is_symlink() or not any(folder.iterdir()):
        folder.unlink() if folder.is_symlink() else folder.rmdir()
        folder.symlink_to(elsewhere, target_is_directory=True)
    return elsewhere


def _stand_in(folder: Path, identity: Identity) -> Path:
    absolute = folder.parent.resolve() / folder.name
    name = f"transfuse-{hashlib.sha256(str(absolute).encode()).hexdigest()[:16]}"
    for base in OPEN_FOLDERS:
        path = Path(base) / name
        try:
            path.mkdir(mode=0o755, exist_ok=True)
        except OSError:
            continue
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            text = f"{path} exists and is not a folder that only this user can write to"
            raise EmbeddedPostgresFailed(text, remedy="Remove it, or choose another folder for the data.")
        path.chmod(0o755)
        if identity.reaches(path):
            return path
    text = f"the user {identity.name} can reach neither {folder} nor any of {', '.join(OPEN_FOLDERS)}"
    raise EmbeddedPostgresFailed(text, remedy="Choose a folder that this user can reach.")

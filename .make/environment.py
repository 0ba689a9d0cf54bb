"""Make `.venv` below the checkout: `environment.py demo` for what the demo needs, `environment.py test` for all of it.

Quick when nothing changed: a stamp holds the hash of everything the environment was made from.
"""

import ast
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from nodejs import find_npm

CHECKOUT = Path(__file__).resolve().parent.parent
VENV = CHECKOUT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "transfuse-environment.json"
SCRATCH = CHECKOUT / ".transfuse"
OLDEST_UV = (0, 8)
UV_INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL")


class CannotContinueError(Exception):
    """Something the person at the keyboard has to mend; the text says what."""


def main(variant: str) -> int:
    os.chdir(CHECKOUT)
    fingerprint = fingerprint_of_inputs()
    if is_current(variant, fingerprint):
        return 0
    began = time.monotonic()
    try:
        remove_if_unusable(fingerprint)
        environ = environment_variables()
        uv = find_or_install_uv(environ)
        install(uv, variant, environ)
    except CannotContinueError as error:
        print(f"\n{error}", file=sys.stderr)
        return 2
    STAMP.write_text(json.dumps({"variant": variant, "fingerprint": fingerprint, "checkout": str(CHECKOUT)}))
    say(f"the environment is ready ({time.monotonic() - began:.0f} s)")
    return 0


def say(text: str) -> None:
    print(f"environment: {text}", flush=True)


def fingerprint_of_inputs() -> str:
    """Hash of what decides the environment's content; the tools' settings in pyproject.toml do not."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    parts = {name: project.get(name) for name in ("build-system", "project", "dependency-groups")}
    digest = hashlib.sha256(Path("uv.lock").read_bytes())
    digest.update(json.dumps(parts, sort_keys=True).encode())
    return digest.hexdigest()


def read_stamp() -> dict[str, str]:
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def is_current(variant: str, fingerprint: str) -> bool:
    stamp = read_stamp()
    return (
        PYTHON.exists()
        and stamp.get("fingerprint") == fingerprint
        and stamp.get("checkout") == str(CHECKOUT)
        and stamp.get("variant") in {variant, "test"}
        and (variant == "demo" or find_npm(VENV) is not None)
    )


def remove_if_unusable(fingerprint: str) -> None:
    """Scripts hold the checkout's path and the interpreter may be gone: then only a new environment helps."""
    moved = read_stamp().get("checkout", str(CHECKOUT)) != str(CHECKOUT)
    if VENV.exists() and (moved or not runs([str(PYTHON), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"])):
        say("the folder was moved or its Python is gone: making .venv anew")
        shutil.rmtree(VENV)
    elif read_stamp().get("fingerprint") != fingerprint:
        STAMP.unlink(missing_ok=True)


def runs(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def environment_variables() -> dict[str, str]:
    """The caller's variables, with a place for uv's cache where the home folder takes no files."""
    environ = {
        name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH"}
    }
    environ["UV_PROJECT_ENVIRONMENT"] = str(VENV)
    if "UV_CACHE_DIR" not in environ and not takes_files(Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")):
        environ["UV_CACHE_DIR"] = str(SCRATCH / "cache" / "uv")
        environ.setdefault("PIP_CACHE_DIR", str(SCRATCH / "cache" / "pip"))
    return environ


def takes_files(folder: Path) -> bool:
    """Whether files can be made in `folder`, or in the nearest folder above it that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def find_or_install_uv(environ: dict[str, str]) -> str:
    """Path of a uv that is new enough: the one on PATH, the one installed before, or one that pip fetches now."""
    for candidate in (shutil.which("uv"), str(VENV / "bin" / "uv")):
        if candidate and uv_version(candidate) >= OLDEST_UV:
            return candidate
    if not PYTHON.exists():
        make_venv()
    if not runs([str(PYTHON), "-m", "pip", "--version"]):
        run([str(PYTHON), "-m", "ensurepip"], environ)
    say("installing uv into .venv")
    pip_environ = dict(environ)
    index = next((environ[name] for name in UV_INDEX_VARIABLES if environ.get(name)), None)
    if index and "PIP_INDEX_URL" not in environ:
        pip_environ["PIP_INDEX_URL"] = index
    oldest = ".".join(map(str, OLDEST_UV))
    run([str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"uv>={oldest}"], pip_environ)
    return str(VENV / "bin" / "uv")


def uv_version(uv: str) -> tuple[int, ...]:
    try:
        text = subprocess.run([uv, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return ()
    found = re.search(r"(\d+)\.(\d+)", text)
    return tuple(map(int, found.groups())) if found else ()


def make_venv() -> None:
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        text = (
            f"Python {version} ({sys.executable}) cannot make environments: it lacks the modules venv and ensurepip.\n"
            f"On Debian or Ubuntu: apt-get install python{version}-venv   (or python3-venv; or install uv)"
        )
        raise CannotContinueError(text)
    say(f"making .venv with Python {sys.version.split()[0]}")
    run([sys.executable, "-m", "venv", str(VENV)], dict(os.environ))


def install(uv: str, variant: str, environ: dict[str, str]) -> None:
    """Install exactly what uv.lock names, from where this machine fetches its packages."""
    groups = ["--no-dev"] if variant == "demo" else [] if find_npm(VENV) else ["--group", "dashboard"]
    say("installing the locked packages (about 300 MB the first time)")
    environ = environ | {"UV_PYTHON": str(PYTHON) if PYTHON.exists() else sys.executable}
    settings = settings_of_pip(environ) if PYTHON.exists() else {}
    environ = with_trust_and_proxy(environ, settings)
    if any(environ.get(name) for name in UV_INDEX_VARIABLES) or uv_settings_name_an_index(environ):
        install_by_hash(uv, groups, environ, [uv, "pip", "install", "--python", str(PYTHON)])
    elif settings.keys() & {"index-url", "no-index"}:
        install_by_hash(uv, groups, environ, [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check"])
    else:
        run([uv, "sync", "--frozen", "--all-extras", *groups], environ)


def install_by_hash(uv: str, groups: list[str], environ: dict[str, str], installer: list[str]) -> None:
    """A lock file names the addresses of one index; on a machine with its own, names, versions and hashes go there."""
    if not PYTHON.exists():
        run([uv, "venv", "--quiet", "--seed", str(VENV)], environ)
    SCRATCH.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        listed = str(Path(folder) / "requirements.txt")
        export = [
            "export",
            "--quiet",
            "--frozen",
            "--all-extras",
            "--no-emit-project",
            *groups,
            "--output-file",
            listed,
        ]
        run([uv, *export], environ)
        run([*installer, "--quiet", "--require-hashes", "-r", listed], environ)
        run([*installer, "--quiet", "--no-deps", "-e", "."], environ)


def settings_of_pip(environ: dict[str, str]) -> dict[str, str]:
    """What pip's variables and configuration files say, by option name, as pip itself reads them."""
    listed = subprocess.run(
        [str(PYTHON), "-m", "pip", "config", "list"], capture_output=True, text=True, check=False, env=environ
    )
    settings: dict[str, str] = {}
    for line in listed.stdout.splitlines():
        name, equals, value = line.partition("=")
        if equals:
            settings[name.rpartition(".")[2]] = str(ast.literal_eval(value))
    return settings


def with_trust_and_proxy(environ: dict[str, str], settings: dict[str, str]) -> dict[str, str]:
    """Give uv, which reads no pip.conf, the certificates and the proxy that pip uses, unless it has its own."""
    merged = dict(environ)
    if "cert" in settings:
        merged.setdefault("SSL_CERT_FILE", settings["cert"])
    if "proxy" in settings and not {"ALL_PROXY", "HTTPS_PROXY", "https_proxy", "all_proxy"} & environ.keys():
        merged["ALL_PROXY"] = settings["proxy"]
    return merged


def uv_settings_name_an_index(environ: dict[str, str]) -> bool:
    home = Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    for path in (environ.get("UV_CONFIG_FILE"), home / "uv" / "uv.toml", "/etc/uv/uv.toml"):
        if not path or not Path(path).is_file():
            continue
        settings = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        if "index-url" in settings or any(index.get("default") for index in settings.get("index", [])):
            return True
    return False


def run(command: list[str], environ: dict[str, str]) -> None:
    done = subprocess.run(command, check=False, env=environ, cwd=CHECKOUT)
    if done.returncode:
        step = " ".join(Path(part).name if part.startswith("/") else part for part in command[:4])
        text = (
            f"`{step} …` failed with exit code {done.returncode}; its own words are above.\n"
            "Packages come from the index that pip and uv are configured for on this machine: "
            "check the network, the proxy variables and PIP_INDEX_URL or UV_DEFAULT_INDEX."
        )
        raise CannotContinueError(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "test"))

"""Write the types of the dashboard's documents from the API's: `dashboard_types.py`.

The file says what it was made from, so that a stale one shows where there is no Node.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

from dashboard_sources import CHECKOUT, DASHBOARD

import dashboard

DOCUMENT = CHECKOUT / "docs" / "openapi.json"
SCHEMA = DASHBOARD / "src" / "api" / "schema.ts"
GENERATOR = "openapi-typescript"
OPTIONS = ("--immutable", "--empty-objects-unknown", "--default-non-nullable", "false")
"""Documents are not changed; of an object without named fields nothing is known; what an answer always has is
`required` in the document, default or not."""


def main() -> int:
    if is_current():
        return 0
    name = SCHEMA.relative_to(CHECKOUT)
    try:
        dashboard.install()
        SCHEMA.write_text(made(), encoding="utf-8")
    except (dashboard.PackagesNotHadError, dashboard.CannotContinueError) as error:
        print(f"\n{name} is not written: {error}\nRun `make generate` again where this is mended.", file=sys.stderr)
        return 2
    print(f"written: {name}")
    return 0


def is_current() -> bool:
    """Whether the file was made from the document as it is, by the generator that is locked."""
    return SCHEMA.is_file() and SCHEMA.read_text(encoding="utf-8").startswith(header())


def can_be_made() -> bool:
    """Whether Node and the generator are here."""
    return dashboard.find_npm() is not None and (DASHBOARD / "node_modules" / GENERATOR).is_dir()


def header() -> str:
    """The first lines: which document, as a hash that line ends do not change, and which version of what read it."""
    content = hashlib.sha256(DOCUMENT.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
    version = json.loads((DASHBOARD / "package.json").read_text(encoding="utf-8"))["devDependencies"][GENERATOR]
    return (
        f"// Written by `make generate`: {GENERATOR} {version} {' '.join(OPTIONS)}\n// docs/openapi.json {content}\n\n"
    )


def made() -> str:
    """The whole file. Raises PackagesNotHadError, CannotContinueError."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / SCHEMA.name
        dashboard.ordered(
            dashboard.npm_command(),
            ["exec", "--no", "--", GENERATOR, str(DOCUMENT), *OPTIONS, "--output", str(written)],
        )
        return header() + written.read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

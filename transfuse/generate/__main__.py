"""`python -m transfuse.generate`: write every generated file again; with `--check` only say which are stale.

A generator is a module of this package with `files()`: path below the checkout → content, from the types alone.
"""

import importlib
import pkgutil
import sys
from pathlib import Path

import transfuse.generate

CHECKOUT = Path(__file__).resolve().parents[2]


def generated_files() -> dict[Path, str]:
    """Everything that the generators make; two of them never write one file."""
    made: dict[Path, str] = {}
    for found in pkgutil.iter_modules(transfuse.generate.__path__):
        if found.name == "__main__":
            continue
        files = getattr(importlib.import_module(f"{transfuse.generate.__name__}.{found.name}"), "files", None)
        for path, text in (files() if files else {}).items():
            if path in made:
                text_of_error = f"two generators write {path}"
                raise ValueError(text_of_error)
            made[path] = text
    return made


def stale_files() -> list[Path]:
    return [path for path, text in generated_files().items() if _content(CHECKOUT / path) != text]


def main(arguments: list[str]) -> int:
    stale = stale_files()
    made = generated_files()
    for path in stale:
        if "--check" not in arguments:
            (CHECKOUT / path).parent.mkdir(parents=True, exist_ok=True)
            (CHECKOUT / path).write_text(made[path], encoding="utf-8")
        sys.stdout.write(f"{'stale' if '--check' in arguments else 'written'}: {path}\n")
    return 1 if stale and "--check" in arguments else 0


def _content(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

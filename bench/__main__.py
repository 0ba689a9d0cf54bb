"""`python -m bench [NAME…]`: measurements of full size, each beside its limits; without names all of them."""

from __future__ import annotations

import argparse
import sys

from bench import api, differential, failing_rows, language, pages, portal, sockets, verify
from bench import compile as compiling

BENCHES = {
    "api": "the API over 10,000 runs and a million batches: reads, starts, a flood, schemathesis (minutes)",
    "compile": "the portal's whole plan held against both databases, five times in a fresh process (seconds)",
    "differential": "1,000 changes among 500,000 rows by five processes: those rows and no other are written (minutes)",
    "failing_rows": "CPU of a batch with 1 % and 10 % bad rows against a clean one (transformer only, seconds)",
    "language": "another whole portal by five processes, held against its manifest (minutes)",
    "pages": "a run's page in Chromium with an empty cache, until its chart is drawn (a minute)",
    "portal": "the whole portal by five processes, beside a binary pipe and the usual script (minutes)",
    "sockets": "1,000 browsers in 100 rooms over two notifiers: from commit to client (minutes)",
    "verify": "a million rows compared by five processes: what was planted is found, beside the load's time (minutes)",
}


def main() -> int:
    listed = "\n".join(f"  {name:<14} {what}" for name, what in BENCHES.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=f"{__doc__}\n\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which; all if none is named")
    parser.add_argument("--scale", type=float, default=1.0, help="of the portal; 1.0 has 5.1 million notifications")
    arguments = parser.parse_args()
    if not 0 < arguments.scale <= 1:
        parser.error("--scale must lie above 0 and not above 1")
    if unknown := [name for name in arguments.names if name not in BENCHES]:
        parser.error(f"there is no {unknown[0]}; there are {', '.join(BENCHES)}")
    failed = False
    for name in arguments.names or BENCHES:
        print(f"== {name}", flush=True)
        failed |= bool(_run(name, arguments.scale))
    return int(failed)


def _run(name: str, scale: float) -> int:
    match name:
        case "api":
            return api.main()
        case "compile":
            return compiling.main()
        case "differential":
            return differential.main(scale)
        case "failing_rows":
            return failing_rows.main([])
        case "language":
            return language.main(scale)
        case "pages":
            return pages.main()
        case "sockets":
            return sockets.main()
        case "verify":
            return verify.main(scale)
        case _:
            return portal.main(scale)


if __name__ == "__main__":
    sys.exit(main())

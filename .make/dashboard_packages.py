"""Fetch the packages of the dashboard, which its pages' pictures and measurements run on."""

import sys

from dashboard import CannotContinueError, PackagesNotHadError, install


def main() -> int:
    try:
        install()
    except (PackagesNotHadError, CannotContinueError) as error:
        print(f"\ndashboard: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

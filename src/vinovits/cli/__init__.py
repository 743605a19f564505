"""The command line. It parses, calls and prints; the work is done elsewhere."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line with the arguments of the process, and exit."""
    try:
        # Imported here, so that Ctrl-C during the import shows no traceback either.
        from vinovits.cli.main import cli
        from vinovits.cli.streams import guard_streams

        guard_streams()
        cli(prog_name="vinovits")
    except KeyboardInterrupt:
        sys.exit(130)

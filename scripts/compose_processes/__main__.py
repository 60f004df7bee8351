"""
Run the stack of docker-compose.yaml without containers, until Ctrl-C.

    PYTHONPATH=scripts python -m compose_processes [--file FILE] [--profile demo] [--folder DIR]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from local_stack.processes import StackFailed

from .stack import FILE, composed_stack


def main() -> int:
    """Start it, say when it is well; 1 when it cannot be started."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--profile", action="append", default=[], help="whose services are wanted too")
    parser.add_argument("--file", type=Path, default=FILE, help="the compose file (default: %(default)s)")
    parser.add_argument("--folder", type=Path, default=Path("var/compose"), help="where everything is kept")
    options = parser.parse_args()
    try:
        with composed_stack(options.folder.absolute(), options.profile, file=options.file) as stack:
            took = stack.supervised.wait_until(stack.supervised.is_well, "a healthy stack", 300)
            print(f"healthy after {took:.1f} s: {stack.url}, user admin, password in {stack.password_file}")
            while stack.supervised.failure is None:
                time.sleep(1)
            raise stack.supervised.failure
    except StackFailed as failure:
        print(f"{failure.reason}\n{failure.evidence}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())

"""License Ledger for Salesforce: daily, explained snapshots of every license and its holders."""

import os
import sys

__version__ = "1.0.0"

# Read by Arrow when it is loaded, which is later. Its usual allocator keeps 100 MiB of what was freed.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "jemalloc" if sys.platform == "linux" else "system")

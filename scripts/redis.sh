#!/bin/sh
# Find a Redis or Valkey server for the tests with several workers, or install one with the system's package
# manager. Prints its path. Nothing is started: the tests run one of their own, on a free port or socket.
set -eu
find_redis() {
    for name in "${LEDGER_REDIS:-}" redis-server valkey-server; do
        if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1; then
            command -v "$name"
            return 0
        fi
    done
    return 1
}
if find_redis; then
    exit 0
fi
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "setting up: Redis for the tests with several workers" >&2
    apt-get update -qq >&2
    # The run level of a machine that is being serviced: the package then starts no server of its own.
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends redis-server >&2
fi
if ! find_redis; then
    echo "The tests with several workers need Redis. On Debian: apt-get install redis-server; or name one in LEDGER_REDIS." >&2
    exit 1
fi

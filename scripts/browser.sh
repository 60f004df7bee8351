#!/bin/sh
# Find a Chromium for the browser tests, or install one with the system's package manager. Prints its path.
set -eu
find_browser() {
    for name in "${LEDGER_BROWSER:-}" chromium chromium-browser google-chrome google-chrome-stable; do
        if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1; then
            command -v "$name"
            return 0
        fi
    done
    mac="/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    [ -x "$mac" ] && echo "$mac"
}
if find_browser; then
    exit 0
fi
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "setting up: Chromium for the browser tests" >&2
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core >&2
fi
if ! find_browser; then
    echo "The browser tests need Chromium or Chrome. On Debian: apt-get install chromium; or name one in LEDGER_BROWSER." >&2
    exit 1
fi

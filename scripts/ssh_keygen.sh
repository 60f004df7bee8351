#!/bin/sh
# Find ssh-keygen, which signs a release and verifies one, or install it with the system's package manager. Prints its
# path. No key is made.
set -eu
if command -v ssh-keygen; then
    exit 0
fi
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "setting up: ssh-keygen for signatures" >&2
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends openssh-client >&2
fi
if ! command -v ssh-keygen; then
    echo "Signing and verifying need ssh-keygen. On Debian: apt-get install openssh-client" >&2
    exit 1
fi

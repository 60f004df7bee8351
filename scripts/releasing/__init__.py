"""
How a release is made of a commit.

`source` and `versions` look at the commit, `packages` builds from it, `bill` says what the
packages are made of, `signing` sums up, signs and verifies; `making` is the order of it all.
"""


class Refused(Exception):
    """A release that may not be made, or is not what it says; the message says why and what to do."""

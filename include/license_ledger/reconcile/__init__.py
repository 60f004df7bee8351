"""Pure Arrow in, Arrow out: the mismatch bridge. No network, database or file."""

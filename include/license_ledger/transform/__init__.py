"""Pure Arrow in, Arrow out: conforming, scope, account classes, seats. No network, database or file."""

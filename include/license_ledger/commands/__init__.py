"""The commands of ``license-ledger``, one module each: what they are asked, and what they print."""

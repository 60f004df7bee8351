"""Statements for databases that the ledger does not load itself: they read the staged Parquet."""

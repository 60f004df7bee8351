"""The warehouse in a Postgres database: one transaction per snapshot."""

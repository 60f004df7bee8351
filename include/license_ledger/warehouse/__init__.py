"""The published tables in a database: DDL from the schema, views, checks, loaders."""

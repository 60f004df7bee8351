"""The Superset dashboard as code: declared here, written to `bi/superset/` as Superset exports it."""

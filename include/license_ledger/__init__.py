"""License Ledger for Salesforce: daily, explained snapshots of every license and its holders."""

__version__ = "0.1.0"

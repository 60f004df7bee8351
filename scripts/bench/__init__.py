"""Extractors of Salesforce side by side: see `__main__.py`."""

"""The past as far as Salesforce remembers it: its audit trail read, and a day rolled back from today."""

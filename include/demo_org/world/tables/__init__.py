"""The records of each object at a moment, column by column."""

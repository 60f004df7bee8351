"""
What the right answer is: the published tables of a snapshot, worked out a second time and by other means.

Written in pandas on the records of a `World`, without a line of the ledger, so that the two can be compared.
Where Salesforce's counters count by a rule of their own, the truth knows the rule, because the world made it.
"""

from __future__ import annotations

from demo_org.truth.answer import Truth

__all__ = ["Truth"]

"""
A generated Salesforce org at any moment of its life.

`World` holds the records; `WorldOptions` says how an org may differ. Nothing here speaks HTTP, and nothing
here knows what anybody makes of the records: that is `demo_org.truth`.
"""

from __future__ import annotations

from demo_org.world.options import WorldOptions
from demo_org.world.world import World

__all__ = ["World", "WorldOptions"]

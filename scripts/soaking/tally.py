"""What became of all runs of a soak, in numbers and words."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RUNBOOK = Path(__file__).resolve().parents[2] / "docs" / "runbook.md"


def headings() -> set[str]:
    """Error classes that the runbook explains."""
    return set(re.findall(r"^## (\w+)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE))


@dataclass
class Tally:
    """
    The sums.

    Attributes:
        runs: that were made.
        published: that published.
        seconds: they took.
        outcomes: how often each fault ended how.
        wrong: publications or warehouses that were not true, in words.
        leaks: files that held a secret.
        lost: grants lost where there was a standby grant; taken_over: those it took over.
        alone: grants lost where there was none, and the run said so.
        unexplained: errors without a heading in the runbook, in words.
        kills: processes killed.
        tries: tasks that were tried again.
        struck: calls and requests that faults of the org and the S3 proxy struck.
    """

    runs: int = 0
    published: int = 0
    seconds: float = 0.0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    lost: int = 0
    taken_over: int = 0
    alone: int = 0
    unexplained: list[str] = field(default_factory=list)
    kills: int = 0
    tries: int = 0
    struck: int = 0
    secrets: int = 0
    searched: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing happened that must not."""
        return not (self.wrong or self.leaks or self.unexplained) and self.lost == self.taken_over

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        plain = {key: value for key, value in vars(self).items() if key != "outcomes"}
        outcomes: dict[str, dict[str, int]] = {}
        for (fault, outcome), number in sorted(self.outcomes.items()):
            outcomes.setdefault(fault, {})[outcome] = number
        return {**plain, "seconds": round(self.seconds, 1), "outcomes": outcomes}

    def write(self, path: Path) -> None:
        """Keep what is known so far."""
        path.write_text(json.dumps(self.to_dict(), indent=1) + "\n", encoding="utf-8")

    def summary(self) -> str:
        """For people."""
        lines = [f"{'fault':<44} outcome"]
        for (fault, outcome), number in sorted(self.outcomes.items()):
            lines.append(f"{fault:<44} {outcome}: {number}")
        lines += [
            "",
            f"runs                                  {self.runs} ({self.published} published) "
            f"in {self.seconds:.0f} s",
            f"processes killed, tasks tried again   {self.kills}, {self.tries}",
            f"calls and requests struck             {self.struck}",
            f"wrong publications                    {len(self.wrong)}",
            f"secrets found                         {len(self.leaks)} (of {self.secrets}, "
            f"in {self.searched} searches)",
            f"grants lost, taken over by standby    {self.lost}, {self.taken_over}",
            f"grants lost that had no standby       {self.alone}",
            f"failures without a runbook heading    {len(self.unexplained)}",
        ]
        lines += [f"! {line}" for line in (*self.wrong, *self.leaks, *self.unexplained)]
        return "\n".join(lines)

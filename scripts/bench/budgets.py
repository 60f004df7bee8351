"""The budgets, and whether what was measured keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Budget:
    """
    One budget.

    Attributes:
        words: what is bounded.
        measured: the value.
        bound: what it may be.
        at_least: whether the bound is the smallest value that is allowed, not the largest.
        unit: of both.
        source: where the value is from when not from this run.
    """

    words: str
    measured: float
    bound: float
    at_least: bool = False
    unit: str = "times"
    source: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether it is kept."""
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound

    def line(self) -> str:
        """One line for people."""
        sign = "at least" if self.at_least else "at most"
        state = "kept" if self.is_kept else "BROKEN"
        source = f" ({self.source})" if self.source else ""
        return f"{state:6} {self.words}: {self.measured:.2f} {self.unit}, {sign} {self.bound:g}{source}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the record."""
        return {
            "words": self.words,
            "measured": round(self.measured, 3),
            "bound": self.bound,
            "at_least": self.at_least,
            "unit": self.unit,
            "is_kept": self.is_kept,
            "source": self.source,
        }


def of_contenders(answers: dict[str, Any], starts: dict[str, Any]) -> list[Budget]:
    """
    Budgets of the extract.

    Whole processes are compared, which extract the same org. Where they do not, the starts of both are taken
    off, which would weigh more in the smaller one.

    Args:
        answers: results by answers (``plain``, ``gzip``) and contender.
        starts: what the same process takes for an org of forty, by contender.
    """
    found = []
    for kind, words in (("plain", ""), ("gzip", ", gzipped answers")):
        known = {name: each for name, each in answers.get(kind, {}).items() if "cpu_seconds" in each}
        if {"ledger", "provider_hook"} <= set(known):
            mine, other = _speeds(known, starts, "ledger", "provider_hook")
            text = f"rows per processor second against the provider's hook{words}"
            found.append(Budget(text, mine / other, 12, at_least=True))
        if {"ledger", "simple_salesforce_bulk"} <= set(known):
            ratio = known["simple_salesforce_bulk"]["cpu_seconds"] / known["ledger"]["cpu_seconds"]
            bound = 2.0 if kind == "gzip" else 1.5
            text = f"rows per processor second against simple-salesforce Bulk 2.0 and pyarrow{words}"
            found.append(Budget(text, ratio, bound, at_least=True))
        if kind == "plain" and {"ledger", "limit"} <= set(known):
            ratio = known["ledger"]["cpu_seconds"] / known["limit"]["cpu_seconds"]
            found.append(Budget("processor time of the extract against the bare limit", ratio, 1.3))
    return found


def _speeds(known: dict[str, Any], starts: dict[str, Any], *names: str) -> list[float]:
    """Rows per processor second of contenders, so that they compare."""
    if len({known[name]["users"] for name in names}) == 1:
        return [known[name]["users"] / known[name]["cpu_seconds"] for name in names]
    return [_beyond_start(known[name], starts[name]) for name in names]


def _beyond_start(result: dict[str, Any], start: dict[str, Any]) -> float:
    """Rows per processor second, without the start of the process."""
    return float(result["users"] / (result["cpu_seconds"] - start["cpu_seconds"]))


def of_scale(scale: dict[str, Any], fresh: str) -> list[Budget]:
    """
    Budgets of the walk.

    Args:
        scale: measurements by number of users, as `measure_scale.py` makes them.
        fresh: the number that was measured in this run.
    """
    found = []
    for size in sorted(scale, key=int):
        if int(size) < 1_000_000 and size != fresh:
            continue
        steps = scale[size]["steps"]
        source = "" if size == fresh else f"measured on {scale[size]['machine']['on']}"
        name, cost = max(steps.items(), key=lambda item: item[1]["peak_mib"])
        words = f"memory above an empty task at {int(size):,} users, most in {name}"
        found.append(Budget(words, cost["peak_mib"], 400, unit="MiB", source=source))
        if size == fresh:
            whole = sum(step["seconds"] for step in steps.values())
            extract = sum(step["seconds"] for name, step in steps.items() if is_extract(name))
            found.append(Budget("the whole walk against its extract, by the clock", whole / extract, 3.0))
            each = scale[size]["published_bytes"] / int(size) * 1e6 / 1e6
            found.append(Budget("published snapshot of 1 M users", each, 100.0, unit="MB"))
    largest = max(scale, key=int)
    if int(largest) > 1_000_000 and "1000000" in scale:
        ratio = cpu_per_row(scale[largest], int(largest)) / cpu_per_row(scale["1000000"], 1_000_000)
        words = f"processor time per user at {int(largest):,} against 1,000,000 users"
        found.append(Budget(words, ratio, 1.3, source=f"measured on {scale[largest]['machine']['on']}"))
    return found


def is_extract(step: str) -> bool:
    """Whether a step is part of the extract: finding out what there is, and landing it."""
    return step.startswith("extract ") or step in ("refresh_token", "inspect_org")


def cpu_per_row(size: dict[str, Any], users: int) -> float:
    """Processor seconds of the walk per user."""
    return float(sum(step["cpu_seconds"] for step in size["steps"].values())) / users

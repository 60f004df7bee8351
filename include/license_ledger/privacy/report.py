"""What an erasure did and how it was proved, as JSON and in words. Says nothing about whom it concerned."""

from __future__ import annotations

from typing import TypedDict


class Rewritten(TypedDict):
    """Files that were written anew, and rows in them that mentioned the person."""

    files: int
    rows: int


class ErasureReport(TypedDict):
    """
    What an erasure did.

    Attributes:
        org_id: of the org.
        dry_run: whether nothing was changed, and all numbers are of what would be.
        days: days that mentioned the person.
        rewritten: per layer: landing, work (files that runs keep to publish again), staging, warehouse.
        seconds: how long everything took.
        searched: files read in the search that followed, per layer; empty in a dry run.
        searched_bytes: their size.
        left: where something was still found, with the number of files; empty when nothing was.
        shared: kinds of values that another account has as well, such as the name or, where somebody has two
            accounts, the e-mail address. The other account was left alone.
        labels: columns in which the person's name is that of something else, or a part of it: of a license, a
            profile, a role. They were left alone.
    """

    org_id: str
    dry_run: bool
    days: int
    rewritten: dict[str, Rewritten]
    seconds: float
    searched: dict[str, int]
    searched_bytes: int
    left: dict[str, int]
    shared: list[str]
    labels: list[str]


COMES_BACK = (
    "Salesforce was not changed: as long as it has the user, the next extract brings the person back. "
    "Have the user made anonymous there first, or erase again afterwards."
)


def in_words(report: ErasureReport) -> str:
    """The report for people, as Markdown."""
    did = "would be rewritten" if report["dry_run"] else "rewritten"
    lines = [f"# Erasure in org {report['org_id']}" + (" (dry run)" if report["dry_run"] else ""), ""]
    if not report["rewritten"]:
        lines += ["No file mentions the person.", ""]
    else:
        lines += [f"| layer | files {did} | rows of the person |", "|---|---:|---:|"]
        lines += [
            f"| {layer} | {done['files']} | {done['rows']} |" for layer, done in report["rewritten"].items()
        ]
        lines += ["", f"Days concerned: {report['days']}. Every row is still there and counts as before.", ""]
    if not report["dry_run"]:
        lines += [*_searched(report), ""]
    return "\n".join([*lines, COMES_BACK])


def _searched(report: ErasureReport) -> list[str]:
    files = ", ".join(f"{number} of {layer}" for layer, number in report["searched"].items()) or "none"
    lines = [f"Searched afterwards: {files} files, {report['searched_bytes'] / 1e6:.1f} MB, every byte."]
    if report["left"]:
        lines += ["Still found:", *(f"- {where}: {number}" for where, number in report["left"].items())]
    else:
        lines.append("Nothing of the person was found.")
    if report["shared"]:
        same = " or the same ".join(report["shared"])
        lines.append(
            f"Other accounts have the same {same}; they were left alone. Erase those of the same person, too."
        )
    if report["labels"]:
        lines.append(
            "The name also stands where something else is named, such as a license or a role, which was left "
            f"alone: {', '.join(report['labels'])}."
        )
    return [*lines, f"It took {report['seconds']:.1f} s."]

"""docs/errors.md, from errors.py."""

from __future__ import annotations

import inspect

from doc_pages import NOTE, prose, table
from license_ledger import errors

BASES = (errors.TransientError, errors.PermanentError, errors.DataError)


def errors_page() -> str:
    """The tree of errors: what each means, and what Airflow does."""
    lines = [
        "# Errors",
        "",
        NOTE,
        "",
        *prose(
            "Every error the ledger raises on purpose is in one tree, and says three things: what was "
            "asked, what came back, what to do. Its base class decides what Airflow does. The "
            "[runbook](runbook.md) has a heading for each. No error contains a token, a secret or a "
            "person's row."
        ),
        *prose("What was published before an error stays published, whole and readable."),
    ]
    for base in BASES:
        kinds = [kind for kind in _classes() if issubclass(kind, base) and kind is not base]
        rows = [(_link(kind), _below(kind, base), inspect.getdoc(kind) or "") for kind in kinds]
        lines += [f"## {base.__name__}", "", *prose(inspect.getdoc(base) or "")]
        lines += [*table(("Error", "A kind of", "Meaning"), rows), ""]
    return "\n".join(lines)


def _classes() -> list[type[errors.LedgerError]]:
    """The tree, in the order of its module."""
    return [
        item
        for item in vars(errors).values()
        if inspect.isclass(item) and issubclass(item, errors.LedgerError)
    ]


def _link(kind: type[errors.LedgerError]) -> str:
    return f"[`{kind.__name__}`](runbook.md#{kind.__name__.lower()})"


def _below(kind: type[errors.LedgerError], base: type[errors.LedgerError]) -> str:
    parent = kind.__mro__[1]
    return "" if parent is base else f"`{parent.__name__}`"

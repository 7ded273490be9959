"""When evidence that a request was opened with has become worse. Pure.

Each piece is kept as a plain record with its digest; the same record of today is compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any

from governance.kernel.canonical import digest

_SHORT = 160


class Worse(StrEnum):
    """Which way a piece of evidence gets worse."""

    HIGHER = "higher"
    LOWER = "lower"
    OTHER = "other"


def frozen(
    *,
    label: str,
    value: str | None,
    worse: Worse,
    grade: Decimal | int | None,
    members: Sequence[str],
) -> dict[str, Any]:
    """The record of one piece, with the digest of all of it."""
    content = {
        "label": label,
        "value": value,
        "worse": worse.value,
        "grade": None if grade is None else str(grade),
        "members": sorted(members),
    }
    return content | {"digest": digest(content)}


def worsened(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """A sentence for each piece that became worse. What is new or better says nothing."""
    return [
        _sentence(before[key], after.get(key))
        for key in sorted(before)
        if _is_worse(before[key], after.get(key))
    ]


def _is_worse(old: Mapping[str, Any], new: Mapping[str, Any] | None) -> bool:
    if new is None or old["digest"] == new["digest"]:
        # A piece that nobody gives any more is a matter of the code, not of the evidence.
        return False
    if set(new["members"]) - set(old["members"]):
        return True
    if old["grade"] is None and new["grade"] is None:
        return bool(old["worse"] == Worse.OTHER and old["value"] != new["value"])
    if old["grade"] is None:
        # Nothing was known of it, so nothing that was decided on became worse.
        return False
    if new["grade"] is None:
        return bool(old["worse"] == Worse.LOWER)
    was, is_now = Decimal(old["grade"]), Decimal(new["grade"])
    if old["worse"] == Worse.HIGHER:
        return is_now > was
    return is_now < was if old["worse"] == Worse.LOWER else is_now != was


def _sentence(old: Mapping[str, Any], new: Mapping[str, Any] | None) -> str:
    return changed(old["label"], old["value"], new["value"] if new else None)


def changed(label: str, before: str | None, after: str | None) -> str:
    """As in "Open incidents: from “none” to “Incident 4, high”."."""
    return f"{label}: from {_quoted(before)} to {_quoted(after)}."


def _quoted(words: str | None) -> str:
    if not words:
        return "nothing"
    line = " ".join(words.split())
    return f"“{line if len(line) <= _SHORT else line[: _SHORT - 1] + '…'}”"

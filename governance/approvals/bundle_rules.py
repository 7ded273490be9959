"""The strictest of several policies. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from governance.kernel.canonical import digest

LEAST_PARTS, MOST_PARTS = 2, 10
SignOffs = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Strictest:
    """What a request asks for that several policies cover at once."""

    sign_offs: list[dict[str, Any]]
    decision_hours: int
    validity_days: int


def strictest(policies: Iterable[tuple[SignOffs, int, int]]) -> Strictest:
    """Of (sign-offs, decision hours, validity days) each: every sign-off that any asks for.

    Where several ask for the same one, the greatest count; then the least time and validity.
    """
    given = list(policies)
    return Strictest(
        sign_offs=_union([line for sign_offs, _, _ in given for line in sign_offs]),
        decision_hours=min(hours for _, hours, _ in given),
        validity_days=min(days for _, _, days in given),
    )


def _union(lines: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    greatest: dict[str, dict[str, Any]] = {}
    for line in lines:
        same = digest({name: value for name, value in line.items() if name != "count"})
        before = greatest.get(same)
        if before is None or line.get("count", 0) > before.get("count", 0):
            greatest[same] = dict(line)
    return sorted(greatest.values(), key=lambda line: (line["permission"], digest(line)))

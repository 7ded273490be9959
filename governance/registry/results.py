"""Is it working? Measured against baseline and target, as a sentence, a table and a figure. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from governance.registry.scoring import share_reached


@dataclass(frozen=True)
class Measured:
    """One measured value, its change from the baseline, and the share of the way in percent."""

    on: date
    value: Decimal
    source: str
    change: Decimal | None
    share: Decimal | None


def measured_rows(
    baseline: Decimal | None, target: Decimal | None, values: Sequence[tuple[date, Decimal, str]]
) -> list[Measured]:
    """One row per value, in the order given; what cannot be compared is None."""
    is_comparable = baseline is not None and target is not None
    return [
        Measured(
            on,
            value,
            source,
            None if baseline is None else value - baseline,
            share_reached(baseline, target, value) if is_comparable else None,  # type: ignore[arg-type]  # both are there
        )
        for on, value, source in values
    ]


def finding(name: str, unit: str, rows: Sequence[Measured]) -> str:
    """The last value in a sentence, with how far it is."""
    if not rows:
        return f"{name}: nothing measured yet"
    last = rows[-1]
    said = f"{name}: {number(last.value)} {unit}".rstrip()
    if last.share is None:
        return said
    if last.share >= 100:
        return f"{said}, the target is reached"
    if last.share < 0:
        return f"{said}, worse than the baseline"
    return f"{said}, {last.share} % of the way from baseline to target"


def number(value: Any) -> str:
    """A decimal without the zeros that only its column gave it."""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

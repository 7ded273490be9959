"""What the apps above plug into metrics and service levels."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.kernel.registries import Registry

# Name → the metric families (prometheus_client.core) of an app as they stand at that time.
# Labels come from the register and from enums, never from what a caller sends.
metric_sources: Registry[Callable[[datetime], Iterable[Any]]] = Registry("metric sources")


@dataclass(frozen=True)
class Slot:
    """What happened in the minute that begins then: events, and those of them that were bad."""

    starts_at: datetime
    total: int
    bad: int


@dataclass(frozen=True)
class Indicator:
    """One way to say good or bad of what a use case does.

    `count` gives the minutes of a use case between two times, for a threshold in `unit` (None
    where the indicator has none); an event belongs to the minute in which it was known.
    """

    label: str
    good: str
    unit: str
    count: Callable[[int, int | None, datetime, datetime], list[Slot]]

    @property
    def has_threshold(self) -> bool:
        return bool(self.unit)


indicators: Registry[Indicator] = Registry("service level indicators")

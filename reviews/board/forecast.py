"""How many answers will pass their due time in the next business hours? Pure.

A small queue is played many times with a fixed seed. All times are business hours from now.
Arrivals are a Poisson process at the rate of the past days; people together finish one answer
after another, each after an exponential time at the rate of the past days; the answer that is
due first goes first. That is the recursion of Lindley (1952): an answer is done its own time
after it came or the one before it was done, whichever is later.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

import numpy as np
from numpy.typing import NDArray

HORIZONS = (4, 8, 24)
PLAYS = 400
SEED = 8215
MOST_WAITING = 5_000
FEWEST_DECISIONS = 20
"""Decisions of the past days below which their rate says nothing."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rates:
    """Answers that came and that were decided, in so many business hours."""

    arrived: int
    decided: int
    hours: float

    @property
    def arrivals(self) -> float:
        return self.arrived / self.hours if self.hours else 0.0

    @property
    def service(self) -> float:
        return self.decided / self.hours if self.hours else 0.0

    @property
    def is_known(self) -> bool:
        return self.decided >= FEWEST_DECISIONS and self.hours > 0

    @property
    def text(self) -> str:
        if not self.is_known:
            return f"too few decisions: {self.decided} of {FEWEST_DECISIONS}"
        return (
            f"{self.arrivals:.1f} answers come and {self.service:.1f} are decided per business hour"
        )


@dataclass(frozen=True)
class Expected:
    """Answers that pass their due time within `hours`: the median play, and eight plays of ten."""

    hours: int
    median: int
    low: int
    high: int

    @property
    def text(self) -> str:
        if self.low == self.high:
            return str(self.median)
        return f"{self.median} ({self.low} to {self.high})"


def forecast(
    due: Sequence[float], rates: Rates, sla_hours: float, seed: int = SEED
) -> list[Expected]:
    """For each horizon, from the due times of what waits (hours from now, all above 0)."""
    waiting = np.sort(np.asarray(due, dtype=float))[:MOST_WAITING]
    rng = np.random.default_rng(seed)
    longest = max(HORIZONS)
    coming = arrivals(rng, rates.arrivals, longest)
    came = np.hstack([np.zeros((PLAYS, len(waiting))), coming])
    dues = np.hstack([np.tile(waiting, (PLAYS, 1)), coming + sla_hours])
    order = np.argsort(dues, axis=1, kind="stable")
    came, dues = np.take_along_axis(came, order, 1), np.take_along_axis(dues, order, 1)
    takes = rng.standard_exponential(came.shape)
    takes = takes / rates.service if rates.service > 0 else np.full(came.shape, np.inf)
    late = finished(came, takes) > dues
    found = []
    for hours in HORIZONS:
        counts = (late & (dues <= hours)).sum(axis=1)
        low, median, high = np.quantile(counts, [0.1, 0.5, 0.9], method="nearest")
        found.append(Expected(hours, int(median), int(low), int(high)))
    return found


def arrivals(rng: np.random.Generator, rate: float, until: float) -> Floats:
    """When answers come, a row per play; what comes after `until` is left out where none needs it."""
    if rate <= 0:
        return np.zeros((PLAYS, 0))
    expected = rate * until
    most = min(int(expected + 6 * sqrt(expected) + 10), MOST_WAITING)
    return np.cumsum(rng.standard_exponential((PLAYS, most)) / rate, axis=1)


def finished(came: Floats, takes: Floats) -> Floats:
    """When each is done, by rows, one after another in the order of the columns."""
    if not np.isfinite(takes).all():
        return np.full(came.shape, np.inf)
    done = np.cumsum(takes, axis=1)
    return done + np.maximum.accumulate(came - (done - takes), axis=1)


class Clock:
    """Business hours from a first moment on, over open spans in order."""

    def __init__(self, spans: Sequence[tuple[datetime, datetime]]) -> None:
        self.spans = list(spans)
        self.begins = [begin for begin, _ in self.spans]
        self.before = [0.0]
        for begin, end in self.spans:
            self.before.append(self.before[-1] + (end - begin).total_seconds() / 3600)

    def hours(self, moment: datetime) -> float:
        """Open hours from the first span to the moment."""
        place = bisect_right(self.begins, moment) - 1
        if place < 0:
            return 0.0
        begin, end = self.spans[place]
        return self.before[place] + (min(moment, end) - begin).total_seconds() / 3600

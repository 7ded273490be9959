"""What a budget will have cost by its end, with a range. Pure; figures are floats until the end.

Method: exponential smoothing with a damped additive trend and additive weekdays, ETS(A,Ad,A) in
Hyndman and Athanasopoulos, “Forecasting: principles and practice” (3rd ed.), section 8.5. The
smoothing is fitted by least squares of the errors one day ahead. The range is the middle 80 %
of paths that draw their errors from the fitted ones, with a fixed seed, so that the same days
give the same range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

# scipy.optimize is imported where it is used: it takes a second, and few pages need it.

WEEK = 7
LEAST_DAYS = 3 * WEEK
MOST_DAYS = 26 * WEEK
PATHS = 400
SEED = 722
SHARES = (10, 90)
# Of level, trend, weekdays, and how much of the trend is left each day.
BOUNDS = ((0.01, 0.8), (0.0, 0.2), (0.0, 0.4), (0.8, 0.98))
BEGINNINGS = ((0.3, 0.02, 0.1, 0.9), (0.05, 0.0, 0.05, 0.9))
CENT = Decimal("0.000001")
METHOD = (
    "Damped trend with weekdays, fitted to the days until yesterday; the range holds the middle "
    "80 % of what could come if days vary as they did."
)
Array = Any


@dataclass(frozen=True)
class Outlook:
    """What the days to come cost together: expected, and the ends of the 80 % range."""

    expected: Decimal
    low: Decimal
    high: Decimal
    days: int
    method: str = METHOD


@dataclass(frozen=True)
class _Fit:
    level: float
    trend: float
    weekdays: Array
    rates: tuple[float, float, float, float]
    errors: Array


def outlook(costs: Sequence[Decimal], days_ahead: int) -> Outlook | None:
    """Of one cost for each day until yesterday, oldest first; None for less than three weeks.

    The first day to come is the one after the last cost.
    """
    if len(costs) < LEAST_DAYS or days_ahead < 0:
        return None
    recent = np.array([float(one) for one in costs[-MOST_DAYS:]])
    scale = float(recent.mean())
    if scale <= 0:
        return Outlook(Decimal(0), Decimal(0), Decimal(0), len(recent))
    fit = _fitted(recent / scale)
    expected = float(_path(fit, np.zeros((1, days_ahead))).sum()) * scale
    draw = np.random.default_rng(SEED).choice(fit.errors, (PATHS, days_ahead))
    sums = _path(fit, draw).sum(axis=1) * scale
    low, high = np.percentile(sums, SHARES)
    return Outlook(
        _money(expected),
        _money(min(float(low), expected)),
        _money(max(float(high), expected)),
        len(recent),
    )


def _fitted(values: Array) -> _Fit:
    from scipy.optimize import minimize

    """The best of the beginnings; the same values give the same fit."""
    found = [
        minimize(_sum_of_squares, first, args=(values,), method="L-BFGS-B", bounds=BOUNDS)
        for first in BEGINNINGS
    ]
    best = min(found, key=lambda one: float(one.fun))
    level, bent, turned, damped = (float(one) for one in best.x)
    return _smoothed((level, bent, turned, damped), values)


def _sum_of_squares(rates: Array, values: Array) -> float:
    errors = _smoothed(tuple(rates), values).errors
    return float(errors @ errors)


def _smoothed(rates: Any, values: Array) -> _Fit:
    """Run over the days: what each was expected to cost, and how far that was off."""
    alpha, beta, gamma, phi = rates
    level, trend, weekdays = _beginning(values)
    seasonal = list(weekdays)
    errors = np.empty(len(values))
    for day, value in enumerate(values.tolist()):
        place = day % WEEK
        carried = phi * trend
        error = value - (level + carried + seasonal[place])
        level, trend = level + carried + alpha * error, carried + beta * error
        seasonal[place] += gamma * error
        errors[day] = error
    # From the weekday of the first day to come.
    ahead = np.roll(np.array(seasonal), -(len(values) % WEEK))
    return _Fit(level, trend, ahead, rates, errors)


def _beginning(values: Array) -> tuple[float, float, Array]:
    """Of the first three weeks: their mean, no trend, and how each weekday differs."""
    weeks = values[:LEAST_DAYS].reshape(-1, WEEK)
    weekdays = (weeks - weeks.mean(axis=1, keepdims=True)).mean(axis=0)
    return float(weeks[0].mean()), 0.0, weekdays


def _path(fit: _Fit, errors: Array) -> Array:
    """Each row of errors as the costs of the days to come; no day costs less than nothing."""
    alpha, beta, gamma, phi = fit.rates
    paths, ahead = errors.shape
    level, trend = np.full(paths, fit.level), np.full(paths, fit.trend)
    weekdays = np.tile(fit.weekdays, (paths, 1))
    costs = np.zeros((paths, ahead))
    for day in range(ahead):
        place = day % WEEK
        carried, error = phi * trend, errors[:, day]
        costs[:, day] = np.maximum(level + carried + weekdays[:, place] + error, 0)
        level, trend = level + carried + alpha * error, carried + beta * error
        weekdays[:, place] += gamma * error
    return costs


def _money(value: float) -> Decimal:
    return max(Decimal(repr(value)), Decimal(0)).quantize(CENT)

"""The damped trend with weekdays: ETS(A,Ad,A), fitted and continued by statsmodels.

Hyndman and Athanasopoulos, “Forecasting: principles and practice” (3rd ed.), section 8.5. The
range is that of its errors on earlier days (`telemetry.chargeback.backtest`). Where the days are
too few for that it is the middle 80 % of continuations that draw their errors from the fitted
ones, with a fixed seed, so that the same days give the same range; and wider by what the fitted
states take from so few days. Figures are floats until the end.

Importing this takes seconds and a hundred megabytes: only a worker's task does, inside itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import numpy as np
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from threadpoolctl import threadpool_limits

from telemetry.chargeback.backtest import with_tested_range
from telemetry.chargeback.forecast import CENT, MOST_DAYS, TREND_DAYS, WEEK, Method, Outlook

PATHS = 400
SEED = 722
SHARES = (10, 90)
# Four weights, the level, the trend and six weekdays: so many days fewer speak of the errors.
FITTED = 12
# How much of the trend is left each day; up to 0.995 was nearer on held-out days than up to 0.98.
DAMPED = (0.8, 0.995)


def damped_trend(costs: Sequence[Decimal], days_ahead: int) -> Outlook | None:
    """Of one cost for each day until yesterday, oldest first; None for less than three weeks.

    The first day to come is the one after the last cost. None also where the fit finds no figure.
    """
    if len(costs) < TREND_DAYS or days_ahead < 0:
        return None
    costs = costs[-MOST_DAYS:]
    with _quietly():
        found = _outlook(costs, days_ahead)
        return found and with_tested_range(found, costs, days_ahead, _expected, TREND_DAYS)


def expected_cost(costs: Sequence[Decimal], days_ahead: int) -> Decimal | None:
    """What the damped trend expects of so many days, without a range; None as there."""
    if len(costs) < TREND_DAYS or days_ahead < 0:
        return None
    with _quietly():
        return _expected(costs[-MOST_DAYS:], days_ahead)


def _outlook(costs: Sequence[Decimal], days_ahead: int) -> Outlook | None:
    """With the method's own range."""
    values, scale = _scaled(costs)
    if scale <= 0 or not days_ahead:
        return Outlook(Decimal(0), Decimal(0), Decimal(0), len(costs), Method.TREND)
    fitted = _fitted(values)
    expected = _sum(fitted, days_ahead) * scale
    ends = np.percentile(_drawn_sums(fitted, days_ahead) * scale, SHARES)
    wider = (len(costs) / (len(costs) - FITTED)) ** 0.5
    low, high = expected + wider * (ends - expected)
    if not np.isfinite([expected, low, high]).all():
        return None
    return Outlook(
        _money(expected),
        _money(min(float(low), expected)),
        _money(max(float(high), expected)),
        len(costs),
        Method.TREND,
    )


def _expected(costs: Sequence[Decimal], days_ahead: int) -> Decimal | None:
    values, scale = _scaled(costs)
    if scale <= 0 or not days_ahead:
        return Decimal(0)
    expected = _sum(_fitted(values), days_ahead) * scale
    return _money(expected) if np.isfinite(expected) else None


def _scaled(costs: Sequence[Decimal]) -> tuple[Any, float]:
    """As shares of their mean, and the mean; as they are where it is nothing."""
    values = np.array([float(one) for one in costs])
    scale = float(values.mean())
    return (values / scale if scale > 0 else values), scale


def _fitted(values: Any) -> Any:
    model = ETSModel(
        values,
        error="add",
        trend="add",
        damped_trend=True,
        seasonal="add",
        seasonal_periods=WEEK,
        # Beginnings that are estimated too were no better on held-out days, and ten times slower.
        initialization_method="heuristic",
        bounds={"damping_trend": DAMPED},
    )
    return model.fit(disp=False)


def _sum(fitted: Any, days_ahead: int) -> float:
    """The expected path, added up; no day costs less than nothing."""
    path = np.asarray(fitted.forecast(days_ahead))
    return float(np.maximum(path, 0).sum())


def _drawn_sums(fitted: Any, days_ahead: int) -> Any:
    """The same of each of PATHS drawn ones."""
    paths = fitted.simulate(
        days_ahead,
        anchor="end",
        repetitions=PATHS,
        random_errors="bootstrap",
        rng=np.random.default_rng(SEED),
    )
    return np.maximum(np.asarray(paths).reshape(days_ahead, PATHS), 0).sum(axis=0)


@contextmanager
def _quietly() -> Iterator[None]:
    # So few figures: threads of the matrix library take nine times the processor, for nothing.
    with warnings.catch_warnings(), threadpool_limits(1):
        # A steady course has nothing left to minimise: the beginning is the answer then.
        warnings.simplefilter("ignore")
        yield


def _money(value: float) -> Decimal:
    return max(Decimal(repr(value)), Decimal(0)).quantize(CENT)

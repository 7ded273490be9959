"""The damped trend with weekdays: ETS(A,Ad,A), fitted and continued by statsmodels.

Hyndman and Athanasopoulos, “Forecasting: principles and practice” (3rd ed.), section 8.5. The
range is the middle 80 % of continuations that draw their errors from the fitted ones, with a fixed
seed, so that the same days give the same range. Figures are floats until the end.

Importing this takes seconds and a hundred megabytes: only a worker's task does, inside itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from threadpoolctl import threadpool_limits

from telemetry.chargeback.forecast import CENT, MOST_DAYS, TREND_DAYS, WEEK, Method, Outlook

PATHS = 400
SEED = 722
SHARES = (10, 90)
# How much of the trend is left each day; up to 0.995 was nearer on held-out days than up to 0.98.
DAMPED = (0.8, 0.995)


def damped_trend(costs: Sequence[Decimal], days_ahead: int) -> Outlook | None:
    """Of one cost for each day until yesterday, oldest first; None for less than three weeks.

    The first day to come is the one after the last cost. None also where the fit finds no figure.
    """
    if len(costs) < TREND_DAYS or days_ahead < 0:
        return None
    recent = np.array([float(one) for one in costs[-MOST_DAYS:]])
    scale = float(recent.mean())
    if scale <= 0 or not days_ahead:
        return Outlook(Decimal(0), Decimal(0), Decimal(0), len(recent), Method.TREND)
    path, paths = _continued(recent / scale, days_ahead)
    # No day costs less than nothing.
    expected = float(np.maximum(path, 0).sum()) * scale
    low, high = np.percentile(np.maximum(paths, 0).sum(axis=0) * scale, SHARES)
    if not np.isfinite([expected, low, high]).all():
        return None
    return Outlook(
        _money(expected),
        _money(min(float(low), expected)),
        _money(max(float(high), expected)),
        len(recent),
        Method.TREND,
    )


def _continued(values: Any, days_ahead: int) -> tuple[Any, Any]:
    """The expected path, and a column for each drawn one."""
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
    # So few figures: threads of the matrix library take nine times the processor, for nothing.
    with warnings.catch_warnings(), threadpool_limits(1):
        # A steady course has nothing left to minimise: the beginning is the answer then.
        warnings.simplefilter("ignore")
        fitted = model.fit(disp=False)
        path = np.asarray(fitted.forecast(days_ahead))
        paths = fitted.simulate(
            days_ahead,
            anchor="end",
            repetitions=PATHS,
            random_errors="bootstrap",
            rng=np.random.default_rng(SEED),
        )
    return path, np.asarray(paths).reshape(days_ahead, PATHS)


def _money(value: float) -> Decimal:
    return max(Decimal(repr(value)), Decimal(0)).quantize(CENT)

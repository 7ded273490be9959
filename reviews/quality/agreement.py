"""How far people agree beyond chance, and how sure that is. Pure.

Cohen's kappa: Cohen, "A coefficient of agreement for nominal scales" (1960); its standard error:
Fleiss, Cohen and Everitt, "Large sample standard errors of kappa and weighted kappa" (1969).
Krippendorff's alpha for nominal data: Krippendorff, "Computing Krippendorff's Alpha-Reliability"
(2011); its interval is a seeded bootstrap over the items, which are put into one order first, so
that the same judgements give the same interval whatever order they come in.
Shares: Wilson's interval. All intervals are of 95 %.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

FEWEST = 30
"""Items below which a figure would say more about chance than about people."""

SEED = 1960
RESAMPLES = 2_000
_Z = 1.959963984540054


@dataclass(frozen=True)
class Figure:
    """A coefficient or share with its interval, or why there is none.

    `value`, `low` and `high` are None where there are `count` < `needed` items, and where nobody
    ever said anything else, so that agreement cannot be told from habit.
    """

    count: int
    needed: int
    value: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def is_measured(self) -> bool:
        return self.value is not None

    @property
    def text(self) -> str:
        if self.value is not None and self.low is not None and self.high is not None:
            return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"
        if self.count < self.needed:
            return f"too few: {self.count} of {self.needed}"
        return f"no figure: everybody said the same on all {self.count}"

    @property
    def percent(self) -> str:
        """As `text`, for a share."""
        if self.value is None or self.low is None or self.high is None:
            return self.text
        return f"{self.value:.0%} ({self.low:.0%} to {self.high:.0%})"


def cohen_kappa(pairs: Iterable[tuple[Hashable, Hashable]], needed: int = FEWEST) -> Figure:
    """Two people's answers, one pair for each item that both judged."""
    counted = Counter(pairs)
    total = sum(counted.values())
    labels = sorted({one for pair in counted for one in pair}, key=repr)
    if total < needed or len(labels) < 2:
        return Figure(total, needed)
    place = {label: index for index, label in enumerate(labels)}
    table = np.zeros((len(labels), len(labels)))
    for (first, second), times in counted.items():
        table[place[first], place[second]] += times
    return _kappa_of(table / total, total, needed)


def _kappa_of(shares: NDArray[np.float64], total: int, needed: int) -> Figure:
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    observed, expected = float(np.trace(shares)), float(rows @ columns)
    kappa = (observed - expected) / (1 - expected)
    diagonal = np.diag(shares)
    a = float(np.sum(diagonal * (1 - (rows + columns) * (1 - kappa)) ** 2))
    cross = shares * (columns[:, None] + rows[None, :]) ** 2
    b = (1 - kappa) ** 2 * float(cross.sum() - np.trace(cross))
    c = (kappa - expected * (1 - kappa)) ** 2
    error = sqrt(max(a + b - c, 0.0)) / ((1 - expected) * sqrt(total))
    low, high = max(kappa - _Z * error, -1.0), min(kappa + _Z * error, 1.0)
    return Figure(total, needed, kappa, low, high)


def kappa_error(figure: Figure) -> float | None:
    """The standard error that an uncut interval was made from."""
    if figure.value is None or figure.low is None:
        return None
    return (figure.value - figure.low) / _Z


def krippendorff_alpha(
    units: Iterable[Sequence[Hashable]], needed: int = FEWEST, seed: int = SEED
) -> Figure:
    """Nominal alpha over items; each has the answers that were given, missing ones left out.

    Items with fewer than two answers compare nothing and do not count.
    """
    pairable = [tuple(unit) for unit in units if len(unit) > 1]
    labels = sorted({answer for unit in pairable for answer in unit}, key=repr)
    if len(pairable) < needed or len(labels) < 2:
        return Figure(len(pairable), needed)
    place = {label: index for index, label in enumerate(labels)}
    patterns: Counter[tuple[int, ...]] = Counter()
    for unit in pairable:
        counts = [0] * len(labels)
        for one in unit:
            counts[place[one]] += 1
        patterns[tuple(counts)] += 1
    ordered = sorted(patterns)
    answers = np.array(ordered, dtype=float)
    times = np.array([patterns[one] for one in ordered], dtype=float)
    value = float(_alphas(answers, times[None, :])[0])
    drawn = np.random.default_rng(seed).multinomial(
        len(pairable), times / times.sum(), size=RESAMPLES
    )
    alphas = _alphas(answers, drawn.astype(float))
    known = alphas[~np.isnan(alphas)]
    low, high = np.quantile(known, [0.025, 0.975])
    return Figure(len(pairable), needed, value, min(float(low), value), max(float(high), value))


def _alphas(answers: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """One alpha for each row of weights over the patterns; NaN where only one label is left.

    A unit with m answers puts n(n - 1) / (m - 1) on the diagonal of the coincidence matrix for
    a label that stands n times in it.
    """
    given = answers.sum(axis=1)
    same = (answers * (answers - 1)).sum(axis=1) / (given - 1)
    totals = weights @ answers
    everything = totals.sum(axis=1)
    observed = 1 - (weights @ same) / everything
    by_chance = (totals * (totals - 1)).sum(axis=1) / (everything * (everything - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        alphas = 1 - observed / (1 - by_chance)
    return np.where(by_chance < 1 - 1e-12, alphas, np.nan)


def share(hits: int, count: int, needed: int = FEWEST) -> Figure:
    """A proportion with Wilson's interval."""
    if count < max(needed, 1):
        return Figure(count, needed)
    p, square = hits / count, _Z * _Z / count
    middle = (p + square / 2) / (1 + square)
    half = _Z * sqrt(p * (1 - p) / count + square / (4 * count)) / (1 + square)
    return Figure(count, needed, p, max(middle - half, 0.0), min(middle + half, 1.0))

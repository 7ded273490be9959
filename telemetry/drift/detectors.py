"""Do two windows of calls differ, by chance or not, and by enough to matter? Pure.

A verdict needs both: a p-value below SIGNIFICANCE (it is not chance) and an effect of the
threshold's size (it matters). With many calls a test alone calls every trifle significant;
with few an effect alone is noise. So there is "drift" at the threshold, "warning" from half of
it, and "stable" only where no difference of the threshold's size was seen. A window below the
minimum sample, or a difference of the threshold's size that the data cannot tell from chance,
is "insufficient data", with the number of calls that are missing; never "stable".

SIGNIFICANCE is 1 %, not the usual 5 %, because the same calls are tested again and again in
sliding windows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

# scipy.stats is imported where it is used: it takes a second, and only checks need it.

SIGNIFICANCE = 0.01
WARNING_SHARE = 0.5
CONFIDENCE = 0.95
LEAST_EXPECTED = 5
MOST_BINS = 20


class Verdict(StrEnum):
    STABLE = "stable"
    WARNING = "warning"
    DRIFT = "drift"
    INSUFFICIENT_DATA = "insufficient_data"


@dataclass(frozen=True)
class Limits:
    """`minimum_sample`: calls that each window needs. `threshold`: the effect that is drift."""

    minimum_sample: int
    threshold: float


@dataclass(frozen=True)
class Subject:
    """What is compared, in words: its name, what is counted, and the unit of a median."""

    name: str
    counted: str = "calls"
    unit: str = ""

    @property
    def title(self) -> str:
        return self.name[0].upper() + self.name[1:]


LENGTHS = Subject("output length", unit=" tokens")
EDITS = Subject("the edit distance of corrections", "corrections", " % of the answer")
FAILURES = Subject("the share of validation failures")
CORRECTIONS = Subject("the share of corrected answers", "decisions")


@dataclass(frozen=True)
class Tally:
    """Of so many calls (or decisions), so many failed (or were corrections)."""

    failures: int
    calls: int

    @property
    def share(self) -> float:
        return self.failures / self.calls if self.calls else 0.0


@dataclass(frozen=True)
class Finding:
    """What a comparison found. `picture` is JSON-plain: the numbers of the chart and its table."""

    verdict: Verdict
    sentence: str
    picture: dict[str, Any] = field(default_factory=dict)
    test: str = ""
    statistic: float | None = None
    p_value: float | None = None
    effect: float | None = None


def compare_lengths(
    reference: Mapping[int, int],
    current: Mapping[int, int],
    limits: Limits,
    subject: Subject = LENGTHS,
) -> Finding:
    """Whole numbers (such as output tokens → calls of that length) by the two-sample Kolmogorov-Smirnov test.

    The effect is its statistic D, the largest distance between the two cumulative
    distributions: 0 for equal windows, 1 for windows without overlap. D against a threshold of
    0.1 is what Amazon SageMaker Model Monitor does by default (`comparison_threshold` of its
    constraints.json). The p-value is asymptotic; with ties, as token counts have them, it errs
    towards "chance" (scipy.stats.ks_2samp).
    """
    before, after = _expanded(reference), _expanded(current)
    picture = _histogram(before, after)
    sizes = len(before), len(after)
    if min(sizes) < limits.minimum_sample:
        return Finding(
            Verdict.INSUFFICIENT_DATA, _too_few(subject, sizes, limits.minimum_sample), picture
        )
    from scipy.stats import ks_2samp

    result = ks_2samp(before, after, method="asymp")
    effect, p_value = round(float(result.statistic), 6), float(result.pvalue)
    verdict = _verdict(effect, p_value, limits.threshold)
    difference = (
        f"the windows differ by at most {effect:.1%} of {subject.counted}, "
        f"against a threshold of {limits.threshold:.1%}; {_medians(picture, subject.unit)}"
    )
    if verdict == Verdict.INSUFFICIENT_DATA:
        sentence = _may_be_chance(subject, difference, sizes, _calls_for_lengths(limits.threshold))
    else:
        sentence = f"{subject.title} {_BEGINNINGS[verdict]}: {difference}."
    return Finding(verdict, sentence, picture, "Kolmogorov-Smirnov", effect, p_value, effect)


def compare_failures(
    reference: Tally, current: Tally, limits: Limits, subject: Subject = FAILURES
) -> Finding:
    """Shares (such as that of failed calls) by the two-proportion z-test with pooled variance, or by Fisher's
    exact test where a cell of the table is expected to hold fewer than five calls (Cochran 1954).

    The effect is the current share less the reference share, from -1 to 1; the threshold is
    for its size in either direction. The intervals of the picture are Wilson's (1927) at 95 %.
    That 0.05 matters is a default of ours: five more of a hundred answers not usable.
    """
    picture = {"reference": _with_interval(reference), "current": _with_interval(current)}
    sizes = reference.calls, current.calls
    if min(sizes) < limits.minimum_sample:
        return Finding(
            Verdict.INSUFFICIENT_DATA, _too_few(subject, sizes, limits.minimum_sample), picture
        )
    effect = round(current.share - reference.share, 6)
    test, statistic, p_value = _compare_shares(reference, current)
    verdict = _verdict(abs(effect), p_value, limits.threshold)
    difference = (
        f"{_in_words(reference, subject)} before, {_in_words(current, subject)} now, "
        f"against a threshold of {limits.threshold * 100:.1f} points"
    )
    if verdict == Verdict.INSUFFICIENT_DATA:
        needed = _calls_for_shares(reference, current, limits.threshold)
        sentence = _may_be_chance(subject, difference, sizes, needed)
    else:
        sentence = f"{subject.title} {_BEGINNINGS[verdict]}: {difference}."
    return Finding(verdict, sentence, picture, test, statistic, p_value, effect)


_BEGINNINGS = {
    Verdict.STABLE: "is stable",
    Verdict.WARNING: "is moving, short of the threshold",
    Verdict.DRIFT: "has drifted",
}


def _verdict(effect: float, p_value: float, threshold: float) -> Verdict:
    if p_value >= SIGNIFICANCE:
        return Verdict.INSUFFICIENT_DATA if effect >= threshold else Verdict.STABLE
    if effect >= threshold:
        return Verdict.DRIFT
    return Verdict.WARNING if effect >= threshold * WARNING_SHARE else Verdict.STABLE


def _too_few(subject: Subject, sizes: tuple[int, int], needed: int) -> str:
    lacking = _missing(sizes, needed, subject.counted)
    return f"Not enough data to say whether {subject.name} moved: {lacking}."


def _may_be_chance(subject: Subject, difference: str, sizes: tuple[int, int], needed: int) -> str:
    return (
        f"Not enough data to say whether {subject.name} moved: {difference}. "
        f"With so few {subject.counted} that may be chance: "
        f"{_missing(sizes, needed, subject.counted)}."
    )


def _missing(sizes: tuple[int, int], needed: int, counted: str) -> str:
    """Which windows lack how many calls (or what else is counted)."""
    return " and ".join(
        f"the {name} window has {size:,} of the {needed:,} {counted} it needs, "
        f"{needed - size:,} {'is' if needed - size == 1 else 'are'} missing"
        for name, size in zip(("reference", "current"), sizes, strict=True)
        if size < needed
    )


def _calls_for_lengths(threshold: float) -> int:
    """Calls in each window at which a D of the threshold's size is significant.

    From the limiting distribution: D = c / sqrt(n / 2). One call in the effective size n / 2
    is added, because ks_2samp rounds it.
    """
    from scipy.stats import kstwobign

    return math.ceil(2 * ((float(kstwobign.isf(SIGNIFICANCE)) / threshold) ** 2 + 1))


def _calls_for_shares(reference: Tally, current: Tally, threshold: float) -> int:
    """Calls in each window at which a difference of the threshold's size is significant at the
    pooled share, and no expected count is small."""
    from scipy.stats import norm

    pooled = (reference.failures + current.failures) / (reference.calls + current.calls)
    quantile = float(norm.isf(SIGNIFICANCE / 2))
    by_test = 2 * pooled * (1 - pooled) * (quantile / threshold) ** 2
    return math.floor(max(by_test, LEAST_EXPECTED / min(pooled, 1 - pooled))) + 1


def _compare_shares(reference: Tally, current: Tally) -> tuple[str, float | None, float]:
    """The test's name, its statistic (Fisher's has none that is always finite) and p-value."""
    from scipy.stats import fisher_exact, norm

    table = np.array(
        [[one.failures, one.calls - one.failures] for one in (reference, current)], dtype=float
    )
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    if expected.min() < LEAST_EXPECTED:
        return "Fisher", None, float(fisher_exact(table.astype(int)).pvalue)
    pooled = table[:, 0].sum() / table.sum()
    deviation = math.sqrt(pooled * (1 - pooled) * (1 / reference.calls + 1 / current.calls))
    statistic = (current.share - reference.share) / deviation
    return "two-proportion z", float(statistic), float(2 * norm.sf(abs(statistic)))


def _expanded(lengths: Mapping[int, int]) -> NDArray[np.int64]:
    """One number per call."""
    values = np.fromiter(lengths.keys(), dtype=np.int64, count=len(lengths))
    calls = np.fromiter(lengths.values(), dtype=np.int64, count=len(lengths))
    return np.repeat(values, calls)


def _histogram(before: NDArray[np.int64], after: NDArray[np.int64]) -> dict[str, Any]:
    """Calls by length in bins of one width; the last bin is open, so that no call is left out.

    The bins cover 99 % of the calls: a few very long answers would squeeze all others into one.
    """
    both = np.concatenate([before, after])
    if not len(both):
        return {"edges": [], "reference": [], "current": [], "medians": [None, None]}
    top = int(np.percentile(both, 99))
    width = math.ceil((top + 1) / MOST_BINS)
    edges = np.arange(0, top + 1, width)
    return {
        "edges": edges.tolist(),
        "reference": _counts(before, edges),
        "current": _counts(after, edges),
        "medians": [float(np.median(one)) if len(one) else None for one in (before, after)],
    }


def _counts(values: NDArray[np.int64], edges: NDArray[np.int64]) -> list[int]:
    bins = np.searchsorted(edges, values, side="right") - 1
    counted: list[int] = np.bincount(bins, minlength=len(edges)).tolist()
    return counted


def _medians(picture: dict[str, Any], unit: str) -> str:
    before, after = picture["medians"]
    if before == after:
        return f"the median stays at {before:g}{unit}"
    return f"the median goes from {before:g} to {after:g}{unit}"


def _with_interval(tally: Tally) -> dict[str, Any]:
    """The tally with its share and Wilson interval, which an empty window does not have."""
    counts = {"failures": tally.failures, "calls": tally.calls}
    if not tally.calls:
        return counts | {"share": None, "low": None, "high": None}
    from scipy.stats import binomtest

    interval = binomtest(tally.failures, tally.calls).proportion_ci(CONFIDENCE, "wilson")
    return counts | {
        "share": tally.share,
        "low": float(interval.low),
        "high": float(interval.high),
    }


def _in_words(tally: Tally, subject: Subject) -> str:
    return f"{tally.share:.1%} ({tally.failures:,} of {tally.calls:,} {subject.counted})"

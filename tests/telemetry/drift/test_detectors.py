"""The detectors: against scipy where it has the same test, and by what must hold of any windows."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, ks_2samp

from telemetry.drift.charts import bins
from telemetry.drift.detectors import (
    LEAST_EXPECTED,
    SIGNIFICANCE,
    Finding,
    Limits,
    Tally,
    Verdict,
    _calls_for_lengths,
    _calls_for_shares,
    compare_failures,
    compare_lengths,
)

# How fast the machine is today is not what is tested.
at_any_speed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
LIMITS = Limits(minimum_sample=20, threshold=0.1)
LENGTHS = st.dictionaries(st.integers(0, 3000), st.integers(1, 40), max_size=30)
TALLIES = st.integers(0, 2000).flatmap(
    lambda calls: st.builds(Tally, st.integers(0, calls), st.just(calls))
)


def uniform(low: int, high: int, each: int) -> Counter[int]:
    return Counter(dict.fromkeys(range(low, high), each))


def test_equal_windows_are_stable() -> None:
    found = compare_lengths(uniform(0, 100, 5), uniform(0, 100, 5), LIMITS)
    assert (found.verdict, found.effect) == (Verdict.STABLE, 0)
    assert found.p_value == pytest.approx(1)
    assert "stays at 49.5 tokens" in found.sentence


def test_windows_without_overlap_have_drifted() -> None:
    found = compare_lengths(uniform(0, 100, 1), uniform(200, 300, 1), LIMITS)
    assert (found.verdict, found.effect) == (Verdict.DRIFT, 1)
    assert "has drifted" in found.sentence
    assert "100.0% of calls, against a threshold of 10.0%" in found.sentence
    assert "from 49.5 to 249.5 tokens" in found.sentence


def test_half_the_threshold_warns() -> None:
    """Seven of a hundred calls have another length: past 5 %, short of 10 %."""
    found = compare_lengths({10: 5000}, {10: 4650, 20: 350}, LIMITS)
    assert (found.verdict, found.effect) == (Verdict.WARNING, 0.07)
    assert "short of the threshold" in found.sentence


def test_a_significant_trifle_is_stable() -> None:
    found = compare_lengths({10: 20_000}, {10: 19_400, 20: 600}, LIMITS)
    assert found.p_value is not None and found.p_value < SIGNIFICANCE
    assert (found.verdict, found.effect) == (Verdict.STABLE, 0.03)


@pytest.mark.parametrize(
    ("before", "after", "missing"),
    [
        (0, 0, "reference window has 0 of the 20 calls it needs, 20 are missing and the current"),
        (25, 19, "the current window has 19 of the 20 calls it needs, 1 is missing"),
        (5, 25, "the reference window has 5 of the 20 calls it needs, 15 are missing"),
    ],
)
def test_too_few_calls_say_how_many_are_missing(before: int, after: int, missing: str) -> None:
    lengths = compare_lengths({7: before} if before else {}, {9: after} if after else {}, LIMITS)
    failures = compare_failures(Tally(0, before), Tally(0, after), LIMITS)
    for found in (lengths, failures):
        assert (found.verdict, found.p_value) == (Verdict.INSUFFICIENT_DATA, None)
        assert missing in found.sentence
        assert "stable" not in found.sentence


def test_a_large_difference_that_may_be_chance_is_not_called_stable() -> None:
    found = compare_lengths({10: 15, 20: 15}, {10: 11, 20: 19}, LIMITS)
    assert (found.effect or 0) > LIMITS.threshold
    assert found.verdict == Verdict.INSUFFICIENT_DATA
    needed = _calls_for_lengths(LIMITS.threshold)
    assert f"30 of the {needed} calls it needs, {needed - 30} are missing" in found.sentence


def test_the_distance_is_that_of_scipy_on_the_calls_themselves() -> None:
    random = np.random.default_rng(7)
    before, after = random.poisson(60, 800), random.poisson(66, 500)
    found = compare_lengths(Counter(before.tolist()), Counter(after.tolist()), Limits(100, 0.1))
    expected = ks_2samp(before, after, method="asymp")
    assert found.effect == pytest.approx(expected.statistic, abs=1e-6)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.verdict == Verdict.DRIFT


def test_failures_rise_and_fall() -> None:
    up = compare_failures(Tally(20, 1000), Tally(90, 1000), Limits(100, 0.05))
    down = compare_failures(Tally(90, 1000), Tally(20, 1000), Limits(100, 0.05))
    assert (up.verdict, up.effect, up.test) == (Verdict.DRIFT, 0.07, "two-proportion z")
    assert (down.verdict, down.effect, down.p_value) == (Verdict.DRIFT, -0.07, up.p_value)
    assert "2.0% (20 of 1,000 calls) before, 9.0% (90 of 1,000 calls) now" in up.sentence


def test_a_few_points_warn_and_fewer_are_stable() -> None:
    limits = Limits(100, 0.05)
    assert compare_failures(Tally(20, 1000), Tally(55, 1000), limits).verdict == "warning"
    assert compare_failures(Tally(20, 1000), Tally(30, 1000), limits).verdict == "stable"


def test_rare_failures_are_compared_by_fisher() -> None:
    found = compare_failures(Tally(0, 30), Tally(9, 30), Limits(20, 0.05))
    assert (found.test, found.statistic, found.verdict) == ("Fisher", None, Verdict.DRIFT)
    assert found.p_value == pytest.approx(0.0019, abs=1e-4)
    none = compare_failures(Tally(0, 30), Tally(0, 30), Limits(20, 0.05))
    assert (none.verdict, none.p_value) == (Verdict.STABLE, 1)


def test_the_interval_is_wilsons() -> None:
    """10 of 100: 5.5 % to 17.4 %, as in Newcombe (1998), table of single proportions."""
    share = compare_failures(Tally(10, 100), Tally(10, 100), LIMITS).picture["reference"]
    assert share["low"] == pytest.approx(0.0552, abs=5e-5)
    assert share["high"] == pytest.approx(0.1744, abs=5e-5)


@at_any_speed
@given(TALLIES, TALLIES)
def test_z_squared_is_chi_squared_without_correction(before: Tally, after: Tally) -> None:
    found = compare_failures(before, after, Limits(1, 0.05))
    if found.test != "two-proportion z":
        return
    table = [[one.failures, one.calls - one.failures] for one in (before, after)]
    expected = chi2_contingency(table, correction=False)
    assert found.statistic is not None
    assert found.statistic**2 == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert expected.expected_freq.min() >= LEAST_EXPECTED


def assert_sound(found: Finding, sizes: tuple[int, int], limits: Limits) -> None:
    """What must hold of any finding."""
    json.dumps(found.picture, allow_nan=False)
    if min(sizes) < limits.minimum_sample:
        assert found.verdict == Verdict.INSUFFICIENT_DATA
    if found.verdict == Verdict.INSUFFICIENT_DATA:
        assert "missing" in found.sentence
        assert "stable" not in found.sentence
        return
    assert found.effect is not None and found.p_value is not None
    size = abs(found.effect)
    assert 0 <= size <= 1 and 0 <= found.p_value <= 1
    if found.verdict == Verdict.STABLE:
        assert size < limits.threshold
    if found.verdict == Verdict.DRIFT:
        assert size >= limits.threshold and found.p_value < SIGNIFICANCE


@at_any_speed
@given(LENGTHS, LENGTHS, st.floats(0.01, 1))
def test_any_lengths(before: dict[int, int], after: dict[int, int], threshold: float) -> None:
    limits = Limits(20, threshold)
    found = compare_lengths(before, after, limits)
    sizes = sum(before.values()), sum(after.values())
    assert_sound(found, sizes, limits)
    rows = bins(found.picture)
    assert (sum(row.reference for row in rows), sum(row.current for row in rows)) == sizes
    back = compare_lengths(after, before, limits)
    assert (back.verdict, back.effect) == (found.verdict, found.effect)


@at_any_speed
@given(TALLIES, TALLIES, st.floats(0.01, 1))
def test_any_failures(before: Tally, after: Tally, threshold: float) -> None:
    limits = Limits(20, threshold)
    found = compare_failures(before, after, limits)
    assert_sound(found, (before.calls, after.calls), limits)
    for tally, shown in ((before, found.picture["reference"]), (after, found.picture["current"])):
        if tally.calls:
            assert shown["low"] <= tally.share + 1e-9 and tally.share <= shown["high"] + 1e-9


@at_any_speed
@given(st.floats(0.02, 0.5))
def test_so_many_calls_as_are_asked_for_are_enough_to_tell_lengths(threshold: float) -> None:
    calls = _calls_for_lengths(threshold)
    moved = min(int(np.ceil(calls * threshold)), calls)
    found = compare_lengths({1: calls}, {1: calls - moved, 2: moved}, Limits(20, threshold))
    assert found.verdict == Verdict.DRIFT


@at_any_speed
@given(st.floats(0.02, 0.5), st.floats(0, 0.5))
def test_so_many_calls_as_are_asked_for_are_enough_to_tell_shares(
    threshold: float, share: float
) -> None:
    failures = int(1000 * share), int(np.ceil(1000 * (share + threshold)))
    small = [Tally(one, 1000) for one in failures]
    calls = _calls_for_shares(*small, threshold)
    times = -(-calls // 1000)
    large = [Tally(one.failures * times, one.calls * times) for one in small]
    found = compare_failures(*large, Limits(20, threshold))
    assert found.verdict == Verdict.DRIFT

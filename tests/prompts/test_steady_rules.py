"""Circuits edge by edge, when they trip, how long they rest, and what a bucket holds."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel.errors import WrongState
from prompts.gateway import rules
from prompts.gateway.rules import CIRCUIT_STATES

EDGES = {
    ("closed", "trip"): "open",
    ("open", "probe"): "half_open",
    ("half_open", "probe"): "half_open",
    ("half_open", "succeed"): "closed",
    ("half_open", "fail"): "open",
    ("closed", "hold_open"): "held_open",
    ("open", "hold_open"): "held_open",
    ("half_open", "hold_open"): "held_open",
    ("held_open", "close"): "closed",
    ("open", "close"): "closed",
    ("half_open", "close"): "closed",
}
ACTIONS = sorted({action for _, action in EDGES})


@pytest.mark.parametrize("state", CIRCUIT_STATES.states)
@pytest.mark.parametrize("action", ACTIONS)
def test_every_edge_and_no_other(state: str, action: str) -> None:
    target = EDGES.get((state, action))
    if target is None:
        with pytest.raises(WrongState):
            CIRCUIT_STATES.target(state, action)
    else:
        assert CIRCUIT_STATES.target(state, action) == target


def test_the_table_has_these_edges_alone() -> None:
    assert {(one.source, one.action): one.target for one in CIRCUIT_STATES.edges} == EDGES


@pytest.mark.parametrize(
    ("calls", "failures", "trips"),
    [(4, 4, False), (5, 2, False), (5, 3, True), (6, 3, True), (100, 49, False), (100, 50, True)],
)
def test_it_trips_at_half_of_at_least_five(calls: int, failures: int, trips: bool) -> None:
    assert rules.should_trip(calls, failures) is trips


@pytest.mark.parametrize(
    ("state", "calls", "failures", "probe", "action"),
    [
        ("closed", 5, 5, None, "trip"),
        ("closed", 5, 1, None, None),
        ("open", 9, 9, None, None),
        ("held_open", 9, 9, None, None),
        ("half_open", 9, 9, None, None),
        ("half_open", 1, 0, [""], "succeed"),
        ("half_open", 1, 1, ["timeout"], "fail"),
        ("half_open", 2, 1, ["unavailable", ""], "succeed"),
        ("half_open", 1, 0, ["rejected"], "succeed"),
        ("half_open", 0, 0, [], None),
        ("closed", 9, 0, ["timeout"], None),
    ],
)
def test_what_a_calls_attempts_do(
    state: str, calls: int, failures: int, probe: list[str] | None, action: str | None
) -> None:
    assert rules.action_after(state, calls, failures, probe) == action


@pytest.mark.parametrize("failure", ["timeout", "rate_limited", "unavailable", "garbled"])
def test_what_counts_against_a_deployment(failure: str) -> None:
    assert rules.counts_against(failure)
    assert not rules.counts_against("")
    assert not rules.counts_against("rejected")


def test_the_cool_down_doubles_up_to_its_longest() -> None:
    assert [rules.cool_down_seconds(times) for times in range(1, 8)] == [
        *(15, 30, 60, 120, 240),
        *(240, 240),
    ]


@given(st.integers(0, 5), st.floats(0, 1), st.none() | st.floats(0, 500))
def test_nobody_asks_again_before_the_provider_said(
    one_try: int, jitter: float, told: float | None
) -> None:
    pause = rules.pause_seconds(one_try, jitter, told)
    assert pause >= (told or 0)
    assert pause >= (told or 0) + rules.FIRST_PAUSE_SECONDS / 2 - 1e-9


@pytest.mark.parametrize(
    ("failure", "pause", "left", "has_next", "again"),
    [
        ("unavailable", 0.2, 10, True, True),
        ("rate_limited", 5.0, 10, False, True),
        ("rate_limited", 5.0, 10, True, False),
        ("rate_limited", 5.0, 5.0, False, False),
        ("timeout", 0.2, 10, False, False),
        ("garbled", 0.2, 10, False, False),
        ("broken_off", 0.2, 10, False, False),
        ("too_large", 0.2, 10, False, False),
        ("rejected", 0.2, 10, False, False),
    ],
)
def test_asked_again_only_where_it_is_safe_and_in_time(
    failure: str, pause: float, left: float, has_next: bool, again: bool
) -> None:
    assert rules.may_try_again(failure, pause, left, has_next=has_next) is again


@given(
    st.none() | st.floats(-1e6, 1e6), st.integers(1, 10**6), st.floats(0, 1e5), st.floats(0, 1e5)
)
def test_a_bucket_never_overflows_and_time_only_fills_it(
    level: float | None, per_minute: int, first: float, more: float
) -> None:
    early = rules.level_at(level, per_minute, first)
    late = rules.level_at(level, per_minute, first + more)
    assert early <= late <= per_minute


@given(st.floats(0, 1e9))
def test_waits_are_whole_seconds_that_sdks_wait_for(seconds: float) -> None:
    assert 1 <= rules.retry_after(seconds) <= 120


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.12, "120ms"), (0, "0ms"), (7.2, "8s"), (60, "1m0s"), (365, "6m5s")]
)
def test_durations_as_openai_writes_them(seconds: float, words: str) -> None:
    assert rules.in_openais_words(seconds) == words


@given(st.floats(0, 1e6))
def test_durations_always_have_that_shape(seconds: float) -> None:
    assert re.fullmatch(r"(\d+m)?\d+s|\d+ms", rules.in_openais_words(seconds))

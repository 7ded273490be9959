"""When a deployment is asked, left alone and tried again; how much is left of a limit. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from governance.kernel.transitions import Edge, TransitionTable

_GATEWAY, _PERSON = "the gateway", "who runs or commands it"

# After Nygard, Release It! (2nd edition), chapter 5: the circuit breaker.
CIRCUIT_STATES = TransitionTable(
    "Circuit.state",
    "closed",
    (
        Edge("closed", "trip", "open", _GATEWAY, "too many of its last calls failed"),
        Edge("open", "probe", "half_open", _GATEWAY, "its cool-down is over: one call tries it"),
        Edge("half_open", "probe", "half_open", _GATEWAY, "the call that tried it was lost"),
        Edge("half_open", "succeed", "closed", _GATEWAY, "the call that tried it was answered"),
        Edge("half_open", "fail", "open", _GATEWAY, "the call that tried it failed too"),
        Edge("closed", "hold_open", "held_open", _PERSON, "until a person closes it"),
        Edge("open", "hold_open", "held_open", _PERSON),
        Edge("half_open", "hold_open", "held_open", _PERSON),
        Edge("held_open", "close", "closed", _PERSON),
        Edge("open", "close", "closed", _PERSON),
        Edge("half_open", "close", "closed", _PERSON),
    ),
)

Failure = Literal[
    "timeout", "rate_limited", "unavailable", "rejected", "garbled", "broken_off", "too_large"
]
# The provider said that it did nothing, so asking it once more costs nothing twice.
RETRYABLE = frozenset({"rate_limited", "unavailable"})
# It was the request that was wrong, which says nothing about the deployment.
NOT_ITS_FAULT = frozenset({"rejected"})

# Counted over the running window and the one before it.
WINDOW_SECONDS = 30
FEWEST_CALLS = 5
FAILURE_SHARE = 0.5
FIRST_COOL_DOWN_SECONDS = 15
LONGEST_COOL_DOWN_SECONDS = 240

FIRST_PAUSE_SECONDS = 0.2
TRIES_PER_DEPLOYMENT = 2
# Rather than wait longer than this for one deployment, the next is asked.
LONGEST_PAUSE_BEFORE_NEXT = 2.0
# What an attempt needs at least to be worth beginning.
SHORTEST_ATTEMPT_SECONDS = 0.5
LONGEST_RETRY_AFTER = 120


def counts_against(failure: str) -> bool:
    """Whether this end of an attempt speaks against its deployment; empty is a success."""
    return bool(failure) and failure not in NOT_ITS_FAULT


def should_trip(calls: int, failures: int) -> bool:
    """Whether so many failures among so many attempts open a closed circuit."""
    return calls >= FEWEST_CALLS and failures >= calls * FAILURE_SHARE


def action_after(
    state: str, calls: int, failures: int, probe_ends: Iterable[str] | None
) -> str | None:
    """What the ends of a call's attempts do to a circuit; None leaves it as it is.

    `probe_ends` are those of the call that tried a half-open one. What began before it opened
    ends without a say.
    """
    if state == "half_open" and probe_ends is not None:
        last = list(probe_ends)[-1:]
        return ("fail" if counts_against(last[0]) else "succeed") if last else None
    if state == "closed" and should_trip(calls, failures):
        return "trip"
    return None


def cool_down_seconds(times_opened: int) -> int:
    """How long it is left alone; twice as long each time that it fails when it is tried."""
    doubled = FIRST_COOL_DOWN_SECONDS << min(max(times_opened - 1, 0), 10)
    return min(doubled, LONGEST_COOL_DOWN_SECONDS)


def pause_seconds(one_try: int, jitter: float, told: float | None) -> float:
    """How long to wait before asking again; never less than the provider told.

    `jitter` is from 0 to 1: those that failed together do not come back together.
    """
    own = FIRST_PAUSE_SECONDS * 2.0**one_try * (0.5 + jitter)
    return own if told is None else told + own


def may_try_again(failure: str, pause: float, left: float, *, has_next: bool) -> bool:
    """Whether the same deployment is asked once more, with `left` seconds for the whole call."""
    if failure not in RETRYABLE or pause + SHORTEST_ATTEMPT_SECONDS > left:
        return False
    return not has_next or pause <= LONGEST_PAUSE_BEFORE_NEXT


def level_at(level: float | None, per_minute: int, seconds: float) -> float:
    """What a bucket holds that many seconds after it held `level`; a new one is full."""
    held = float(per_minute) if level is None else level
    return min(float(per_minute), held + max(0.0, seconds) * per_minute / 60)


def retry_after(seconds: float) -> int:
    """A wait as a header says it: whole seconds, at least one, at most what SDKs wait for."""
    return max(1, min(LONGEST_RETRY_AFTER, int(-(-seconds // 1))))


def in_openais_words(seconds: float) -> str:
    """A duration as `x-ratelimit-reset-*` has it: 120ms, 8s, 6m0s."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    whole = int(-(-seconds // 1))
    minutes, rest = divmod(whole, 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"

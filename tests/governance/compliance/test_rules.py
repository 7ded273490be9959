"""Controls as data, and when evidence answers one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from governance.compliance.frameworks import FRAMEWORKS, NOT_RECORDED
from governance.compliance.registries import control_evidence
from governance.compliance.rules import (
    ControlState,
    Evidence,
    Framework,
    control_state,
    coverage,
    evidence_state,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ANSWERED, PARTLY, STALE, NONE = ControlState


def state(good: int, all_: int, age_days: int | None, at_least: str = "1") -> ControlState:
    fresh = None if age_days is None else NOW - timedelta(days=age_days)
    return evidence_state(
        Evidence("", good, all_, fresh, ""),
        at_least=Decimal(at_least),
        fresh_for=timedelta(days=30),
        now=NOW,
    )


@pytest.mark.parametrize(
    ("good", "all_", "age", "at_least", "expected"),
    [
        (3, 3, 30, "1", ANSWERED),
        (3, 3, 31, "1", STALE),
        (2, 3, 1, "1", PARTLY),
        (2, 3, 1, "0.5", ANSWERED),
        (1, 3, 31, "1", STALE),
        (0, 3, 1, "0", NONE),
        (0, 0, 1, "0", NONE),
        (3, 3, None, "1", NONE),
    ],
)
def test_what_one_evidence_shows(
    good: int, all_: int, age: int | None, at_least: str, expected: ControlState
) -> None:
    assert state(good, all_, age, at_least) == expected


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], NONE),
        ([ANSWERED, ANSWERED], ANSWERED),
        ([ANSWERED, NONE], PARTLY),
        ([ANSWERED, STALE], STALE),
        ([STALE, NONE], STALE),
        ([NONE, NONE], NONE),
        ([PARTLY, ANSWERED], PARTLY),
    ],
)
def test_a_control_is_answered_only_by_all_of_its_evidence(
    states: list[ControlState], expected: ControlState
) -> None:
    assert control_state(states) == expected


def test_coverage_adds_up() -> None:
    counts = coverage([ANSWERED, NONE, NONE, STALE])
    assert counts == {
        "all": 4,
        "answered": 1,
        "partly_answered": 0,
        "stale": 1,
        "no_evidence": 2,
    }


@pytest.mark.parametrize("framework", FRAMEWORKS.values(), ids=list(FRAMEWORKS))
def test_controls_are_whole_and_ask_for_evidence_that_is_known(framework: Framework) -> None:
    refs = [one.ref for one in framework.controls]
    assert len(set(refs)) == len(refs) >= 10
    for one in framework.controls:
        assert one.title and one.asks.endswith(".") and one.source and one.evidence
        unknown = [key for key in one.evidence if key not in control_evidence]
        assert set(unknown) <= set(NOT_RECORDED), one.ref


def test_every_evidence_answers_some_control() -> None:
    asked = {key for one in FRAMEWORKS.values() for c in one.controls for key in c.evidence}
    assert set(control_evidence) <= asked

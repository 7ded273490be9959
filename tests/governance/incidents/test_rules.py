"""Which facts start which clocks, and what a clock's standing is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from governance.incidents.playbooks import LEGAL_CLOCKS, STARTING_PLAYBOOKS
from governance.incidents.rules import FACTS, clock_state, clocks_to_start

AWARE = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("facts", "limits"),
    [
        ([], {}),
        (["personal_data"], {"gdpr_33": 72}),
        (["serious"], {"aia_73_2": 360}),
        (["widespread"], {"aia_73_3": 48}),
        (["death"], {"aia_73_4": 240}),
        (["serious", "death"], {"aia_73_2": 360, "aia_73_4": 240}),
    ],
)
def test_facts_start_their_clocks_from_awareness(facts: list[str], limits: dict[str, int]) -> None:
    started = clocks_to_start(LEGAL_CLOCKS, facts, set(), AWARE)
    assert {one.code: (one.due_at - AWARE) / HOUR for one in started} == limits


def test_a_clock_starts_once_and_one_without_a_fact_always() -> None:
    assert clocks_to_start(LEGAL_CLOCKS, ["serious"], {"aia_73_2"}, AWARE) == []
    internal = {"code": "x", "name": "x", "legal_basis": "contract", "hours": 4, "when": ""}
    assert [one.code for one in clocks_to_start([internal], [], set(), AWARE)] == ["x"]


@pytest.mark.parametrize(
    ("met", "waived", "now", "standing"),
    [
        (None, None, 0, "running"),
        (None, None, 10, "running"),
        (None, None, 11, "overdue"),
        (10, None, 99, "met"),
        (11, None, 99, "met late"),
        (None, 3, 99, "not applicable"),
        (11, 3, 99, "met late"),
    ],
)
def test_the_standing_of_a_clock(
    met: int | None, waived: int | None, now: int, standing: str
) -> None:
    def at(hours: int | None) -> datetime | None:
        return None if hours is None else AWARE + hours * HOUR

    moment = at(now)
    assert moment is not None
    assert clock_state(AWARE + 10 * HOUR, at(met), at(waived), moment) == standing


def test_every_starting_playbook_can_be_worked_through() -> None:
    phases = ["check", "contain", "communicate", "recover", "learn"]
    for playbook in STARTING_PLAYBOOKS:
        assert list(dict.fromkeys(step["phase"] for step in playbook["steps"])) == phases
        assert all(clock["when"] in FACTS for clock in playbook["clocks"])
        assert all(len(step["text"]) <= 300 for step in playbook["steps"])
    assert len({one["slug"] for one in STARTING_PLAYBOOKS}) == len(STARTING_PLAYBOOKS) == 6

"""What the live queries count, in an organisation in which a call can be made."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from governance.approvals.models import Approval
from governance.audit.models import PendingEvent
from governance.audit.registries import PackScope, evidence_sections
from governance.audit.services import sequence
from governance.compliance.frameworks import FRAMEWORKS
from governance.compliance.registries import control_evidence
from governance.compliance.rules import ControlState
from governance.compliance.selectors import answers_for
from governance.registry.disclosures import note_fetch
from governance.registry.models import Dataset, Disclosure
from tests.factories.organisation import World, world
from tests.governance.compliance.conftest import Desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def here(settings: Any, tmp_path: Any) -> World:
    settings.DATA_DIR = tmp_path
    return world()


def asked(key: str, later: timedelta = timedelta(0)) -> tuple[int, int, ControlState]:
    now = timezone.now() + later
    answer = answers_for(FRAMEWORKS.values(), now, None)[key]
    return answer.evidence.numerator, answer.evidence.denominator, answer.state


def test_every_query_answers_with_and_without_records(here: World) -> None:
    for key, source in control_evidence.items():
        found = source.query(timezone.now(), None)
        assert 0 <= found.numerator <= found.denominator, key
        assert found.url.startswith("/") and found.sentence.endswith("."), key


def test_approvals_that_are_suspended_are_not_in_force(here: World) -> None:
    good, total, state = asked("approvals-in-force")
    assert good == total > 0 and state == ControlState.ANSWERED
    approval = Approval.objects.unended()[0]
    Approval.objects.filter(pk=approval.pk).update(state="suspended")
    assert asked("approvals-in-force") == (total - 1, total, ControlState.PARTLY)


def test_old_decisions_go_stale(here: World) -> None:
    good, total, state = asked("independent-decisions")
    assert good == total > 0 and state == ControlState.ANSWERED
    assert asked("independent-decisions", timedelta(days=366))[2] == ControlState.STALE


def test_a_notice_counts_when_it_is_approved_in_force_and_asked_for(here: World) -> None:
    assert asked("disclosure") == (0, 1, ControlState.NONE)
    note_fetch(Disclosure.objects.get(), timezone.now())
    assert asked("disclosure") == (1, 1, ControlState.ANSWERED)
    Disclosure.objects.update(state="withdrawn")
    assert asked("disclosure") == (0, 1, ControlState.NONE)


def test_data_that_nobody_named_shows(here: World) -> None:
    assert asked("datasets-named") == (1, 1, ControlState.ANSWERED)
    Dataset.objects.get().use_cases.clear()
    assert asked("datasets-named") == (0, 1, ControlState.NONE)


def test_the_log_is_stale_when_its_events_wait(here: World) -> None:
    sequence(now=timezone.now())
    assert asked("audit-log")[2] == ControlState.ANSWERED
    Desk(*[here.people.users[r] for r in ("compliance", "owner", "board", "reviewer")]).action()
    assert PendingEvent.objects.exists()
    assert asked("audit-log")[2] == ControlState.ANSWERED
    assert asked("audit-log", timedelta(hours=2))[2] == ControlState.STALE


def test_a_pack_holds_the_controls_and_the_actions(here: World) -> None:
    Desk(*[here.people.users[r] for r in ("compliance", "owner", "board", "reviewer")]).action()
    now = timezone.now()
    scope = PackScope(now - timedelta(days=1), now + timedelta(days=1))
    for name in ("controls", "compliance_actions"):
        section = evidence_sections[name]
        rows = list(section.rows(scope))
        assert rows and all(set(row) == set(section.columns) for row in rows)
        team = PackScope(scope.starts_at, scope.ends_at, here.use_case.team_id)
        assert list(section.rows(team)) == []

"""What the demo shows of notices, worth and mitigations goes through the services."""

from __future__ import annotations

import pytest
from django.utils import timezone

from governance.registry.models import Disclosure, Mitigation
from governance.registry.worth import return_of
from prompts.gateway.demo import monitors, notices
from prompts.gateway.demo import organisation as demo
from telemetry.alerts.models import ServiceLevel
from tests.factories.organisation import world

pytestmark = pytest.mark.django_db


def test_the_demo_shows_a_notice_a_worth_and_owned_mitigations() -> None:
    here, now = world(), timezone.now()
    support = demo._history_use_case(here.people, "support-replies", "support", now)
    notices.value(here.people, here.use_case, support, now)
    notices.guard(here.people, support, now)
    assert support.tier == "high"
    assert Disclosure.objects.get().fetched_at == now
    assert return_of(here.use_case, now).is_valued
    assert Mitigation.objects.open().filter(use_case=support).count() == 3


def test_the_pilot_promises_answers_speed_and_decisions() -> None:
    here, now = world(), timezone.now()
    for _ in range(2):
        monitors.promise(here.people.actor("owner"), here.use_case, now)
    levels = ServiceLevel.objects.filter(use_case=here.use_case)
    assert sorted(one.indicator for one in levels) == ["errors", "hold_time", "latency"]

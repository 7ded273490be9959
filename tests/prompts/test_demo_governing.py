"""What the demo shows of notices, worth and mitigations goes through the services."""

from __future__ import annotations

import pytest
from django.utils import timezone

from governance.registry.models import Disclosure, Mitigation
from governance.registry.worth import return_of
from prompts.gateway.demo import notices
from prompts.gateway.demo import organisation as demo
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

"""The demo's monitors: history enough to tell, a pilot with too few answers; made once."""

from __future__ import annotations

import pytest

from governance.kernel.authority import Actor
from prompts.gateway.demo.monitors import watch
from telemetry.drift.models import DriftCheck
from tests.factories.drift import IN_CURRENT, answer
from tests.factories.ledger import NOW, make_person, make_use_case

pytestmark = pytest.mark.django_db


def test_the_demo_watches_two_use_cases_once() -> None:
    history, pilot = make_use_case(), make_use_case()
    for ago in (IN_CURRENT, IN_CURRENT * 20):
        answer(history, range(150), ago, source="replayed", mode="replay")
    safety = Actor.person(make_person("safety"))
    for _ in range(2):
        watch(safety, history, pilot, NOW)
    found = DriftCheck.objects.order_by("pk").values_list("monitor__use_case", "state")
    assert list(found) == [(history.pk, "stable"), (pilot.pk, "insufficient_data")]
    assert DriftCheck.objects.first().reference_replayed == 0  # type: ignore[union-attr]  # made
    assert DriftCheck.objects.last().reference_replayed == 150  # type: ignore[union-attr]  # made

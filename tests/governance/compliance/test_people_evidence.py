"""Are people trained? The register answers the control."""

from __future__ import annotations

import pytest
from django.utils import timezone

from governance.compliance.frameworks import FRAMEWORKS
from governance.compliance.people_evidence import training
from governance.compliance.rules import ControlState
from governance.compliance.selectors import controls_of
from tests.factories.ledger import make_person
from tests.factories.training import make_training, train

pytestmark = pytest.mark.django_db


def test_it_counts_what_roles_require_and_what_holds() -> None:
    now = timezone.now()
    assert training(now, None).denominator == 0
    made, bea = make_training(roles=("board", "reviewer")), make_person("board")
    make_person("reviewer")
    make_person("owner")
    train(bea, made)
    found = training(now, None)
    assert found.sentence == "1 of 2 trainings that people's roles require are valid today."
    train(make_person("board"), made, days_left=-3)
    assert (training(now, None).numerator, training(now, None).denominator) == (1, 3)


def test_the_control_is_answered_by_it() -> None:
    train(make_person("board"), make_training(roles=("board",)))
    controls = controls_of(FRAMEWORKS["eu-ai-act"], timezone.now(), None)
    (literacy,) = [one for one in controls if one.control.ref == "art-4"]
    assert literacy.state == ControlState.ANSWERED

"""A team, its owner, their use case and its risk, and the owner signed in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.access.models import Team, User
from governance.kernel.authority import Actor
from governance.registry import assessments, mitigations
from governance.registry.models import Mitigation, RiskAssessment, UseCase
from tests.factories.ledger import make_person, make_team, make_use_case


@pytest.fixture
def team(db: None) -> Team:
    return make_team()


@pytest.fixture
def owner(team: Team) -> User:
    return make_person("owner", team)


@pytest.fixture
def use_case(team: Team, owner: User) -> UseCase:
    return make_use_case(team, owner=owner)


@pytest.fixture
def signed_in(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture
def now(db: None) -> datetime:
    return timezone.now()


@pytest.fixture
def safety(db: None) -> User:
    return make_person("safety")


@pytest.fixture
def assessed(use_case: UseCase, owner: User, now: datetime) -> RiskAssessment:
    """High by our rules alone: harm is possible and nobody looks first."""
    answers = {"harm": True, "decides": True}
    return assessments.assess_risk(
        actor=Actor.person(owner), use_case=use_case, answers=answers, now=now
    )


@pytest.fixture
def add(use_case: UseCase, owner: User, now: datetime) -> Callable[..., Mitigation]:
    def added(**facts: Any) -> Mitigation:
        given: dict[str, Any] = {
            "actor": Actor.person(owner),
            "use_case": use_case,
            "risk": "It invents a right",
            "measure": "A person looks first",
            "owner": owner,
            "due_on": now.date() + timedelta(days=5),
            "now": now,
        }
        return mitigations.add_mitigation(**given | facts)

    return added

"""A team, its owner, their use case, and the owner signed in."""

from __future__ import annotations

import pytest
from django.test import Client

from governance.access.models import Team, User
from governance.registry.models import UseCase
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

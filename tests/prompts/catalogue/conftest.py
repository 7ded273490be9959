"""A team, its engineer, its use case and a prompt."""

from __future__ import annotations

import pytest
from django.test import Client

from governance.access.models import Team, User
from governance.registry.models import UseCase
from prompts.catalogue.models import Prompt
from tests.factories.ledger import make_person, make_team, make_use_case
from tests.factories.prompts import make_prompt


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def engineer(team: Team) -> User:
    return make_person("prompt_engineer", team)


@pytest.fixture
def use_case(team: Team) -> UseCase:
    return make_use_case(team)


@pytest.fixture
def prompt(engineer: User, use_case: UseCase) -> Prompt:
    return make_prompt(engineer, use_case, "Letters")


@pytest.fixture
def signed_in(client: Client, engineer: User) -> Client:
    client.force_login(engineer)
    return client

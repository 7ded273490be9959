"""Somebody who writes, somebody who only looks, and what they write."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client

from governance.access.models import User
from governance.kernel.authority import Actor
from governance.model_cards import services
from governance.model_cards.models import Deployment, ModelCard
from tests.factories.ledger import NOW, make_person

CONTENT: dict[str, Any] = {
    "name": "Small model",
    "provider": "Somebody",
    "model_id": "somebody/small",
    "licence": "Apache-2.0",
    "intended_use": "Reading **licences**.",
    "out_of_scope_use": "Anything else.",
    "training_data": "Not published.",
    "limitations": "Small.",
    "review_on": date(2027, 5, 1),
}
FACTS: dict[str, Any] = {
    "name": "Small model here",
    "litellm_model": "openai/small",
    "endpoint": "http://models:8000/v1",
    "region": "here",
    "hosting": "private",
    "sensitivity_ceiling": "internal",
    "context_tokens": 4096,
}


@pytest.fixture
def engineer(db: None) -> User:
    return make_person("ml_engineer")


@pytest.fixture
def actor(engineer: User) -> Actor:
    return Actor.person(engineer)


@pytest.fixture
def writing(client: Client, engineer: User) -> Client:
    client.force_login(engineer)
    return client


@pytest.fixture
def finance(db: None) -> Client:
    return signed_in("finance")


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(make_person(role))
    return client


@pytest.fixture
def card(actor: Actor) -> ModelCard:
    return make_card(actor, "small")


@pytest.fixture
def deployment(actor: Actor, card: ModelCard) -> Deployment:
    return make_deployment(actor, card, "here")


def make_card(actor: Actor, slug: str, **changes: Any) -> ModelCard:
    return services.create_card(actor=actor, slug=slug, now=NOW, **(CONTENT | changes))


def make_deployment(actor: Actor, card: ModelCard, slug: str, **changes: Any) -> Deployment:
    facts = FACTS | changes
    return services.create_deployment(actor=actor, slug=slug, card=card, now=NOW, **facts)

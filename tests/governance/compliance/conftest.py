"""People around the controls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.access.models import User
from governance.compliance import services
from governance.compliance.models import ComplianceAction
from governance.kernel.authority import Actor
from tests.factories.ledger import make_person, make_team


@dataclass
class Desk:
    """Compliance, who gives out; an owner without any view; a reader; somebody else."""

    officer: User
    owner: User
    reader: User
    stranger: User

    def client(self, name: str) -> Client:
        client = Client()
        client.force_login(getattr(self, name))
        return client

    def actor(self, name: str) -> Actor:
        return Actor.person(getattr(self, name))

    def facts(self, **changes: Any) -> dict[str, Any]:
        return {
            "control": "art-4",
            "text": "Train the reviewers",
            "owner": self.owner.pk,
            "due_on": (timezone.now().date() + timedelta(days=9)).isoformat(),
        } | changes

    def action(self, **changes: Any) -> ComplianceAction:
        facts: dict[str, Any] = {
            "actor": self.actor("officer"),
            "framework": "eu-ai-act",
            "control": "art-4",
            "text": "Train the reviewers",
            "owner": self.owner,
            "due_on": timezone.now().date() + timedelta(days=9),
            "now": timezone.now(),
        }
        return services.add_action(**(facts | changes))


@pytest.fixture
def desk() -> Desk:
    return Desk(
        make_person("compliance"),
        make_person("ml_engineer", make_team()),
        make_person("board"),
        make_person("prompt_engineer", make_team()),
    )

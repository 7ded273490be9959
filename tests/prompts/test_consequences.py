"""What rests on an approval, in numbers, and releases opened by their plain facts."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.approvals import services
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.selectors import consequences_of
from prompts.releases.models import Release
from tests.factories.ledger import make_call
from tests.factories.organisation import World, world

JSON = "application/json"


@pytest.fixture
def here(db: None) -> World:
    return world()


def numbers(kind: str) -> dict[str, int]:
    """Of the approval that the running release rests on, by kind."""
    release = Release.objects.get(ended_at=None)
    subject_id = {
        "prompt_release": release.prompt_id,
        "use_case_stage": release.use_case_id,
        "deployment": release.deployment_ids[0],
    }[kind]
    approval = Approval.objects.filter(kind=kind, subject_id=subject_id, state="in_force").get()
    return {one.label: one.count for one in consequences_of(approval, timezone.now())}


def test_each_kind_says_what_rests_on_it(here: World) -> None:
    release = Release.objects.get(ended_at=None)
    make_call(here.use_case, now=timezone.now(), release_id=release.pk)
    for kind, calls in (("prompt_release", 1), ("use_case_stage", 1), ("deployment", 0)):
        assert numbers(kind) == {"running releases": 1, "calls in the last 7 days": calls}, kind
    card = Approval.objects.filter(kind="model_card").first()
    assert card is not None
    assert consequences_of(card, timezone.now())[0].count == 1


def test_a_revoked_approval_stops_its_release(here: World) -> None:
    release = Release.objects.get(ended_at=None)
    services.end_approval(
        actor=here.people.actor("board"),
        approval_id=release.approval_id,
        action="revoke",
        reason="Wrong licences.",
        now=timezone.now(),
    )
    assert not Release.objects.filter(ended_at=None).exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, None),
        ({"environment": "moon"}, "environment"),
        ({"environment": ["production"]}, "environment"),
        ({"deployment_ids": "all"}, "deployment_ids"),
        ({"deployment_ids": [True]}, "deployment_ids"),
        ({"version_id": "2"}, ""),
    ],
)
def test_a_release_is_opened_over_the_api(
    client: Client, here: World, changes: dict[str, Any], field: str | None
) -> None:
    waiting = ChangeRequest.objects.get(state="open", kind="prompt_release")
    owner = here.people.actor("owner")
    services.withdraw(actor=owner, change_id=waiting.pk, reason="", now=timezone.now())
    client.force_login(here.people.users["owner"])
    body = {
        "kind": "prompt_release",
        "subject_id": waiting.subject_id,
        "proposal": waiting.proposal | changes,
        "reason": "It names copyleft.",
    }
    answer = client.post("/api/v1/change-requests/", body, JSON)
    if field is None:
        assert answer.status_code == 201
        assert answer.json()["title"] == waiting.title
        assert answer.json()["digest"] == waiting.digest
    else:
        assert answer.status_code == 400
        assert field in answer.json().get("errors", {"": ""})

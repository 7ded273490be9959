"""Frameworks and actions over the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from governance.audit.models import AuditEvent
from governance.compliance.frameworks import FRAMEWORKS
from governance.compliance.models import ComplianceAction
from tests.governance.compliance.conftest import Desk

pytestmark = pytest.mark.django_db
V1 = "/api/v1"


def send(client: Client, path: str, status: int, body: dict[str, Any]) -> Any:
    answer = client.post(f"{V1}{path}", body, "application/json")
    assert answer.status_code == status, answer.content
    return answer.json()


def test_frameworks_with_their_coverage(desk: Desk) -> None:
    rows = desk.client("reader").get(f"{V1}/frameworks/").json()
    assert [one["slug"] for one in rows] == list(FRAMEWORKS)
    for one in rows:
        counts = dict(one["coverage"])
        assert counts.pop("all") == sum(counts.values()) == len(FRAMEWORKS[one["slug"]].controls)
    assert desk.client("stranger").get(f"{V1}/frameworks/").status_code == 403


def test_controls_with_their_evidence(desk: Desk) -> None:
    client = desk.client("officer")
    desk.action()
    rows = client.get(f"{V1}/frameworks/eu-ai-act/controls/").json()
    first = rows[0]
    assert (first["ref"], first["state"], first["open_actions"]) == ("art-4", "no_evidence", 1)
    gaps = client.get(f"{V1}/frameworks/eu-ai-act/controls/?show=gaps").json()
    assert [one["ref"] for one in gaps] == [r["ref"] for r in rows if r["state"] != "answered"]
    assert client.get(f"{V1}/frameworks/eu-ai-act/controls/?show=odd").status_code == 400
    assert client.get(f"{V1}/frameworks/nonsense/controls/").status_code == 404


def test_an_action_is_given_out_and_finished(desk: Desk) -> None:
    body = desk.facts(framework="eu-ai-act")
    made = send(desk.client("officer"), "/compliance-actions/", 201, body)
    assert made["owner"] == desk.owner.pk and made["done_at"] is None
    path = f"/compliance-actions/{made['id']}/done/"
    send(desk.client("stranger"), path, 404, {"note": "Mine."})
    send(desk.client("owner"), path, 400, {"note": ""})
    done = send(desk.client("owner"), path, 200, {"note": "Course held."})
    assert done["note"] == "Course held." and done["done_at"]
    listed = desk.client("owner").get(f"{V1}/compliance-actions/?show=open").json()["results"]
    assert listed == []
    actions = AuditEvent.objects.values_list("action", flat=True)
    assert {"compliance.action_added", "compliance.action_done"} <= set(actions)


def test_an_action_must_name_a_control_that_is_there(desk: Desk) -> None:
    client = desk.client("officer")
    body = desk.facts(framework="eu-ai-act", control="art-999")
    refused = send(client, "/compliance-actions/", 400, body)
    assert "no such control" in str(refused)
    send(client, "/compliance-actions/", 400, desk.facts(framework="nonsense"))
    send(desk.client("reader"), "/compliance-actions/", 403, desk.facts(framework="eu-ai-act"))
    assert not ComplianceAction.objects.exists()

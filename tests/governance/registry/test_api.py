"""Use cases over the API: versions, scores, risk and stages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from governance.audit.registries import PackScope, evidence_sections
from governance.registry import scoring
from tests.factories.ledger import make_person, make_team, make_use_case

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def url(client: Client) -> str:
    team = make_team()
    owner = make_person("owner", team)
    client.force_login(owner)
    return f"/api/v1/use-cases/{make_use_case(team, owner=owner).slug}/"


def test_a_change_names_the_version_it_was_made_from(client: Client, url: str) -> None:
    version = client.get(url)["ETag"]
    change = {"fallback_text": "By hand."}
    assert client.patch(url, change, content_type=JSON).status_code == 400
    saved = client.patch(url, change, content_type=JSON, headers={"If-Match": version})
    assert saved.json()["fallback_text"] == "By hand."
    assert saved["ETag"] != version
    late = client.patch(url, change, content_type=JSON, headers={"If-Match": version})
    assert late.status_code == 409


def test_scores_and_risk_are_recorded(client: Client, url: str) -> None:
    body = {
        "impact": dict.fromkeys(scoring.IMPACT, 5),
        "effort": dict.fromkeys(scoring.EFFORT, 1),
        "rationale": "Counted.",
    }
    made = client.post(f"{url}scores/", body, content_type=JSON)
    assert (made.status_code, made.json()["quadrant"]) == (201, "quick win")
    risk = client.post(f"{url}risk-assessments/", {"answers": {"essential": True}}, JSON)
    assert (risk.status_code, risk.json()["tier"]) == (201, "high")


def test_a_stage_with_gaps_is_not_opened(client: Client, url: str) -> None:
    answer = client.post(f"{url}stages/", {"target": "assessed", "reason": "Now."}, JSON)
    assert answer.status_code in (400, 409)


def test_a_stranger_sees_nothing(client: Client, url: str) -> None:
    client.force_login(make_person("owner", make_team()))
    assert client.get(url).status_code == 404
    assert (
        client.post(f"{url}stages/", {"target": "assessed", "reason": "x"}, JSON).status_code == 404
    )


def test_the_pack_holds_the_register_and_the_assessments_of_the_period(
    client: Client, url: str
) -> None:
    client.post(f"{url}risk-assessments/", {"answers": {"essential": True}}, JSON)
    now = timezone.now()
    scope = PackScope(now - timedelta(days=1), now + timedelta(days=1), None)
    register, risks = evidence_sections["use_cases"], evidence_sections["risk_assessments"]
    assert [tuple(row) for row in register.rows(scope)] == [register.columns]
    found = list(risks.rows(scope))
    assert [tuple(row) for row in found] == [risks.columns]
    assert (found[0]["tier"], found[0]["rules"]) == ("high", "R2")

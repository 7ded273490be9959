"""Use cases over the API: versions, scores, risk and stages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.access.models import Team, User
from governance.audit.models import AuditEvent
from governance.audit.registries import PackScope, evidence_sections
from governance.registry import scoring
from governance.registry.checklist import ASKED
from governance.registry.models import UseCase
from governance.registry.scoring_content import STARTING
from tests.factories.ledger import make_person, make_team, make_use_case
from tests.factories.registry import queries

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def url(signed_in: Client, use_case: UseCase) -> str:
    return f"/api/v1/use-cases/{use_case.slug}/"


def test_a_change_names_the_version_it_was_made_from(client: Client, url: str) -> None:
    version = client.get(url)["ETag"]
    change = {"fallback_text": "By hand."}
    assert client.patch(url, change, content_type=JSON).status_code == 400
    saved = client.patch(url, change, content_type=JSON, headers={"If-Match": version})
    assert saved.json()["fallback_text"] == "By hand."
    assert saved["ETag"] != version
    late = client.patch(url, change, content_type=JSON, headers={"If-Match": version})
    assert late.status_code == 409


def whole_score(points: int = 5) -> dict[str, Any]:
    return {
        "impact": dict.fromkeys(scoring.IMPACT, points),
        "effort": dict.fromkeys(scoring.EFFORT, 1),
        "rationales": dict.fromkeys(STARTING.keys, "Counted."),
    }


def test_scores_are_recorded_and_listed(client: Client, url: str) -> None:
    made = client.post(f"{url}scores/", whole_score(), content_type=JSON)
    assert (made.status_code, made.json()["quadrant"]) == (201, "quick win")
    assert made.json()["rationales"]["reach"] == "Counted."
    assert [one["id"] for one in client.get(f"{url}scores/").json()["results"]] == [
        made.json()["id"]
    ]
    bare = client.post(f"{url}scores/", whole_score() | {"rationales": {}}, content_type=JSON)
    assert bare.status_code == 400
    assert "reach_why" in bare.json()["errors"]


def test_risk_is_assessed_and_listed(client: Client, url: str) -> None:
    made = client.post(f"{url}risk-assessments/", {"answers": {"essential": True}}, JSON)
    assert (made.status_code, made.json()["tier"]) == (201, "high")
    assert made.json()["fired_rules"][0]["code"] == "R2"
    assert len(client.get(f"{url}risk-assessments/").json()["results"]) == 1


def test_one_is_registered_for_a_team_of_ones_own(
    signed_in: Client, team: Team, owner: User
) -> None:
    body = {"title": "Letters", "team": team.pk, "feature": "Answers.", "sensitivity": "public"}
    made = signed_in.post("/api/v1/use-cases/", body, JSON)
    assert (made.status_code, made.json()["slug"], made["ETag"]) == (201, "letters", '"1"')
    assert made.json()["is_draft"] is True
    assert made.json()["owner"] == owner.pk
    assert AuditEvent.objects.filter(action="use_case.created").count() == 1
    foreign = signed_in.post("/api/v1/use-cases/", body | {"team": make_team().pk}, JSON)
    assert foreign.status_code == 400
    assert "team" in foreign.json()["errors"]
    wrong = signed_in.post("/api/v1/use-cases/", body | {"sensitivity": "secret"}, JSON)
    assert "sensitivity" in wrong.json()["errors"]
    assert UseCase.objects.count() == 1


def test_the_api_asks_for_the_reason_of_another_pattern_too(client: Client, url: str) -> None:
    change = {"framework_answers": {"language": True}, "pattern": "code"}
    refused = client.patch(url, change, content_type=JSON, headers={"If-Match": '"1"'})
    assert refused.status_code == 400
    assert "override_reason" in refused.json()["errors"]
    unknown = {"framework_answers": {"weather": True}}
    refused = client.patch(url, unknown, content_type=JSON, headers={"If-Match": '"1"'})
    assert "framework_answers" in refused.json()["errors"]
    change["override_reason"] = "It is code."
    saved = client.patch(url, change, content_type=JSON, headers={"If-Match": '"1"'})
    assert saved.json()["pattern"] == "code"


def test_the_gates_say_what_they_ask_for(client: Client, url: str) -> None:
    gates = client.get(f"{url}stages/").json()
    assert [gate["target"] for gate in gates] == ["assessed"]
    assert gates[0]["is_open"] is False
    assert {one["is_met"] for one in gates[0]["requirements"]} == {False}


def test_metrics_and_measurements(client: Client, url: str, use_case: UseCase) -> None:
    metric = {"name": "Hours", "unit": "h", "baseline": "10", "target": "4"}
    made = client.post(f"{url}metrics/", metric, JSON)
    assert (made.status_code, made.json()["baseline"]) == (201, "10.0000")
    measured = f"{url}metrics/{made.json()['id']}/measurements/"
    assert client.post(measured, {"value": "6.5", "on": "2026-11-01"}, JSON).status_code == 201
    assert client.post(measured, {"value": "6"}, JSON).status_code == 201
    assert client.post(measured, {"value": "many"}, JSON).status_code == 400
    assert client.post(measured, {"value": "6", "on": "2999-01-01"}, JSON).status_code == 400
    assert [one["value"] for one in client.get(measured).json()["results"]] == ["6.0000", "6.5000"]
    assert [one["name"] for one in client.get(f"{url}metrics/").json()["results"]] == ["Hours"]
    assert client.get(f"{url}metrics/0/measurements/").status_code == 404
    assert AuditEvent.objects.filter(action="use_case.measured").count() == 2


def test_the_checklist_is_listed_and_ticked_once(signed_in: Client, team: Team) -> None:
    body = {"title": "Letters", "team": team.pk}
    signed_in.post("/api/v1/use-cases/", body, JSON)
    listed = "/api/v1/use-cases/letters/checklist/"
    items = signed_in.get(listed).json()["results"]
    assert len(items) == len(ASKED)
    done = f"{listed}{items[0]['id']}/done/"
    ticked = signed_in.post(done, {"evidence": "Minutes of 3 May"}, JSON)
    assert (ticked.status_code, ticked.json()["evidence"]) == (200, "Minutes of 3 May")
    assert signed_in.post(done, {}, JSON).status_code == 409
    assert signed_in.post(f"{listed}0/done/", {}, JSON).status_code == 404


def test_it_is_handed_over(client: Client, url: str, team: Team, use_case: UseCase) -> None:
    colleague = make_person("owner", team)
    handed = client.post(f"{url}owner/", {"owner": colleague.pk, "reason": "New job."}, JSON)
    assert (handed.status_code, handed.json()["owner"]) == (200, colleague.pk)
    outsider = {"owner": make_person().pk, "reason": "Why not."}
    refused = client.post(f"{url}owner/", outsider, JSON)
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["to"])


def test_the_kill_switch_goes_both_ways_and_is_not_the_owners(client: Client, url: str) -> None:
    reason = {"reason": "It leaks."}
    assert client.post(f"{url}suspend/", reason, JSON).status_code == 403
    client.force_login(make_person("safety"))
    assert client.post(f"{url}suspend/", {}, JSON).status_code == 400
    suspended = client.post(f"{url}suspend/", reason, JSON)
    assert suspended.json()["suspension_reason"] == "It leaks."
    assert client.post(f"{url}suspend/", reason, JSON).status_code == 409
    assert client.post(f"{url}resume/", reason, JSON).json()["suspended_at"] is None
    assert client.post(f"{url}resume/", reason, JSON).status_code == 409


def test_a_viewer_writes_nothing(client: Client, url: str) -> None:
    client.force_login(make_person("board"))
    assert client.get(url).status_code == 200
    for path in ("scores/", "risk-assessments/", "stages/", "metrics/", "owner/", "suspend/"):
        assert client.post(url + path, {}, JSON).status_code == 403, path
    assert client.put(f"{url}datasets/", {"datasets": []}, JSON).status_code == 403


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


def test_the_list_needs_as_many_queries_for_three_as_for_one(
    signed_in: Client, team: Team, owner: User
) -> None:
    make_use_case(team, owner=owner)
    signed_in.get("/api/v1/use-cases/")
    one = queries(lambda: signed_in.get("/api/v1/use-cases/"))
    for _ in range(2):
        make_use_case(team, owner=owner)
    assert queries(lambda: signed_in.get("/api/v1/use-cases/")) == one

"""Risk over the API: the questionnaire, the class, and what was not counted."""

from __future__ import annotations

import pytest
from django.test import Client

from governance.registry.models import UseCase
from tests.factories.ledger import make_person, make_team
from tests.factories.registry import queries

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def url(signed_in: Client, use_case: UseCase) -> str:
    return f"/api/v1/use-cases/{use_case.slug}/"


def test_the_questionnaire_says_which_answer_opens_which_question(
    signed_in: Client,
) -> None:
    asked = signed_in.get("/api/v1/risk-questionnaire/").json()
    assert asked["version"] == 2
    opened = {one["code"]: one["only_if"] for one in asked["questions"]}
    assert opened["employment"] == "essential"
    assert opened["essential"] == ""


def test_the_class_comes_with_its_basis_and_what_was_not_counted(
    signed_in: Client, url: str
) -> None:
    answers = {"essential": True, "services": True, "irreversible": True}
    made = signed_in.post(f"{url}risk-assessments/", {"answers": answers}, JSON).json()
    assert (made["act_class"], made["tier"]) == ("high_risk", "high")
    assert made["ignored"] == ["irreversible"]
    rule = made["fired_rules"][0]
    assert (rule["basis"], rule["area"]) == ("Annex III", "essential services")
    assert rule["answers"] == ["essential", "services"]
    assert made["facts"]["sensitivity"] == "internal"
    assert made["valid_until"] > made["at"]
    assert signed_in.get(url).json()["act_class"] == "high_risk"


def test_a_prohibited_use_is_refused_with_its_reason(signed_in: Client, url: str) -> None:
    answers = {"prohibited": True, "manipulates": True}
    signed_in.post(f"{url}risk-assessments/", {"answers": answers}, JSON)
    answer = signed_in.post(f"{url}stages/", {"target": "assessed", "reason": "Now."}, JSON)
    assert answer.status_code == 403
    assert "manipulation" in answer.json()["title"]


def test_others_read_or_do_not_know_of_it(client: Client, url: str) -> None:
    client.force_login(make_person("board"))
    assert client.get(f"{url}risk-assessments/").status_code == 200
    sent = client.post(f"{url}risk-assessments/", {"answers": {}}, JSON)
    assert sent.status_code == 403
    client.force_login(make_person("owner", make_team()))
    assert client.get(f"{url}risk-assessments/").status_code == 404


def test_a_longer_list_needs_no_more_queries(signed_in: Client, url: str) -> None:
    def add() -> None:
        signed_in.post(f"{url}risk-assessments/", {"answers": {"harm": True}}, JSON)

    add()
    one = queries(lambda: signed_in.get(f"{url}risk-assessments/"))
    add()
    add()
    assert queries(lambda: signed_in.get(f"{url}risk-assessments/")) == one

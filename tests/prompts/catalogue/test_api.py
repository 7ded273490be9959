"""Prompts and versions over the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.registry.models import UseCase
from prompts.catalogue.models import Prompt
from tests.factories.ledger import make_person, make_team
from tests.factories.prompts import CONTENT, make_prompt, make_version

pytestmark = pytest.mark.django_db
JSON = "application/json"
WRITTEN = CONTENT | {"changelog": "First words"}


def test_a_prompt_is_begun_and_written(signed_in: Client, use_case: UseCase) -> None:
    asked = {"name": "Letter summary", "use_case": use_case.slug}
    begun = signed_in.post("/api/v1/prompts/", asked, JSON)
    assert (begun.status_code, begun.json()["slug"]) == (201, "letter-summary")
    url = "/api/v1/prompts/letter-summary/"
    made = signed_in.post(f"{url}versions/", WRITTEN, JSON)
    assert (made.status_code, made.json()["number"]) == (201, 1)
    assert made.json()["messages"] == CONTENT["messages"]
    assert signed_in.get(f"{url}versions/1/").json() == made.json()
    assert signed_in.get(f"{url}versions/").json()["results"] == [made.json()]
    assert signed_in.get(url).json()["latest_version"] == 1
    listed = signed_in.get("/api/v1/prompts/").json()["results"]
    assert [one["slug"] for one in listed] == ["letter-summary"]
    for action in ("prompt.created", "prompt.version_created"):
        assert AuditEvent.objects.filter(action=action).count() == 1


def test_a_number_with_a_point_is_kept_exactly(signed_in: Client, prompt: Prompt) -> None:
    body = WRITTEN | {"parameters": {"temperature": 0.7}}
    made = signed_in.post("/api/v1/prompts/letters/versions/", body, JSON)
    assert made.json()["parameters"] == {"temperature": "0.7"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": "{{letter}} {{name}}"}]}, "variables"),
        ({"messages": [{"role": "user", "content": "Hello"}]}, "variables"),
        ({"messages": [{"role": "user", "content": "{{letter.x}}"}]}, "messages"),
        ({"messages": [{"role": "user", "content": "{% for a in b %}{{letter}}"}]}, "messages"),
        ({"messages": [{"role": "robot", "content": "{{letter}}"}]}, "messages"),
        ({"messages": "Hello"}, "messages"),
        ({"variables": []}, "variables"),
        ({"output_contract": {"type": "json_schema"}}, "output_contract"),
        ({"parameters": {"temperature": "hot"}}, "parameters"),
        ({"changelog": ""}, "changelog"),
    ],
)
def test_a_version_that_does_not_fit_names_the_field(
    signed_in: Client, prompt: Prompt, changes: dict[str, Any], field: str
) -> None:
    answer = signed_in.post("/api/v1/prompts/letters/versions/", WRITTEN | changes, JSON)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert list(answer.json()["errors"]) == [field]
    assert not prompt.versions.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"slug": "letters"}, "slug"), ({"use_case": "x"}, "use_case"), ({"style": "x"}, "style")],
)
def test_a_prompt_that_does_not_fit_names_the_field(
    signed_in: Client, prompt: Prompt, use_case: UseCase, changes: dict[str, str], field: str
) -> None:
    body = {"name": "Second", "use_case": use_case.slug} | changes
    answer = signed_in.post("/api/v1/prompts/", body, JSON)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert Prompt.objects.count() == 1


def test_a_version_is_rendered_without_a_model(
    signed_in: Client, prompt: Prompt, engineer: User
) -> None:
    make_version(engineer, prompt)
    before = AuditEvent.objects.count()
    url = "/api/v1/prompts/letters/versions/1/render/"
    answer = signed_in.post(url, {"variables": {"letter": "Dear {{letter}}"}}, JSON)
    assert answer.json()["messages"][1]["content"] == "Letter: Dear {{letter}}"
    wrong = signed_in.post(url, {"variables": {"other": 1}}, JSON)
    assert (wrong.status_code, list(wrong.json()["errors"])) == (400, ["variables"])
    assert AuditEvent.objects.count() == before


def test_two_versions_are_compared(signed_in: Client, prompt: Prompt, engineer: User) -> None:
    make_version(engineer, prompt)
    make_version(engineer, prompt, parameters={"temperature": "0.3", "max_tokens": 200})
    url = "/api/v1/prompts/letters/diff/"
    (changed,) = signed_in.get(f"{url}?from=1&to=2").json()
    assert (changed["field"], changed["status"]) == ("parameters › temperature", "changed")
    kinds = {(one["kind"], one["text"]) for one in changed["pieces"]}
    assert {("removed", "2"), ("added", "3")} <= kinds
    assert signed_in.get(f"{url}?from=1").status_code == 400
    assert signed_in.get(f"{url}?from=1&to=9").status_code == 404


def test_who_may_only_look_does_not_write(
    client: Client, prompt: Prompt, use_case: UseCase
) -> None:
    client.force_login(make_person("board"))
    assert client.get("/api/v1/prompts/letters/").status_code == 200
    body = {"name": "X", "use_case": use_case.slug}
    assert client.post("/api/v1/prompts/", body, JSON).status_code == 403
    assert client.post("/api/v1/prompts/letters/versions/", WRITTEN, JSON).status_code == 403
    assert (Prompt.objects.count(), prompt.versions.count()) == (1, 0)


@pytest.mark.parametrize("path", ["", "versions/", "versions/1/", "diff/?from=1&to=1"])
def test_a_prompt_of_another_team_does_not_exist(
    client: Client, prompt: Prompt, engineer: User, path: str
) -> None:
    make_version(engineer, prompt)
    client.force_login(make_person("prompt_engineer", make_team()))
    assert client.get(f"/api/v1/prompts/letters/{path}").status_code == 404
    written = client.post("/api/v1/prompts/letters/versions/", WRITTEN, JSON)
    assert written.status_code == 404
    assert client.get("/api/v1/prompts/").json()["results"] == []


@pytest.mark.parametrize("path", ["", "letters/versions/"])
def test_lists_ask_as_often_for_three_as_for_one(
    signed_in: Client, prompt: Prompt, engineer: User, use_case: UseCase, path: str
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            assert signed_in.get(f"/api/v1/prompts/{path}").status_code == 200
        return len(counted)

    make_version(engineer, prompt)
    queries()
    once = queries()
    for _ in range(2):
        make_version(engineer, prompt)
        make_version(engineer, make_prompt(engineer, use_case))
    assert queries() == once

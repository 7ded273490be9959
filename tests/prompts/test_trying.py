"""Trying a call on the page: typed values, a real governed call, its code."""

from __future__ import annotations

import ast
import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from governance.approvals.models import Approval
from prompts.gateway.trying import as_curl, as_python, body_of, filled
from telemetry.ledger.models import Call
from tests.factories.clients import with_clerk
from tests.factories.ledger import make_person, make_team
from tests.factories.organisation import Provider, World, provider, world

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["text", "count"],
    "properties": {
        "text": {"type": "string", "description": "What to read."},
        "count": {"type": "integer"},
        "share": {"type": "number"},
        "strict": {"type": "boolean"},
        "tone": {"enum": ["calm", "brisk"]},
        "tags": {"type": "array"},
    },
}


def typed(**values: str) -> dict[str, str]:
    return {f"variable-{name}": value for name, value in values.items()}


def test_each_type_is_a_field_of_its_own_and_read_as_that_type() -> None:
    sent = typed(text="MIT", count="3", share="0.5", strict="true", tone="calm", tags='["a"]')
    found = filled(SCHEMA, sent)
    kinds = [one.kind for one in found.fields]
    assert kinds == ["text", "whole", "number", "choice", "choice", "json"]
    assert found.values == {
        "text": "MIT",
        "count": 3,
        "share": 0.5,
        "strict": True,
        "tone": "calm",
        "tags": ["a"],
    }


def test_what_cannot_be_read_stays_typed_and_says_why() -> None:
    sent = typed(text="MIT", count="2.5", share="NaN", strict="maybe", tone="loud", tags="[")
    found = filled(SCHEMA, sent)
    assert not found.is_valid
    assert found.values == {"text": "MIT"}
    assert {one.name: one.typed for one in found.fields}["tags"] == "["
    assert {one.name for one in found.fields if one.error} == set(SCHEMA["properties"]) - {"text"}


def test_what_need_not_be_there_is_left_out_when_it_is_empty() -> None:
    assert filled(SCHEMA, typed(text="", count="1")).values == {"text": "", "count": 1}
    assert filled(SCHEMA, None).is_valid


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60))
def test_the_code_says_exactly_what_was_typed(text: str) -> None:
    body = body_of("licence-review", {"text": text}, text, "staging")
    words = shlex.split(as_curl("http://127.0.0.1/v1", "plc_abc…", body).replace("\\\n", " ", 3))
    assert json.loads(words[-1]) == body
    call = next(
        one
        for one in ast.walk(ast.parse(as_python("http://127.0.0.1/v1", "plc_abc…", body)))
        if isinstance(one, ast.Call) and any(part.arg == "messages" for part in one.keywords)
    )
    said = {part.arg: ast.literal_eval(part.value) for part in call.keywords}
    assert said["messages"] == body["messages"]
    assert said.get("extra_body", {}).get("variables") == {"text": text}


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider() as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield scripted


def signed_in(here: World, role: str = "prompt_engineer") -> Client:
    client = Client()
    client.force_login(here.people.users[role])
    return client


@pytest.mark.django_db
def test_a_held_answer_is_shown_as_held_with_what_an_application_gets(model: Provider) -> None:
    here = world()
    client = signed_in(here)
    page = client.get("/try/").content.decode()
    assert f"plc_{here.key[4:12]}…" in page
    assert here.key not in page
    token = "t" * 36
    form = {"variable-licence_text": "MIT License <b>", "form_token": token}
    shown = client.post("/try/", form).content.decode()
    assert "Held: a person must look at it first." in shown
    assert "Keep the notice" not in shown
    assert "x-call-state" in shown
    assert "content_filter" in shown
    assert "MIT License &lt;b&gt;" in shown
    call = Call.objects.get()
    assert (call.mode, call.requester) == ("internal", here.people.users["prompt_engineer"])
    client.post("/try/", form)  # a double click
    assert Call.objects.count() == 1


@pytest.mark.django_db
def test_values_that_do_not_fit_are_refused_as_the_gateway_refuses_them(model: Provider) -> None:
    here = world()
    shown = signed_in(here).post("/try/", {"variable-licence_text": "a\0b"})
    assert shown.status_code == 422
    assert "Nothing was called" in shown.content.decode()
    Approval.objects.filter(kind="prompt_release").update(state="suspended")
    shown = signed_in(here).post("/try/", {"variable-licence_text": "MIT"})
    assert "approval_not_in_force" in shown.content.decode()
    assert "HTTP 403" in shown.content.decode()


@pytest.mark.django_db
def test_a_prompt_that_takes_messages_is_given_one(settings: Any) -> None:
    here = with_clerk({"type": "text"})
    with provider("A ticket was opened.") as model:
        settings.PLACET_MODEL_URL = model.url
        client = signed_in(here)
        releases = client.get("/try/").context["releases"]
        clerk = next(one for one in releases if one.version.prompt.slug == "clerk")
        shown = client.post("/try/", {"release": clerk.pk, "message": "The door is open."})
    said = shown.content.decode()
    assert "A ticket was opened." in said
    assert "licence-review/clerk" in said
    assert model.asked[0]["messages"][-1]["content"] == "The door is open."


@pytest.mark.django_db
def test_nobody_tries_what_is_another_teams(model: Provider) -> None:
    here = world()
    assert signed_in(here, "board").get("/try/").status_code == 403
    client = Client()
    client.force_login(make_person("prompt_engineer", make_team()))
    assert b"nothing to call yet" in client.get("/try/").content

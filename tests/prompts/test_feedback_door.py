"""`/v1/calls/{call}/feedback`: what an application hands on with its key, in OpenAI's shapes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from prompts.gateway.context import GovernedRequest
from prompts.gateway.pipeline import run
from reviews.feedback.models import Feedback
from telemetry.ledger.models import Call
from tests.factories.ledger import make_call, make_use_case
from tests.factories.organisation import World, provider, world
from tests.prompts.test_openapi import check, document

pytestmark = pytest.mark.django_db


@pytest.fixture
def here(settings: Any) -> World:
    """One call of the use case, as its reviewer released it."""
    made = world()
    with provider() as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        text = {"licence_text": "MIT License"}
        run(GovernedRequest(model="licence-review", presented_key=made.key, variables=text))
    Call.objects.update(state="released", decided_at=timezone.now())
    return made


def said(here: World, call: object, sent: Any, **headers: str) -> Any:
    named = {"authorization": f"Bearer {here.key}"} | headers
    return Client().post(
        f"/v1/calls/{call}/feedback",
        json.dumps(sent),
        content_type="application/json",
        headers=named,
    )


def test_kept_by_either_name_of_the_call_once_for_a_key_and_as_described(here: World) -> None:
    call, told = Call.objects.get(), document()
    sent = {"thumb": "down", "text": "Write to ada@example.org.", "user": "u-1"}
    first = said(here, call.pk, sent, **{"idempotency-key": "k"})
    again = said(here, f"chatcmpl-{call.pk}", sent, **{"idempotency-key": "k"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["redactions"] == {"EMAIL_ADDRESS": 1}
    for reply in (first, again, said(here, call.pk, {}), said(here, "nothing", sent)):
        check(told, "/calls/{call}/feedback", "post", reply)
    kept = Feedback.objects.get()
    assert kept.api_key is not None and kept.opened("text") == "Write to <EMAIL_ADDRESS_1>."


def test_a_correction_that_breaks_the_contract_is_kept_and_the_reply_says_so(here: World) -> None:
    call = Call.objects.get()
    broken = said(here, call.pk, {"thumb": "down", "correction": '{"licence": 1}'}).json()
    assert broken["contract"]["keeps"] is False and broken["contract"]["problems"]
    assert broken["kept"]["correction"] is True
    alone = said(here, call.pk, {"thumb": "up"}).json()
    assert alone["contract"] == {"keeps": None, "problems": []}
    assert Feedback.objects.filter(breaks_contract=True).count() == 1


@pytest.mark.parametrize(
    ("sent", "status", "code", "param"),
    [
        ({"thumb": "sideways"}, 400, "invalid_request", "thumb"),
        ({"thumb": 1}, 400, "invalid_request", "thumb"),
        ({"thumb": "up", "stars": 5}, 400, "invalid_request", "stars"),
        ({"thumb": "up", "text": "x" * 5001}, 400, "invalid_request", "text"),
        ([], 400, "invalid_request", None),
    ],
)
def test_what_is_refused(here: World, sent: Any, status: int, code: str, param: str | None) -> None:
    reply = said(here, Call.objects.get().pk, sent)
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["param"]) == (status, code, param)
    assert reply.headers["x-should-retry"] == "false"
    assert not Feedback.objects.exists()


def test_of_whom_and_of_what(here: World) -> None:
    call = Call.objects.get()
    theirs = make_call(make_use_case(), now=timezone.now())
    assert said(here, theirs.pk, {"thumb": "up"}).json()["error"]["code"] == "call_not_found"
    Call.objects.filter(pk=call.pk).update(state="held")
    reply = said(here, call.pk, {"thumb": "up"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "answer_not_given")
    stranger = said(here, call.pk, {"thumb": "up"}, authorization="Bearer plc_nothing")
    assert stranger.status_code == 401
    got = Client().get(f"/v1/calls/{call.pk}/feedback")
    assert got.status_code == 405
    reused = {"idempotency-key": "k"}
    Call.objects.filter(pk=call.pk).update(state="released")
    said(here, call.pk, {"thumb": "up"}, **reused)
    assert said(here, call.pk, {"thumb": "down"}, **reused).status_code == 422

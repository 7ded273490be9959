"""Who called gets what stands after a lead decided otherwise, and what stood before, by hash."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.kernel.canonical import text_digest
from prompts.gateway.fetching import set_result_policy
from prompts.gateway.shapes import TAKEN_BACK
from reviews.decisions.models import Correction, ReviewDecision
from reviews.decisions.overturning import overturn
from telemetry.ledger.models import Call
from tests.factories.organisation import GOOD, Provider, World, provider, world
from tests.prompts.test_openapi import check, document
from tests.prompts.test_repeated_calls import BODY, answered, approve, read

pytestmark = pytest.mark.django_db(transaction=True)
BETTER = json.dumps(json.loads(GOOD) | {"spdx": "Zlib"})


@pytest.fixture
def here() -> World:
    return world()


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider() as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield scripted


def otherwise(here: World, verdict: str, text: str | None = None) -> ReviewDecision:
    here.people.users["review_lead"].forget_reaches()
    return overturn(
        actor=here.people.actor("review_lead"),
        decision_id=ReviewDecision.objects.latest("pk").pk,
        verdict=verdict,
        corrected_text=text,
        rationale="Read again.",
        now=timezone.now(),
    )


def test_the_corrected_text_is_given_and_what_stood_before_by_its_hash(
    here: World, model: Provider
) -> None:
    address = answered(here)
    _, first = read(here, address)
    assert first["overturned"] is None and first["output"] == GOOD
    made = otherwise(here, "correct", BETTER)
    _, now = read(here, address)
    assert now["output"] == BETTER
    # What became of the call is a fact that nothing undoes.
    assert now["state"] == "released"
    assert now["overturned"] == {
        "verdict": "correct",
        "at": made.at.isoformat(),
        "output_sha256": text_digest(BETTER),
        "url": address,
        "before": [
            {
                "verdict": "approve",
                "at": ReviewDecision.objects.earliest("pk").at.isoformat(),
                "output_sha256": text_digest(GOOD),
            }
        ],
    }
    person = Client()
    person.force_login(here.people.users["compliance"])
    seen = person.get(address).json()
    assert "output" not in seen and seen["overturned"]["verdict"] == "correct"


def test_a_rejection_afterwards_gives_nothing_and_an_approval_after_that_gives_it_again(
    here: World, model: Provider
) -> None:
    address = answered(here)
    otherwise(here, "correct", BETTER)
    otherwise(here, "reject")
    _, now = read(here, address)
    assert now["output"] is None and now["overturned"]["output_sha256"] is None
    assert [one["verdict"] for one in now["overturned"]["before"]] == ["correct", "approve"]
    otherwise(here, "approve")
    assert read(here, address)[1]["output"] == GOOD


def test_what_is_destroyed_is_not_given_and_the_calls_own_hash_stays(
    here: World, model: Provider
) -> None:
    address = answered(here)
    otherwise(here, "correct", BETTER)
    Correction.objects.update(
        model_text_sealed=None, human_text_sealed=None, destroyed_at=timezone.now()
    )
    _, now = read(here, address)
    assert now["output"] is None
    assert now["overturned"]["before"][0]["output_sha256"] == Call.objects.get().response_hash


def test_under_once_the_new_answer_is_given_once_more(here: World, model: Provider) -> None:
    set_result_policy(
        actor=here.people.actor("owner"),
        use_case=here.use_case,
        fetches="once",
        now=timezone.now(),
    )
    address = answered(here)
    assert read(here, address)[0] == 200
    assert read(here, address)[0] == 410
    otherwise(here, "correct", BETTER)
    assert read(here, address)[1]["output"] == BETTER
    assert read(here, address)[0] == 410


def repeat(here: World, path: str, body: Any = BODY) -> Any:
    headers = {"authorization": f"Bearer {here.key}", "idempotency-key": "a"}
    return Client(headers=headers).post(path, body, content_type="application/json")


@pytest.fixture
def completed(here: World, model: Provider) -> str:
    """The address of a call over OpenAI's interface that a person released."""
    held = repeat(here, "/v1/chat/completions").json()
    approve(here)
    return str(held["review"]["url"])


def test_the_same_request_gets_what_was_delivered_and_hears_of_the_overturn(
    here: World, completed: str
) -> None:
    before = repeat(here, "/v1/chat/completions")
    assert "overturned" not in before.json() and "x-call-overturned" not in before.headers
    otherwise(here, "correct", BETTER)
    told = read(here, completed)[1]["overturned"]
    again = repeat(here, "/v1/chat/completions")
    assert again.json() == before.json() | {"overturned": told}
    assert (again.headers["x-call-overturned"], told["url"]) == ("correct", completed)
    check(document(), "/chat/completions", "post", again)


def test_a_streamed_request_hears_of_it_in_its_last_piece(here: World, model: Provider) -> None:
    body = BODY | {"stream": True}
    b"".join(repeat(here, "/v1/chat/completions", body).streaming_content)
    approve(here)
    otherwise(here, "correct", BETTER)
    reply = repeat(here, "/v1/chat/completions", body)
    assert reply.headers["x-call-overturned"] == "correct"
    pieces = b"".join(reply.streaming_content).decode().split("\n\n")
    first, last = (json.loads(one.removeprefix("data: ")) for one in pieces[:2])
    assert first["choices"][0]["delta"]["content"] == GOOD
    assert last["overturned"]["verdict"] == "correct"


def test_what_was_rejected_afterwards_is_not_given_out_again(here: World, completed: str) -> None:
    otherwise(here, "reject")
    again = repeat(here, "/v1/chat/completions").json()
    [choice] = again["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == (None, "content_filter")
    assert choice["message"]["refusal"] == TAKEN_BACK
    assert again["overturned"]["verdict"] == "reject"
    otherwise(here, "correct", BETTER)
    again = repeat(here, "/v1/chat/completions").json()
    assert again["choices"][0]["message"]["content"] == GOOD


def test_the_native_interface_says_the_same(here: World, model: Provider) -> None:
    def post() -> Any:
        return repeat(here, "/api/v1/calls/").json()

    address = post()["review"]["url"]
    approve(here)
    assert (post()["output"], post()["overturned"]) == (GOOD, None)
    otherwise(here, "correct", BETTER)
    assert post()["output"] == GOOD
    assert post()["overturned"] == read(here, address)[1]["overturned"]
    otherwise(here, "reject")
    assert post()["output"] is None

"""A held answer from the call to its corrected delivery, by clients that know nothing of us."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from django.utils import timezone

from governance.kernel.errors import Invalid
from reviews.decisions.services import decide
from reviews.queues.models import ReviewItem
from reviews.queues.services import claim_next
from telemetry.ledger.models import Call
from telemetry.webhooks import delivering, services
from telemetry.webhooks.models import WebhookDelivery
from tests.factories.clients import listening
from tests.factories.organisation import GOOD, Provider, World, provider, world
from tests.factories.webhooks import Receiver, receiver
from tests.telemetry.webhooks.test_webhooks import verified

pytestmark = pytest.mark.django_db(transaction=True)
CORRECTED = json.dumps({"spdx": "Apache-2.0", "copyleft": False, "obligations": ["Name it."]})
ASKED: dict[str, Any] = {
    "model": "licence-review/licence-reader",
    "messages": [],
    "extra_body": {"variables": {"licence_text": "Apache License"}},
}


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider() as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield scripted


@pytest.fixture
def heard(settings: Any) -> Iterator[Receiver]:
    with receiver() as one:
        settings.PLACET_WEBHOOK_ALLOW = [one.place]
        yield one


def listen(here: World, heard: Receiver) -> str:
    _, secret = services.create_endpoint(
        actor=here.people.actor("owner"),
        use_case=here.use_case,
        url=heard.url,
        events=["call.held", "call.decided"],
        now=here.now,
    )
    return secret


def send_all() -> None:
    for delivery in WebhookDelivery.objects.order_by("pk"):
        delivering.deliver(delivery_id=delivery.pk, now=timezone.now())


def correct(here: World) -> None:
    """The reviewer takes the item; what breaks the contract is not sent, what keeps it is."""
    reviewer, now = here.people.actor("reviewer"), timezone.now()
    item = claim_next(actor=reviewer, queue=ReviewItem.objects.get().queue, now=now)
    assert item is not None
    facts: dict[str, Any] = {"actor": reviewer, "item_id": item.pk, "verdict": "correct"}
    with pytest.raises(Invalid):
        decide(corrected_text='{"spdx": 3}', now=now, **facts)
    decide(corrected_text=CORRECTED, now=now, **facts)


def test_openais_client_gets_the_corrected_answer_and_the_webhook_announces_it(
    model: Provider, heard: Receiver
) -> None:
    here = world()
    secret = listen(here, heard)
    once = {"Idempotency-Key": "letter-7"}
    with listening() as address, openai.OpenAI(base_url=address, api_key=here.key) as client:
        first = client.chat.completions.with_raw_response.create(extra_headers=once, **ASKED)
        held = first.parse()
        assert first.headers["x-call-state"] == "held"
        assert held.choices[0].message.content is None
        assert held.choices[0].message.refusal
        assert held.choices[0].finish_reason == "content_filter"
        # Asked again before anybody decided, it is the same call, and held still.
        again = client.chat.completions.create(extra_headers=once, **ASKED)
        assert (again.id, again.choices[0].message.content) == (held.id, None)
        correct(here)
        follow_up = client.chat.completions.with_raw_response.create(extra_headers=once, **ASKED)
        answered = follow_up.parse()
        assert follow_up.headers["x-call-state"] == "corrected"
        assert answered.id == held.id
        assert answered.choices[0].message.content == CORRECTED
        assert answered.choices[0].finish_reason == "stop"
        # By the call's own address as well, which the held reply names.
        polled = client.get(
            address.removesuffix("/v1") + f"/api/v1/calls/{Call.objects.get().pk}/", cast_to=object
        )
        assert polled["state"] == "corrected" and polled["output"] == CORRECTED  # type: ignore[index]  # JSON
    assert len(model.asked) == 1
    send_all()
    told = [json.loads(body) for _, body in heard.got]
    assert [(one["type"], one["data"]["state"]) for one in told] == [
        ("call.held", "held"),
        ("call.decided", "corrected"),
    ]
    assert {one["data"]["call"] for one in told} == {str(Call.objects.get().pk)}
    for headers, body in heard.got:
        assert verified(secret, headers, body)
        # Ids and states: neither what the model said nor what was made of it.
        assert "Apache" not in body.decode() and json.loads(GOOD)["spdx"] not in body.decode()


def test_what_is_rejected_reaches_the_client_as_a_refusal_and_no_text(
    model: Provider, heard: Receiver
) -> None:
    here = world()
    listen(here, heard)
    once = {"Idempotency-Key": "letter-8"}
    with listening() as address, openai.OpenAI(base_url=address, api_key=here.key) as client:
        client.chat.completions.create(extra_headers=once, **ASKED)
        reviewer, now = here.people.actor("reviewer"), timezone.now()
        item = claim_next(actor=reviewer, queue=ReviewItem.objects.get().queue, now=now)
        assert item is not None
        decide(actor=reviewer, item_id=item.pk, verdict="reject", rationale="No.", now=now)
        follow_up = client.chat.completions.with_raw_response.create(extra_headers=once, **ASKED)
        message = follow_up.parse().choices[0].message
        assert follow_up.headers["x-call-state"] == "rejected"
        assert message.content is None and message.refusal
    send_all()
    assert json.loads(heard.got[-1][1])["data"]["state"] == "rejected"

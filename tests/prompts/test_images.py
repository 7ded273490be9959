"""Images in messages: by data URL, to deployments approved for them, and never kept."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from governance.model_cards.models import Deployment, Price
from prompts.gateway import images
from prompts.gateway.conversation import most_tokens
from telemetry.ledger.models import Call
from telemetry.ledger.services import held_input
from tests.factories.clients import with_clerk
from tests.factories.organisation import Provider, World, provider

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"


def url(content: bytes = PNG, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def message(*urls: str, **more: Any) -> dict[str, Any]:
    parts: list[Any] = [{"type": "text", "text": "What is this? Card 4111 1111 1111 1111"}]
    parts += [{"type": "image_url", "image_url": {"url": one} | more} for one in urls]
    return {"role": "user", "content": parts}


@pytest.fixture
def here() -> World:
    return with_clerk({"type": "text"})


@pytest.fixture
def seeing(here: World) -> World:
    Deployment.objects.filter(hosting="embedded").update(takes_images=True)
    set_image_price("0")
    return here


def set_image_price(amount: str) -> None:
    """Per image, from long ago."""
    Price.objects.update_or_create(
        deployment=Deployment.objects.get(hosting="embedded"),
        kind="image",
        defaults={
            "amount": Decimal(amount),
            "currency": "USD",
            "starts_on": date(2020, 1, 1),
        },
    )


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider("A printer.") as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield scripted


def ask(here: World, sent: Any, path: str = "/v1/chat/completions", **headers: str) -> Any:
    body = {"model": "licence-review/clerk", "messages": [sent]}
    return Client().post(
        path,
        json.dumps(body),
        content_type="application/json",
        headers={"authorization": f"Bearer {here.key}"} | headers,
    )


@pytest.mark.django_db
def test_an_image_reaches_the_model_and_is_not_kept(seeing: World, model: Provider) -> None:
    answer = ask(seeing, message(url(), detail="low"))
    assert answer.json()["choices"][0]["message"]["content"] == "A printer."
    text, image = model.asked[0]["messages"][-1]["content"]
    assert "<CREDIT_CARD_1>" in text["text"] and "4111" not in text["text"]
    assert image == {"type": "image_url", "image_url": {"url": url(), "detail": "low"}}
    call = Call.objects.get()
    assert call.sensitivity != "public"
    assert [one["code"] for one in call.findings] == ["image_not_screened"]
    kept = held_input(call) or ""
    name = f"[image png, {len(PNG)} bytes, sha256 {hashlib.sha256(PNG).hexdigest()}]"
    assert name in kept and "base64" not in kept


@pytest.mark.django_db
def test_only_deployments_approved_for_images_get_them(here: World, model: Provider) -> None:
    answer = ask(here, message(url()))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "unsupported_parameter")
    assert "takes images" in error["message"]
    assert model.asked == []


@pytest.mark.django_db
def test_a_worker_would_have_no_image_to_send(seeing: World, model: Provider) -> None:
    answer = ask(seeing, message(url()), "/api/v1/calls/", prefer="respond-async")
    assert (answer.status_code, answer.json()["code"]) == (400, "unsupported_parameter")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (message("https://example.com/a.png"), "is not taken"),
        (message(url(kind="svg+xml")), "is not taken"),
        (message(url(kind="gif")), "first bytes say otherwise"),
        (message(url(PNG + b"x" * images.MOST_BYTES)), "at most 2,000,000"),
        (message(*[url()] * 9), "At most 8 images"),
        (message(url(), detail="huge"), "detail is one of"),
        (message(url()) | {"role": "system"}, "one of the user images"),
        ({"role": "user", "content": [{"type": "input_audio"}]}, "texts as its content"),
    ],
)
def test_what_is_no_image_that_is_taken_is_refused(
    seeing: World, model: Provider, sent: Any, words: str
) -> None:
    answer = ask(seeing, sent)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "messages")
    assert words in answer.json()["error"]["message"]
    assert model.asked == []


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "png"),
        (b"\xff\xd8\xff\xe0", "jpeg"),
        (b"GIF89a", "gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "webp"),
    ],
)
def test_images_are_known_by_their_first_bytes(content: bytes, kind: str) -> None:
    assert images.problem_of(url(content, kind)) == ""
    assert images.problem_of(url(b"<script>", kind)) != ""
    assert images.problem_of(f"data:image/{kind};base64,AAA") != ""


def test_an_image_is_held_for_at_its_most() -> None:
    assert most_tokens([message(url())]) >= images.MOST_TOKENS
    assert most_tokens([message()]) < images.MOST_TOKENS

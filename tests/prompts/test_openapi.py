"""`/v1/openapi.json`: it describes every address, and every reply keeps to it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from jsonschema import Draft202012Validator

from prompts.gateway.entrances import ROUTES
from prompts.gateway.refusals import ALL
from tests.factories.clients import with_embedder
from tests.factories.organisation import provider, world


def document() -> dict[str, Any]:
    found: dict[str, Any] = Client().get("/v1/openapi.json").json()
    return found


def check(told: dict[str, Any], path: str, method: str, reply: Any) -> None:
    described = told["paths"][path][method]["responses"][str(reply.status_code)]
    schema = described["content"][reply.headers["content-type"]]["schema"]
    whole = {"components": told["components"]} | schema
    Draft202012Validator(whole).validate(reply.json())


def test_every_address_is_described_with_its_method() -> None:
    described = {
        path.removeprefix("/"): next(iter(methods)).upper()
        for path, methods in document()["paths"].items()
    }
    assert described == {path: method for path, (method, _) in ROUTES.items()}


def test_every_refusal_is_described() -> None:
    replies = document()["paths"]["/embeddings"]["post"]["responses"]
    assert all(refusal.code in replies[str(refusal.status)]["description"] for refusal in ALL)


@pytest.mark.django_db
def test_replies_are_as_described(settings: Any) -> None:
    here, told = with_embedder(world()), document()
    key = {"authorization": f"Bearer {here.key}"}
    chat = {"model": "licence-review/licence-reader", "variables": {"licence_text": "MIT"}}
    embedding = {"model": "licence-review/embedder", "input": "MIT"}
    with provider() as model:
        settings.PLACET_MODEL_URL = model.url
        for path, body in (
            ("/chat/completions", chat),
            ("/chat/completions", {"model": 1}),
            ("/embeddings", embedding),
            ("/embeddings", embedding | {"encoding_format": "base64"}),
            ("/embeddings", {}),
        ):
            reply = Client().post(f"/v1{path}", body, content_type="application/json", headers=key)
            check(told, path, "post", reply)
    for headers in (key, {}):
        check(told, "/models", "get", Client().get("/v1/models", headers=headers))

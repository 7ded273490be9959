"""The OpenAPI schema says what the API does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from jsonschema import Draft202012Validator

from tests.factories.things import PARAMETER, Address, Things, addresses

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path: Path = tmp_path_factory.mktemp("schema") / "schema.json"
    facts: dict[str, Any] = {"format": "openapi-json", "validate": True, "fail_on_warn": True}
    call_command("spectacular", file=str(path), **facts)
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def described(schema: dict[str, Any], path: str, status: int) -> dict[str, Any] | None:
    """The JSON Schema of that reply, with the components beside it for its references."""
    reply = schema["paths"][path]["get"]["responses"].get(str(status))
    if reply is None or "application/json" not in reply.get("content", {}):
        return None
    body = reply["content"]["application/json"]["schema"]
    return {"allOf": [body], "components": schema["components"]}


def readers(things: Things) -> Iterator[Client]:
    """People who see much, then the application's key."""
    people = things.here.people
    roles = ("compliance", "finance", "administrator", "review_lead", "ml_engineer")
    for role in (*roles, "data_steward"):
        people.users[role].forget_reaches()
        client = Client()
        client.force_login(people.users[role])
        yield client
    yield Client(headers={"authorization": f"Bearer {things.here.key}"})


# What these must be asked with.
QUERIES = {
    "/api/v1/prompts/{slug}/diff/": "?from=1&to=2",
    "/api/v1/what-if/": "?target=smollm2-local",
    "/api/v1/datasets/{pk}/reopening/": "?sensitivity=regulated",
    "/api/v1/month-end/": "?month=2026-10",
    "/api/v1/intake-rules/verify/": "?first=2026-11-01&last=2026-11-02",
}


# The schema calls some parameters otherwise than the address does.
BRACES = re.compile(r"\{\w+\}")


def shape_of(path: str) -> str:
    return BRACES.sub("{}", path)


def template_of(address: Address) -> str:
    return "/" + PARAMETER.sub(r"{\1}", address.path)


def test_every_reply_is_as_the_schema_says(things: Things, schema: dict[str, Any]) -> None:
    wrong, unread = [], []
    named = {shape_of(one): one for one in schema["paths"]}
    assert len(named) == len(schema["paths"])
    for address in addresses():
        path = named.get(shape_of(template_of(address)), "")
        known = described(schema, path, 200) if "get" in schema["paths"].get(path, {}) else None
        if known is None:
            continue
        replies = (
            client.get(things.fill(address) + QUERIES.get(template_of(address), ""))
            for client in readers(things)
        )
        reply = next((one for one in replies if one.status_code == 200), None)
        if reply is None:
            unread.append(path)
            continue
        errors = Draft202012Validator(known).iter_errors(reply.json())
        wrong += [f"{path} {list(one.absolute_path)}: {one.message[:200]}" for one in errors]
    assert (wrong, unread) == ([], [])


def test_the_schema_knows_every_endpoint(schema: dict[str, Any]) -> None:
    itself = "/api/v1/schema/"
    served = {template_of(one) for one in addresses() if one.path.startswith("api/v1/")}
    unknown = {shape_of(one) for one in served} - {shape_of(one) for one in schema["paths"]}
    assert unknown == {itself}


def test_the_schema_is_served_to_everybody() -> None:
    for _ in range(2):
        reply = Client().get("/api/v1/schema/")
        assert reply.status_code == 200
        assert b"openapi: 3.1.0" in reply.content
    written = Client().get("/api/v1/schema/?format=json")
    assert written.headers["content-type"] == "application/vnd.oai.openapi+json; charset=utf-8"
    assert written.json()["openapi"] == "3.1.0"
